/* rmsnorm.c - root-mean-square norm with AVX2. */
#include "backend/cpu/avx2/avx2.h"

#include <math.h>

void rmsnorm_row_avx2(float *y, const float *x, const float *w, int32_t n, float eps)
{
    float scale = 1.0f / sqrtf(dot_f32_avx2(x, x, n) / (float)n + eps);
    __m256 s = _mm256_set1_ps(scale);
    int32_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(x + i), s), _mm256_loadu_ps(w + i)));
    for (; i < n; i++) y[i] = x[i] * scale * w[i];
}
