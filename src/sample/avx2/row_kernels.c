/* row_kernels.c - passes over a row with AVX2: eight floats. See row_passes.h. */
#include "sample/row_kernels.h"

#include <immintrin.h>

enum { LANES = 8 };
typedef __m256 vf;
typedef __m256 vmask; /* all bits of a lane */

static inline vf v_load(const float *x)
{
    return _mm256_loadu_ps(x);
}

static inline void v_store(float *x, vf v)
{
    _mm256_storeu_ps(x, v);
}

static inline vf v_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline vmask v_less(vf a, vf b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

static inline vmask v_unordered(vf a)
{
    return _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
}

static inline vmask v_either(vmask a, vmask b)
{
    return _mm256_or_ps(a, b);
}

static inline vf v_keep(vmask m, vf a)
{
    return _mm256_and_ps(m, a);
}

static inline vf v_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

static inline uint32_t v_bits(vmask m)
{
    return (uint32_t)_mm256_movemask_ps(m);
}

static inline vf v_pick(uint32_t bits, vf a, vf b)
{
    /* The bit of each lane becomes its sign; blendv reads only the sign. */
    const __m256i to_sign = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24);
    return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(_mm256_sllv_epi32(_mm256_set1_epi32((int32_t)bits), to_sign)));
}

static inline bool v_any(vmask m)
{
    return v_bits(m) != 0;
}

static inline vf v_exponent(vf a)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a), 23));
}

static inline void v_add_double(double *sum, vf a)
{
    _mm256_storeu_pd(sum, _mm256_loadu_pd(sum) + _mm256_cvtps_pd(_mm256_castps256_ps128(a)));
    _mm256_storeu_pd(sum + 4, _mm256_loadu_pd(sum + 4) + _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)));
}

#include "sample/row_passes.h"

const row_kernels row_kernels_avx2 = ROW_KERNELS;
