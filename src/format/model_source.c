/* model_source.c - see model_source.h: the files and the tensors of a source; keys are in model_source_keys.c. */
#include "format/model_source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/model_source_internal.h"

void model_source_close(model_source *src)
{
    if (!src) return;
    for (int64_t i = 0; src->kv && i < src->n_kv; i++) free(src->kv[i].index);
    free(src->kv);
    free(src->tensors);
    strmap_destroy(src->keys);
    strmap_destroy(src->names);
    for (int32_t i = 0; src->more && i < src->n_more; i++) model_source_close(src->more[i]);
    free(src->more);
    file_bytes_close(src->file);
    if (src->described) {
        src->described->destroy(src->described->user);
        free((void *)(uintptr_t)src->data);
    }
    free(src->described);
    free(src->name);
    free(src);
}

const char *model_source_name(const model_source *src)
{
    return src->name;
}

bool model_source_is_described(const model_source *src)
{
    return src->described != NULL;
}

static const model_source *shard(const model_source *src, int32_t i)
{
    assert(i >= 0 && i <= src->n_more);
    return i == 0 ? src : src->more[i - 1];
}

int32_t model_source_n_shards(const model_source *src)
{
    return 1 + src->n_more;
}

const char *model_source_shard_name(const model_source *src, int32_t i)
{
    return shard(src, i)->name;
}

size_t model_source_shard_bytes(const model_source *src, int32_t i)
{
    return shard(src, i)->n_bytes;
}

size_t model_source_file_bytes(const model_source *src)
{
    size_t n = 0;
    for (int32_t i = model_source_is_described(src); i <= src->n_more; i++) n += shard(src, i)->n_bytes;
    return n;
}

uint64_t model_source_head_hash(const model_source *src, sip_key key)
{
    uint64_t hash = siphash(key, src->data, src->n_head);
    for (int32_t i = 0; i < src->n_more; i++) {
        uint64_t parts[2] = { hash, siphash(key, src->more[i]->data, src->more[i]->n_head) };
        hash = siphash(key, parts, sizeof parts);
    }
    return hash;
}

/* ---- Tensors ---- */

int64_t model_source_n_tensors(const model_source *src)
{
    return src->n_tensors;
}

const source_tensor *model_source_tensor_at(const model_source *src, int64_t i)
{
    assert(i >= 0 && i < src->n_tensors);
    return &src->tensors[i];
}

const source_tensor *model_source_find_tensor(const model_source *src, const char *name)
{
    int32_t i = strmap_get(src->names, name, strlen(name));
    return i < 0 ? NULL : &src->tensors[i];
}

/* The file of t, for models whose tensors are in the GGUF files. */
static const model_source *shard_of(const model_source *src, const source_tensor *t)
{
    return t->shard == 0 ? src : src->more[t->shard - 1];
}

sumi_status model_source_fetch(const model_source *src, const source_tensor *t, int64_t first, int64_t n,
                               sumi_error *err)
{
    if (src->described) return src->described->fetch(src->described->user, t - src->tensors, first, n, err);
    file_bytes *f = shard_of(src, t)->file;
    size_t row_bytes = t->n_bytes / (size_t)(t->n_elems / t->dims[0]);
    return f ? file_bytes_fetch(f, t->offset + (size_t)first * row_bytes, (size_t)n * row_bytes, err) : SUMI_OK;
}

sumi_status model_source_read_rows(const model_source *src, const source_tensor *t, int64_t first, int64_t n, void *dst,
                                   sumi_error *err)
{
    file_bytes *f = src->described ? NULL : shard_of(src, t)->file;
    size_t row_bytes = t->n_bytes / (size_t)(t->n_elems / t->dims[0]);
    if (f) return file_bytes_copy(f, t->offset + (size_t)first * row_bytes, (size_t)n * row_bytes, dst, err);
    sumi_status st = model_source_fetch(src, t, first, n, err);
    if (st == SUMI_OK) model_source_make_rows(src, t, first, n, dst);
    return st;
}

void model_source_release(const model_source *src, const source_tensor *t)
{
    if (src->described) {
        src->described->release(src->described->user, t - src->tensors);
        return;
    }
    const model_source *in = shard_of(src, t);
    if (in->file && !in->overlaps) file_bytes_release(in->file, t->offset, t->n_bytes);
}

sumi_status model_source_finish_reading(const model_source *src, sumi_error *err)
{
    if (src->described) return src->described->finish_reading(src->described->user, err);
    sumi_status st = src->file ? file_bytes_finish_reading(src->file, err) : SUMI_OK;
    for (int32_t i = 0; st == SUMI_OK && i < src->n_more; i++)
        if (src->more[i]->file) st = file_bytes_finish_reading(src->more[i]->file, err);
    return st;
}

void model_source_make_rows(const model_source *src, const source_tensor *t, int64_t first, int64_t n, void *dst)
{
    int64_t n_rows = t->n_elems / t->dims[0];
    size_t row_bytes = t->n_bytes / (size_t)n_rows;
    assert(first >= 0 && n >= 0 && n <= n_rows - first);
    if (t->data) memcpy(dst, (const uint8_t *)t->data + (size_t)first * row_bytes, (size_t)n * row_bytes);
    else src->described->make(src->described->user, t - src->tensors, first, n, dst);
}
