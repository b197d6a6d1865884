/* blocks.h - 32 columns of a packed panel (pack.h) in registers, for every type that is multiplied with int8 activations.
 *
 *   w = d * q + m     q: unsigned bytes, 8 rows x 4 columns in a register     d, m: a float for each row
 *
 * m is a minimum, or minus d times the zero point. Types whose integers stand for the levels of a table look them up, plus
 * a zero point. Without dpbusd, weights of 8 bits with their sign are kept as size and sign instead: see linear.c. Static:
 * see vec.h. */
#ifndef SUMI_BACKEND_CPU_AVX2_BLOCKS_H
#define SUMI_BACKEND_CPU_AVX2_BLOCKS_H

#include "backend/cpu/avx2/avx2.h"
#include "backend/cpu/pack.h"
#include "quant/blocks.h"

#define ROWS 8

/* Signed types: q holds the sizes of the weights, w the weights themselves, and there is no m. Halves share d and m unless
 * the type has a scale for 16 columns. */
typedef struct block {
    __m256i q[8], w[8];
    __m256 d[2], m[2];
} block;

static inline bool is_signed(dtype type)
{
#ifdef __AVXVNNI__
    (void)type;
    return false;
#else
    return type == DTYPE_Q8_0 || type == DTYPE_IQ4_NL || type == DTYPE_IQ4_XS;
#endif
}

static inline __m256i load32(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline __m256 load_halves(const uint8_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static inline __m256i load_u8(const uint8_t *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

static inline __m256 load_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(load_u8(p));
}

static inline __m256 load_signed_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

static inline void load_nibbles(block *b, const uint8_t *p)
{
    const __m256i low = _mm256_set1_epi8(15);
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        __m256i v = load32(p + 32 * k);
        b->q[2 * k] = _mm256_and_si256(v, low);
        b->q[2 * k + 1] = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
    }
}

/* Bits of 8-bit lanes to the left, or to the right if shift < 0. Shifts of 16-bit lanes move bits of the neighbour byte
 * into places that the mask clears. */
static inline __attribute__((always_inline)) __m256i shifted(__m256i v, int shift, __m256i mask)
{
    return _mm256_and_si256(shift >= 0 ? _mm256_slli_epi16(v, shift) : _mm256_srli_epi16(v, -shift), mask);
}

/* Adds bit `at` from a vector of bit planes: (plane >> j & 1) << at. */
static inline __attribute__((always_inline)) void add_bits(block *b, const uint8_t *p, int at)
{
    __m256i v = load32(p), bit = _mm256_set1_epi8((char)(1 << at));
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) b->q[j] = _mm256_or_si256(b->q[j], shifted(v, at - j, bit));
}

static inline void load_pairs(block *b, const uint8_t *p)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) b->q[j] = shifted(load32(p + j / 4 * 32), -2 * (j % 4), _mm256_set1_epi8(3));
}

/* Adds bits 4 and 5. */
static inline void add_pairs(block *b, const uint8_t *p)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
        __m256i pair = shifted(load32(p + j / 4 * 32), 4 - 2 * (j % 4), _mm256_set1_epi8(0x30));
        b->q[j] = _mm256_or_si256(b->q[j], pair);
    }
}

static inline void load_whole_bytes(block *b, const uint8_t *p)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) b->q[j] = load32(p + 32 * j);
}

/* Bytes with a zero point of 128. */
static inline void load_signed(block *b, const uint8_t *p)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
        b->w[j] = _mm256_xor_si256(load32(p + 32 * j), _mm256_set1_epi8(-128));
        b->q[j] = _mm256_abs_epi8(b->w[j]); /* 128 as an unsigned byte where w is -128 */
    }
}

/* The leading base-3 digit of y, which stands for the fraction (y + 128) / 256 = digits / 243: 1 from 86 / 256 on, 2 from
 * 171 / 256. Tripling y modulo 256 drops the digit: 3 (y + 128) = 3 y + 128 modulo 256. */
static inline __m256i leading_digit(__m256i y)
{
    __m256i one = _mm256_cmpgt_epi8(y, _mm256_set1_epi8(85 - 128)),
            two = _mm256_cmpgt_epi8(y, _mm256_set1_epi8(170 - 128));
    return _mm256_sub_epi8(_mm256_setzero_si256(),
                           _mm256_add_epi8(one, two)); /* a comparison that holds is -1 */
}

/* y times power, modulo 256, byte by byte. */
static inline __m256i times(__m256i y, int16_t power)
{
    __m256i p = _mm256_set1_epi16(power), even = _mm256_set1_epi16(0xff);
    __m256i odd = _mm256_mullo_epi16(_mm256_andnot_si256(even, y), p);
    return _mm256_or_si256(_mm256_and_si256(_mm256_mullo_epi16(y, p), even), odd);
}

/* Five digits of payload, three of the vectors at rest: see pack.c. */
static inline void load_base3(block *b, const uint8_t *payload, const uint8_t *rest, int32_t sub)
{
    static const int16_t powers[5] = { 1, 3, 9, 27, 81 };
    __m256i y = load32(payload);
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
        b->q[j] = leading_digit(y);
        y = _mm256_add_epi8(y, _mm256_add_epi8(y, y));
    }
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
        int32_t e = 3 * sub + j;
        b->q[5 + j] = leading_digit(times(load32(rest + e / 5 * 32), powers[e % 5]));
    }
}

