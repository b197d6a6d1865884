/* blocks.h - the bytes of a quantised block, for each type of DTYPE_LIST that has blocks.
 *
 * A row is cut into blocks of 32 or 256 elements. Each block stores small integers q and the scales and offsets that
 * convert them back to numbers. There are three forms of formula (d, dmin, m: stored as IEEE half, bits in a uint16_t; see
 * base/fp16.h):
 *
 *   one scale            x = d * q                     Q4_0 Q5_0 Q8_0 IQ4_NL MXFP4 TQ1_0 TQ2_0
 *   scale and offset     x = d * q + m                 Q4_1 Q5_1
 *   two levels           x = (d * sc[j]) * q           Q3_K Q6_K IQ4_XS       j: group of 16 or 32 elements,
 *                        x = (d * sc[j]) * q           Q2_K Q4_K Q5_K          sc and mn small integers
 *                            - dmin * mn[j]
 *
 * Formats: ggml (ggml-common.h, ggml-quants.c) as published in the Python package gguf (gguf/quants.py); MXFP4: OCP
 * Microscaling Formats 1.0. The elements of a block are named e0, e1, ... below; bit 0 is the lowest.
 *
 * All members are bytes or halves, so that a block needs an alignment of at most two bytes, and no struct has padding.
 * On disk and here: little-endian. */
#ifndef SUMI_QUANT_BLOCKS_H
#define SUMI_QUANT_BLOCKS_H

#include <stdint.h>

#define QK   32  /* elements of a simple block */
#define QK_K 256 /* elements of a super-block */

/* ---- Blocks of 32 ----------------------------------------------------------------------------------------------
 *
 *   low nibbles of qs hold the first half of the block, high nibbles the second:
 *
 *   qs[0]     | e16  e0 |   bits 7..4, 3..0          qh (5-bit types): bit i is bit 4 of the q of e[i]
 *   qs[1]     | e17  e1 |
 *   ...                                              Q4_0:  q - 8 in -8..7         Q5_0:  q - 16 in -16..15
 *   qs[15]    | e31 e15 |                            Q4_1:  q in 0..15             Q5_1:  q in 0..31
 *
 *   Q4_0   |d |qs 16          |           Q5_0   |d |qh  |qs 16          |      Q8_0   |d |qs: 32 signed bytes ... |
 *   Q4_1   |d |m |qs 16          |        Q5_1   |d |m |qh  |qs 16          |   MXFP4  |e|qs 16          |
 *   IQ4_NL |d |qs 16          |    q is an index into kvalues_iq4nl: 16 steps, finer around 0
 *   MXFP4: e is the exponent of a power of two (2^(e - 127), E8M0), q a 4-bit float (sign, 2 exponent, 1 mantissa) */
typedef struct block_q4_0 {
    uint16_t d;
    uint8_t qs[QK / 2];
} block_q4_0;

typedef struct block_q4_1 {
    uint16_t d, m;
    uint8_t qs[QK / 2];
} block_q4_1;

typedef struct block_q5_0 {
    uint16_t d;
    uint8_t qh[4], qs[QK / 2];
} block_q5_0;

typedef struct block_q5_1 {
    uint16_t d, m;
    uint8_t qh[4], qs[QK / 2];
} block_q5_1;

typedef struct block_q8_0 {
    uint16_t d;
    int8_t qs[QK];
} block_q8_0;

typedef struct block_iq4_nl {
    uint16_t d;
    uint8_t qs[QK / 2];
} block_iq4_nl;

typedef struct block_mxfp4 {
    uint8_t e;
    uint8_t qs[QK / 2];
} block_mxfp4;

