/* loader.c - see loader.h. */
#include "model/loader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "quant/quant.h"

tensor_name in_layer(int32_t i, const char *name, const char *kind)
{
    tensor_name full;
    snprintf(full.s, sizeof full.s, "blk.%d.%s.%s", i, name, kind);
    return full;
}

tensor_name at_top(const char *name, const char *kind)
{
    tensor_name full;
    snprintf(full.s, sizeof full.s, "%s.%s", name, kind);
    return full;
}

void loader_fail(loader *l, sumi_status status, const char *format, ...)
{
    char what[256];
    va_list args;
    if (l->status != SUMI_OK) return;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    l->status = sumi_fail(l->err, status, "%s: %s", model_source_name(l->src), what);
}

bool loader_has(const loader *l, tensor_name name)
{
    return model_source_find_tensor(l->src, name.s) != NULL;
}

static const source_tensor *find(loader *l, tensor_name name, bool required)
{
    if (l->status != SUMI_OK) return NULL;
    const source_tensor *t = model_source_find_tensor(l->src, name.s);
    if (t) l->used[t - model_source_tensor_at(l->src, 0)] = true;
    else if (required) loader_fail(l, SUMI_EFORMAT, "tensor '%s' is missing", name.s);
    return t;
}

static bool has_shape(loader *l, const source_tensor *t, tensor_name name, int64_t n_rows, int64_t n_cols)
{
    if (t->dims[0] == n_cols && t->dims[1] == n_rows && t->dims[2] == 1 && t->dims[3] == 1) return true;
    loader_fail(l, SUMI_EFORMAT, "tensor '%s' is %lld x %lld, not %lld x %lld", name.s, (long long)t->dims[1],
                (long long)t->dims[0], (long long)n_rows, (long long)n_cols);
    return false;
}

/* Brings rows of t into memory. False: the failure is recorded. */
static bool fetch(loader *l, const source_tensor *t, int64_t first, int64_t n)
{
    if (l->status == SUMI_OK) l->status = model_source_fetch(l->src, t, first, n, l->err);
    return l->status == SUMI_OK;
}

/* Adds the bytes of rows of t, which are at `rows`, to the model's digest. */
static void note_bytes(loader *l, const source_tensor *t, int64_t first, int64_t n, const void *rows)
{
    size_t row_bytes = dtype_row_bytes(t->type->type, t->dims[0]);
    digest_add(&l->m->digest, (uint64_t)(t - model_source_tensor_at(l->src, 0)), (uint64_t)first, rows,
               (size_t)n * row_bytes);
}

/* Rows of t in the scratch memory, valid until the next call. NULL: a failure is recorded. */
static const void *read_rows(loader *l, const source_tensor *t, tensor_name name, int64_t first, int64_t n)
{
    size_t bytes = (size_t)n * dtype_row_bytes(t->type->type, t->dims[0]);
    if (l->m->be->measure_only) return t; /* its bytes are not read */
    if (l->scratch_bytes < bytes) {
        mem_unmap(l->scratch, l->scratch_bytes);
        l->scratch = mem_map(bytes);
        l->scratch_bytes = l->scratch ? bytes : 0;
    }
    if (!l->scratch) loader_fail(l, SUMI_ENOMEM, "out of memory for '%s'", name.s);
    if (l->status == SUMI_OK) l->status = model_source_read_rows(l->src, t, first, n, l->scratch, l->err);
    if (l->status != SUMI_OK) return NULL;
    note_bytes(l, t, first, n, l->scratch);
    return l->scratch;
}

static float *decode(loader *l, const source_tensor *t, tensor_name name, int64_t n)
{
    const void *rows = read_rows(l, t, name, 0, t->n_elems / t->dims[0]);
    if (!rows) return NULL;
    float *v = mem_alloc((size_t)n * sizeof *v);
    if (v && l->m->be->measure_only) /* any numbers that pass the checks of norms and rotations */
        for (int64_t i = 0; i < n; i++) v[i] = 1;
    else if (v) quant_find(t->type->type)->decode(rows, v, n);
    else loader_fail(l, SUMI_ENOMEM, "out of memory for '%s'", name.s);
    if (!t->data) model_source_release(l->src, t);
    return v;
}

