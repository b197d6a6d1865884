/* blocks.h - 32 columns of a packed panel (pack.h) in registers, for every type that is multiplied with int8 activations.
 *
 *   w = d * q + m     q: unsigned bytes, 16 rows x 4 columns in a register     d, m: a float for each row
 *
 * m is a minimum, or minus d times the zero point. Types whose integers stand for the levels of a table look them up, plus
 * a zero point. Static: see avx2/vec.h. */
#ifndef SUMI_BACKEND_CPU_AVX512_BLOCKS_H
#define SUMI_BACKEND_CPU_AVX512_BLOCKS_H

#include "backend/cpu/avx512/avx512.h"
#include "backend/cpu/pack.h"
#include "quant/blocks.h"

#define ROWS 16

/* Halves share d and m unless the type has a scale for 16 columns. */
typedef struct block {
    __m512i q[8];
    __m512 d[2], m[2];
} block;

static inline __m512 load_halves(const uint8_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline __m512i load_u8(const uint8_t *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}

static inline __m512 load_bytes(const uint8_t *p)
{
    return _mm512_cvtepi32_ps(load_u8(p));
}

static inline __m512 load_signed_bytes(const uint8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}

static inline void load_nibbles(block *b, const uint8_t *p)
{
    const __m512i low = _mm512_set1_epi8(15);
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        __m512i v = _mm512_loadu_si512(p + 64 * k);
        b->q[2 * k] = _mm512_and_si512(v, low);
        b->q[2 * k + 1] = _mm512_and_si512(_mm512_srli_epi16(v, 4), low);
    }
}

/* Bits of 8-bit lanes to the left, or to the right if shift < 0. Shifts of 16-bit lanes move bits of the neighbour byte
 * into places that the mask clears. */
static inline __attribute__((always_inline)) __m512i shifted(__m512i v, int shift, __m512i mask)
{
    __m512i moved =
        shift >= 0 ? _mm512_slli_epi16(v, (unsigned)shift) : _mm512_srli_epi16(v, (unsigned)-shift);
    return _mm512_and_si512(moved, mask);
}

/* Adds bit `at` from a vector of bit planes: (plane >> j & 1) << at. */
static inline __attribute__((always_inline)) void add_bits(block *b, const uint8_t *p, int at)
{
    __m512i v = _mm512_loadu_si512(p), bit = _mm512_set1_epi8((char)(1 << at));
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) b->q[j] = _mm512_or_si512(b->q[j], shifted(v, at - j, bit));
}

static inline void load_pairs(block *b, const uint8_t *p)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++)
        b->q[j] = shifted(_mm512_loadu_si512(p + j / 4 * 64), -2 * (j % 4), _mm512_set1_epi8(3));
}

/* Adds bits 4 and 5. */
static inline void add_pairs(block *b, const uint8_t *p)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
        __m512i pair = shifted(_mm512_loadu_si512(p + j / 4 * 64), 4 - 2 * (j % 4), _mm512_set1_epi8(0x30));
        b->q[j] = _mm512_or_si512(b->q[j], pair);
    }
}

static inline void load_whole_bytes(block *b, const uint8_t *p)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) b->q[j] = _mm512_loadu_si512(p + 64 * j);
}

/* The leading base-3 digit of y, which stands for the fraction (y + 128) / 256 = digits / 243: 1 from 86 / 256 on, 2 from
 * 171 / 256. Tripling y modulo 256 drops the digit: 3 (y + 128) = 3 y + 128 modulo 256. */
static inline __m512i leading_digit(__m512i y)
{
    __m512i one = _mm512_set1_epi8(1);
    __m512i digit = _mm512_maskz_mov_epi8(_mm512_cmpgt_epi8_mask(y, _mm512_set1_epi8(85 - 128)), one);
    return _mm512_mask_add_epi8(digit, _mm512_cmpgt_epi8_mask(y, _mm512_set1_epi8(170 - 128)), digit, one);
}

/* y times power, modulo 256, byte by byte. */
static inline __m512i times(__m512i y, int16_t power)
{
    __m512i p = _mm512_set1_epi16(power);
    __m512i odd = _mm512_mullo_epi16(_mm512_andnot_si512(_mm512_set1_epi16(0xff), y), p);
    return _mm512_mask_mov_epi8(_mm512_mullo_epi16(y, p), 0xaaaaaaaaaaaaaaaaull, odd);
}

/* Five digits of payload, three of the vectors at rest: see pack.c. */
static inline void load_base3(block *b, const uint8_t *payload, const uint8_t *rest, int32_t sub)
{
    static const int16_t powers[5] = { 1, 3, 9, 27, 81 };
    __m512i y = _mm512_loadu_si512(payload);
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
        b->q[j] = leading_digit(y);
        y = _mm512_add_epi8(y, _mm512_add_epi8(y, y));
    }
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
        int32_t e = 3 * sub + j;
        b->q[5 + j] = leading_digit(times(_mm512_loadu_si512(rest + e / 5 * 64), powers[e % 5]));
    }
}

/* q to values[q] + zero. */
static inline void look_up(block *b, const int8_t values[16], int8_t zero)
{
    __m512i table = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)values));
    table = _mm512_add_epi8(table, _mm512_set1_epi8(zero));
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) b->q[j] = _mm512_shuffle_epi8(table, b->q[j]);
}

