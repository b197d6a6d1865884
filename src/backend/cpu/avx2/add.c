/* add.c - addition of rows with AVX2: one rounding each, as the reference has it. */
#include "backend/cpu/avx2/avx2.h"

void add_row_avx2(float *y, const float *x, int32_t n)
{
    int32_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(y + i), _mm256_loadu_ps(x + i)));
    for (; i < n; i++) y[i] += x[i];
}
