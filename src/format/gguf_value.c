/* gguf_value.c - see gguf_value.h. Values are packed, little-endian and maybe unaligned. */
#include "format/gguf_value.h"

#include <assert.h>
#include <string.h>

#include "format/gguf_internal.h"

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

const char *gguf_type_name(gguf_type type)
{
    return (size_t)type < N_TYPES ? types[type].name : "unknown";
}

size_t gguf_type_bytes(gguf_type type)
{
    return types[type].bytes;
}

bool gguf_type_is_known(uint32_t number)
{
    return number < N_TYPES;
}

bool gguf_str_is(gguf_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.data, text, s.n) == 0;
}

uint64_t gguf_load_le(const uint8_t *p, size_t n_bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n_bytes; i++) v |= (uint64_t)p[i] << (8 * i);
    return v;
}

double gguf_load_float(const uint8_t *p, gguf_type type)
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

bool gguf_load_integer(const uint8_t *p, gguf_type type, int64_t *value)
{
    uint64_t raw = gguf_load_le(p, gguf_type_bytes(type));
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

int64_t gguf_array_i64(const gguf_array *a, uint64_t i)
{
    assert(i < a->n && gguf_type_bytes(a->type));
    const uint8_t *p = (const uint8_t *)a->data + i * gguf_type_bytes(a->type);
    int64_t v;
    if (a->type == GGUF_BOOL) return *p != 0;
    if (a->type == GGUF_F32 || a->type == GGUF_F64) {
        double d = gguf_load_float(p, a->type);
        return d >= 0x1p63 ? INT64_MAX : d < -0x1p63 ? INT64_MIN : d == d ? (int64_t)d : 0;
    }
    return gguf_load_integer(p, a->type, &v) ? v : INT64_MAX; /* the only integer that does not fit is a large u64 */
}

uint64_t gguf_array_u64(const gguf_array *a, uint64_t i)
{
    assert(i < a->n && a->type == GGUF_U64);
    return gguf_load_le((const uint8_t *)a->data + i * 8, 8);
}

double gguf_array_f64(const gguf_array *a, uint64_t i)
{
    assert(i < a->n && gguf_type_bytes(a->type));
    const uint8_t *p = (const uint8_t *)a->data + i * gguf_type_bytes(a->type);
    if (a->type == GGUF_F32 || a->type == GGUF_F64) return gguf_load_float(p, a->type);
    return a->type == GGUF_U64 ? (double)gguf_array_u64(a, i) : (double)gguf_array_i64(a, i);
}

float gguf_array_f32(const gguf_array *a, uint64_t i)
{
    return (float)gguf_array_f64(a, i);
}