/* 2^(e - 128), half of what MXFP4's exponent stands for: its table is doubled. Below 2^-126 it is a subnormal float. */
static inline __m512 half_powers(const uint8_t *p)
{
    __m512i e = load_u8(p), one = _mm512_set1_epi32(1);
    __m512i tiny = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), e);
    __m512i bits = _mm512_slli_epi32(_mm512_sub_epi32(e, one), 23);
    return _mm512_castsi512_ps(_mm512_mask_mov_epi32(bits, _mm512_cmple_epi32_mask(e, one), tiny));
}

static inline void scale_with_zero(block *b, __m512 d, int zero)
{
    b->d[0] = d;
    b->m[0] = _mm512_mul_ps(d, _mm512_set1_ps((float)-zero));
}

/* d and m of two halves from a scale each: sc at s, signed, 16 a half. */
static inline __attribute__((always_inline)) void scale_halves(block *b, __m512 d, const uint8_t *s, int zero)
{
#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
        b->d[k] = _mm512_mul_ps(d, load_signed_bytes(s + 16 * k));
        b->m[k] = _mm512_mul_ps(b->d[k], _mm512_set1_ps((float)-zero));
    }
}

static inline __attribute__((always_inline)) void scale_halves_min(block *b, __m512 d, __m512 dmin,
                                                                   const uint8_t *s)
{
#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
        __m512i both = load_u8(s + 16 * k);
        b->d[k] = _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_and_si512(both, _mm512_set1_epi32(15))));
        b->m[k] = _mm512_mul_ps(dmin, _mm512_cvtepi32_ps(_mm512_srli_epi32(both, 4)));
        b->m[k] = _mm512_sub_ps(_mm512_setzero_ps(), b->m[k]);
    }
}

/* The integers of a block. The switch disappears, since type is a constant where this is inlined. */
static inline __attribute__((always_inline)) void load_integers(block *b, dtype type, const uint8_t *payload)
{
    static const int8_t iq4_values[16] = KVALUES_IQ4NL, mxfp4_values[16] = KVALUES_MXFP4;
    int32_t bits = pack_bits(type);
    if (bits == 8) load_whole_bytes(b, payload);
    if (bits >= 4 && bits <= 6) load_nibbles(b, payload);
    if (bits == 2 || bits == 3) load_pairs(b, payload);
    if (bits == 3) add_bits(b, payload + 2 * 64, 2);
    if (bits == 5) add_bits(b, payload + 4 * 64, 4);
    if (bits == 6) add_pairs(b, payload + 4 * 64);
    if (type == DTYPE_IQ4_NL || type == DTYPE_IQ4_XS) look_up(b, iq4_values, -128);
    if (type == DTYPE_MXFP4) look_up(b, mxfp4_values, 12);
}

/* Block g of a panel, whose payload is at payload; header is the panel's. */
static inline __attribute__((always_inline)) void load_block(block *b, dtype type, const uint8_t *payload,
                                                             const uint8_t *header, int32_t g)
{
    const uint8_t *super = header;
    int32_t sub = g % 8;
    load_integers(b, type, payload);
    switch (type) {
    case DTYPE_Q4_0: scale_with_zero(b, load_halves(header + (size_t)g * 32), 8); return;
    case DTYPE_Q5_0: scale_with_zero(b, load_halves(header + (size_t)g * 32), 16); return;
    case DTYPE_Q8_0:
    case DTYPE_IQ4_NL: scale_with_zero(b, load_halves(header + (size_t)g * 32), 128); return;
    case DTYPE_MXFP4: scale_with_zero(b, half_powers(header + (size_t)g * 16), 12); return;
    case DTYPE_Q4_1:
    case DTYPE_Q5_1:
        b->d[0] = load_halves(header + (size_t)g * 64);
        b->m[0] = load_halves(header + (size_t)g * 64 + 32);
        return;
    case DTYPE_Q2_K:
        super += (size_t)(g / 8) * 320;
        scale_halves_min(b, load_halves(super), load_halves(super + 32), super + 64 + 32 * sub);
        return;
    case DTYPE_Q3_K:
        super += (size_t)(g / 8) * 288;
        scale_halves(b, load_halves(super), super + 32 + 32 * sub, 4);
        return;
    case DTYPE_Q4_K:
    case DTYPE_Q5_K:
        super += (size_t)(g / 8) * 320;
        b->d[0] = _mm512_mul_ps(load_halves(super), load_bytes(super + 64 + 16 * sub));
        b->m[0] = _mm512_mul_ps(load_halves(super + 32), load_bytes(super + 192 + 16 * sub));
        b->m[0] = _mm512_sub_ps(_mm512_setzero_ps(), b->m[0]);
        return;
    case DTYPE_Q6_K:
        super += (size_t)(g / 8) * 288;
        scale_halves(b, load_halves(super), super + 32 + 32 * sub, 32);
        return;
    case DTYPE_IQ4_XS:
        super += (size_t)(g / 8) * 160;
        scale_with_zero(b, _mm512_mul_ps(load_halves(super), load_signed_bytes(super + 32 + 16 * sub)), 128);
        return;
    case DTYPE_TQ1_0:
        super += (size_t)(g / 8) * 352;
        load_base3(b, payload, super + 32, sub);
        scale_with_zero(b, load_halves(super), 1);
        return;
    default: /* TQ2_0 */ scale_with_zero(b, load_halves(header + (size_t)(g / 8) * 32), 1);
    }
}

#endif
