/* gguf_builder.c - see gguf_builder.h. The layout of the file is drawn in src/format/gguf.c. */
#include "gguf_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "format/gguf.h"
#include "quant/quant.h"
#include "test_support.h"

void gb_put_u32(buf *out, uint32_t value)
{
    for (int i = 0; i < 4; i++) buf_append_char(out, (char)(value >> (8 * i)));
}

void gb_put_u64(buf *out, uint64_t value)
{
    gb_put_u32(out, (uint32_t)value);
    gb_put_u32(out, (uint32_t)(value >> 32));
}

void gb_put_str(buf *out, const char *text)
{
    gb_put_u64(out, strlen(text));
    buf_append_str(out, text);
}

void gb_init(gguf_builder *b)
{
    *b = (gguf_builder){ .version = 3, .alignment = 32 };
    buf_init(&b->meta, (size_t)1 << 30);
    buf_init(&b->infos, (size_t)1 << 30);
    buf_init(&b->data, (size_t)1 << 30);
}

void gb_raw(gguf_builder *b, const char *key, uint32_t type, const void *bytes, size_t n_bytes)
{
    gb_put_str(&b->meta, key);
    gb_put_u32(&b->meta, type);
    buf_append(&b->meta, bytes, n_bytes);
    b->n_kv++;
}

void gb_u32(gguf_builder *b, const char *key, uint32_t value)
{
    gb_raw(b, key, GGUF_U32, &value, sizeof value);
}

void gb_i32(gguf_builder *b, const char *key, int32_t value)
{
    gb_raw(b, key, GGUF_I32, &value, sizeof value);
}

void gb_f32(gguf_builder *b, const char *key, float value)
{
    gb_raw(b, key, GGUF_F32, &value, sizeof value);
}

void gb_bool(gguf_builder *b, const char *key, bool value)
{
    gb_raw(b, key, GGUF_BOOL, &(uint8_t){ value }, 1);
}

void gb_str(gguf_builder *b, const char *key, const char *value)
{
    gb_raw(b, key, GGUF_STRING, "", 0);
    gb_put_str(&b->meta, value);
}

void gb_str_array(gguf_builder *b, const char *key, const char *const *values, size_t n)
{
    gb_array(b, key, GGUF_STRING, "", n, 0);
    for (size_t i = 0; i < n; i++) gb_put_str(&b->meta, values[i]);
}

void gb_array(gguf_builder *b, const char *key, gguf_type type, const void *values, uint64_t n, size_t n_bytes)
{
    gb_raw(b, key, GGUF_ARRAY, "", 0);
    gb_put_u32(&b->meta, type);
    gb_put_u64(&b->meta, n);
    buf_append(&b->meta, values, n_bytes);
}

static void pad(buf *out, size_t at, uint64_t alignment)
{
    for (; alignment && at % alignment; at++) buf_append_char(out, 0);
}

void gb_tensor_entry(gguf_builder *b, const char *name, uint32_t type, uint32_t n_dims, const uint64_t *dims,
                     uint64_t offset)
{
    gb_put_str(&b->infos, name);
    gb_put_u32(&b->infos, n_dims);
    for (uint32_t d = 0; d < n_dims; d++) gb_put_u64(&b->infos, dims[d]);
    gb_put_u32(&b->infos, type);
    gb_put_u64(&b->infos, offset);
    b->n_tensors++;
}

void gb_tensor(gguf_builder *b, const char *name, uint32_t type, uint32_t n_dims, const uint64_t *dims,
               const void *data, size_t n_bytes)
{
    pad(&b->data, b->data.n, b->alignment);
    gb_tensor_entry(b, name, type, n_dims, dims, b->data.n);
    buf_append(&b->data, data, n_bytes);
}

uint8_t *gb_finish(gguf_builder *b, size_t *n_bytes)
{
    buf file;
    buf_init(&file, (size_t)2 << 30);
    buf_append_str(&file, "GGUF");
    gb_put_u32(&file, b->version);
    gb_put_u64(&file, b->n_tensors);
    gb_put_u64(&file, b->n_kv);
    buf_append(&file, b->meta.data, b->meta.n);
    buf_append(&file, b->infos.data, b->infos.n);
    if (b->n_tensors) pad(&file, file.n, b->alignment);
    buf_append(&file, b->data.data, b->data.n);
    buf_deinit(&b->meta);
    buf_deinit(&b->infos);
    buf_deinit(&b->data);
    char *out = buf_take(&file, n_bytes);
    assert_non_null(out);
    return (uint8_t *)out;
}

