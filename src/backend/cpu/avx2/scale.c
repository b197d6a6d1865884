/* scale.c - a factor and a soft cap on a row with AVX2; tanh(x) = 1 - 2 / (e^(2 x) + 1). */
#include "backend/cpu/avx2/avx2.h"

void scale_row_avx2(float *x, int32_t n, float scale, float softcap)
{
    __m256 s = _mm256_set1_ps(scale), cap = _mm256_set1_ps(softcap), one = _mm256_set1_ps(1),
           two = _mm256_set1_ps(2);
    for (int32_t i = 0; i < n; i += 8) {
        __m256i mask = lanes_below(n - i < 8 ? n - i : 8);
        __m256 v = _mm256_mul_ps(_mm256_maskload_ps(x + i, mask), s);
        if (softcap > 0) {
            __m256 e = exp_ps(_mm256_mul_ps(_mm256_div_ps(v, cap), two));
            v = _mm256_mul_ps(cap, _mm256_sub_ps(one, _mm256_div_ps(two, _mm256_add_ps(e, one))));
        }
        _mm256_maskstore_ps(x + i, mask, v);
    }
}
