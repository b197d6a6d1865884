/* gguf_meta.c - the metadata of a GGUF file: keys with typed values, checked once and then read in place.
 *
 *   { name, u32 type, value }   where value is   a scalar of 1, 2, 4 or 8 bytes
 *                                                string:  u64 n_bytes, bytes
 *                                                array:   u32 type, u64 n, n values of that type (arrays too)
 *
 * Strings have no fixed size, so finding string i of an array requires a walk over all strings before it. This walk is
 * done once, while checking, and builds the index of gguf_internal.h: eight bytes for each string; a string takes at least
 * eight bytes in the file. */
#include "format/gguf_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

static const struct {
    const char *name;
    uint8_t bytes; /* of a scalar; 0 for strings and arrays */
} types[] = {
    [GGUF_U8] = { "u8", 1 },       [GGUF_I8] = { "i8", 1 },     [GGUF_U16] = { "u16", 2 },
    [GGUF_I16] = { "i16", 2 },     [GGUF_U32] = { "u32", 4 },   [GGUF_I32] = { "i32", 4 },
    [GGUF_F32] = { "f32", 4 },     [GGUF_BOOL] = { "bool", 1 }, [GGUF_STRING] = { "string", 0 },
    [GGUF_ARRAY] = { "array", 0 }, [GGUF_U64] = { "u64", 8 },   [GGUF_I64] = { "i64", 8 },
    [GGUF_F64] = { "f64", 8 },
};
#define N_TYPES (sizeof types / sizeof *types)

#define MIN_KV_BYTES     (8 + 1 + 4 + 1) /* a name of one byte, its type, a value of one byte */
#define MIN_STRING_BYTES 8
#define MIN_ARRAY_BYTES  (4 + 8)

const char *gguf_type_name(gguf_type type)
{
    return (size_t)type < N_TYPES ? types[type].name : "unknown";
}

/* ---- Reading and checking ---- */

static sumi_status read_type(cursor *c, gguf_type *type, sumi_error *err)
{
    uint32_t number = cursor_u32(c);
    if (!c->ok) return gguf_fail_short(c, "the type of a value", err);
    if (number >= N_TYPES) return sumi_fail(err, SUMI_EFORMAT, "value type %u is not known", number);
    *type = (gguf_type)number;
    return SUMI_OK;
}

/* n scalars; a bool must be 0 or 1. */
static sumi_status read_scalars(cursor *c, gguf_type type, uint64_t n, sumi_error *err)
{
    assert(types[type].bytes && n <= GGUF_MAX_ARRAY);
    const uint8_t *p = cursor_bytes(c, n * types[type].bytes);
    if (!p) return gguf_fail_short(c, "the value", err);
    for (uint64_t i = 0; type == GGUF_BOOL && i < n; i++)
        if (p[i] > 1) return sumi_fail(err, SUMI_EFORMAT, "bool of value %d (must be 0 or 1)", p[i]);
    return SUMI_OK;
}

/* n strings. index: [n + 1], see gguf_internal.h; NULL: only check. */
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
    size_t least = *elem == GGUF_STRING ? MIN_STRING_BYTES : *elem == GGUF_ARRAY ? MIN_ARRAY_BYTES : types[*elem].bytes;
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

static sumi_status read_array(gguf_kv *kv, cursor *c, sumi_error *err)
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

static sumi_status read_value(gguf_kv *kv, cursor *c, sumi_error *err)
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

static sumi_status read_kv(gguf *g, int64_t i, cursor *c, sumi_error *err)
{
    gguf_kv *kv = &g->kv[i];
    size_t at = c->pos;
    sumi_status st = gguf_read_name(c, &kv->key, err);
    if (st != SUMI_OK) {
        sumi_fail_in(err, "metadata key %lld at byte %zu", (long long)i, at);
        return st;
    }
    st = read_value(kv, c, err);
    kv->whole = c->data + at;
    kv->whole_bytes = c->pos - at;
    if (st == SUMI_OK && strmap_add(g->keys, kv->key.data, kv->key.n, (int32_t)i) != (int32_t)i)
        st = sumi_fail(err, SUMI_EFORMAT, "the key occurs twice");
    if (st != SUMI_OK) sumi_fail_in(err, "key '%.*s' at byte %zu", GGUF_SHOW(kv->key), at);
    return st;
}

