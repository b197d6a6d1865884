/* kv_layout.h - where the key and value of a token lie.
 *
 * Idea: PagedAttention (Kwon et al., SOSP 2023, section 4). A sequence owns a block table; position p lives in block
 * table[p / KV_BLOCK], slot p % KV_BLOCK. One block number names the same place in every layer.
 *
 *   all memory:   [n_layers][n_blocks] blocks            layers outermost: a step walks one layer at a time
 *   one block:    K [n_kv_heads][head_dim][KV_BLOCK]            then V [n_kv_heads][KV_BLOCK][head_dim]
 *                   positions innermost: one load serves               head_dim innermost: p.v adds
 *                   KV_BLOCK dot products q.k                          one row after the other
 *
 * A KV head is one piece, because attention reads it for all query heads that share it.
 *
 * Elements are f16, or float32 in a model that rounds no activations: a key that is rounded moves log-probabilities by
 * up to 0.04, which would hide an error of that size from a comparison with a float32 definition. */
#ifndef SUMI_KV_KV_LAYOUT_H
#define SUMI_KV_KV_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tokens in a block. Half a block is wasted at the end of each sequence: 16 keeps that below 4 % from 200 tokens on,
 * and is still 16 rows of work between two looks into the block table. */
#define KV_BLOCK 16

typedef struct kv_layout {
    int32_t n_layers, n_kv_heads, head_dim;
    bool f32; /* elements are float32, not f16 */
} kv_layout;

/* Elements of K (or V) of one KV head in one block. */
static inline size_t kv_head_elems(const kv_layout *l)
{
    return (size_t)KV_BLOCK * (size_t)l->head_dim;
}

/* Where K and V of a KV head begin in a block, in elements. */
static inline size_t kv_k_offset(const kv_layout *l, int32_t kv_head)
{
    return (size_t)kv_head * kv_head_elems(l);
}

static inline size_t kv_v_offset(const kv_layout *l, int32_t kv_head)
{
    return (size_t)(l->n_kv_heads + kv_head) * kv_head_elems(l);
}

/* Elements of K and V of all heads in one block of one layer. */
static inline size_t kv_block_elems(const kv_layout *l)
{
    return 2 * (size_t)l->n_kv_heads * kv_head_elems(l);
}

static inline size_t kv_elem_bytes(const kv_layout *l)
{
    return l->f32 ? sizeof(float) : sizeof(uint16_t);
}

/* Bytes of one block number in all layers. */
static inline size_t kv_block_bytes(const kv_layout *l)
{
    return (size_t)l->n_layers * kv_block_elems(l) * kv_elem_bytes(l);
}

static inline int32_t kv_blocks_for(int32_t n_tokens)
{
    return (int32_t)(((int64_t)n_tokens + KV_BLOCK - 1) / KV_BLOCK);
}

#endif
