/* pack.h - weights in the order in which kernels read them.
 *
 * A file stores a matrix row by row. A kernel multiplies `panel_rows` rows at once (one for each 32-bit lane of a
 * register), so it needs the same four columns of all these rows side by side, and their scales too:
 *
 *   panel: rows r .. r + R - 1, all columns, in two streams
 *
 *     payload   for each block of 32 columns the bits of its integers, by their number of bits; a vector is R x 4 bytes,
 *               byte i = 4 row + c; the fields of one byte belong to columns that are 4 apart:
 *                 2 bits   2 vectors of pairs     bits 2j, 2j+1 of byte i: column 16k + 4j + c, k = 0, 1 the vector
 *                 3        the same, 1 of bits    bit j: bit 2 of column 4j + c, j = 0..7
 *                 4        4 of nibbles           low: column 8k + c, high: 8k + 4 + c, k = 0..3
 *                 5        the same, 1 of bits    bit j: bit 4 of column 4j + c
 *                 6        the same, 2 of pairs   bits 4, 5 of the columns as above
 *                 8        8 of bytes             column 4k + c, k = 0..7
 *                 base 3   1 of five digits       digit j: column 4j + c, j = 0..4; the others are in the header
 *     header    scales, by type (pack.c): R halves d, R halves m, R bytes of integer scales, ...
 *
 *   F32 F16 BF16: payload | column 0: R floats | column 1: R floats | ...  in the file's type, and no header
 *
 * Numbers are exact: the integers and scales of the file are only moved; integers are stored unsigned
 * (q + zero point). F64 becomes F32. A panel takes as many bytes as its rows in the file, plus integer scales widened to 8
 * bits. Rows beyond the matrix in the last panel are zero. */
#ifndef SUMI_BACKEND_CPU_PACK_H
#define SUMI_BACKEND_CPU_PACK_H

#include <stdbool.h>

#include "backend/cpu/kernels.h"

#define PACK_COLS 32 /* columns of a block: the group of the activations' scales */

/* The packed form of a type. Sizes are for one row of a panel. */
typedef struct pack_format {
    int32_t block_cols;    /* PACK_COLS, or 1 for floats */
    int32_t payload_bytes; /* of a block */
    int32_t header_bytes;  /* of a super-block */
    int32_t super_blocks;  /* blocks that share a header: 1, or 8 */
} pack_format;

/* Bits of the integers of a type with int8 products, 1 for base 3: a block's payload has as many vectors. */
static inline int32_t pack_bits(dtype type)
{
    switch (type) {
    case DTYPE_TQ1_0: return 1;
    case DTYPE_Q2_K:
    case DTYPE_TQ2_0: return 2;
    case DTYPE_Q3_K: return 3;
    case DTYPE_Q5_0:
    case DTYPE_Q5_1:
    case DTYPE_Q5_K: return 5;
    case DTYPE_Q6_K: return 6;
    case DTYPE_Q8_0: return 8;
    default: return 4;
    }
}

/* True if scales are for 16 columns, half a block. */
static inline bool pack_has_halves(dtype type)
{
    return type == DTYPE_Q2_K || type == DTYPE_Q3_K || type == DTYPE_Q6_K;
}

/* Every type has one. */
const pack_format *pack_find(dtype type);

/* Bytes of the payload stream and of the header stream of a panel. */
size_t pack_payload_bytes(const pack_format *f, int32_t panel_rows, int32_t n_cols);
size_t pack_header_bytes(const pack_format *f, int32_t panel_rows, int32_t n_cols);

/* Packs n_rows <= k->panel_rows rows of n_cols elements, row_bytes apart, into payload and header. Both must be zeroed. */
void pack_panel(const kernels *k, dtype type, uint8_t *payload, uint8_t *header, const uint8_t *rows, size_t row_bytes,
                int32_t n_rows, int32_t n_cols);

#endif
