/* kv_layout.h - where the key and value of a token lie.
 *
 * Idea: PagedAttention (Kwon et al., SOSP 2023, section 4). A sequence owns a block table; position p lives in block
 * table[p / KV_BLOCK], slot p % KV_BLOCK. One block number names the same place in every layer.
 *
 *   all memory:   [n_layers][n_blocks] blocks            layers outermost: a step walks one layer at a time
 *   one block:    K [n_kv_heads][head_dim][KV_BLOCK] f16        then V [n_kv_heads][KV_BLOCK][head_dim] f16
 *                   positions innermost: one load serves               head_dim innermost: p.v adds
 *                   KV_BLOCK dot products q.k                          one row after the other
 *
 * A KV head is one piece, because attention reads it for all query heads that share it. */
#ifndef SUMI_KV_KV_LAYOUT_H
#define SUMI_KV_KV_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

/* Tokens in a block. Half a block is wasted at the end of each sequence: 16 keeps that below 4 % from 200 tokens on,
 * and is still 16 rows of work between two looks into the block table. */
#define KV_BLOCK 16

typedef struct kv_layout {
    int32_t n_layers, n_kv_heads, head_dim;
} kv_layout;

/* f16 elements of K (or V) of one KV head in one block. */
static inline size_t kv_head_elems(const kv_layout *l)
{
    return (size_t)KV_BLOCK * (size_t)l->head_dim;
}

/* f16 elements of K and V of all heads in one block of one layer. */
static inline size_t kv_block_elems(const kv_layout *l)
{
    return 2 * (size_t)l->n_kv_heads * kv_head_elems(l);
}

/* Bytes of one block number in all layers. */
static inline size_t kv_block_bytes(const kv_layout *l)
{
    return (size_t)l->n_layers * kv_block_elems(l) * sizeof(uint16_t);
}

static inline int32_t kv_blocks_for(int32_t n_tokens)
{
    return (int32_t)(((int64_t)n_tokens + KV_BLOCK - 1) / KV_BLOCK);
}

#endif
