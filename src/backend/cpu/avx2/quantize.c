/* quantize.c - activations to int8, the same bits as the reference: one multiplication and one rounding each. */
#include "backend/cpu/avx2/avx2.h"

#include <assert.h>

void quantize_row_avx2(const q8_digit *out, const float *x, int32_t n)
{
    const __m256 sign = _mm256_set1_ps(-0.0f);
    /* packs work inside 128-bit halves; this puts the eight groups of four back in order */
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    assert(n % ACT_GROUP == 0);
    for (int32_t g = 0; g < n / ACT_GROUP; g++, x += ACT_GROUP) {
        __m256 v[4], max = _mm256_setzero_ps();
        for (int i = 0; i < 4; i++) {
            v[i] = _mm256_loadu_ps(x + 8 * i);
            max = _mm256_max_ps(max, _mm256_andnot_ps(sign, v[i]));
        }
        float largest = max_lanes(max), d = largest / 127.0f;
        __m256 inverse = _mm256_set1_ps(largest > 0 ? 127.0f / largest : 0.0f);
        __m256i r[4];
        for (int i = 0; i < 4; i++) r[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], inverse));
        __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(r[0], r[1]), _mm256_packs_epi32(r[2], r[3]));
        q8_digit to = q8_digit_at(out, g);
        _mm256_storeu_si256((__m256i *)to.q, _mm256_permutevar8x32_epi32(bytes, order));
        /* integers below 2^24: exact in any order */
        float h0 = sum_lanes(_mm256_cvtepi32_ps(_mm256_add_epi32(r[0], r[1])));
        float h1 = sum_lanes(_mm256_cvtepi32_ps(_mm256_add_epi32(r[2], r[3])));
        to.d[0] = d;
        to.s[0] = d * (h0 + h1);
        to.h[0] = d * h0;
        to.h[to.lanes] = d * h1;
    }
}
