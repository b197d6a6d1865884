/* model_source_keys.c - the keys of a model source and their values, which were checked at opening and are read in place. */
#include "format/model_source.h"

#include <assert.h>
#include <string.h>

#include "format/gguf_internal.h"

int64_t model_source_n_keys(const model_source *src)
{
    return src->n_kv;
}

gguf_str model_source_key(const model_source *src, int64_t i)
{
    assert(i >= 0 && i < src->n_kv);
    return src->kv[i].key;
}

gguf_type model_source_key_type(const model_source *src, int64_t i)
{
    assert(i >= 0 && i < src->n_kv);
    return src->kv[i].type;
}

int64_t model_source_find_key(const model_source *src, const char *key)
{
    return strmap_get(src->keys, key, strlen(key));
}

/* Key number i if it has this type, else NULL; i == -1 is a key that is missing. */
static const source_key *kv_of_type(const model_source *src, int64_t i, gguf_type type)
{
    assert(i >= -1 && i < src->n_kv);
    return i >= 0 && src->kv[i].type == type ? &src->kv[i] : NULL;
}

bool model_source_value_i64(const model_source *src, int64_t i, int64_t *value)
{
    int64_t v;
    if (i < 0 || !gguf_load_integer(src->kv[i].value, src->kv[i].type, &v)) return false;
    *value = v;
    return true;
}

bool model_source_value_u64(const model_source *src, int64_t i, uint64_t *value)
{
    const source_key *kv = kv_of_type(src, i, GGUF_U64);
    int64_t v = -1;
    if (!kv && (!model_source_value_i64(src, i, &v) || v < 0)) return false;
    *value = kv ? gguf_load_le(kv->value, 8) : (uint64_t)v;
    return true;
}

bool model_source_value_f64(const model_source *src, int64_t i, double *value)
{
    if (!kv_of_type(src, i, GGUF_F32) && !kv_of_type(src, i, GGUF_F64)) return false;
    *value = gguf_load_float(src->kv[i].value, src->kv[i].type);
    return true;
}

bool model_source_value_bool(const model_source *src, int64_t i, bool *value)
{
    const source_key *kv = kv_of_type(src, i, GGUF_BOOL);
    if (kv) *value = *kv->value != 0;
    return kv != NULL;
}

bool model_source_value_str(const model_source *src, int64_t i, gguf_str *value)
{
    const source_key *kv = kv_of_type(src, i, GGUF_STRING);
    if (kv) *value = (gguf_str){ (const char *)kv->value, (size_t)kv->n };
    return kv != NULL;
}

bool model_source_value_array(const model_source *src, int64_t i, gguf_array *value)
{
    const source_key *kv = kv_of_type(src, i, GGUF_ARRAY);
    if (!kv || kv->elem == GGUF_ARRAY) return false;
    *value = (gguf_array){ kv->elem, kv->n, kv->index ? (const void *)kv->index : kv->value };
    return true;
}

bool model_source_get_i64(const model_source *src, const char *key, int64_t *value)
{
    return model_source_value_i64(src, model_source_find_key(src, key), value);
}

bool model_source_get_i32(const model_source *src, const char *key, int32_t *value)
{
    int64_t v;
    if (!model_source_get_i64(src, key, &v) || v < INT32_MIN || v > INT32_MAX) return false;
    *value = (int32_t)v;
    return true;
}

bool model_source_get_f32(const model_source *src, const char *key, float *value)
{
    double v;
    if (!model_source_value_f64(src, model_source_find_key(src, key), &v)) return false;
    *value = (float)v;
    return true;
}

bool model_source_get_bool(const model_source *src, const char *key, bool *value)
{
    return model_source_value_bool(src, model_source_find_key(src, key), value);
}

bool model_source_get_str(const model_source *src, const char *key, gguf_str *value)
{
    return model_source_value_str(src, model_source_find_key(src, key), value);
}

bool model_source_get_array(const model_source *src, const char *key, gguf_array *value)
{
    return model_source_value_array(src, model_source_find_key(src, key), value);
}

gguf_str model_source_array_str(const model_source *src, const gguf_array *a, uint64_t i)
{
    assert(a->type == GGUF_STRING && i < a->n);
    const uint64_t *index = a->data;
    return (gguf_str){ (const char *)src->data + index[i], (size_t)(index[i + 1] - 8 - index[i]) };
}
