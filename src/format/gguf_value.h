/* gguf_value.h - the typed values of GGUF metadata. The keys of every model source have values of these types, because a
 * model in another format is described by a GGUF header. */
#ifndef SUMI_FORMAT_GGUF_VALUE_H
#define SUMI_FORMAT_GGUF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
} gguf_type;

const char *gguf_type_name(gguf_type type); /* "u32", "string", ... */

typedef struct gguf_str {
    const char *data; /* not NUL-terminated */
    size_t n;
} gguf_str;

typedef struct gguf_array {
    gguf_type type; /* of the elements; GGUF_ARRAY never occurs (nested arrays are checked and skipped) */
    uint64_t n;
    /* Scalars: n packed little-endian values, maybe unaligned. Strings: for model_source_array_str() only. */
    const void *data;
} gguf_array;

bool gguf_str_is(gguf_str s, const char *text);

/* Element i of a numeric or bool array, converted; to an integer: towards zero, saturating, 0 for NaN. */
int64_t gguf_array_i64(const gguf_array *a, uint64_t i);
uint64_t gguf_array_u64(const gguf_array *a, uint64_t i); /* of a U64 array, as it is */
double gguf_array_f64(const gguf_array *a, uint64_t i);
float gguf_array_f32(const gguf_array *a, uint64_t i);

#endif
