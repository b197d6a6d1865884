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
 * TQ1_0 has five digits in a byte, each of another four columns, and eight such quadruples in a block: five are in the
 * payload, and the three left over of blocks 0..7 are the digits 3 block + 0..2 of the header's vectors, five to each. So a
 * super-block takes 13 vectors and d, 54 bytes for a row: as many as in the file. A byte is stored minus 128, since
 * kernels compare signed bytes.
 *
 * Two steps for each block of a row: unpack its 32 integers to bytes, then spread these over the lanes of the payload,
 * four columns (32 bits) at a time. */
#include "backend/cpu/pack.h"

#include <assert.h>
#include <string.h>

#include "quant/blocks.h"
#include "quant/quant.h"

#define FLOATS(bytes)       { 1, bytes, 0, 1 }
#define SIMPLE(bits, bytes) { PACK_COLS, 4 * (bits), bytes, 1 }
#define SUPER(bits, bytes)  { PACK_COLS, 4 * (bits), bytes, 8 }

static const pack_format formats[DTYPE_MAX] = {
    [DTYPE_F32] = FLOATS(4),        [DTYPE_F64] = FLOATS(4),        [DTYPE_F16] = FLOATS(2),
    [DTYPE_BF16] = FLOATS(2),       [DTYPE_Q4_0] = SIMPLE(4, 2),    [DTYPE_Q4_1] = SIMPLE(4, 4),
    [DTYPE_Q5_0] = SIMPLE(5, 2),    [DTYPE_Q5_1] = SIMPLE(5, 4),    [DTYPE_Q8_0] = SIMPLE(8, 2),
    [DTYPE_IQ4_NL] = SIMPLE(4, 2),  [DTYPE_MXFP4] = SIMPLE(4, 1),   [DTYPE_Q2_K] = SUPER(2, 20),
    [DTYPE_Q3_K] = SUPER(3, 18),    [DTYPE_Q4_K] = SUPER(4, 20),    [DTYPE_Q5_K] = SUPER(5, 20),
    [DTYPE_Q6_K] = SUPER(6, 18),    [DTYPE_IQ4_XS] = SUPER(4, 10),  [DTYPE_TQ1_0] = SUPER(1, 22),
    [DTYPE_TQ2_0] = SUPER(2, 2),
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

/* ---- The integers of a block ---- */

static void unpack_nibbles(uint8_t q[32], const uint8_t *qs)
{
    for (int i = 0; i < 16; i++) {
        q[i] = qs[i] & 15;
        q[i + 16] = qs[i] >> 4;
    }
}

static void add_fifth_bits(uint8_t q[32], const uint8_t *qh)
{
    for (int i = 0; i < 32; i++) q[i] |= (uint8_t)((qh[i / 8] >> (i % 8) & 1) << 4);
}

/* Block `sub` of 32 inside a super-block: quarters of 64 share 32 bytes. */
static void unpack_k_nibbles(uint8_t q[32], const uint8_t *qs, int sub)
{
    const uint8_t *p = qs + sub / 2 * 32;
    for (int i = 0; i < 32; i++) q[i] = sub % 2 ? p[i] >> 4 : p[i] & 15;
}

/* Pairs of bits: halves of 128 share 32 bytes. */
static void unpack_pairs(uint8_t q[32], const uint8_t *qs, int sub)
{
    const uint8_t *p = qs + sub / 4 * 32;
    for (int i = 0; i < 32; i++) q[i] = p[i] >> (2 * (sub % 4)) & 3;
}

/* Adds bit `sub` of each byte of bits as bit `at`. */
static void add_plane(uint8_t q[32], const uint8_t *bits, int sub, int at)
{
    for (int i = 0; i < 32; i++) q[i] |= (uint8_t)((bits[i] >> sub & 1) << at);
}

static void unpack_q6_k(uint8_t q[32], const block_q6_k *b, int sub)
{
    const uint8_t *l = b->ql + sub / 4 * 64 + sub % 2 * 32, *h = b->qh + sub / 4 * 32;
    int low = sub % 4 < 2 ? 0 : 4, high = sub % 4 * 2;
    for (int i = 0; i < 32; i++) q[i] = (uint8_t)((l[i] >> low & 15) | (h[i] >> high & 3) << 4);
}

static void unpack_tq1_0(uint8_t q[32], const block_tq1_0 *b, int sub)
{
    if (sub < 5) {
        for (int i = 0; i < 32; i++) q[i] = (uint8_t)base3_digit(b->qs[i], sub);
        return;
    }
    for (int i = 0; i < 32; i++) {
        int e = 32 * sub - 160 + i; /* counted from the second part of qs */
        q[i] = (uint8_t)(e < 80 ? base3_digit(b->qs[32 + e % 16], e / 16) : base3_digit(b->qh[e % 4], (e - 80) / 4));
    }
}

/* The unsigned integers of block `sub` of the super-block at p. */
static void unpack(dtype type, uint8_t q[32], const uint8_t *p, int sub)
{
    switch (type) {
    case DTYPE_Q4_0: unpack_nibbles(q, ((const block_q4_0 *)p)->qs); return;
    case DTYPE_Q4_1: unpack_nibbles(q, ((const block_q4_1 *)p)->qs); return;
    case DTYPE_IQ4_NL: unpack_nibbles(q, ((const block_iq4_nl *)p)->qs); return;
    case DTYPE_MXFP4: unpack_nibbles(q, ((const block_mxfp4 *)p)->qs); return;
    case DTYPE_Q5_0:
        unpack_nibbles(q, ((const block_q5_0 *)p)->qs);
        add_fifth_bits(q, ((const block_q5_0 *)p)->qh);
        return;
    case DTYPE_Q5_1:
        unpack_nibbles(q, ((const block_q5_1 *)p)->qs);
        add_fifth_bits(q, ((const block_q5_1 *)p)->qh);
        return;
    case DTYPE_Q8_0:
        for (int i = 0; i < 32; i++) q[i] = (uint8_t)(((const block_q8_0 *)p)->qs[i] + 128);
        return;
    case DTYPE_Q2_K: unpack_pairs(q, ((const block_q2_k *)p)->qs, sub); return;
    case DTYPE_Q3_K:
        unpack_pairs(q, ((const block_q3_k *)p)->qs, sub);
        add_plane(q, ((const block_q3_k *)p)->hmask, sub, 2);
        return;
    case DTYPE_Q4_K: unpack_k_nibbles(q, ((const block_q4_k *)p)->qs, sub); return;
    case DTYPE_Q5_K:
        unpack_k_nibbles(q, ((const block_q5_k *)p)->qs, sub);
        add_plane(q, ((const block_q5_k *)p)->qh, sub, 4);
        return;
    case DTYPE_Q6_K: unpack_q6_k(q, (const block_q6_k *)p, sub); return;
    case DTYPE_IQ4_XS: unpack_nibbles(q, ((const block_iq4_xs *)p)->qs + 16 * sub); return;
    case DTYPE_TQ1_0: unpack_tq1_0(q, (const block_tq1_0 *)p, sub); return;
    case DTYPE_TQ2_0: unpack_pairs(q, ((const block_tq2_0 *)p)->qs, sub); return;
    default: assert(!"a type of integers");
    }
}

/* ---- Into lanes ---- */

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void or32(uint8_t *p, uint32_t v)
{
    v |= load32(p);
    memcpy(p, &v, sizeof v);
}

/* Bits at, at + 1 of the integers, into two vectors of pairs. */
static void spread_pairs(uint8_t *lane, size_t vector, const uint8_t q[32], int at)
{
    for (size_t j = 0; j < 8; j++)
        or32(lane + j / 4 * vector, (load32(q + 4 * j) >> at & 0x03030303) << (2 * (j % 4)));
}

static void spread_bits(uint8_t *lane, const uint8_t q[32], int at)
{
    for (size_t j = 0; j < 8; j++) or32(lane, (load32(q + 4 * j) >> at & 0x01010101) << j);
}

/* One row's 32 integers into its lane of a block's vectors, each panel_rows * 4 bytes long. */
static void spread(uint8_t *payload, int32_t bits, const uint8_t q[32], int32_t row, int32_t panel_rows)
{
    size_t vector = (size_t)panel_rows * 4;
    uint8_t *lane = payload + (size_t)row * 4;
    for (size_t j = 0; j < 8 && bits == 8; j++) memcpy(lane + j * vector, q + 4 * j, 4);
    for (size_t k = 0; k < 4 && bits >= 4 && bits < 8; k++)
        or32(lane + k * vector, (load32(q + 8 * k) & 0x0f0f0f0f) | (load32(q + 8 * k + 4) & 0x0f0f0f0f) << 4);
    if (bits == 2 || bits == 3) spread_pairs(lane, vector, q, 0);
    if (bits == 3) spread_bits(lane + 2 * vector, q, 2);
    if (bits == 5) spread_bits(lane + 4 * vector, q, 4);
    if (bits == 6) spread_pairs(lane + 4 * vector, vector, q, 4);
}

/* All blocks of one row of TQ1_0. */
static void spread_base3(uint8_t *payload, uint8_t *header, const block_tq1_0 *b, int32_t row, int32_t panel_rows)
{
    size_t vector = (size_t)panel_rows * 4;
    uint8_t q[8][32], rest[25][4] = { { 0 } };
    for (int sub = 0; sub < 8; sub++) {
        unpack_tq1_0(q[sub], b, sub);
        memcpy(rest[3 * sub], q[sub] + 20, 12);
        for (int c = 0; c < 4; c++)
            payload[(size_t)sub * vector + (size_t)(row * 4 + c)] = (uint8_t)(base3_byte(q[sub] + c, 4, 5) - 128);
    }
    for (int k = 0; k < 5; k++)
        for (int c = 0; c < 4; c++)
            header[(size_t)panel_rows * 2 + (size_t)k * vector + (size_t)(row * 4 + c)] =
                (uint8_t)(base3_byte(rest[5 * k] + c, 4, 5) - 128);
}

static void put_half(uint8_t *header, int32_t index, int32_t row, int32_t panel_rows, uint16_t half)
{
    memcpy(header + ((size_t)index * (size_t)panel_rows + (size_t)row) * 2, &half, 2);
}

/* The header of a super-block: halves first, then bytes. */
static void put_header(dtype type, uint8_t *header, const uint8_t *p, int32_t row, int32_t panel_rows)
{
    uint8_t *bytes = header + panel_rows * 2 + row; /* behind one half */
    uint16_t d[2]; /* most types begin with d, and m or dmin if they have it */
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
            q4_k_scale_min(((const block_q4_k *)p)->scales, j, &bytes[(j + 2) * panel_rows], &bytes[(j + 10) * panel_rows]);
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

static void pack_floats(dtype type, uint8_t *payload, const uint8_t *rows, size_t row_bytes, int32_t n_rows,
                        int32_t n_cols, int32_t panel_rows)
{
    size_t bytes = (size_t)formats[type].payload_bytes, step = (size_t)panel_rows * bytes;
    for (int32_t r = 0; r < n_rows; r++, rows += row_bytes, payload += bytes)
        for (size_t c = 0; c < (size_t)n_cols; c++) {
            float f;
            if (type == DTYPE_F64) quant_find(type)->decode(rows + 8 * c, &f, 1);
            memcpy(payload + c * step, type == DTYPE_F64 ? (const uint8_t *)&f : rows + c * bytes, bytes);
        }
}

void pack_panel(dtype type, uint8_t *payload, uint8_t *header, const uint8_t *rows, size_t row_bytes, int32_t n_rows,
                int32_t n_cols, int32_t panel_rows)
{
    const pack_format *f = &formats[type];
    const dtype_info *t = dtype_find((uint32_t)type);
    assert(n_cols % t->block_elems == 0 && t->block_elems == f->block_cols * f->super_blocks);
    if (f->block_cols == 1) {
        pack_floats(type, payload, rows, row_bytes, n_rows, n_cols, panel_rows);
        return;
    }
    size_t block_bytes = (size_t)f->payload_bytes * (size_t)panel_rows;
    for (int32_t s = 0; s < n_cols / t->block_elems; s++) {
        for (int32_t r = 0; r < n_rows; r++) {
            const uint8_t *p = rows + (size_t)r * row_bytes + (size_t)s * (size_t)t->block_bytes;
            put_header(type, header, p, r, panel_rows);
            if (type == DTYPE_TQ1_0) spread_base3(payload, header, (const block_tq1_0 *)p, r, panel_rows);
            for (int sub = 0; sub < f->super_blocks && type != DTYPE_TQ1_0; sub++) {
                uint8_t q[32];
                unpack(type, q, p, sub);
                spread(payload + (size_t)sub * block_bytes, pack_bits(type), q, r, panel_rows);
            }
        }
        payload += (size_t)f->super_blocks * block_bytes;
        header += (size_t)f->header_bytes * (size_t)panel_rows;
    }
}
