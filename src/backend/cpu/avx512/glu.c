/* glu.c - gated activations with AVX-512; both kinds are gate * sigmoid(t), see avx2/glu.c. */
#include "backend/cpu/avx512/avx512.h"

static inline __m512 activate(__m512 x, glu_kind kind)
{
    __m512 t = x;
    if (kind == GLU_GELU_TANH) {
        __m512 cubic = _mm512_fmadd_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(0.044715f), _mm512_set1_ps(1));
        t = _mm512_mul_ps(_mm512_mul_ps(x, cubic), _mm512_set1_ps(1.5957691216057308f));
    }
    __m512 e = exp_ps(_mm512_sub_ps(_mm512_setzero_ps(), t));
    return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1), e));
}

void glu_row_avx512(float *y, const float *gate, const float *up, int32_t n, glu_kind kind)
{
    for (int32_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes_below(n - i);
        __m512 a = activate(_mm512_maskz_loadu_ps(mask, gate + i), kind);
        _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(a, _mm512_maskz_loadu_ps(mask, up + i)));
    }
}