/* ---- Super-blocks of 256 ---------------------------------------------------------------------------------------
 *
 * Q2_K   |scales 16      |qs 64 ...        |d |dmin|         16 groups of 16: scales[j] = mn[j] << 4 | sc[j]
 *        halves of 128 elements, 32 bytes each; byte k of a half holds (from bit 0) elements k, k+32, k+64, k+96
 *        qs[0] | e96 e64 e32 e0 |   qs[31] | e127 e95 e63 e31 |   qs[32] | e224 e192 e160 e128 |
 *
 * Q3_K   |hmask 32 ...   |qs 64 ...        |scales 12   |d |    16 groups of 16
 *        qs as in Q2_K; bit b of hmask[k] belongs to e[32 b + k]: q = (low 2 bits) - (bit set ? 0 : 4), in -4..3
 *        sc[j] - 32 in -32..31, 6 bits each:  bits 3..0 in scales[j % 8], low nibble for j < 8, high one above;
 *                                             bits 5..4 in scales[8 + j % 4], at bit 2 * (j / 4)
 *
 * Q4_K   |d |dmin|scales 12   |qs 128 ...                    |  8 groups of 32, 6-bit sc and mn:
 * Q5_K   |d |dmin|scales 12   |qh 32 ...   |qs 128 ...       |
 *        scales[0..3]   | sc4..7 bits 5,4 | sc0..3  bits 5..0 |
 *        scales[4..7]   | mn4..7 bits 5,4 | mn0..3  bits 5..0 |
 *        scales[8..11]  | mn4..7 bits 3..0 | sc4..7 bits 3..0 |
 *        quarters of 64 elements, 32 bytes of qs each: low nibbles e0..e31, high nibbles e32..e63 of the quarter
 *        qh: bit b of qh[k] is bit 4 of the q of e[32 b + k]
 *
 * Q6_K   |ql 128 ...              |qh 64 ...    |scales 16, signed |d |    16 groups of 16, q - 32 in -32..31
 *        halves of 128: ql 64 bytes, low nibbles e0..e63, high nibbles e64..e127 of the half;
 *        qh 32 bytes, byte k holds (from bit 0) bits 5,4 of e[k], e[k+32], e[k+64], e[k+96] of the half
 *
 * IQ4_XS |d |scales_h|scales_l 4|qs 128 ...                  |   8 groups of 32; q as in IQ4_NL, each group as its qs
 *        sc[j] - 32: bits 3..0 in nibble j % 2 of scales_l[j / 2], bits 5..4 at bit 2 j of scales_h
 *
 * TQ2_0  |qs 64 ...           |d |      q - 1 in -1..1 (2 decodes too); layout as in Q2_K
 * TQ1_0  |qs 48 ...  |qh 4|d |          five base-3 digits in a byte, as the fraction digits/243 in 256ths, rounded up:
 *        digit n is the integer part of 3 * frac(3^n * byte / 256).  q - 1 in -1..1
 *        qs[k],      k < 32: e[k], e[k+32], e[k+64], e[k+96], e[k+128]
 *        qs[32 + k], k < 16: e[160+k], e[176+k], e[192+k], e[208+k], e[224+k]      qh[k]: e[240+k], +4, +8, +12 */
typedef struct block_q2_k {
    uint8_t scales[QK_K / 16], qs[QK_K / 4];
    uint16_t d, dmin;
} block_q2_k;

typedef struct block_q3_k {
    uint8_t hmask[QK_K / 8], qs[QK_K / 4], scales[12];
    uint16_t d;
} block_q3_k;

typedef struct block_q4_k {
    uint16_t d, dmin;
    uint8_t scales[12], qs[QK_K / 2];
} block_q4_k;

typedef struct block_q5_k {
    uint16_t d, dmin;
    uint8_t scales[12], qh[QK_K / 8], qs[QK_K / 2];
} block_q5_k;

typedef struct block_q6_k {
    uint8_t ql[QK_K / 2], qh[QK_K / 4];
    int8_t scales[QK_K / 16];
    uint16_t d;
} block_q6_k;

typedef struct block_iq4_xs {
    uint16_t d, scales_h;
    uint8_t scales_l[QK_K / 64], qs[QK_K / 2];
} block_iq4_xs;

typedef struct block_tq1_0 {
    uint8_t qs[48], qh[4];
    uint16_t d;
} block_tq1_0;