/* Rows of t for a weight that keeps them: in the memory of the source or, if they must be made, in a new entry
 * of model.made. NULL: a failure is recorded. */
static const void *take_rows(loader *l, const source_tensor *t, tensor_name name, int64_t first, int64_t n)
{
    size_t row_bytes = dtype_row_bytes(t->type->type, t->dims[0]);
    if (l->m->be->measure_only) return t; /* its bytes are not read */
    if (!fetch(l, t, first, n)) return NULL;
    if (t->data) {
        const uint8_t *at = (const uint8_t *)t->data + (size_t)first * row_bytes;
        note_bytes(l, t, first, n, at);
        return at;
    }
    made_rows *made = malloc(sizeof *made);
    void *rows = made ? mem_map((size_t)n * row_bytes) : NULL;
    if (!rows) {
        free(made);
        loader_fail(l, SUMI_ENOMEM, "out of memory for '%s'", name.s);
        return NULL;
    }
    *made = (made_rows){ l->m->made, rows, (size_t)n * row_bytes };
    l->m->made = made;
    model_source_make_rows(l->src, t, first, n, rows);
    note_bytes(l, t, first, n, rows);
    return rows;
}

float *loader_vector(loader *l, tensor_name name, bool required, tensor_rows rows)
{
    const source_tensor *t = find(l, name, required);
    bool is_matrix = t && t->dims[1] > 1 && t->dims[0] * t->dims[1] == rows.total;
    if (!t || !has_shape(l, t, name, is_matrix ? t->dims[1] : 1, is_matrix ? t->dims[0] : rows.total)) return NULL;
    float *v = decode(l, t, name, rows.total);
    if (v && rows.first > 0) memmove(v, v + rows.first, (size_t)rows.n * sizeof *v);
    return v;
}

/* Counts n rows of t that have become the matrix w: copied, or kept as the file has them, or both. */
static void count(loader *l, const source_tensor *t, int64_t n, const weight *w, bool copied, bool keeps_rows)
{
    model *m = l->m;
    uint64_t bytes = (uint64_t)n * dtype_row_bytes(t->type->type, t->dims[0]);
    if (copied) m->copied_bytes += m->be->weight_bytes(w);
    if (!copied || keeps_rows) *(t->data ? &m->unpacked_bytes : &m->copied_bytes) += bytes;
    l->done += bytes;
    if (l->watcher && l->watcher->fn && !l->watcher->fn(l->watcher->user, l->done, l->total))
        loader_fail(l, SUMI_ECANCELLED, "opening was cancelled");
}

/* A weight of n rows of t, from row `first` of all its matrices. embeds: rows are also read one by one, not only in
 * products. */
static weight *create(loader *l, const source_tensor *t, tensor_name name, int64_t first, int64_t n, bool embeds)
{
    weight *w = NULL;
    const backend *be = l->m->be;
    if (l->status != SUMI_OK) return NULL;
    bool passes = !embeds && be->copies_weights(be, t->type->type);
    const void *rows = passes ? read_rows(l, t, name, first, n) : take_rows(l, t, name, first, n);
    if (!rows) return NULL;
    l->status = be->weight_create(be, &w, t->type->type, rows, n, t->dims[0], l->err);
    if (l->status != SUMI_OK) sumi_fail_in(l->err, "%s: tensor '%s'", model_source_name(l->src), name.s);
    else count(l, t, n, w, be->copies_weights(be, t->type->type), embeds);
    return w;
}

/* Call it after the last rows of t were taken. embeds: as of create(). Releases rows that the weight has copied, and the
 * sources of rows that were made. */
static void release(loader *l, const source_tensor *t, bool embeds)
{
    if (l->m->be->measure_only) return;
    bool copied = !embeds && l->m->be->copies_weights(l->m->be, t->type->type);
    if (!t->data || copied) model_source_release(l->src, t);
}

weight *loader_matrix(loader *l, tensor_name name, tensor_rows rows, int64_t n_cols)
{
    const source_tensor *t = find(l, name, true);
    if (!t || !has_shape(l, t, name, rows.total, n_cols)) return NULL;
    weight *w = create(l, t, name, rows.first, rows.n, false);
    if (rows.first + rows.n == rows.total) release(l, t, false);
    return w;
}

