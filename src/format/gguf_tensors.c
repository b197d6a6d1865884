/* gguf_tensors.c - the tensors of a GGUF file: names, shapes, and places of their bytes.
 *
 *   { name, u32 n_dims, u64 dims[n_dims], u32 type, u64 offset }      dims: fastest first
 *
 * Offsets count from the start of the data section, which is known only after the last entry. So all entries are read
 * first, and the tensors are placed in a second pass. */
#include "format/gguf_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

#define MIN_TENSOR_BYTES (8 + 1 + 4 + 4 + 8) /* a name of one byte, n_dims, type, offset */

/* The dimensions, n_elems and n_bytes of a tensor whose type is known; all products are checked. */
static sumi_status check_shape(source_tensor *t, sumi_error *err)
{
    int64_t n = 1;
    for (int d = 0; d < t->n_dims; d++) {
        if (t->dims[d] <= 0)
            return sumi_fail(err, SUMI_EFORMAT, "dimension %d is %llu", d, (unsigned long long)t->dims[d]);
        if (__builtin_mul_overflow(n, t->dims[d], &n))
            return sumi_fail(err, SUMI_EFORMAT, "the product of its dimensions overflows 63 bits");
    }
    if (t->dims[0] % t->type->block_elems)
        return sumi_fail(err, SUMI_EFORMAT, "rows of %lld elements are not whole %s blocks of %d",
                         (long long)t->dims[0], t->type->name, t->type->block_elems);
    t->n_elems = n;
    if (!mem_mul((size_t)(n / t->type->block_elems), (size_t)t->type->block_bytes, &t->n_bytes))
        return sumi_fail(err, SUMI_EFORMAT, "its size in bytes overflows 64 bits");
    return SUMI_OK;
}

static sumi_status find_type(source_tensor *t, uint32_t number, sumi_error *err)
{
    t->type = dtype_find(number);
    if (t->type) return SUMI_OK;
    const char *name = dtype_gguf_name(number);
    if (name) return sumi_fail(err, SUMI_EUNSUPPORTED, "tensor type %s (%u) is not supported", name, number);
    return sumi_fail(err, SUMI_EUNSUPPORTED, "tensor type %u is not known", number);
}

static sumi_status read_fields(source_tensor *t, uint64_t *offset, cursor *c, sumi_error *err)
{
    uint32_t n_dims = cursor_u32(c);
    if (c->ok && n_dims > TENSOR_MAX_DIMS)
        return sumi_fail(err, SUMI_EFORMAT, "%u dimensions (at most %d)", n_dims, TENSOR_MAX_DIMS);
    for (uint32_t d = 0; d < TENSOR_MAX_DIMS; d++) t->dims[d] = d < n_dims ? (int64_t)cursor_u64(c) : 1;
    t->n_dims = (int32_t)n_dims;
    uint32_t type = cursor_u32(c);
    *offset = cursor_u64(c);
    if (!c->ok) return gguf_fail_short(c, "the list of tensors", err);
    sumi_status st = find_type(t, type, err);
    return st == SUMI_OK ? check_shape(t, err) : st;
}

static sumi_status read_tensor(model_source *src, int64_t i, uint64_t *offset, cursor *c, sumi_error *err)
{
    source_tensor *t = &src->tensors[i];
    size_t at = c->pos;
    sumi_status st = gguf_read_name(c, &t->name, err);
    if (st != SUMI_OK) {
        sumi_fail_in(err, "tensor %lld at byte %zu", (long long)i, at);
        return st;
    }
    st = read_fields(t, offset, c, err);
    if (st == SUMI_OK && strmap_add(src->names, t->name.data, t->name.n, (int32_t)i) != (int32_t)i)
        st = sumi_fail(err, SUMI_EFORMAT, "the name occurs twice");
    if (st != SUMI_OK) sumi_fail_in(err, "tensor '%.*s' at byte %zu", GGUF_SHOW(t->name), at);
    return st;
}

/* Points t at its bytes, or says why they cannot be there. data: first byte of the data section. */
static sumi_status place(const model_source *src, source_tensor *t, uint64_t data, uint64_t offset, sumi_error *err)
{
    unsigned long long shown = offset;
    if (offset % src->alignment)
        return sumi_fail(err, SUMI_EFORMAT, "tensor '%.*s': offset %llu is not a multiple of the alignment %u",
                         GGUF_SHOW(t->name), shown, src->alignment);
    if (data > src->n_bytes || offset > src->n_bytes - data || t->n_bytes > src->n_bytes - data - offset)
        return sumi_fail(err, SUMI_EFORMAT,
                         "tensor '%.*s': %zu bytes at offset %llu of the data at byte %llu go beyond the end of the "
                         "file (%zu bytes; cut off?)",
                         GGUF_SHOW(t->name), t->n_bytes, shown, (unsigned long long)data, src->n_bytes);
    t->offset = (size_t)(data + offset);
    t->data = src->data + t->offset;
    return SUMI_OK;
}

static int by_offset(const void *a, const void *b)
{
    const source_tensor *x = *(const source_tensor *const *)a, *y = *(const source_tensor *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static sumi_status find_overlaps(model_source *src, sumi_error *err)
{
    const source_tensor **t = calloc((size_t)src->n_tensors + 1, sizeof(source_tensor *));
    if (!t) return sumi_fail(err, SUMI_ENOMEM, "out of memory for %lld tensors", (long long)src->n_tensors);
    for (int64_t i = 0; i < src->n_tensors; i++) t[i] = &src->tensors[i];
    qsort(t, (size_t)src->n_tensors, sizeof(source_tensor *), by_offset);
    for (int64_t i = 1; i < src->n_tensors; i++)
        src->overlaps = src->overlaps || t[i]->offset - t[i - 1]->offset < t[i - 1]->n_bytes;
    free(t);
    return SUMI_OK;
}

sumi_status gguf_read_tensors(model_source *src, cursor *c, sumi_error *err)
{
    if ((uint64_t)src->n_tensors > cursor_left(c) / MIN_TENSOR_BYTES)
        return sumi_fail(err, SUMI_EFORMAT, "header at byte 8: %lld tensors do not fit into a file of %zu bytes",
                         (long long)src->n_tensors, c->n);
    sumi_status st = SUMI_OK;
    uint64_t *offsets = calloc((size_t)src->n_tensors + 1, sizeof *offsets);
    src->tensors = calloc((size_t)src->n_tensors + 1, sizeof *src->tensors);
    src->names = strmap_create((size_t)src->n_tensors);
    if (!offsets || !src->tensors || !src->names)
        st = sumi_fail(err, SUMI_ENOMEM, "out of memory for %lld tensors", (long long)src->n_tensors);
    for (int64_t i = 0; st == SUMI_OK && i < src->n_tensors; i++) st = read_tensor(src, i, &offsets[i], c, err);
    uint64_t data = mem_round_up(c->pos, src->alignment);
    src->n_head = data < src->n_bytes ? (size_t)data : src->n_bytes;
    for (int64_t i = 0; st == SUMI_OK && !src->described && i < src->n_tensors; i++)
        st = place(src, &src->tensors[i], data, offsets[i], err);
    if (st == SUMI_OK && src->file) st = find_overlaps(src, err);
    free(offsets);
    return st;
}