void gb_write(gguf_builder *b, const char *path)
{
    size_t n;
    uint8_t *file = gb_finish(b, &n);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(file, 1, n, f) != n || fclose(f) != 0) fail_msg("%s: cannot be written", path);
    free(file);
}

void gb_split(const char *path, const char *prefix, int32_t n_shards)
{
    char name[4096];
    size_t n_bytes;
    char *file = test_read_file(path, &n_bytes);
    model_source *src;
    sumi_error err;
    if (gguf_open_memory(&src, file, n_bytes, path, &err) != SUMI_OK) fail_msg("%s", err.message);
    int64_t n = model_source_n_tensors(src), next = 0;
    for (int32_t s = 0; s < n_shards; s++) {
        gguf_builder b;
        gb_init(&b);
        b.alignment = gguf_alignment(src);
        if (s == 0) { /* all metadata, as it stands between the header and the first tensor's name */
            buf_append(&b.meta, file + 24, (size_t)(model_source_tensor_at(src, 0)->name.data - 8 - (file + 24)));
            b.n_kv = (uint64_t)model_source_n_keys(src);
        }
        gb_u32(&b, "split.no", (uint32_t)s);
        gb_u32(&b, "split.count", (uint32_t)n_shards);
        gb_i32(&b, "split.tensors.count", (int32_t)n);
        for (; next < n * (s + 1) / n_shards; next++) {
            const source_tensor *t = model_source_tensor_at(src, next);
            char tensor[256];
            uint64_t dims[TENSOR_MAX_DIMS];
            for (int d = 0; d < t->n_dims; d++) dims[d] = (uint64_t)t->dims[d];
            snprintf(tensor, sizeof tensor, "%.*s", (int)t->name.n, t->name.data);
            gb_tensor(&b, tensor, (uint32_t)t->type->type, (uint32_t)t->n_dims, dims, t->data, t->n_bytes);
        }
        snprintf(name, sizeof name, "%s-%05d-of-%05d.gguf", prefix, s + 1, n_shards);
        gb_write(&b, name);
    }
    model_source_close(src);
    free(file);
}

/* False: the name is left out. */
static bool renamed(gguf_str name, const gb_rename *r, char out[256])
{
    snprintf(out, 256, "%.*s", (int)name.n, name.data);
    for (; r->from; r++) {
        size_t n = strlen(r->from);
        if (name.n < n || memcmp(name.data, r->from, n) != 0) continue;
        if (r->to) snprintf(out, 256, "%s%.*s", r->to, (int)(name.n - n), name.data + n);
        return r->to != NULL;
    }
    return true;
}

static void copy_array(gguf_builder *b, const char *key, const model_source *src, const gguf_array *a)
{
    if (a->type != GGUF_STRING) {
        size_t size = a->type == GGUF_BOOL || a->type == GGUF_U8 || a->type == GGUF_I8 ? 1 : 4;
        gb_array(b, key, a->type, a->data, a->n, size * a->n);
        return;
    }
    char **texts = calloc((size_t)a->n + 1, sizeof *texts);
    assert_non_null(texts);
    for (uint64_t i = 0; i < a->n; i++) {
        gguf_str s = model_source_array_str(src, a, i);
        texts[i] = strndup(s.data, s.n);
    }
    gb_str_array(b, key, (const char *const *)texts, (size_t)a->n);
    for (uint64_t i = 0; i < a->n; i++) free(texts[i]);
    free(texts);
}

static void copy_key(gguf_builder *b, const char *key, const model_source *src, int64_t i)
{
    int64_t n;
    double f;
    bool flag;
    gguf_str s;
    gguf_array a;
    char text[4096];
    if (model_source_value_bool(src, i, &flag)) gb_bool(b, key, flag);
    else if (model_source_value_i64(src, i, &n) && n >= 0) gb_u32(b, key, (uint32_t)n);
    else if (model_source_value_i64(src, i, &n)) gb_i32(b, key, (int32_t)n);
    else if (model_source_value_f64(src, i, &f)) gb_f32(b, key, (float)f);
    else if (model_source_value_array(src, i, &a)) copy_array(b, key, src, &a);
    else if (model_source_value_str(src, i, &s)) {
        snprintf(text, sizeof text, "%.*s", (int)s.n, s.data);
        gb_str(b, key, text);
    }
}

