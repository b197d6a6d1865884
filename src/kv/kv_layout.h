/* kv_layout.h - the place of the key and the value of a token.
 *
 * Idea: PagedAttention (Kwon et al., SOSP 2023, section 4). A sequence owns block tables; position p lives in block
 * table[p / KV_BLOCK], slot p % KV_BLOCK.
 *
 * Layers that see all tokens need all blocks; layers with a sliding window need only the last blocks. So layers are put
 * into groups of equal size, each with layers of one kind, and every group has its own block table. All groups take their
 * blocks from one pool, because a block has the same size in each group (the hybrid allocator of vLLM and Jenga, Zhang et
 * al. 2025). One block number means one place in each layer of the group that holds it:
 *
 *   18 layers, a window in all but 5, 11, 17     group 0 {5, 11, 17}   group 1 {0, 1, 2}   ...   group 5 {14, 15, 16}
 *   a model whose layers are all alike           group 0 {all}
 *
 *   all memory:   [group_size][n_blocks] blocks          layer i is place[i] of its group: one layer is one piece
 *   one block:    [n_kv_heads] heads
 *   one head:     K [head_dim][KV_BLOCK]                        then V [KV_BLOCK][v_dim]
 *                   positions innermost: one load serves               v_dim innermost: p.v adds
 *                   KV_BLOCK dot products q.k                          one row after the other
 *   latent:       K [KV_BLOCK][head_dim], and no V
 *                   the value of a token is the beginning of its key: multi-head latent attention (DeepSeek-V2, 2024),
 *                   whose keys are so long that a dot product may run along the row
 *
 * The keys and values of a KV head are contiguous in a block, because attention reads them for all query heads that share
 * the head: with heads of 64, they are one page of memory. docs/kv.md has the measurements of both choices.
 *
 * Elements are f16, or float32 in a model that rounds no activations: rounding keys changes log-probabilities by up to
 * 0.04, which would hide errors of this size in a comparison with a float32 definition. */
#ifndef SUMI_KV_KV_LAYOUT_H
#define SUMI_KV_KV_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tokens in a block. On average half a block is wasted at the end of each sequence: with 16 tokens this is below 4 % from
 * 200 tokens on, and attention still has 16 rows of work between two lookups in the block table. */
#define KV_BLOCK 16

#define KV_MAX_LAYERS 1024

typedef struct kv_layout {
    int32_t n_layers, n_kv_heads;
    int32_t head_dim, v_dim; /* elements of a key, and of a value */
    bool latent;             /* values are the first v_dim elements of keys */
    bool f32; /* elements are float32, not f16 */
    int32_t group_size,
        n_groups; /* n_groups * group_size >= n_layers: the last group of a kind may have empty places */
    int32_t window
        [KV_MAX_LAYERS]; /* [n_groups] tokens that its layers see, the newest included; 0: all. Those first */
    int16_t group[KV_MAX_LAYERS]; /* [n_layers] */
    int16_t place[KV_MAX_LAYERS]; /* [n_layers] inside its group */
} kv_layout;

/* Groups the layers, with values as long as keys: windows [n_layers], 0: the layer sees all tokens.
 * 0 < n_layers <= KV_MAX_LAYERS. */
void kv_layout_init(kv_layout *l, int32_t n_layers, const int32_t *windows, int32_t n_kv_heads,
                    int32_t head_dim, bool f32);

/* All layers share the place of one layer, for encoders: a layer's keys and values are read in the step that wrote them,
 * before the next layer overwrites them. */
void kv_layout_init_shared(kv_layout *l, int32_t n_kv_heads, int32_t head_dim, bool f32);

/* Values become the first v_dim elements of keys, v_dim <= head_dim. */
void kv_layout_make_latent(kv_layout *l, int32_t v_dim);

/* Blocks that one sequence of n_tokens holds at most, if its steps are not longer than max_step tokens. */
int64_t kv_layout_seq_blocks(const kv_layout *l, int32_t n_tokens, int32_t max_step);

/* Cached elements of one token and one KV head. */
static inline size_t kv_token_elems(const kv_layout *l)
{
    return (size_t)l->head_dim + (l->latent ? 0 : (size_t)l->v_dim);
}

/* Offsets of K and V of a KV head in a block, in elements. */
static inline size_t kv_k_offset(const kv_layout *l, int32_t kv_head)
{
    return (size_t)kv_head * KV_BLOCK * kv_token_elems(l);
}

static inline size_t kv_v_offset(const kv_layout *l, int32_t kv_head)
{
    return kv_k_offset(l, kv_head) + (l->latent ? 0 : KV_BLOCK * (size_t)l->head_dim);
}

/* Elements from a value to the next one. */
static inline int32_t kv_v_stride(const kv_layout *l)
{
    return l->latent ? l->head_dim : l->v_dim;
}

/* Elements of K and V of all heads in one block of one layer. */
static inline size_t kv_block_elems(const kv_layout *l)
{
    return (size_t)l->n_kv_heads * KV_BLOCK * kv_token_elems(l);
}

static inline size_t kv_elem_bytes(const kv_layout *l)
{
    return l->f32 ? sizeof(float) : sizeof(uint16_t);
}

/* Bytes of one block number in all layers of its group. */
static inline size_t kv_block_bytes(const kv_layout *l)
{
    return (size_t)l->group_size * kv_block_elems(l) * kv_elem_bytes(l);
}

/* Bytes of a token in all layers that see it, including empty places. */
static inline size_t kv_token_bytes(const kv_layout *l)
{
    return (size_t)l->n_groups * kv_block_bytes(l) / KV_BLOCK;
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
