/* pack.h - weights in the order in which kernels read them.
 *
 * A file stores a matrix row by row. A kernel multiplies `panel_rows` rows at once (one for each 32-bit lane of a
 * register), so it wants the same four columns of all these rows side by side, and their scales too:
 *
 *   panel: rows r .. r + R - 1, all columns, in two streams
 *
 *     payload   for each block of 32 columns:
 *                 4 vectors of nibbles  | R x 4 bytes |   byte i = 4 row + c; vector k holds in its low nibbles the
 *                                                         columns 8k + c, in its high nibbles 8k + 4 + c
 *                 5-bit types: 1 vector of bit planes      bit j of byte i: bit 4 of column 4j + c
 *                 6-bit types: 2 vectors of pair planes    bits 2j, 2j+1 of byte i: bits 4, 5 of column 4j + c (first
 *                                                         vector: j = 0..3, second: j = 4..7 as j - 4)
 *                 8-bit types: 8 vectors of bytes instead  vector j: column 4j + c
 *     header    scales, by type (pack.c): R halves d, R halves m, R bytes of integer scales, ...
 *
 * Numbers are exact: the same integers and the same scales as in the file, only moved; integers are stored unsigned
 * (q + zero point). A panel takes as many bytes as its rows in the file, plus integer scales widened from 6 bits to 8.
 * Rows beyond the matrix in the last panel are zero. */
#ifndef SUMI_BACKEND_CPU_PACK_H
#define SUMI_BACKEND_CPU_PACK_H

#include "format/dtype.h"

#define PACK_COLS 32 /* columns of a block: the group of the activations' scales */

/* What a type looks like packed. Sizes are for one row of a panel. */
typedef struct pack_format {
    int32_t payload_bytes; /* of a block */
    int32_t header_bytes;  /* of a super-block */
    int32_t super_blocks;  /* blocks that share a header: 1, or 8 for K-quants */
} pack_format;

/* NULL: sumi does not pack this type. */
const pack_format *pack_find(dtype type);

/* Bytes of the payload stream and of the header stream of a panel. */
size_t pack_payload_bytes(const pack_format *f, int32_t panel_rows, int32_t n_cols);
size_t pack_header_bytes(const pack_format *f, int32_t panel_rows, int32_t n_cols);

/* Packs n_rows <= panel_rows rows of n_cols elements, row_bytes apart, into payload and header, which are zeroed. */
void pack_panel(dtype type, uint8_t *payload, uint8_t *header, const uint8_t *rows, size_t row_bytes, int32_t n_rows,
                int32_t n_cols, int32_t panel_rows);

#endif
