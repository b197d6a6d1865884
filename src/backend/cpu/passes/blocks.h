/* blocks.h - 32 columns of a packed panel (pack.h) in registers, for every type that is multiplied with int8 activations.
 *
 *   w = d * q + m     q: unsigned bytes, LANES rows x 4 columns in a vector     d, m: a float for each row
 *
 * m is a minimum, or minus d times the zero point. Types whose integers stand for the levels of a table look them up, plus
 * a zero point. Offsets in a panel are multiples of LANES: a scale of each row takes 2 * LANES bytes as f16, LANES as a byte.
 *
 * Before a level includes this file it defines block and what it does in its own way:
 *
 *   struct block               q[8], d[2], m[2]; halves share d and m unless the type has a scale for 16 columns
 *   is_signed(type)            the level keeps the integers of the type with their sign, and there is no m:
 *   load_signed look_up_signed     as load_whole_bytes and look_up_values below
 *   leading_digit(y)           the leading base-3 digit of y: 0, 1 or 2
 *   times(y, power)            y times power, modulo 256, byte by byte
 *   half_powers(p)             2^(e - 128) of LANES bytes e
 *   load_nibble_pairs(p, low, high)    the low and high four bits of LANES bytes, as floats */
#ifndef SUMI_BACKEND_CPU_PASSES_BLOCKS_H
#define SUMI_BACKEND_CPU_PASSES_BLOCKS_H

#include "backend/cpu/pack.h"
#include "quant/blocks.h"

#define VECTOR (4 * LANES) /* bytes */

static inline vf load_bytes(const uint8_t *p)
{
    return v_to_float(v_load_u8(p));
}

static inline vf load_signed_bytes(const uint8_t *p)
{
    return v_to_float(v_load_i8(p));
}

static inline void load_nibbles(block *b, const uint8_t *p)
{
    const vi low = v_set_bytes(15);
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        vi v = v_load_bytes(p + VECTOR * k);
        b->q[2 * k] = v & low;
        b->q[2 * k + 1] = v_right(v, 4) & low;
    }
}

/* Bits of 8-bit lanes to the left, or to the right if shift < 0. Shifts of 16-bit lanes move bits of the neighbour byte
 * into places that the mask clears. */
static inline __attribute__((always_inline)) vi shifted(vi v, int shift, vi mask)
{
    return (shift >= 0 ? v_left(v, shift) : v_right(v, -shift)) & mask;
}

/* Adds bit `at` from a vector of bit planes: (plane >> j & 1) << at. */
static inline __attribute__((always_inline)) void add_bits(block *b, const uint8_t *p, int at)
{
    vi v = v_load_bytes(p), bit = v_set_bytes((char)(1 << at));
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) b->q[j] |= shifted(v, at - j, bit);
}

static inline void load_pairs(block *b, const uint8_t *p)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) b->q[j] = shifted(v_load_bytes(p + j / 4 * VECTOR), -2 * (j % 4), v_set_bytes(3));
}

/* Adds bits 4 and 5. */
static inline void add_pairs(block *b, const uint8_t *p)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++)
        b->q[j] |= shifted(v_load_bytes(p + j / 4 * VECTOR), 4 - 2 * (j % 4), v_set_bytes(0x30));
}

static inline void load_whole_bytes(block *b, const uint8_t *p)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) b->q[j] = v_load_bytes(p + VECTOR * j);
}

/* Five digits of payload, three of the vectors at rest: see pack.c. */
static inline void load_base3(block *b, const uint8_t *payload, const uint8_t *rest, int32_t sub)
{
    static const int16_t powers[5] = { 1, 3, 9, 27, 81 };
    vi y = v_load_bytes(payload);
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
        b->q[j] = leading_digit(y);
        y = v_add_bytes(y, v_add_bytes(y, y));
    }
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
        int32_t e = 3 * sub + j;
        b->q[5 + j] = leading_digit(times(v_load_bytes(rest + e / 5 * VECTOR), powers[e % 5]));
    }
}

/* q to values[q] + zero. */
static inline void look_up_values(block *b, const int8_t values[16], int zero)
{
    vi table = v_add_bytes(v_load_table(values), v_set_bytes((char)zero));
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) b->q[j] = v_look_up(table, b->q[j]);
}

/* m is not read if the type is signed, and then the compiler drops it. */
static inline void scale_with_zero(block *b, vf d, int zero)
{
    b->d[0] = d;
    b->m[0] = d * (float)-zero;
}

/* d and m of two halves from a scale each: LANES signed bytes at s for each half. */
static inline __attribute__((always_inline)) void scale_halves(block *b, vf d, const uint8_t *s, int zero)
{
#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
        b->d[k] = d * load_signed_bytes(s + LANES * k);
        b->m[k] = b->d[k] * (float)-zero;
    }
}

