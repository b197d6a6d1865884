/* quantize.c - activations to int8 with AVX-512: a group of 32 is two registers. The same bits as the reference. */
#include "backend/cpu/avx512/avx512.h"

#include <assert.h>

void quantize_row_avx512(const q8_digit *out, const float *x, int32_t n)
{
    assert(n % ACT_GROUP == 0);
    for (int32_t g = 0; g < n / ACT_GROUP; g++, x += ACT_GROUP) {
        int8_t *q = out->q + g * ACT_TILE * ACT_GROUP;
        __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
        float largest = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b))), d = largest / 127.0f;
        __m512 inverse = _mm512_set1_ps(largest > 0 ? 127.0f / largest : 0.0f);
        __m512i ia = _mm512_cvtps_epi32(_mm512_mul_ps(a, inverse)), ib = _mm512_cvtps_epi32(_mm512_mul_ps(b, inverse));
        _mm_storeu_si128((__m128i *)q, _mm512_cvtsepi32_epi8(ia));
        _mm_storeu_si128((__m128i *)(q + 16), _mm512_cvtsepi32_epi8(ib));
        int32_t h0 = _mm512_reduce_add_epi32(ia), h1 = _mm512_reduce_add_epi32(ib);
        out->d[g * ACT_TILE] = d;
        out->s[g * ACT_TILE] = d * (float)(h0 + h1);
        out->h[g * 2 * ACT_TILE] = d * (float)h0;
        out->h[g * 2 * ACT_TILE + ACT_TILE] = d * (float)h1;
    }
}
