/* blocks.h - packed weights into registers with AVX-512: what passes/blocks.h leaves to the level. */
#ifndef SUMI_BACKEND_CPU_AVX512_BLOCKS_H
#define SUMI_BACKEND_CPU_AVX512_BLOCKS_H

#include "backend/cpu/avx512/avx512.h"
#include "backend/cpu/pack.h"

typedef struct block {
    __m512i q[8];
    __m512 d[2], m[2];
} block;

static inline bool is_signed(dtype type)
{
    (void)type;
    return false;
}

static inline void load_signed(block *b, const uint8_t *p)
{
    (void)b;
    (void)p;
}

static inline void look_up_signed(block *b, const int8_t values[16])
{
    (void)b;
    (void)values;
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

/* 2^(e - 128), half of what MXFP4's exponent stands for: its table is doubled. Below 2^-126 it is a subnormal float. */
static inline __m512 half_powers(const uint8_t *p)
{
    __m512i e = v_load_u8(p), one = _mm512_set1_epi32(1);
    __m512i tiny = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), e);
    __m512i bits = _mm512_slli_epi32(_mm512_sub_epi32(e, one), 23);
    return _mm512_castsi512_ps(_mm512_mask_mov_epi32(bits, _mm512_cmple_epi32_mask(e, one), tiny));
}

static inline void load_nibble_pairs(const uint8_t *p, __m512 *low, __m512 *high)
{
    __m512i both = v_load_u8(p);
    *low = _mm512_cvtepi32_ps(_mm512_and_si512(both, _mm512_set1_epi32(15)));
    *high = _mm512_cvtepi32_ps(_mm512_srli_epi32(both, 4));
}

#include "backend/cpu/passes/blocks.h"

#endif