sumi_status gguf_read_metadata(gguf *g, cursor *c, sumi_error *err)
{
    if ((uint64_t)g->n_kv > cursor_left(c) / MIN_KV_BYTES)
        return sumi_fail(err, SUMI_EFORMAT, "header at byte 16: %lld metadata keys do not fit into a file of %zu bytes",
                         (long long)g->n_kv, c->n);
    g->kv = calloc((size_t)g->n_kv + 1, sizeof *g->kv);
    g->keys = strmap_create((size_t)g->n_kv);
    if (!g->kv || !g->keys) return sumi_fail(err, SUMI_ENOMEM, "out of memory for %lld keys", (long long)g->n_kv);
    for (int64_t i = 0; i < g->n_kv; i++) {
        sumi_status st = read_kv(g, i, c, err);
        if (st != SUMI_OK) return st;
    }
    return SUMI_OK;
}

/* ---- Getting ---- */

static uint64_t load_le(const uint8_t *p, int n_bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < n_bytes; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static double load_float(const uint8_t *p, gguf_type type)
{
    float f;
    double d;
    if (type == GGUF_F32) {
        memcpy(&f, p, 4);
        return (double)f;
    }
    memcpy(&d, p, 8);
    return d;
}

/* False if the type is no integer or the value is above INT64_MAX. */
static bool load_integer(const uint8_t *p, gguf_type type, int64_t *value)
{
    uint64_t raw = load_le(p, types[type].bytes);
    switch (type) {
    case GGUF_U8:
    case GGUF_U16:
    case GGUF_U32:
    case GGUF_U64: *value = (int64_t)raw; return raw <= INT64_MAX;
    case GGUF_I8: *value = (int8_t)raw; return true;
    case GGUF_I16: *value = (int16_t)raw; return true;
    case GGUF_I32: *value = (int32_t)raw; return true;
    case GGUF_I64: *value = (int64_t)raw; return true;
    default: return false;
    }
}

int64_t gguf_n_keys(const gguf *g)
{
    return g->n_kv;
}

gguf_str gguf_key(const gguf *g, int64_t i)
{
    assert(i >= 0 && i < g->n_kv);
    return g->kv[i].key;
}

gguf_type gguf_key_type(const gguf *g, int64_t i)
{
    assert(i >= 0 && i < g->n_kv);
    return g->kv[i].type;
}

int64_t gguf_find(const gguf *g, const char *key)
{
    return strmap_get(g->keys, key, strlen(key));
}

/* Key number i if it has this type, else NULL; i == -1 is a key that is missing. */
static const gguf_kv *kv_of_type(const gguf *g, int64_t i, gguf_type type)
{
    assert(i >= -1 && i < g->n_kv);
    return i >= 0 && g->kv[i].type == type ? &g->kv[i] : NULL;
}

bool gguf_value_i64(const gguf *g, int64_t i, int64_t *value)
{
    int64_t v;
    if (i < 0 || !load_integer(g->kv[i].value, g->kv[i].type, &v)) return false;
    *value = v;
    return true;
}

bool gguf_value_u64(const gguf *g, int64_t i, uint64_t *value)
{
    const gguf_kv *kv = kv_of_type(g, i, GGUF_U64);
    int64_t v = -1;
    if (!kv && (!gguf_value_i64(g, i, &v) || v < 0)) return false;
    *value = kv ? load_le(kv->value, 8) : (uint64_t)v;
    return true;
}

bool gguf_value_f64(const gguf *g, int64_t i, double *value)
{
    if (!kv_of_type(g, i, GGUF_F32) && !kv_of_type(g, i, GGUF_F64)) return false;
    *value = load_float(g->kv[i].value, g->kv[i].type);
    return true;
}

bool gguf_value_bool(const gguf *g, int64_t i, bool *value)
{
    const gguf_kv *kv = kv_of_type(g, i, GGUF_BOOL);
    if (kv) *value = *kv->value != 0;
    return kv != NULL;
}

bool gguf_str_is(gguf_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.data, text, s.n) == 0;
}

