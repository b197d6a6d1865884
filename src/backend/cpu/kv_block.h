/* kv_block.h - the inside of a block of a layer: where the keys and values of its KV_BLOCK tokens lie.
 *
 *   one block:    [n_kv_heads] heads, then zeros up to a multiple of 64 bytes
 *   one head:     K [head_dim][KV_BLOCK]                        then V [KV_BLOCK][v_dim]
 *                   positions innermost: one load serves               v_dim innermost: p.v adds
 *                   KV_BLOCK dot products q.k                          one row after the other
 *   latent:       K [KV_BLOCK][head_dim], and no V
 *                   the value of a token is the beginning of its key: multi-head latent attention (DeepSeek-V2, 2024),
 *                   whose keys are so long that a dot product may run along the row
 *
 * The keys and values of a KV head are contiguous, because attention reads them for all query heads that share the head:
 * with heads of 64 in f16, they are one page of memory. docs/kv.md has the measurements of both choices.
 *
 * A format says what stands for an element, or for a whole key or value: a row of the table in kv_block.c. Kernels that read
 * it are a function of each level (kernels.h); a level without one leaves the format to the level below, down to the
 * reference, which reads every format through kv_codec. */
#ifndef SUMI_BACKEND_CPU_KV_BLOCK_H
#define SUMI_BACKEND_CPU_KV_BLOCK_H

#include "backend/cpu/kernels.h"

/* A format, for one head. A row is a value, or a key with latents. */
typedef struct kv_codec {
    size_t (*keys_bytes)(int32_t head_dim); /* of K: KV_BLOCK keys */
    size_t (*row_bytes)(int32_t n);         /* of a row of n elements */
    /* A key to its column of K. Finite or not: infinite keys show as NaN scores. */
    void (*store_key)(const kernels *k, uint8_t *keys, int32_t slot, const float *x, int32_t head_dim);
    /* A row of n elements, of which the first n_values are values. Values are stored finite where a level's kernel
     * multiplies slots that a token does not see with 0, because such a slot may hold any old bytes: an overflowing value
     * becomes the largest number of the format. */
    void (*store_row)(const kernels *k, uint8_t *row, const float *x, int32_t n, int32_t n_values);
    void (*load_key)(float *x, const uint8_t *keys, int32_t slot, int32_t head_dim);
    void (*load_row)(float *x, const uint8_t *row, int32_t n);
} kv_codec;

const kv_codec *kv_codec_of(kv_format format);

/* The places in the blocks of a layer, all in bytes. */
typedef struct kv_block_form {
    kv_shape shape;
    const kv_codec *codec;
    size_t bytes;      /* of the block, a multiple of 64 */
    size_t head_bytes; /* from a head to the next one */
    size_t v_offset;   /* from a head to its V; latent: 0 */
    size_t v_stride;   /* from a value to the next one; latent: from a key to the next one */
} kv_block_form;

kv_block_form kv_block_form_of(const kv_shape *shape);

static inline size_t kv_k_offset(const kv_block_form *f, int32_t kv_head)
{
    return (size_t)kv_head * f->head_bytes;
}

static inline size_t kv_v_offset(const kv_block_form *f, int32_t kv_head)
{
    return kv_k_offset(f, kv_head) + f->v_offset;
}

/* One token of one head. value is not read with latents. */
void kv_block_store(const kv_block_form *f, const kernels *k, uint8_t *block, int32_t slot, int32_t kv_head,
                    const float *key, const float *value);

/* key [head_dim], value [v_dim] of a slot as attention sees them. */
void kv_block_load(const kv_block_form *f, const uint8_t *block, int32_t slot, int32_t kv_head, float *key,
                   float *value);

#endif
