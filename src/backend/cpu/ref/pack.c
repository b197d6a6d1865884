/* pack.c - the integers of one row into its lane of a panel; pack.h draws where each goes.
 *
 * Two steps for each block: unpack its 32 integers to bytes, then spread these over the vectors of the payload, four
 * columns (32 bits) at a time. */
#include "backend/cpu/ref/ref.h"

#include <assert.h>
#include <string.h>

#include "backend/cpu/pack.h"
#include "quant/blocks.h"

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
    for (int i = 0; i < 32; i++) q[i] = (uint8_t)two_bits(qs, 32 * sub + i);
}

/* Adds bit `sub` of each byte of bits as bit `at`. */
static void add_plane(uint8_t q[32], const uint8_t *bits, int sub, int at)
{
    for (int i = 0; i < 32; i++) q[i] |= (uint8_t)((bits[i] >> sub & 1) << at);
}

static void unpack_q6_k(uint8_t q[32], const block_q6_k *b, int sub)
{
    const uint8_t *low = b->ql + sub / 4 * 64 + sub % 2 * 32;
    for (int i = 0; i < 32; i++)
        q[i] = (uint8_t)((low[i] >> (sub % 4 < 2 ? 0 : 4) & 15) | two_bits(b->qh, 32 * sub + i) << 4);
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
    case DTYPE_TQ2_0: unpack_pairs(q, ((const block_tq2_0 *)p)->qs, sub); return;
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

/* Bits at, at + 1 of the integers as two vectors of pairs. */
static void spread_pairs(uint8_t *lane, size_t vector, const uint8_t q[32], int at)
{
    for (size_t k = 0; k < 2; k++) {
        uint32_t v = 0;
        for (size_t j = 0; j < 4; j++) v |= (load32(q + 16 * k + 4 * j) >> at & 0x03030303) << (2 * j);
        memcpy(lane + k * vector, &v, sizeof v);
    }
}

static void spread_bits(uint8_t *lane, const uint8_t q[32], int at)
{
    uint32_t v = 0;
    for (size_t j = 0; j < 8; j++) v |= (load32(q + 4 * j) >> at & 0x01010101) << j;
    memcpy(lane, &v, sizeof v);
}

static void spread_nibbles(uint8_t *lane, size_t vector, const uint8_t q[32])
{
    for (size_t k = 0; k < 4; k++) {
        uint32_t v = (load32(q + 8 * k) & 0x0f0f0f0f) | (load32(q + 8 * k + 4) & 0x0f0f0f0f) << 4;
        memcpy(lane + k * vector, &v, sizeof v);
    }
}

/* A block's integers into vectors that are `vector` bytes long. */
static void spread(uint8_t *lane, size_t vector, const uint8_t q[32], int32_t bits)
{
    for (size_t j = 0; j < 8 && bits == 8; j++) memcpy(lane + j * vector, q + 4 * j, 4);
    if (bits >= 4 && bits <= 6) spread_nibbles(lane, vector, q);
    if (bits == 2 || bits == 3) spread_pairs(lane, vector, q, 0);
    if (bits == 3) spread_bits(lane + 2 * vector, q, 2);
    if (bits == 5) spread_bits(lane + 4 * vector, q, 4);
    if (bits == 6) spread_pairs(lane + 4 * vector, vector, q, 4);
}

void pack_row_ref(dtype type, uint8_t *lane, const uint8_t *blocks, int32_t n_blocks, int32_t panel_rows)
{
    const dtype_info *t = dtype_find((uint32_t)type);
    size_t vector = (size_t)panel_rows * 4;
    int n_subs = t->block_elems / PACK_COLS;
    for (int32_t b = 0; b < n_blocks; b++, blocks += t->block_bytes)
        for (int sub = 0; sub < n_subs; sub++) {
            uint8_t q[32];
            unpack(type, q, blocks, sub);
            spread(lane, vector, q, pack_bits(type));
            lane += vector * (size_t)pack_bits(type);
        }
}
