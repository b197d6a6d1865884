/* glu.c - activations with AVX2. Two of them are x * sigmoid(t):
 *   SiLU:       t = x
 *   GELU-tanh:  t = 2 sqrt(2/pi) (x + 0.044715 x^3), since (1 + tanh(u)) / 2 = sigmoid(2 u)
 * GELU is x * Phi(x), and Phi left of 0 half of erfc(|x| / sqrt(2)), a polynomial in 1 / (1 + p |x|) times exp(-x^2 / 2)
 * (Abramowitz & Stegun 7.1.26, error below 1.5e-7). */
#include "backend/cpu/avx2/avx2.h"

static inline __m256 times_sigmoid(__m256 x, __m256 t)
{
    __m256 e = exp_ps(_mm256_sub_ps(_mm256_setzero_ps(), t));
    return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1), e));
}

static inline __m256 gelu_tanh(__m256 x)
{
    __m256 cubic = _mm256_fmadd_ps(_mm256_mul_ps(x, x), _mm256_set1_ps(0.044715f), _mm256_set1_ps(1));
    return times_sigmoid(x, _mm256_mul_ps(_mm256_mul_ps(x, cubic), _mm256_set1_ps(1.5957691216057308f)));
}

static inline __m256 gelu(__m256 x)
{
    __m256 size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x), one = _mm256_set1_ps(1);
    __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(size, _mm256_set1_ps(0.3275911f * 0.70710678f), one));
    __m256 p = _mm256_set1_ps(1.061405429f);
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-1.453152027f));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(1.421413741f));
    p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(-0.284496736f));
    p = _mm256_mul_ps(_mm256_fmadd_ps(p, t, _mm256_set1_ps(0.254829592f)), t);
    __m256 tail = _mm256_mul_ps(p, exp_ps(_mm256_mul_ps(_mm256_mul_ps(x, x), _mm256_set1_ps(-0.5f))));
    tail = _mm256_mul_ps(tail, _mm256_set1_ps(0.5f));
    return _mm256_mul_ps(x, _mm256_blendv_ps(_mm256_sub_ps(one, tail), tail, x)); /* by the sign of x */
}

static inline __m256 relu2(__m256 x)
{
    __m256 r = _mm256_max_ps(_mm256_setzero_ps(), x); /* its second operand if one is NaN */
    return _mm256_mul_ps(r, r);
}

/* min and max return their second operand if one is NaN. */
static inline __m256 clamped_silu(__m256 x)
{
    x = _mm256_min_ps(_mm256_set1_ps(GLU_LIMIT), x);
    return times_sigmoid(x, _mm256_mul_ps(_mm256_set1_ps(GLU_SLOPE), x));
}

static inline __m256 factor(__m256 up, glu_kind kind)
{
    if (kind != GLU_CLAMPED) return up;
    up = _mm256_max_ps(_mm256_set1_ps(-GLU_LIMIT), _mm256_min_ps(_mm256_set1_ps(GLU_LIMIT), up));
    return _mm256_add_ps(up, _mm256_set1_ps(1));
}

static inline __m256 activate(__m256 x, glu_kind kind)
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

void glu_row_avx2(float *y, const float *gate, const float *up, int32_t n, glu_kind kind)
{
    for (int32_t i = 0; i < n; i += 8) {
        __m256i mask = lanes_below(n - i < 8 ? n - i : 8);
        __m256 a = activate(_mm256_maskload_ps(gate + i, mask), kind);
        if (up) a = _mm256_mul_ps(a, factor(_mm256_maskload_ps(up + i, mask), kind));
        _mm256_maskstore_ps(y + i, mask, a);
    }
}
