/* quantize.c - activations to int8, the same bits as the reference: one multiplication and one rounding each.
 *
 * The largest magnitude is found among the bits of the floats without their signs, as integers: their order is that of the
 * numbers, with infinity and then NaN above all of them, where a maximum of floats forgets a NaN. */
#include "backend/cpu/avx2/avx2.h"

#include <assert.h>

#define BITS_OF_INFINITY 0x7f800000

static inline int32_t max_bits(__m256i v)
{
    __m128i s = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_max_epi32(s, _mm_shuffle_epi32(s, _MM_SHUFFLE(1, 0, 3, 2)));
    s = _mm_max_epi32(s, _mm_shuffle_epi32(s, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(s);
}

void quantize_row_avx2(const q8_digit *out, const float *x, int32_t n)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    /* packs work inside 128-bit halves; this puts the eight groups of four back in order */
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    assert(n % ACT_GROUP == 0);
    for (int32_t g = 0; g < n / ACT_GROUP; g++, x += ACT_GROUP) {
        __m256 v[4];
        __m256i max = _mm256_setzero_si256();
        for (int i = 0; i < 4; i++) {
            v[i] = _mm256_loadu_ps(x + 8 * i);
            max = _mm256_max_epi32(max, _mm256_castps_si256(_mm256_andnot_ps(sign, v[i])));
        }
        q8_digit to = q8_digit_at(out, g);
        int32_t bits = max_bits(max);
        if (__builtin_expect(bits >= BITS_OF_INFINITY, 0)) {
            q8_set_nan(&to);
            continue;
        }
        float largest = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(bits))), d = largest / 127.0f;
        __m256 inverse = _mm256_set1_ps(largest > Q8_LEAST ? 127.0f / largest : 0.0f);
        __m256i r[4];
        for (int i = 0; i < 4; i++) r[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], inverse));
        __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(r[0], r[1]), _mm256_packs_epi32(r[2], r[3]));
        _mm256_storeu_si256((__m256i *)to.q, _mm256_permutevar8x32_epi32(bytes, order));
        /* integers below 2^24: exact in any order */
        float h0 = v_sum(_mm256_cvtepi32_ps(_mm256_add_epi32(r[0], r[1])));
        float h1 = v_sum(_mm256_cvtepi32_ps(_mm256_add_epi32(r[2], r[3])));
        to.d[0] = d;
        to.s[0] = d * (h0 + h1);
        to.h[0] = d * h0;
        to.h[to.lanes] = d * h1;
    }
}
