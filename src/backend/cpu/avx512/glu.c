/* glu.c - activations with AVX-512; the formulas are those of avx2/glu.c. */
#include "backend/cpu/avx512/avx512.h"

static inline __m512 times_sigmoid(__m512 x, __m512 t)
{
    __m512 e = exp_ps(_mm512_sub_ps(_mm512_setzero_ps(), t));
    return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1), e));
}

static inline __m512 gelu_tanh(__m512 x)
{
    __m512 cubic = _mm512_fmadd_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(0.044715f), _mm512_set1_ps(1));
    return times_sigmoid(x, _mm512_mul_ps(_mm512_mul_ps(x, cubic), _mm512_set1_ps(1.5957691216057308f)));
}

static inline __m512 gelu(__m512 x)
{
    __m512 one = _mm512_set1_ps(1);
    __m512 t =
        _mm512_div_ps(one, _mm512_fmadd_ps(_mm512_abs_ps(x), _mm512_set1_ps(0.3275911f * 0.70710678f), one));
    __m512 p = _mm512_set1_ps(1.061405429f);
    p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-1.453152027f));
    p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(1.421413741f));
    p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.284496736f));
    p = _mm512_mul_ps(_mm512_fmadd_ps(p, t, _mm512_set1_ps(0.254829592f)), t);
    __m512 tail = _mm512_mul_ps(p, exp_ps(_mm512_mul_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(-0.5f))));
    tail = _mm512_mul_ps(tail, _mm512_set1_ps(0.5f));
    __mmask16 negative = _mm512_movepi32_mask(_mm512_castps_si512(x));
    return _mm512_mul_ps(x, _mm512_mask_sub_ps(tail, (__mmask16)~negative, one, tail));
}

static inline __m512 relu2(__m512 x)
{
    __m512 r = _mm512_max_ps(_mm512_setzero_ps(), x); /* its second operand if one is NaN */
    return _mm512_mul_ps(r, r);
}

/* min and max return their second operand if one is NaN. */
static inline __m512 clamped_silu(__m512 x)
{
    x = _mm512_min_ps(_mm512_set1_ps(GLU_LIMIT), x);
    return times_sigmoid(x, _mm512_mul_ps(_mm512_set1_ps(GLU_SLOPE), x));
}

static inline __m512 factor(__m512 up, glu_kind kind)
{
    if (kind != GLU_CLAMPED) return up;
    up = _mm512_max_ps(_mm512_set1_ps(-GLU_LIMIT), _mm512_min_ps(_mm512_set1_ps(GLU_LIMIT), up));
    return _mm512_add_ps(up, _mm512_set1_ps(1));
}

static inline __m512 activate(__m512 x, glu_kind kind)
{
    switch (kind) {
    case GLU_SILU: return times_sigmoid(x, x);
    case GLU_GELU_TANH: return gelu_tanh(x);
    case GLU_GELU: return gelu(x);
    case GLU_RELU2: return relu2(x);
    case GLU_CLAMPED: return clamped_silu(x);
    }
    return x;
}

void glu_row_avx512(float *y, const float *gate, const float *up, int32_t n, glu_kind kind)
{
    for (int32_t i = 0; i < n; i += 16) {
        __mmask16 mask = lanes_below(n - i);
        __m512 a = activate(_mm512_maskz_loadu_ps(mask, gate + i), kind);
        if (up) a = _mm512_mul_ps(a, factor(_mm512_maskz_loadu_ps(mask, up + i), kind));
        _mm512_mask_storeu_ps(y + i, mask, a);
    }
}