bool gguf_value_str(const gguf *g, int64_t i, gguf_str *value)
{
    const gguf_kv *kv = kv_of_type(g, i, GGUF_STRING);
    if (kv) *value = (gguf_str){ (const char *)kv->value, (size_t)kv->n };
    return kv != NULL;
}

bool gguf_value_array(const gguf *g, int64_t i, gguf_array *value)
{
    const gguf_kv *kv = kv_of_type(g, i, GGUF_ARRAY);
    if (!kv || kv->elem == GGUF_ARRAY) return false;
    *value = (gguf_array){ kv->elem, kv->n, kv->index ? (const void *)kv->index : kv->value };
    return true;
}

bool gguf_get_i64(const gguf *g, const char *key, int64_t *value)
{
    return gguf_value_i64(g, gguf_find(g, key), value);
}

bool gguf_get_i32(const gguf *g, const char *key, int32_t *value)
{
    int64_t v;
    if (!gguf_get_i64(g, key, &v) || v < INT32_MIN || v > INT32_MAX) return false;
    *value = (int32_t)v;
    return true;
}

bool gguf_get_f32(const gguf *g, const char *key, float *value)
{
    double v;
    if (!gguf_value_f64(g, gguf_find(g, key), &v)) return false;
    *value = (float)v;
    return true;
}

bool gguf_get_bool(const gguf *g, const char *key, bool *value)
{
    return gguf_value_bool(g, gguf_find(g, key), value);
}

bool gguf_get_str(const gguf *g, const char *key, gguf_str *value)
{
    return gguf_value_str(g, gguf_find(g, key), value);
}

bool gguf_get_array(const gguf *g, const char *key, gguf_array *value)
{
    return gguf_value_array(g, gguf_find(g, key), value);
}

gguf_str gguf_array_str(const gguf *g, const gguf_array *a, uint64_t i)
{
    assert(a->type == GGUF_STRING && i < a->n);
    const uint64_t *index = a->data;
    return (gguf_str){ (const char *)g->data + index[i], (size_t)(index[i + 1] - 8 - index[i]) };
}

int64_t gguf_array_i64(const gguf_array *a, uint64_t i)
{
    assert(i < a->n && types[a->type].bytes);
    const uint8_t *p = (const uint8_t *)a->data + i * types[a->type].bytes;
    int64_t v;
    if (a->type == GGUF_BOOL) return *p != 0;
    if (a->type == GGUF_F32 || a->type == GGUF_F64) {
        double d = load_float(p, a->type);
        return d >= 0x1p63 ? INT64_MAX : d < -0x1p63 ? INT64_MIN : d == d ? (int64_t)d : 0;
    }
    return load_integer(p, a->type, &v) ? v : INT64_MAX; /* the only integer that does not fit is a large u64 */
}

uint64_t gguf_array_u64(const gguf_array *a, uint64_t i)
{
    assert(i < a->n && a->type == GGUF_U64);
    return load_le((const uint8_t *)a->data + i * 8, 8);
}

double gguf_array_f64(const gguf_array *a, uint64_t i)
{
    assert(i < a->n && types[a->type].bytes);
    const uint8_t *p = (const uint8_t *)a->data + i * types[a->type].bytes;
    if (a->type == GGUF_F32 || a->type == GGUF_F64) return load_float(p, a->type);
    return a->type == GGUF_U64 ? (double)gguf_array_u64(a, i) : (double)gguf_array_i64(a, i);
}

float gguf_array_f32(const gguf_array *a, uint64_t i)
{
    return (float)gguf_array_f64(a, i);
}
