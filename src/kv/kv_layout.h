/* kv_layout.h - the place of the key and the value of a token, as numbers and bytes.
 *
 * Idea: PagedAttention (Kwon et al., SOSP 2023, section 4). A sequence owns block tables; position p lives in block
 * table[p / KV_BLOCK], slot p % KV_BLOCK.
 *
 * Layers that see all tokens need all blocks; layers with a sliding window need only the last blocks; and layers whose
 * blocks have different formats need different bytes. So layers are put into groups, each with layers of one kind: equal
 * window, format and bytes. Every group has its own block table. All groups take their blocks from one pool, because a block
 * number means equally many bytes in each of them (the hybrid allocator of vLLM and Jenga, Zhang et al. 2025): a group of
 * layers with small blocks has more layers.
 *
 *   18 layers, a window in all but 5, 11, 17     group 0 {5, 11, 17}   group 1 {0, 1, 2}   ...   group 5 {14, 15, 16}
 *   a model whose layers are all alike           group 0 {all}
 *   4 layers, 2 and 3 with twice the bytes       group 0 {0, 1}        group 1 {2}   group 2 {3}
 *
 *   block b of a group     | block of its first layer | of its second layer | ... | empty, if the last layer leaves a rest |
 *                           0                          offset of that layer                                     block_bytes
 *
 * The inside of a layer's block belongs to the backend (backend.h): this room knows only how long it is. */
#ifndef SUMI_KV_KV_LAYOUT_H
#define SUMI_KV_KV_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tokens in a block. On average half a block is wasted at the end of each sequence: with 16 tokens this is below 4 % from
 * 200 tokens on, and attention still has 16 rows of work between two lookups in the block table. */
#define KV_BLOCK 16

#define KV_MAX_LAYERS 1024

/* Bytes of a block of one layer. With this limit the bytes of all layers can be added without overflow. */
#define KV_MAX_LAYER_BYTES ((size_t)1 << 40)

/* What the place of a layer depends on. */
typedef struct kv_layer {
    int32_t window;     /* tokens that it sees, the newest included; 0: all */
    int32_t format;     /* of its blocks: a number that is only compared */
    size_t block_bytes; /* of one of its blocks: 0 < block_bytes <= KV_MAX_LAYER_BYTES */
} kv_layer;

typedef struct kv_layout {
    int32_t n_layers, n_groups;
    size_t block_bytes;                /* of a block number, in every group */
    size_t empty_bytes;                /* without a layer, in one block of each group */
    size_t layer_bytes[KV_MAX_LAYERS]; /* [n_groups] of the block of each of its layers: see kv_group_size() */
    int32_t window[KV_MAX_LAYERS];     /* [n_groups] of its layers; groups without a window come first */
    int32_t format[KV_MAX_LAYERS];     /* [n_groups] of its layers */
    int16_t inside[KV_MAX_LAYERS];     /* [n_groups] the first group whose layers have the same format and bytes */
    int16_t group[KV_MAX_LAYERS];      /* [n_layers] */
    size_t offset[KV_MAX_LAYERS];      /* [n_layers] of the layer's block in the bytes of a block number */
} kv_layout;

/* Groups the layers; 0 < n_layers <= KV_MAX_LAYERS. */
void kv_layout_init(kv_layout *l, const kv_layer *layers, int32_t n_layers);

/* All layers are alike and share the place of one layer, for encoders: a layer's keys and values are read in the step that
 * wrote them, before the next layer overwrites them. */
void kv_layout_init_shared(kv_layout *l, kv_layer each, int32_t n_layers);

/* A number made of the groups, for files: blocks of layouts with different numbers cannot be exchanged. */
uint64_t kv_layout_hash(const kv_layout *l);

/* Blocks that one sequence of n_tokens holds at most, if its steps are not longer than max_step tokens. */
int64_t kv_layout_seq_blocks(const kv_layout *l, int32_t n_tokens, int32_t max_step);

/* Places for layers; the last group of a kind may have empty ones. */
static inline size_t kv_group_size(const kv_layout *l, int32_t group)
{
    return l->block_bytes / l->layer_bytes[group];
}

/* Bytes of a token in all layers that see it, including empty places. */
static inline size_t kv_token_bytes(const kv_layout *l)
{
    return (size_t)l->n_groups * l->block_bytes / KV_BLOCK;
}

static inline int32_t kv_blocks_for(int32_t n_tokens)
{
    return (int32_t)(((int64_t)n_tokens + KV_BLOCK - 1) / KV_BLOCK);
}

/* The first position that the token at pos sees through a window (0: no window). */
static inline int32_t kv_first_seen(int32_t window, int32_t pos)
{
    return window && pos >= window ? pos - window + 1 : 0;
}

#endif
