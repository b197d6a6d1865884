/* layernorm.c - layer normalisation with AVX2: the mean first, then the squares of what differs from it, eight lanes of
 * sums each. */
#include "backend/cpu/avx2/avx2.h"

#include <math.h>

static float mean_of(const float *x, int32_t n)
{
    __m256 sum = _mm256_setzero_ps();
    for (int32_t i = 0; i < n; i += 8)
        sum = _mm256_add_ps(sum, _mm256_maskload_ps(x + i, lanes_below(n - i < 8 ? n - i : 8)));
    return sum_lanes(sum) / (float)n;
}

/* x - mean; 0 in lanes that the mask leaves out. */
static inline __m256 centred(const float *x, __m256i mask, __m256 mean)
{
    return _mm256_and_ps(_mm256_castsi256_ps(mask), _mm256_sub_ps(_mm256_maskload_ps(x, mask), mean));
}

void layernorm_row_avx2(float *y, const float *x, const float *w, const float *b, int32_t n, float eps)
{
    __m256 mean = _mm256_set1_ps(mean_of(x, n)), squares = _mm256_setzero_ps();
    for (int32_t i = 0; i < n; i += 8) {
        __m256 d = centred(x + i, lanes_below(n - i < 8 ? n - i : 8), mean);
        squares = _mm256_fmadd_ps(d, d, squares);
    }
    __m256 scale = _mm256_set1_ps(1.0f / sqrtf(sum_lanes(squares) / (float)n + eps));
    for (int32_t i = 0; i < n; i += 8) {
        __m256i mask = lanes_below(n - i < 8 ? n - i : 8);
        __m256 v =
            _mm256_mul_ps(_mm256_mul_ps(centred(x + i, mask, mean), scale), _mm256_maskload_ps(w + i, mask));
        if (b) v = _mm256_add_ps(v, _mm256_maskload_ps(b + i, mask));
        _mm256_maskstore_ps(y + i, mask, v);
    }
}
