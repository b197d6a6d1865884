/* linear.c - matrix products with AVX2 on packed panels of 8 rows.
 *
 * maddubs multiplies unsigned weights by signed activations and adds pairs to 16 bits: 8 rows times 4 columns of one
 * token, whose 4 bytes are broadcast. Products of small weights are summed in 16 bits as long as they fit:
 *
 *   5 bits:  4 x 2 x 31 x 127 = 31496: half a block; fewer bits and MXFP4 (levels up to 24) fit all the more
 *   6 bits:  2 x 2 x 63 x 127 = 32004: two vectors
 *   8 bits:  2 x 128 x 127 = 32512 for sizes without signs, each vector by itself
 *
 * then madd widens them to 32 bits. A block is unpacked into eight registers once for up to 16 tokens, whose sums lie in
 * the L1 cache.
 *
 * Unsigned bytes up to 255 would not fit, so Q8_0 and the levels of IQ4_NL and IQ4_XS keep their sign: |w| times x with the
 * sign of w, which has no zero point to make good for. */
#include "backend/cpu/avx2/avx2.h"

#include <string.h>

#include "backend/cpu/avx2/product.h"
#include "backend/cpu/passes/dot.h"

DECL_DOT_F32(dot_f32_avx2)
{
    return dot_f32(a, b, n);
}

static inline __m256i widen(__m256i pairs)
{
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* How many products of maddubs are summed in 16 bits. Eight of 4 bits would fit; two chains of four measured twice as
 * fast on Zen 5. */
static inline int run_length(dtype type)
{
    return pack_bits(type) == 6 ? 2 : 4;
}

/* Unsigned weights, `run` products in 16 bits at a time. */
static inline __attribute__((always_inline)) __m256i dot_unsigned(const __m256i *q, const int8_t *x, int from, int to,
                                                                  int run)
{
    __m256i sum = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int j = from; j < to; j += run) {
        __m256i pairs = _mm256_maddubs_epi16(q[j], broadcast4(x + 4 * j));
#pragma GCC unroll 8
        for (int i = j + 1; i < j + run; i++)
            pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(q[i], broadcast4(x + 4 * i)));
        sum = j == from ? widen(pairs) : _mm256_add_epi32(sum, widen(pairs));
    }
    return sum;
}

/* A whole block of signed weights. */
static inline __attribute__((always_inline)) __m256i dot_signed(const block *b, const int8_t *x)
{
    __m256i even = _mm256_setzero_si256(), odd = even;
#pragma GCC unroll 4
    for (int j = 0; j < 8; j += 2) {
        __m256i x0 = _mm256_sign_epi8(broadcast4(x + 4 * j), b->w[j]),
                x1 = _mm256_sign_epi8(broadcast4(x + 4 * j + 4), b->w[j + 1]);
        even = _mm256_add_epi32(even, widen(_mm256_maddubs_epi16(b->q[j], x0)));
        odd = _mm256_add_epi32(odd, widen(_mm256_maddubs_epi16(b->q[j + 1], x1)));
    }
    return _mm256_add_epi32(even, odd);
}

static inline __attribute__((always_inline)) __m256i dot_block(const block *b, dtype type, const int8_t *x, int from,
                                                               int to)
{
    return is_signed(type) ? dot_signed(b, x) : dot_unsigned(b->q, x, from, to, run_length(type));
}

#define DEFINE(name, TYPE) DEFINE_PANELS(name, avx2, DTYPE_##TYPE)
FOR_EACH_PANEL_TYPE(DEFINE)
