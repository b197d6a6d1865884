/* add.c - addition of rows with AVX2: a product and a sum, each rounded, as the reference has it. */
#include "backend/cpu/avx2/avx2.h"

void add_row_avx2(float *y, const float *x, float scale, int32_t n)
{
    __m256 s = _mm256_set1_ps(scale);
    int32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 scaled = _mm256_mul_ps(s, _mm256_loadu_ps(x + i));
        _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(y + i), scaled));
    }
    for (; i < n; i++) y[i] += scale * x[i];
}
