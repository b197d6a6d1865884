/* dtype.h - the element types of tensors in model files: their names, numbers and block sizes.
 *
 * A quantised type stores `block_elems` consecutive elements of a row in `block_bytes` bytes. The numbers are those of
 * GGUF (docs of ggml: enum ggml_type); what the bytes of a block mean is in src/quant. */
#ifndef SUMI_FORMAT_DTYPE_H
#define SUMI_FORMAT_DTYPE_H

#include <stddef.h>
#include <stdint.h>

/*    name     GGUF number   elements  bytes in a block */
#define DTYPE_LIST(X)       \
    X(F32, 0, 1, 4)         \
    X(F16, 1, 1, 2)         \
    X(Q4_0, 2, 32, 18)      \
    X(Q4_1, 3, 32, 20)      \
    X(Q5_0, 6, 32, 22)      \
    X(Q5_1, 7, 32, 24)      \
    X(Q8_0, 8, 32, 34)      \
    X(Q2_K, 10, 256, 84)    \
    X(Q3_K, 11, 256, 110)   \
    X(Q4_K, 12, 256, 144)   \
    X(Q5_K, 13, 256, 176)   \
    X(Q6_K, 14, 256, 210)   \
    X(IQ4_NL, 20, 32, 18)   \
    X(IQ4_XS, 23, 256, 136) \
    X(F64, 28, 1, 8)        \
    X(BF16, 30, 1, 2)       \
    X(TQ1_0, 34, 256, 54)   \
    X(TQ2_0, 35, 256, 66)   \
    X(MXFP4, 39, 32, 17)

typedef enum dtype {
#define DTYPE_ENUM(name, number, elems, bytes) DTYPE_##name = number,
    DTYPE_LIST(DTYPE_ENUM)
#undef DTYPE_ENUM
} dtype;

#define DTYPE_MAX 40 /* one above the largest number, for tables */

typedef struct dtype_info {
    const char *name; /* "Q4_K" */
    dtype type;
    int32_t block_elems, block_bytes;
} dtype_info;

/* NULL if sumi does not know the type with this GGUF number. */
const dtype_info *dtype_find(uint32_t number);

/* The name that GGUF gives the number, also for types that sumi cannot decode ("IQ2_XXS"); NULL: no such number. */
const char *dtype_gguf_name(uint32_t number);

/* Bytes of a row of n_elems elements; n_elems is a multiple of the block size. */
size_t dtype_row_bytes(dtype type, int64_t n_elems);

#endif