/* q to table[q], tables of 16 bytes. */
static inline void look_up(__m256i *out, const __m256i *q, __m256i table)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) out[j] = _mm256_shuffle_epi8(table, q[j]);
}

/* q to values[q] + zero. */
static inline void look_up_values(block *b, const int8_t values[16], int zero)
{
    __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)values));
    look_up(b->q, b->q, _mm256_add_epi8(table, _mm256_set1_epi8((char)zero)));
}

static inline void look_up_signed(block *b, const int8_t values[16])
{
    __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)values));
    look_up(b->w, b->q, table);
    look_up(b->q, b->q, _mm256_abs_epi8(table));
}

/* 2^(e - 128), half of what MXFP4's exponent stands for: its table is doubled. Below 2^-126 it is a subnormal float. */
static inline __m256 half_powers(const uint8_t *p)
{
    __m256i e = load_u8(p), one = _mm256_set1_epi32(1);
    __m256i tiny = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
    __m256i bits = _mm256_slli_epi32(_mm256_sub_epi32(e, one), 23);
    return _mm256_castsi256_ps(_mm256_blendv_epi8(tiny, bits, _mm256_cmpgt_epi32(e, one)));
}

/* m is not read if the type is signed, and then the compiler drops it. */
static inline void scale_with_zero(block *b, __m256 d, int zero)
{
    b->d[0] = d;
    b->m[0] = _mm256_mul_ps(d, _mm256_set1_ps((float)-zero));
}

/* d and m of two halves from a scale each: sc at s, signed, 8 a half. */
static inline __attribute__((always_inline)) void scale_halves(block *b, __m256 d, const uint8_t *s, int zero)
{
#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
        b->d[k] = _mm256_mul_ps(d, load_signed_bytes(s + 8 * k));
        b->m[k] = _mm256_mul_ps(b->d[k], _mm256_set1_ps((float)-zero));
    }
}

static inline __attribute__((always_inline)) void scale_halves_min(block *b, __m256 d, __m256 dmin,
                                                                   const uint8_t *s)
{
#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
        __m256i both = load_u8(s + 8 * k);
        b->d[k] = _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_and_si256(both, _mm256_set1_epi32(15))));
        b->m[k] = _mm256_mul_ps(dmin, _mm256_cvtepi32_ps(_mm256_srli_epi32(both, 4)));
        b->m[k] = _mm256_sub_ps(_mm256_setzero_ps(), b->m[k]);
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
    if (bits == 3) add_bits(b, payload + 2 * 32, 2);
    if (bits == 5) add_bits(b, payload + 4 * 32, 4);
    if (bits == 6) add_pairs(b, payload + 4 * 32);
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
    case DTYPE_Q4_0: scale_with_zero(b, load_halves(header + (size_t)g * 16), 8); return;
    case DTYPE_Q5_0: scale_with_zero(b, load_halves(header + (size_t)g * 16), 16); return;
    case DTYPE_Q8_0:
    case DTYPE_IQ4_NL: scale_with_zero(b, load_halves(header + (size_t)g * 16), 128); return;
    case DTYPE_MXFP4: scale_with_zero(b, half_powers(header + (size_t)g * 8), 12); return;
    case DTYPE_Q4_1:
    case DTYPE_Q5_1:
        b->d[0] = load_halves(header + (size_t)g * 32);
        b->m[0] = load_halves(header + (size_t)g * 32 + 16);
        return;
    case DTYPE_Q2_K:
        super += (size_t)(g / 8) * 160;
        scale_halves_min(b, load_halves(super), load_halves(super + 16), super + 32 + 16 * sub);
        return;
    case DTYPE_Q3_K:
        super += (size_t)(g / 8) * 144;
        scale_halves(b, load_halves(super), super + 16 + 16 * sub, 4);
        return;
    case DTYPE_Q4_K:
    case DTYPE_Q5_K:
        super += (size_t)(g / 8) * 160;
        b->d[0] = _mm256_mul_ps(load_halves(super), load_bytes(super + 32 + 8 * sub));
        b->m[0] = _mm256_mul_ps(load_halves(super + 16), load_bytes(super + 96 + 8 * sub));
        b->m[0] = _mm256_sub_ps(_mm256_setzero_ps(), b->m[0]);
        return;
    case DTYPE_Q6_K:
        super += (size_t)(g / 8) * 144;
        scale_halves(b, load_halves(super), super + 16 + 16 * sub, 32);
        return;
    case DTYPE_IQ4_XS:
        super += (size_t)(g / 8) * 80;
        scale_with_zero(b, _mm256_mul_ps(load_halves(super), load_signed_bytes(super + 16 + 8 * sub)), 128);
        return;
    case DTYPE_TQ1_0:
        super += (size_t)(g / 8) * 176;
        load_base3(b, payload, super + 16, sub);
        scale_with_zero(b, load_halves(super), 1);
        return;
    default: /* TQ2_0 */ scale_with_zero(b, load_halves(header + (size_t)(g / 8) * 16), 1);
    }
}

#endif