static inline __attribute__((always_inline)) void scale_halves_min(block *b, vf d, vf dmin, const uint8_t *s)
{
#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
        vf low, high;
        load_nibble_pairs(s + LANES * k, &low, &high);
        b->d[k] = d * low;
        b->m[k] = 0.0f - dmin * high;
    }
}

/* The integers of a block. The switch disappears, since type is a constant where this is inlined. */
static inline __attribute__((always_inline)) void load_integers(block *b, dtype type, const uint8_t *payload)
{
    static const int8_t iq4_values[16] = KVALUES_IQ4NL, mxfp4_values[16] = KVALUES_MXFP4;
    int32_t bits = pack_bits(type);
    if (bits == 8 && is_signed(type)) load_signed(b, payload);
    if (bits == 8 && !is_signed(type)) load_whole_bytes(b, payload);
    if (bits >= 4 && bits <= 6) load_nibbles(b, payload);
    if (bits == 2 || bits == 3) load_pairs(b, payload);
    if (bits == 3) add_bits(b, payload + 2 * VECTOR, 2);
    if (bits == 5) add_bits(b, payload + 4 * VECTOR, 4);
    if (bits == 6) add_pairs(b, payload + 4 * VECTOR);
    if (type == DTYPE_IQ4_NL || type == DTYPE_IQ4_XS) {
        if (is_signed(type)) look_up_signed(b, iq4_values);
        else look_up_values(b, iq4_values, 128);
    }
    if (type == DTYPE_MXFP4) look_up_values(b, mxfp4_values, 12);
}

/* Block g of a panel, whose payload is at payload; header is the panel's. */
static inline __attribute__((always_inline)) void load_block(block *b, dtype type, const uint8_t *payload,
                                                             const uint8_t *header, int32_t g)
{
    const uint8_t *super = header;
    int32_t sub = g % 8;
    load_integers(b, type, payload);
    switch (type) {
    case DTYPE_Q4_0: scale_with_zero(b, v_load_f16(header + (size_t)g * 2 * LANES), 8); return;
    case DTYPE_Q5_0: scale_with_zero(b, v_load_f16(header + (size_t)g * 2 * LANES), 16); return;
    case DTYPE_Q8_0:
    case DTYPE_IQ4_NL: scale_with_zero(b, v_load_f16(header + (size_t)g * 2 * LANES), 128); return;
    case DTYPE_MXFP4: scale_with_zero(b, half_powers(header + (size_t)g * LANES), 12); return;
    case DTYPE_Q4_1:
    case DTYPE_Q5_1:
        b->d[0] = v_load_f16(header + (size_t)g * 4 * LANES);
        b->m[0] = v_load_f16(header + (size_t)g * 4 * LANES + 2 * LANES);
        return;
    case DTYPE_Q2_K:
        super += (size_t)(g / 8) * 20 * LANES;
        scale_halves_min(b, v_load_f16(super), v_load_f16(super + 2 * LANES), super + 4 * LANES + 2 * LANES * sub);
        return;
    case DTYPE_Q3_K:
        super += (size_t)(g / 8) * 18 * LANES;
        scale_halves(b, v_load_f16(super), super + 2 * LANES + 2 * LANES * sub, 4);
        return;
    case DTYPE_Q4_K:
    case DTYPE_Q5_K:
        super += (size_t)(g / 8) * 20 * LANES;
        b->d[0] = v_load_f16(super) * load_bytes(super + 4 * LANES + LANES * sub);
        b->m[0] = 0.0f - v_load_f16(super + 2 * LANES) * load_bytes(super + 12 * LANES + LANES * sub);
        return;
    case DTYPE_Q6_K:
        super += (size_t)(g / 8) * 18 * LANES;
        scale_halves(b, v_load_f16(super), super + 2 * LANES + 2 * LANES * sub, 32);
        return;
    case DTYPE_IQ4_XS:
        super += (size_t)(g / 8) * 10 * LANES;
        scale_with_zero(b, v_load_f16(super) * load_signed_bytes(super + 2 * LANES + LANES * sub), 128);
        return;
    case DTYPE_TQ1_0:
        super += (size_t)(g / 8) * 22 * LANES;
        load_base3(b, payload, super + 2 * LANES, sub);
        scale_with_zero(b, v_load_f16(super), 1);
        return;
    default: /* TQ2_0 */ scale_with_zero(b, v_load_f16(header + (size_t)(g / 8) * 2 * LANES), 1);
    }
}

#endif
