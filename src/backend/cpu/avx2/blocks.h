/* blocks.h - packed weights into registers with AVX2: what passes/blocks.h leaves to the level. Without dpbusd, weights of 8
 * bits with their sign are kept as size and sign: see linear.c. */
#ifndef SUMI_BACKEND_CPU_AVX2_BLOCKS_H
#define SUMI_BACKEND_CPU_AVX2_BLOCKS_H

#include "backend/cpu/avx2/avx2.h"
#include "backend/cpu/pack.h"

/* Signed types: q holds the sizes of the weights, w the weights themselves, and there is no m. */
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

/* Bytes with a zero point of 128. */
static inline void load_signed(block *b, const uint8_t *p)
{
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
        b->w[j] = _mm256_xor_si256(v_load_bytes(p + 32 * j), _mm256_set1_epi8(-128));
        b->q[j] = _mm256_abs_epi8(b->w[j]); /* 128 as an unsigned byte where w is -128 */
    }
}

/* The leading base-3 digit of y, which stands for the fraction (y + 128) / 256 = digits / 243: 1 from 86 / 256 on, 2 from
 * 171 / 256. Tripling y modulo 256 drops the digit: 3 (y + 128) = 3 y + 128 modulo 256. */
static inline __m256i leading_digit(__m256i y)
{
    __m256i one = _mm256_cmpgt_epi8(y, _mm256_set1_epi8(85 - 128)),
            two = _mm256_cmpgt_epi8(y, _mm256_set1_epi8(170 - 128));
    return _mm256_sub_epi8(_mm256_setzero_si256(), _mm256_add_epi8(one, two)); /* a comparison that holds is -1 */
}

/* y times power, modulo 256, byte by byte. */
static inline __m256i times(__m256i y, int16_t power)
{
    __m256i p = _mm256_set1_epi16(power), even = _mm256_set1_epi16(0xff);
    __m256i odd = _mm256_mullo_epi16(_mm256_andnot_si256(even, y), p);
    return _mm256_or_si256(_mm256_and_si256(_mm256_mullo_epi16(y, p), even), odd);
}

static inline void look_up_signed(block *b, const int8_t values[16])
{
    __m256i table = v_load_table(values), sizes = _mm256_abs_epi8(table);
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
        b->w[j] = v_look_up(table, b->q[j]);
        b->q[j] = v_look_up(sizes, b->q[j]);
    }
}

/* 2^(e - 128), half of what MXFP4's exponent stands for: its table is doubled. Below 2^-126 it is a subnormal float. */
static inline __m256 half_powers(const uint8_t *p)
{
    __m256i e = v_load_u8(p), one = _mm256_set1_epi32(1);
    __m256i tiny = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
    __m256i bits = _mm256_slli_epi32(_mm256_sub_epi32(e, one), 23);
    return _mm256_castsi256_ps(_mm256_blendv_epi8(tiny, bits, _mm256_cmpgt_epi32(e, one)));
}

static inline void load_nibble_pairs(const uint8_t *p, __m256 *low, __m256 *high)
{
    __m256i both = v_load_u8(p);
    *low = _mm256_cvtepi32_ps(_mm256_and_si256(both, _mm256_set1_epi32(15)));
    *high = _mm256_cvtepi32_ps(_mm256_srli_epi32(both, 4));
}

#include "backend/cpu/passes/blocks.h"

#endif
