/* scale.c - a factor and a soft cap on a row with AVX-512; the formula is that of avx2/scale.c. */
#include "backend/cpu/avx512/avx512.h"

void scale_row_avx512(float *x, int32_t n, float scale, float softcap)
{
    __m512 s = _mm512_set1_ps(scale), cap = _mm512_set1_ps(softcap), one = _mm512_set1_ps(1),
           two = _mm512_set1_ps(2);
    for (int32_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes_below(n - i);
        __m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), s);
        if (softcap > 0) {
            __m512 e = exp_ps(_mm512_mul_ps(_mm512_div_ps(v, cap), two));
            v = _mm512_mul_ps(cap, _mm512_sub_ps(one, _mm512_div_ps(two, _mm512_add_ps(e, one))));
        }
        _mm512_mask_storeu_ps(x + i, mask, v);
    }
}
