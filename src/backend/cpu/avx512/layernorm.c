/* layernorm.c - layer normalisation with AVX-512; the same in 16 lanes as avx2/layernorm.c. */
#include "backend/cpu/avx512/avx512.h"

#include <math.h>

static float mean_of(const float *x, int32_t n)
{
    __m512 sum = _mm512_setzero_ps();
    for (int32_t i = 0; i < n; i += 16)
        sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(lanes_below(n - i), x + i));
    return _mm512_reduce_add_ps(sum) / (float)n;
}

void layernorm_row_avx512(float *y, const float *x, const float *w, const float *b, int32_t n, float eps)
{
    __m512 mean = _mm512_set1_ps(mean_of(x, n)), squares = _mm512_setzero_ps();
    for (int32_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes_below(n - i);
        __m512 d = _mm512_maskz_sub_ps(mask, _mm512_maskz_loadu_ps(mask, x + i), mean);
        squares = _mm512_fmadd_ps(d, d, squares);
    }
    __m512 scale = _mm512_set1_ps(1.0f / sqrtf(_mm512_reduce_add_ps(squares) / (float)n + eps));
    for (int32_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes_below(n - i);
        __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), mean);
        __m512 v = _mm512_mul_ps(_mm512_mul_ps(d, scale), _mm512_maskz_loadu_ps(mask, w + i));
        if (b) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, b + i));
        _mm512_mask_storeu_ps(y + i, mask, v);
    }
}
