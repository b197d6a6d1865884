/* gguf_write.c - see gguf_write.h; the layout is drawn in gguf.c, gguf_meta.c and gguf_tensors.c. */
#include "format/gguf_write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/gguf_internal.h"

#define MAX_HEAD ((size_t)4 << 30)

void gguf_head_init(gguf_head *h, uint32_t alignment)
{
    *h = (gguf_head){ .alignment = alignment };
    buf_init(&h->meta, MAX_HEAD);
    buf_init(&h->infos, MAX_HEAD);
}

void gguf_head_deinit(gguf_head *h)
{
    buf_deinit(&h->meta);
    buf_deinit(&h->infos);
}

static void put_le(buf *b, uint64_t value, int n_bytes)
{
    uint8_t bytes[8];
    for (int i = 0; i < n_bytes; i++) bytes[i] = (uint8_t)(value >> (8 * i));
    buf_append(b, bytes, (size_t)n_bytes);
}

static void put_text(buf *b, const char *text, size_t n)
{
    put_le(b, n, 8);
    buf_append(b, text, n);
}

static void put_key(gguf_head *h, const char *key, gguf_type type)
{
    put_text(&h->meta, key, strlen(key));
    put_le(&h->meta, type, 4);
    h->n_kv++;
}

void gguf_put_u32(gguf_head *h, const char *key, uint32_t value)
{
    put_key(h, key, GGUF_U32);
    put_le(&h->meta, value, 4);
}

void gguf_put_u64(gguf_head *h, const char *key, uint64_t value)
{
    put_key(h, key, GGUF_U64);
    put_le(&h->meta, value, 8);
}

void gguf_put_f32(gguf_head *h, const char *key, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(h, key, GGUF_F32);
    put_le(&h->meta, bits, 4);
}

void gguf_put_bool(gguf_head *h, const char *key, bool value)
{
    put_key(h, key, GGUF_BOOL);
    put_le(&h->meta, value, 1);
}

void gguf_put_str(gguf_head *h, const char *key, const char *value)
{
    gguf_put_strn(h, key, value, strlen(value));
}

void gguf_put_strn(gguf_head *h, const char *key, const char *value, size_t n)
{
    put_key(h, key, GGUF_STRING);
    put_text(&h->meta, value, n);
}

void gguf_put_array(gguf_head *h, const char *key, gguf_type type, uint64_t n)
{
    put_key(h, key, GGUF_ARRAY);
    put_le(&h->meta, type, 4);
    put_le(&h->meta, n, 8);
}

void gguf_put_elements(gguf_head *h, const void *values, size_t n_bytes)
{
    buf_append(&h->meta, values, n_bytes);
}

void gguf_put_text(gguf_head *h, const char *text, size_t n)
{
    put_text(&h->meta, text, n);
}

void gguf_put_text_pair(gguf_head *h, const char *a, size_t n_a, const char *b, size_t n_b)
{
    put_le(&h->meta, n_a + 1 + n_b, 8);
    buf_append(&h->meta, a, n_a);
    buf_append_char(&h->meta, ' ');
    buf_append(&h->meta, b, n_b);
}

void gguf_put_key_of(gguf_head *h, const model_source *src, int64_t i)
{
    assert(i >= 0 && i < src->n_kv);
    buf_append(&h->meta, src->kv[i].whole, src->kv[i].whole_bytes);
    h->n_kv++;
}

uint64_t gguf_put_tensor(gguf_head *h, const char *name, size_t n_name, dtype type, int32_t n_dims, const int64_t *dims)
{
    assert(n_dims >= 1 && n_dims <= TENSOR_MAX_DIMS && dims[0] % dtype_find((uint32_t)type)->block_elems == 0);
    uint64_t at = h->data_bytes;
    size_t n_bytes = dtype_row_bytes(type, dims[0]);
    bool fits = true;
    put_text(&h->infos, name, n_name);
    put_le(&h->infos, (uint64_t)n_dims, 4);
    for (int32_t d = 0; d < n_dims; d++) {
        put_le(&h->infos, (uint64_t)dims[d], 8);
        if (d > 0) fits = fits && mem_mul(n_bytes, (size_t)dims[d], &n_bytes);
    }
    put_le(&h->infos, (uint64_t)type, 4);
    put_le(&h->infos, at, 8);
    h->n_tensors++;
    if (!fits || n_bytes > INT64_MAX - at - h->alignment) h->status = SUMI_ELIMIT;
    else h->data_bytes = mem_round_up(at + n_bytes, h->alignment);
    return at;
}

uint8_t *gguf_head_take(gguf_head *h, size_t *n_bytes)
{
    buf out;
    buf_init(&out, MAX_HEAD);
    buf_append(&out, "GGUF", 4);
    put_le(&out, 3, 4);
    put_le(&out, h->n_tensors, 8);
    put_le(&out, h->n_kv, 8);
    buf_append(&out, h->meta.data, h->meta.n);
    buf_append(&out, h->infos.data, h->infos.n);
    while (out.status == SUMI_OK && out.n % h->alignment) buf_append_char(&out, 0);
    if (!h->status) h->status = h->meta.status ? h->meta.status : h->infos.status ? h->infos.status : out.status;
    gguf_head_deinit(h);
    uint8_t *bytes = h->status ? NULL : (uint8_t *)buf_take(&out, n_bytes);
    buf_deinit(&out);
    return bytes;
}
