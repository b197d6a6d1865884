/* rmsnorm.c - root-mean-square norm with AVX-512. */
#include "backend/cpu/avx512/avx512.h"

#include <math.h>

void rmsnorm_row_avx512(float *y, const float *x, const float *w, int32_t n, float eps)
{
    __m512 scale = _mm512_set1_ps(1.0f / sqrtf(dot_f32_avx512(x, x, n) / (float)n + eps));
    for (int32_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes_below(n - i);
        __m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), scale);
        _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(v, _mm512_maskz_loadu_ps(mask, w + i)));
    }
}