void gb_copy(gguf_builder *b, const model_source *src, const gb_rename *renames)
{
    char name[256];
    sumi_error err;
    for (int64_t i = 0; i < model_source_n_keys(src); i++)
        if (renamed(model_source_key(src, i), renames, name)) copy_key(b, name, src, i);
    for (int64_t i = 0; i < model_source_n_tensors(src); i++) {
        const source_tensor *t = model_source_tensor_at(src, i);
        uint64_t dims[TENSOR_MAX_DIMS];
        for (int d = 0; d < t->n_dims; d++) dims[d] = (uint64_t)t->dims[d];
        if (!renamed(t->name, renames, name)) continue;
        if (model_source_fetch(src, t, 0, t->n_elems / t->dims[0], &err) != SUMI_OK)
            fail_msg("%s: %s", name, err.message);
        gb_tensor(b, name, (uint32_t)t->type->type, (uint32_t)t->n_dims, dims, t->data, t->n_bytes);
    }
}

static double touch_bytes(const void *data, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += ((const uint8_t *)data)[i];
    return sum;
}

static double touch_value(const model_source *src, int64_t i)
{
    double sum = 0, f = 0;
    int64_t n = 0;
    bool flag = false;
    gguf_str s = { NULL, 0 };
    gguf_array a = { 0 };
    if (model_source_value_i64(src, i, &n)) sum += (double)n;
    if (model_source_value_f64(src, i, &f)) sum += f;
    if (model_source_value_bool(src, i, &flag)) sum += flag;
    if (model_source_value_str(src, i, &s)) sum += touch_bytes(s.data, s.n);
    if (!model_source_value_array(src, i, &a)) return sum;
    for (uint64_t k = 0; k < a.n; k++) {
        if (a.type == GGUF_STRING) {
            s = model_source_array_str(src, &a, k);
            sum += touch_bytes(s.data, s.n);
        } else {
            sum += (double)gguf_array_i64(&a, k) + (double)gguf_array_f32(&a, k);
        }
    }
    return sum;
}

void test_fetch_tensors(const model_source *src)
{
    sumi_error err;
    for (int64_t i = 0; i < model_source_n_tensors(src); i++) {
        const source_tensor *t = model_source_tensor_at(src, i);
        if (model_source_fetch(src, t, 0, t->n_elems / t->dims[0], &err) != SUMI_OK) fail_msg("%s", err.message);
    }
}

static double touch_tensor(const model_source *src, const source_tensor *t, int64_t max_elems)
{
    double sum = touch_bytes(t->name.data, t->name.n) + (t->data ? touch_bytes(t->data, t->n_bytes) : 0);
    if (t->n_elems > max_elems) return sum;
    float *values = malloc((size_t)t->n_elems * sizeof *values);
    void *aligned = mem_alloc(t->n_bytes); /* a file in memory may lie anywhere */
    if (values && aligned) {
        model_source_make_rows(src, t, 0, t->n_elems / t->dims[0], aligned);
        quant_find(t->type->type)->decode(aligned, values, t->n_elems);
        for (int64_t i = 0; i < t->n_elems; i++) sum += (double)values[i];
    }
    free(values);
    mem_free(aligned);
    return sum;
}

void test_touch_source(const model_source *src, int64_t max_elems)
{
    double sum = (double)model_source_file_bytes(src);
    test_fetch_tensors(src);
    for (int64_t i = 0; i < model_source_n_keys(src); i++) {
        gguf_str key = model_source_key(src, i);
        sum += touch_bytes(key.data, key.n) + touch_value(src, i);
    }
    for (int64_t i = 0; i < model_source_n_tensors(src); i++)
        sum += touch_tensor(src, model_source_tensor_at(src, i), max_elems);
    volatile double kept = sum; /* the reads must not be optimised away */
    (void)kept;
}