weight *loader_embedding(loader *l, tensor_name name, int64_t n_rows, int64_t n_cols)
{
    const source_tensor *t = find(l, name, true);
    if (!t || !has_shape(l, t, name, n_rows, n_cols)) return NULL;
    weight *w = create(l, t, name, 0, n_rows, true);
    release(l, t, true);
    return w;
}

weight **loader_matrices(loader *l, tensor_name name, int32_t n, tensor_rows rows, int64_t n_cols)
{
    const source_tensor *t = find(l, name, true);
    if (!t) return NULL;
    if (t->dims[0] != n_cols || t->dims[1] != rows.total || t->dims[2] != n || t->dims[3] != 1) {
        loader_fail(l, SUMI_EFORMAT, "tensor '%s' is %lld x %lld x %lld, not %d x %lld x %lld", name.s,
                    (long long)t->dims[2], (long long)t->dims[1], (long long)t->dims[0], n, (long long)rows.total,
                    (long long)n_cols);
        return NULL;
    }
    weight **w = calloc((size_t)n, sizeof *w);
    if (!w) loader_fail(l, SUMI_ENOMEM, "out of memory for '%s'", name.s);
    for (int32_t i = 0; w && i < n; i++) w[i] = create(l, t, name, i * rows.total + rows.first, rows.n, false);
    if (rows.first + rows.n == rows.total) release(l, t, false);
    return w;
}

void loader_destroy_matrices(const backend *be, weight **w, int32_t n)
{
    for (int32_t i = 0; w && i < n; i++) be->weight_destroy(w[i]);
    free(w);
}

int32_t loader_n_rows(loader *l, tensor_name name)
{
    const source_tensor *t = model_source_find_tensor(l->src, name.s);
    if (!t) loader_fail(l, SUMI_EFORMAT, "tensor '%s' is missing", name.s);
    else if (t->dims[1] > INT32_MAX / 4)
        loader_fail(l, SUMI_EFORMAT, "%s has %lld rows", name.s, (long long)t->dims[1]);
    return l->status == SUMI_OK ? (int32_t)t->dims[1] : 0;
}

weight *loader_table(loader *l, tensor_name name, int64_t n_rows, int64_t n_cols)
{
    weight *w = NULL;
    const backend *be = l->m->be;
    const source_tensor *t = find(l, name, true);
    if (!t || !has_shape(l, t, name, n_rows, n_cols)) return NULL;
    const void *rows = take_rows(l, t, name, 0, n_rows);
    if (!rows) return NULL;
    l->status = be->table_create(be, &w, t->type->type, rows, n_rows, n_cols, l->err);
    if (l->status != SUMI_OK) sumi_fail_in(l->err, "%s: tensor '%s'", model_source_name(l->src), name.s);
    else count(l, t, n_rows, w, false, true);
    release(l, t, true);
    return w;
}

/* True for tensors of layers that only draft. */
static bool is_of_draft(const loader *l, gguf_str name)
{
    char start[32];
    for (int32_t i = 0; i < l->m->h.n_draft_layers; i++) {
        size_t n = (size_t)snprintf(start, sizeof start, "blk.%d.", l->m->h.n_layers + i);
        if (name.n > n && !memcmp(name.data, start, n)) return true;
    }
    return false;
}

/* True for tensors of the vision part. Ollama's files hold it beside the language model. */
static bool is_of_vision(gguf_str name)
{
    return (name.n > 2 && !memcmp(name.data, "v.", 2)) || (name.n > 3 && !memcmp(name.data, "mm.", 3));
}

int64_t model_n_vision_tensors(const model_source *src)
{
    int64_t n = 0;
    for (int64_t i = 0; i < model_source_n_tensors(src); i++) n += is_of_vision(model_source_tensor_at(src, i)->name);
    return n;
}

void loader_refuse_unknown_tensors(loader *l)
{
    for (int64_t i = 0; i < model_source_n_tensors(l->src) && l->status == SUMI_OK; i++) {
        gguf_str name = model_source_tensor_at(l->src, i)->name;
        if (!l->used[i] && !is_of_draft(l, name) && !is_of_vision(name))
            loader_fail(l, SUMI_EUNSUPPORTED, "tensor '%.*s' is unknown in the family %s",
                        (int)(name.n < 64 ? name.n : 64), name.data, l->m->arch->name);
    }
}
