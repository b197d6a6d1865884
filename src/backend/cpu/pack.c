/* pack.c - see pack.h.
 *
 *   header of a super-block, R = panel_rows, each row's entry at its own lane:
 *     Q4_0 Q5_0 Q8_0 IQ4_NL | d[R] f16 |                     TQ2_0 (of 256 columns) | d[R] f16 |
 *     Q4_1 Q5_1             | d[R] f16 | m[R] f16 |
 *     MXFP4                 | e[R] u8 |
 *     Q2_K                  | d[R] f16 | dmin[R] f16 | mn << 4 | sc [16][R] u8 |
 *     Q3_K Q6_K             | d[R] f16 | sc[16][R] i8 |
 *     Q4_K Q5_K             | d[R] f16 | dmin[R] f16 | sc[8][R] u8 | mn[8][R] u8 |
 *     IQ4_XS                | d[R] f16 | sc[8][R] i8 |
 *     TQ1_0                 | d[R] f16 | 5 vectors |
 *
 * TQ1_0 has five digits in a byte, each for four columns (a quadruple), and eight quadruples in a block: five are in the
 * payload, and the other three of blocks 0..7 are the digits 3 block + 0..2 of the header's vectors, five to each. So a
 * super-block takes 13 vectors and d, 54 bytes for a row, the same as in the file. A byte is stored minus 128, since
 * kernels compare signed bytes.
 *
 * A panel is packed in strips of columns, all rows of a strip before the next, so that the lines of the panel that rows
 * share stay in the L1 cache. */
#include "backend/cpu/pack.h"

#include <assert.h>
#include <string.h>

#include "quant/blocks.h"
#include "quant/quant.h"

#define STRIP_COLS 512 /* 16 KiB of a panel of 16 rows of 8 bits; 32 of float32 */

/* In the order of the struct: columns, payload of a block; header of a super-block, its blocks. */
static const pack_format formats[DTYPE_MAX] = {
    [DTYPE_F32] = { 1, 4, 0, 1 },      [DTYPE_F64] = { 1, 4, 0, 1 },       [DTYPE_F16] = { 1, 2, 0, 1 },
    [DTYPE_BF16] = { 1, 2, 0, 1 },     [DTYPE_Q4_0] = { 32, 16, 2, 1 },    [DTYPE_Q4_1] = { 32, 16, 4, 1 },
    [DTYPE_Q5_0] = { 32, 20, 2, 1 },   [DTYPE_Q5_1] = { 32, 20, 4, 1 },    [DTYPE_Q8_0] = { 32, 32, 2, 1 },
    [DTYPE_IQ4_NL] = { 32, 16, 2, 1 }, [DTYPE_MXFP4] = { 32, 16, 1, 1 },   [DTYPE_Q2_K] = { 32, 8, 20, 8 },
    [DTYPE_Q3_K] = { 32, 12, 18, 8 },  [DTYPE_Q4_K] = { 32, 16, 20, 8 },   [DTYPE_Q5_K] = { 32, 20, 20, 8 },
    [DTYPE_Q6_K] = { 32, 24, 18, 8 },  [DTYPE_IQ4_XS] = { 32, 16, 10, 8 }, [DTYPE_TQ1_0] = { 32, 4, 22, 8 },
    [DTYPE_TQ2_0] = { 32, 8, 2, 8 },
};

const pack_format *pack_find(dtype type)
{
    return &formats[type];
}

size_t pack_payload_bytes(const pack_format *f, int32_t panel_rows, int32_t n_cols)
{
    return (size_t)panel_rows * (size_t)f->payload_bytes * (size_t)(n_cols / f->block_cols);
}

size_t pack_header_bytes(const pack_format *f, int32_t panel_rows, int32_t n_cols)
{
    return (size_t)panel_rows * (size_t)f->header_bytes * (size_t)(n_cols / f->block_cols / f->super_blocks);
}

/* The 256 digits of a block. */
static void unpack_tq1_0(uint8_t q[256], const block_tq1_0 *b)
{
    for (int n = 0; n < 5; n++) {
        for (int i = 0; i < 32; i++) q[32 * n + i] = (uint8_t)base3_digit(b->qs[i], n);
        for (int i = 0; i < 16; i++) q[160 + 16 * n + i] = (uint8_t)base3_digit(b->qs[32 + i], n);
    }
    for (int i = 0; i < 16; i++) q[240 + i] = (uint8_t)base3_digit(b->qh[i % 4], i / 4);
}

/* Five quadruples of digits as four bytes of five digits. */
static void put_base3(uint8_t *lane, const uint8_t q[20])
{
    uint32_t four, sum = 0; /* four sums, each at most 242 */
    for (int j = 0; j < 5; j++) {
        memcpy(&four, q + 4 * j, sizeof four);
        sum = 3 * sum + four;
    }
    for (int c = 0; c < 4; c++) lane[c] = (uint8_t)(((sum >> (8 * c) & 255) * 256 + 242) / 243 - 128);
}

/* One block of TQ1_0, payload and header, into the lane of its row. */
static void pack_tq1_0(uint8_t *payload, uint8_t *header, const block_tq1_0 *b, int32_t row, int32_t panel_rows)
{
    size_t vector = (size_t)panel_rows * 4;
    uint8_t q[256], rest[25 * 4] = { 0 };
    unpack_tq1_0(q, b);
    for (size_t sub = 0; sub < 8; sub++) {
        put_base3(payload + row * 4 + sub * vector, q + 32 * sub);
        memcpy(rest + 12 * sub, q + 32 * sub + 20, 12);
    }
    for (size_t k = 0; k < 5; k++) put_base3(header + panel_rows * 2 + row * 4 + k * vector, rest + 20 * k);
}

