/* quant.h - the number formats: plain C encode and decode of every tensor type, the definition that kernels are
 * tested against. Bit for bit equal to the reference of the `gguf` Python package (gguf/quants.py). */
#ifndef SUMI_QUANT_QUANT_H
#define SUMI_QUANT_QUANT_H

#include "format/dtype.h"

typedef struct quant_traits {
    /* n elements (a multiple of the block size) from src to dst [n] f32. */
    void (*decode)(const void *src, float *dst, int64_t n);
    /* n finite values to blocks at dst; NULL: sumi does not write this type. */
    void (*encode)(const float *src, void *dst, int64_t n);
} quant_traits;

const quant_traits *quant_find(dtype type); /* never NULL for a dtype of DTYPE_LIST */

#endif
