/* gguf_meta.c - the metadata of a GGUF file: keys with typed values, checked once and then read in place.
 *
 *   { name, u32 type, value }   where value is   a scalar of 1, 2, 4 or 8 bytes
 *                                                string:  u64 n_bytes, bytes
 *                                                array:   u32 type, u64 n, n values of that type (arrays too)
 *
 * Strings have no fixed size, so finding string i of an array requires a walk over all strings before it. This walk is
 * done once, while checking, and builds the index of model_source_internal.h: eight bytes for each string; a string
 * takes at least eight bytes in the file. */
#include "format/gguf_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

#define MIN_KV_BYTES     (8 + 1 + 4 + 1) /* a name of one byte, its type, a value of one byte */
#define MIN_STRING_BYTES 8
#define MIN_ARRAY_BYTES  (4 + 8)

static sumi_status read_type(cursor *c, gguf_type *type, sumi_error *err)
{
    uint32_t number = cursor_u32(c);
    if (!c->ok) return gguf_fail_short(c, "the type of a value", err);
    if (!gguf_type_is_known(number)) return sumi_fail(err, SUMI_EFORMAT, "value type %u is not known", number);
    *type = (gguf_type)number;
    return SUMI_OK;
}

/* n scalars; a bool must be 0 or 1. */
static sumi_status read_scalars(cursor *c, gguf_type type, uint64_t n, sumi_error *err)
{
    assert(gguf_type_bytes(type) && n <= GGUF_MAX_ARRAY);
    const uint8_t *p = cursor_bytes(c, n * gguf_type_bytes(type));
    if (!p) return gguf_fail_short(c, "the value", err);
    for (uint64_t i = 0; type == GGUF_BOOL && i < n; i++)
        if (p[i] > 1) return sumi_fail(err, SUMI_EFORMAT, "bool of value %d (must be 0 or 1)", p[i]);
    return SUMI_OK;
}

/* n strings. index: [n + 1], see source_key.index; NULL: only check. */
static sumi_status read_strings(cursor *c, uint64_t n, uint64_t *index, sumi_error *err)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t n_bytes = cursor_u64(c);
        if (index) index[i] = c->pos;
        if (!cursor_bytes(c, n_bytes))
            return sumi_fail(err, SUMI_EFORMAT, "string %llu goes beyond the end of the file (%zu bytes)",
                             (unsigned long long)i, c->n);
    }
    if (index) index[n] = c->pos + 8;
    return SUMI_OK;
}

static sumi_status read_array_head(cursor *c, gguf_type *elem, uint64_t *n, sumi_error *err)
{
    sumi_status st = read_type(c, elem, err);
    if (st != SUMI_OK) return st;
    *n = cursor_u64(c);
    if (!c->ok) return gguf_fail_short(c, "an array", err);
    size_t least = *elem == GGUF_STRING  ? MIN_STRING_BYTES
                   : *elem == GGUF_ARRAY ? MIN_ARRAY_BYTES
                                         : gguf_type_bytes(*elem);
    if (*n > cursor_left(c) / least)
        return sumi_fail(err, SUMI_EFORMAT, "array of %llu elements goes beyond the end of the file (%zu bytes)",
                         (unsigned long long)*n, c->n);
    if (*n > GGUF_MAX_ARRAY)
        return sumi_fail(err, SUMI_ELIMIT, "array of %llu elements (at most %d)", (unsigned long long)*n,
                         GGUF_MAX_ARRAY);
    return SUMI_OK;
}

/* n arrays inside an array: checked and stepped over. Recursion is as deep as GGUF_MAX_ARRAY_DEPTH. */
static sumi_status skip_arrays(cursor *c, uint64_t n, int depth, sumi_error *err)
{
    if (depth > GGUF_MAX_ARRAY_DEPTH)
        return sumi_fail(err, SUMI_ELIMIT, "arrays nested more than %d deep", GGUF_MAX_ARRAY_DEPTH);
    for (uint64_t i = 0; i < n; i++) {
        gguf_type elem;
        uint64_t n_inner;
        sumi_status st = read_array_head(c, &elem, &n_inner, err);
        if (st != SUMI_OK) return st;
        if (elem == GGUF_ARRAY) st = skip_arrays(c, n_inner, depth + 1, err);
        else if (elem == GGUF_STRING) st = read_strings(c, n_inner, NULL, err);
        else st = read_scalars(c, elem, n_inner, err);
        if (st != SUMI_OK) return st;
    }
    return SUMI_OK;
}

static sumi_status read_array(source_key *kv, cursor *c, sumi_error *err)
{
    sumi_status st = read_array_head(c, &kv->elem, &kv->n, err);
    if (st != SUMI_OK) return st;
    kv->value = c->data + c->pos;
    if (kv->elem == GGUF_ARRAY) return skip_arrays(c, kv->n, 2, err);
    if (kv->elem != GGUF_STRING) return read_scalars(c, kv->elem, kv->n, err);
    kv->index = malloc(((size_t)kv->n + 1) * sizeof *kv->index);
    if (!kv->index) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    return read_strings(c, kv->n, kv->index, err);
}

static sumi_status read_value(source_key *kv, cursor *c, sumi_error *err)
{
    sumi_status st = read_type(c, &kv->type, err);
    if (st != SUMI_OK) return st;
    if (kv->type == GGUF_ARRAY) return read_array(kv, c, err);
    if (kv->type != GGUF_STRING) {
        kv->value = c->data + c->pos;
        return read_scalars(c, kv->type, 1, err);
    }
    kv->n = cursor_u64(c);
    kv->value = cursor_bytes(c, kv->n);
    if (kv->value) return SUMI_OK;
    return sumi_fail(err, SUMI_EFORMAT, "string of %llu bytes goes beyond the end of the file (%zu bytes)",
                     (unsigned long long)kv->n, c->n);
}

static sumi_status read_kv(model_source *src, int64_t i, cursor *c, sumi_error *err)
{
    source_key *kv = &src->kv[i];
    size_t at = c->pos;
    sumi_status st = gguf_read_name(c, &kv->key, err);
    if (st != SUMI_OK) {
        sumi_fail_in(err, "metadata key %lld at byte %zu", (long long)i, at);
        return st;
    }
    st = read_value(kv, c, err);
    kv->whole = c->data + at;
    kv->whole_bytes = c->pos - at;
    if (st == SUMI_OK && strmap_add(src->keys, kv->key.data, kv->key.n, (int32_t)i) != (int32_t)i)
        st = sumi_fail(err, SUMI_EFORMAT, "the key occurs twice");
    if (st != SUMI_OK) sumi_fail_in(err, "key '%.*s' at byte %zu", GGUF_SHOW(kv->key), at);
    return st;
}

sumi_status gguf_read_metadata(model_source *src, cursor *c, sumi_error *err)
{
    if ((uint64_t)src->n_kv > cursor_left(c) / MIN_KV_BYTES)
        return sumi_fail(err, SUMI_EFORMAT, "header at byte 16: %lld metadata keys do not fit into a file of %zu bytes",
                         (long long)src->n_kv, c->n);
    src->kv = calloc((size_t)src->n_kv + 1, sizeof *src->kv);
    src->keys = strmap_create((size_t)src->n_kv);
    if (!src->kv || !src->keys) return sumi_fail(err, SUMI_ENOMEM, "out of memory for %lld keys", (long long)src->n_kv);
    for (int64_t i = 0; i < src->n_kv; i++) {
        sumi_status st = read_kv(src, i, c, err);
        if (st != SUMI_OK) return st;
    }
    return SUMI_OK;
}
