/* kv_block.c - see kv_block.h. */
#include "backend/cpu/kv_block.h"

#include <assert.h>

#include "base/fp16.h"
#include "base/mem.h"

/* ---- f16: all levels have kernels ---- */

static size_t f16_row_bytes(int32_t n)
{
    return (size_t)n * sizeof(uint16_t);
}

static size_t f16_keys_bytes(int32_t head_dim)
{
    return KV_BLOCK * f16_row_bytes(head_dim);
}

static void f16_store_key(const kernels *k, uint8_t *keys, int32_t slot, const float *x, int32_t head_dim)
{
    uint16_t half[ATTN_MAX_HEAD], *column = (uint16_t *)(void *)keys + slot;
    k->to_f16(half, x, head_dim);
    for (int32_t i = 0; i < head_dim; i++) column[i * KV_BLOCK] = half[i];
}

static void make_finite(uint16_t *values, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        bool finite = (values[i] & 0x7c00) != 0x7c00;
        values[i] = finite ? values[i] : (uint16_t)((values[i] & 0x8000) | 0x7bff);
    }
}

static void f16_store_row(const kernels *k, uint8_t *row, const float *x, int32_t n, int32_t n_values)
{
    uint16_t *half = (uint16_t *)(void *)row;
    k->to_f16(half, x, n);
    make_finite(half, n_values);
}

static void f16_load_key(float *x, const uint8_t *keys, int32_t slot, int32_t head_dim)
{
    const uint16_t *column = (const uint16_t *)(const void *)keys + slot;
    for (int32_t i = 0; i < head_dim; i++) x[i] = fp16_to_f32(column[i * KV_BLOCK]);
}

static void f16_load_row(float *x, const uint8_t *row, int32_t n)
{
    const uint16_t *half = (const uint16_t *)(const void *)row;
    for (int32_t i = 0; i < n; i++) x[i] = fp16_to_f32(half[i]);
}

/* ---- f32: the reference's kernel only, which reads no unseen slot, so values may be infinite ---- */

static size_t f32_row_bytes(int32_t n)
{
    return (size_t)n * sizeof(float);
}

static size_t f32_keys_bytes(int32_t head_dim)
{
    return KV_BLOCK * f32_row_bytes(head_dim);
}

static void f32_store_key(const kernels *k, uint8_t *keys, int32_t slot, const float *x, int32_t head_dim)
{
    (void)k;
    float *column = (float *)(void *)keys + slot;
    for (int32_t i = 0; i < head_dim; i++) column[i * KV_BLOCK] = x[i];
}

static void f32_store_row(const kernels *k, uint8_t *row, const float *x, int32_t n, int32_t n_values)
{
    (void)k;
    (void)n_values;
    memcpy(row, x, f32_row_bytes(n));
}

static void f32_load_key(float *x, const uint8_t *keys, int32_t slot, int32_t head_dim)
{
    const float *column = (const float *)(const void *)keys + slot;
    for (int32_t i = 0; i < head_dim; i++) x[i] = column[i * KV_BLOCK];
}

static void f32_load_row(float *x, const uint8_t *row, int32_t n)
{
    memcpy(x, row, f32_row_bytes(n));
}

/* ---- All formats ---- */

const kv_codec *kv_codec_of(kv_format format)
{
    static const kv_codec codecs[KV_N_FORMATS] = {
        [KV_F16] = { f16_keys_bytes, f16_row_bytes, f16_store_key, f16_store_row, f16_load_key, f16_load_row },
        [KV_F32] = { f32_keys_bytes, f32_row_bytes, f32_store_key, f32_store_row, f32_load_key, f32_load_row },
    };
    assert(format >= 0 && format < KV_N_FORMATS);
    return &codecs[format];
}

kv_block_form kv_block_form_of(const kv_shape *shape)
{
    assert(shape->n_kv_heads > 0 && shape->head_dim > 0 && shape->head_dim <= ATTN_MAX_HEAD);
    assert(shape->v_dim > 0 && shape->v_dim <= (shape->latent ? shape->head_dim : ATTN_MAX_HEAD));
    const kv_codec *c = kv_codec_of(shape->format);
    kv_block_form f = { .shape = *shape, .codec = c };
    f.v_stride = c->row_bytes(shape->latent ? shape->head_dim : shape->v_dim);
    f.v_offset = shape->latent ? 0 : c->keys_bytes(shape->head_dim);
    f.head_bytes = f.v_offset + KV_BLOCK * f.v_stride;
    f.bytes = mem_round_up((size_t)shape->n_kv_heads * f.head_bytes, MEM_ALIGN);
    return f;
}

void kv_block_store(const kv_block_form *f, const kernels *k, uint8_t *block, int32_t slot, int32_t kv_head,
                    const float *key, const float *value)
{
    const kv_shape *s = &f->shape;
    uint8_t *row = block + kv_v_offset(f, kv_head) + (size_t)slot * f->v_stride;
    if (s->latent) {
        f->codec->store_row(k, row, key, s->head_dim, s->v_dim);
        return;
    }
    f->codec->store_key(k, block + kv_k_offset(f, kv_head), slot, key, s->head_dim);
    f->codec->store_row(k, row, value, s->v_dim, s->v_dim);
}

void kv_block_load(const kv_block_form *f, const uint8_t *block, int32_t slot, int32_t kv_head, float *key,
                   float *value)
{
    const kv_shape *s = &f->shape;
    const uint8_t *row = block + kv_v_offset(f, kv_head) + (size_t)slot * f->v_stride;
    if (s->latent) f->codec->load_row(key, row, s->head_dim);
    else f->codec->load_key(key, block + kv_k_offset(f, kv_head), slot, s->head_dim);
    f->codec->load_row(value, row, s->v_dim);
}