typedef struct block_tq2_0 {
    uint8_t qs[QK_K / 4];
    uint16_t d;
} block_tq2_0;

_Static_assert(sizeof(block_q4_0) == 18, "file format");
_Static_assert(sizeof(block_q4_1) == 20, "file format");
_Static_assert(sizeof(block_q5_0) == 22, "file format");
_Static_assert(sizeof(block_q5_1) == 24, "file format");
_Static_assert(sizeof(block_q8_0) == 34, "file format");
_Static_assert(sizeof(block_iq4_nl) == 18, "file format");
_Static_assert(sizeof(block_mxfp4) == 17, "file format");
_Static_assert(sizeof(block_q2_k) == 84, "file format");
_Static_assert(sizeof(block_q3_k) == 110, "file format");
_Static_assert(sizeof(block_q4_k) == 144, "file format");
_Static_assert(sizeof(block_q5_k) == 176, "file format");
_Static_assert(sizeof(block_q6_k) == 210, "file format");
_Static_assert(sizeof(block_iq4_xs) == 136, "file format");
_Static_assert(sizeof(block_tq1_0) == 54, "file format");
_Static_assert(sizeof(block_tq2_0) == 66, "file format");

/* ---- The values of q where it is an index into a table ---- */

/* IQ4_NL and IQ4_XS: the 16 levels, signed bytes in rising order. */
#define KVALUES_IQ4NL                                                            \
    {                                                                            \
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 \
    }

/* MXFP4: twice the value of the 4-bit float (0, 0.5, 1, 1.5, 2, 3, 4, 6), so that it is an integer. */
#define KVALUES_MXFP4                                           \
    {                                                           \
        0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 \
    }

/* ---- Packed bits: read by these functions only, in the reference and in kernels ---- */

/* Q2_K, Q3_K and TQ2_0: the two bits of element e of 256 in qs; Q6_K: its two high bits in qh. */
static inline int two_bits(const uint8_t qs[64], int e)
{
    return qs[e / 128 * 32 + e % 32] >> (2 * (e % 128 / 32)) & 3;
}

/* Sets them, where they were 0. */
static inline void put_two_bits(uint8_t qs[64], int e, int bits)
{
    qs[e / 128 * 32 + e % 32] |= (uint8_t)(bits << (2 * (e % 128 / 32)));
}

/* Q4_K, Q5_K: scale and minimum of group j, 0..7, each 0..63. */
static inline void q4_k_scale_min(const uint8_t scales[12], int j, uint8_t *sc, uint8_t *mn)
{
    if (j < 4) {
        *sc = scales[j] & 63;
        *mn = scales[j + 4] & 63;
    } else {
        *sc = (uint8_t)((scales[j + 4] & 15) | (scales[j - 4] >> 6) << 4);
        *mn = (uint8_t)((scales[j + 4] >> 4) | (scales[j] >> 6) << 4);
    }
}

/* Q3_K: scale of group j, 0..15, in -32..31. */
static inline int q3_k_scale(const uint8_t scales[12], int j)
{
    int low = scales[j % 8] >> (j < 8 ? 0 : 4) & 15, high = scales[8 + j % 4] >> (2 * (j / 4)) & 3;
    return (low | high << 4) - 32;
}

/* IQ4_XS: scale of group j, 0..7, in -32..31. */
static inline int iq4_xs_scale(const block_iq4_xs *b, int j)
{
    int low = b->scales_l[j / 2] >> (j % 2 ? 4 : 0) & 15, high = b->scales_h >> (2 * j) & 3;
    return (low | high << 4) - 32;
}

/* TQ1_0: digit n (0: the most significant one) of a byte, 0..2, whatever the byte. */
static inline int base3_digit(uint8_t byte, int n)
{
    static const uint8_t power[5] = { 1, 3, 9, 27, 81 };
    return (uint8_t)(byte * power[n]) * 3 >> 8;
}

#endif
