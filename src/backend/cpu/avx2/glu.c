/* glu.c - gated activations with AVX2. Both kinds are gate * sigmoid(t):
 *   SiLU:       t = gate
 *   GELU-tanh:  t = 2 sqrt(2/pi) (gate + 0.044715 gate^3), since (1 + tanh(u)) / 2 = sigmoid(2 u). */
#include "backend/cpu/avx2/avx2.h"

static inline __m256 activate(__m256 x, glu_kind kind)
{
    __m256 t = x;
    if (kind == GLU_GELU_TANH) {
        __m256 cubic = _mm256_fmadd_ps(_mm256_mul_ps(x, x), _mm256_set1_ps(0.044715f), _mm256_set1_ps(1));
        t = _mm256_mul_ps(_mm256_mul_ps(x, cubic), _mm256_set1_ps(1.5957691216057308f));
    }
    __m256 e = exp_ps(_mm256_sub_ps(_mm256_setzero_ps(), t));
    return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1), e));
}

void glu_row_avx2(float *y, const float *gate, const float *up, int32_t n, glu_kind kind)
{
    for (int32_t i = 0; i < n; i += 8) {
        __m256i mask = lanes_below(n - i < 8 ? n - i : 8);
        __m256 a = activate(_mm256_maskload_ps(gate + i, mask), kind);
        _mm256_maskstore_ps(y + i, mask, _mm256_mul_ps(a, _mm256_maskload_ps(up + i, mask)));
    }
}