static void put_half(uint8_t *header, int32_t index, int32_t row, int32_t panel_rows, uint16_t half)
{
    memcpy(header + ((size_t)index * (size_t)panel_rows + (size_t)row) * 2, &half, 2);
}

/* The header of a super-block: halves first, then bytes. */
static void pack_header(dtype type, uint8_t *header, const uint8_t *p, int32_t row, int32_t panel_rows)
{
    uint8_t *bytes = header + panel_rows * 2 + row; /* behind one half */
    uint16_t d[2];                                  /* most types begin with d, and m or dmin if they have it */
    memcpy(d, p, sizeof d);
    switch (type) {
    case DTYPE_MXFP4: header[row] = p[0]; return;
    case DTYPE_Q2_K:
        d[0] = ((const block_q2_k *)p)->d, d[1] = ((const block_q2_k *)p)->dmin;
        for (int j = 0; j < 16; j++) bytes[(j + 2) * panel_rows] = ((const block_q2_k *)p)->scales[j];
        break;
    case DTYPE_Q3_K:
        d[0] = ((const block_q3_k *)p)->d;
        for (int j = 0; j < 16; j++) bytes[j * panel_rows] = (uint8_t)q3_k_scale(((const block_q3_k *)p)->scales, j);
        break;
    case DTYPE_Q4_K:
    case DTYPE_Q5_K: /* the same until scales */
        for (int j = 0; j < 8; j++)
            q4_k_scale_min(((const block_q4_k *)p)->scales, j, &bytes[(j + 2) * panel_rows],
                           &bytes[(j + 10) * panel_rows]);
        break;
    case DTYPE_Q6_K:
        d[0] = ((const block_q6_k *)p)->d;
        for (int j = 0; j < 16; j++) bytes[j * panel_rows] = (uint8_t)((const block_q6_k *)p)->scales[j];
        break;
    case DTYPE_IQ4_XS:
        for (int j = 0; j < 8; j++) bytes[j * panel_rows] = (uint8_t)iq4_xs_scale((const block_iq4_xs *)p, j);
        break;
    case DTYPE_TQ1_0: d[0] = ((const block_tq1_0 *)p)->d; break;
    case DTYPE_TQ2_0: d[0] = ((const block_tq2_0 *)p)->d; break;
    default: break;
    }
    put_half(header, 0, row, panel_rows, d[0]);
    if (formats[type].header_bytes == 4 || formats[type].header_bytes == 20) put_half(header, 1, row, panel_rows, d[1]);
}

/* Columns of one row into its lane. */
static void pack_floats(dtype type, uint8_t *lane, const uint8_t *row, size_t n_cols, size_t panel_rows)
{
    switch (type) {
    case DTYPE_F64:
        for (size_t c = 0; c < n_cols; c++) {
            float f;
            quant_find(type)->decode(row + 8 * c, &f, 1);
            memcpy(lane + c * panel_rows * 4, &f, 4);
        }
        return;
    case DTYPE_F32:
        for (size_t c = 0; c < n_cols; c++) memcpy(lane + c * panel_rows * 4, row + 4 * c, 4);
        return;
    default:
        for (size_t c = 0; c < n_cols; c++) memcpy(lane + c * panel_rows * 2, row + 2 * c, 2);
    }
}

/* n_blocks blocks, as the file has them, of row r. */
static void pack_strip(const kernels *k, dtype type, uint8_t *payload, uint8_t *header, const uint8_t *blocks,
                       int32_t n_blocks, int32_t r)
{
    const pack_format *f = &formats[type];
    const dtype_info *t = dtype_find((uint32_t)type);
    size_t rows = (size_t)k->panel_rows, payload_step = rows * (size_t)(f->payload_bytes * f->super_blocks);
    if (f->block_cols == 1) {
        pack_floats(type, payload + r * f->payload_bytes, blocks, (size_t)n_blocks, rows);
        return;
    }
    if (type != DTYPE_TQ1_0) k->pack_row(type, payload + r * 4, blocks, n_blocks, k->panel_rows);
    for (int32_t i = 0; i < n_blocks; i++, blocks += t->block_bytes) {
        pack_header(type, header, blocks, r, k->panel_rows);
        if (type == DTYPE_TQ1_0) pack_tq1_0(payload, header, (const block_tq1_0 *)blocks, r, k->panel_rows);
        payload += payload_step;
        header += rows * (size_t)f->header_bytes;
    }
}

void pack_panel(const kernels *k, dtype type, uint8_t *payload, uint8_t *header, const uint8_t *rows, size_t row_bytes,
                int32_t n_rows, int32_t n_cols)
{
    const pack_format *f = &formats[type];
    const dtype_info *t = dtype_find((uint32_t)type);
    assert(n_cols % t->block_elems == 0 && t->block_elems == f->block_cols * f->super_blocks);
    int32_t n_blocks = n_cols / t->block_elems, strip = STRIP_COLS / t->block_elems;
    for (int32_t b = 0; b < n_blocks; b += strip) {
        int32_t n = n_blocks - b < strip ? n_blocks - b : strip, cols = b * t->block_elems;
        for (int32_t r = 0; r < n_rows; r++)
            pack_strip(k, type, payload + pack_payload_bytes(f, k->panel_rows, cols),
                       header + pack_header_bytes(f, k->panel_rows, cols),
                       rows + (size_t)r * row_bytes + (size_t)b * (size_t)t->block_bytes, n, r);
    }
}
