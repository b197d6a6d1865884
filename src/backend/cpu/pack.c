/* pack.c - see pack.h.
 *
 *   header of a super-block, R = panel_rows, each row's entry at its own lane:
 *     Q4_0 Q5_0 Q8_0   | d[R] f16 |
 *     Q4_1 Q5_1        | d[R] f16 | m[R] f16 |
 *     Q4_K Q5_K        | d[R] f16 | dmin[R] f16 | sc[8][R] u8 | mn[8][R] u8 |
 *     Q6_K             | d[R] f16 | sc[16][R] i8 |
 *
 * Two steps for each block of a row: unpack its 32 integers to bytes, then spread these over the lanes of the payload,
 * four columns (32 bits) at a time. */
#include "backend/cpu/pack.h"

#include <assert.h>
#include <string.h>

#include "quant/blocks.h"

static const pack_format formats[DTYPE_MAX] = {
    [DTYPE_Q4_0] = { 16, 2, 1 },  [DTYPE_Q4_1] = { 16, 4, 1 },  [DTYPE_Q5_0] = { 20, 2, 1 },
    [DTYPE_Q5_1] = { 20, 4, 1 },  [DTYPE_Q8_0] = { 32, 2, 1 },  [DTYPE_Q4_K] = { 16, 20, 8 },
    [DTYPE_Q5_K] = { 20, 20, 8 }, [DTYPE_Q6_K] = { 24, 18, 8 },
};

const pack_format *pack_find(dtype type)
{
    return formats[type].payload_bytes ? &formats[type] : NULL;
}

size_t pack_payload_bytes(const pack_format *f, int32_t panel_rows, int32_t n_cols)
{
    return (size_t)panel_rows * (size_t)f->payload_bytes * (size_t)(n_cols / PACK_COLS);
}

size_t pack_header_bytes(const pack_format *f, int32_t panel_rows, int32_t n_cols)
{
    return (size_t)panel_rows * (size_t)f->header_bytes * (size_t)(n_cols / PACK_COLS / f->super_blocks);
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

static void unpack_q6_k(uint8_t q[32], const block_q6_k *b, int sub)
{
    const uint8_t *l = b->ql + sub / 4 * 64 + sub % 2 * 32, *h = b->qh + sub / 4 * 32;
    int low = sub % 4 < 2 ? 0 : 4, high = sub % 4 * 2;
    for (int i = 0; i < 32; i++) q[i] = (uint8_t)((l[i] >> low & 15) | (h[i] >> high & 3) << 4);
}

/* The unsigned integers of block `sub` of the super-block at p. */
static void unpack(dtype type, uint8_t q[32], const uint8_t *p, int sub)
{
    switch (type) {
    case DTYPE_Q4_0: unpack_nibbles(q, ((const block_q4_0 *)p)->qs); return;
    case DTYPE_Q4_1: unpack_nibbles(q, ((const block_q4_1 *)p)->qs); return;
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
    case DTYPE_Q4_K: unpack_k_nibbles(q, ((const block_q4_k *)p)->qs, sub); return;
    case DTYPE_Q5_K:
        unpack_k_nibbles(q, ((const block_q5_k *)p)->qs, sub);
        for (int i = 0; i < 32; i++) q[i] |= (uint8_t)((((const block_q5_k *)p)->qh[i] >> sub & 1) << 4);
        return;
    case DTYPE_Q6_K: unpack_q6_k(q, (const block_q6_k *)p, sub); return;
    default: assert(!"a type of the table above");
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

/* One row's 32 integers into its lane of a block's vectors, each panel_rows * 4 bytes long. */
static void spread(uint8_t *payload, int32_t payload_bytes, const uint8_t q[32], int32_t row, int32_t panel_rows)
{
    size_t vector = (size_t)panel_rows * 4;
    uint8_t *lane = payload + (size_t)row * 4;
    if (payload_bytes == 32) {
        for (size_t j = 0; j < 8; j++) memcpy(lane + j * vector, q + 4 * j, 4);
        return;
    }
    for (size_t k = 0; k < 4; k++)
        or32(lane + k * vector, (load32(q + 8 * k) & 0x0f0f0f0f) | (load32(q + 8 * k + 4) & 0x0f0f0f0f) << 4);
    for (size_t j = 0; j < 8 && payload_bytes == 20; j++)
        or32(lane + 4 * vector, (load32(q + 4 * j) >> 4 & 0x01010101) << j);
    for (size_t j = 0; j < 8 && payload_bytes == 24; j++)
        or32(lane + (4 + j / 4) * vector, (load32(q + 4 * j) >> 4 & 0x03030303) << (2 * (j % 4)));
}

static void put_half(uint8_t *header, int32_t index, int32_t row, int32_t panel_rows, uint16_t half)
{
    memcpy(header + ((size_t)index * (size_t)panel_rows + (size_t)row) * 2, &half, 2);
}

/* The eight 6-bit scales and minima of Q4_K and Q5_K: see quant/blocks.h. */
static void put_scales_k(uint8_t *bytes, const uint8_t *s, int32_t row, int32_t panel_rows)
{
    for (int32_t j = 0; j < 8; j++) {
        uint8_t sc = j < 4 ? s[j] & 63 : (uint8_t)((s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
        uint8_t mn = j < 4 ? s[j + 4] & 63 : (uint8_t)(s[j + 4] >> 4 | (s[j] >> 6) << 4);
        bytes[j * panel_rows + row] = sc;
        bytes[(8 + j) * panel_rows + row] = mn;
    }
}

static void put_header(dtype type, uint8_t *header, const uint8_t *p, int32_t row, int32_t panel_rows)
{
    uint16_t d[2]; /* the types of 32 and Q4_K, Q5_K begin with d, and m or dmin if they have it */
    memcpy(d, p, sizeof d);
    if (type == DTYPE_Q6_K) {
        const block_q6_k *b = (const block_q6_k *)p;
        put_half(header, 0, row, panel_rows, b->d);
        for (int32_t j = 0; j < 16; j++) header[panel_rows * 2 + j * panel_rows + row] = (uint8_t)b->scales[j];
        return;
    }
    put_half(header, 0, row, panel_rows, d[0]);
    if (formats[type].header_bytes > 2) put_half(header, 1, row, panel_rows, d[1]);
    if (type == DTYPE_Q4_K || type == DTYPE_Q5_K) put_scales_k(header + panel_rows * 4, p + 4, row, panel_rows);
}

void pack_panel(dtype type, uint8_t *payload, uint8_t *header, const uint8_t *rows, size_t row_bytes, int32_t n_rows,
                int32_t n_cols, int32_t panel_rows)
{
    const pack_format *f = &formats[type];
    const dtype_info *t = dtype_find((uint32_t)type);
    assert(f->payload_bytes && n_cols % t->block_elems == 0 && t->block_elems == PACK_COLS * f->super_blocks);
    for (int32_t s = 0; s < n_cols / t->block_elems; s++) {
        for (int32_t r = 0; r < n_rows; r++) {
            const uint8_t *p = rows + (size_t)r * row_bytes + (size_t)s * (size_t)t->block_bytes;
            put_header(type, header, p, r, panel_rows);
            for (int sub = 0; sub < f->super_blocks; sub++) {
                uint8_t q[32];
                unpack(type, q, p, sub);
                spread(payload + (size_t)sub * (size_t)f->payload_bytes * (size_t)panel_rows, f->payload_bytes, q, r,
                       panel_rows);
            }
        }
        payload += (size_t)f->super_blocks * (size_t)f->payload_bytes * (size_t)panel_rows;
        header += (size_t)f->header_bytes * (size_t)panel_rows;
    }
}
