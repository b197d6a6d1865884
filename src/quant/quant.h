/* quant.h - the number formats: plain C encode and decode of every tensor type, the definition that kernels are
 * tested against. Decoding is bit for bit that of the `gguf` Python package (gguf/quants.py, numpy in float32): the
 * same operations in the same order. Blocks are drawn in blocks.h.
 *
 * Threads: pure functions. */
#ifndef SUMI_QUANT_QUANT_H
#define SUMI_QUANT_QUANT_H

#include "format/dtype.h"

typedef struct quant_traits {
    /* n elements (a multiple of the block size) from src to dst [n] f32. src has the alignment of its elements: 4 for
     * F32, 8 for F64, 2 for all others. Any bytes decode; a scale of infinity or NaN gives infinities and NaN. */
    void (*decode)(const void *src, float *dst, int64_t n);
    /* n finite values to blocks at dst; NULL: sumi does not write this type. Values whose scale does not fit into a
     * half (above about 65504 times the largest q) become infinite. src and dst must not overlap. */
    void (*encode)(const float *src, void *dst, int64_t n);
} quant_traits;

const quant_traits *quant_find(dtype type); /* never NULL for a dtype of DTYPE_LIST */

#endif
