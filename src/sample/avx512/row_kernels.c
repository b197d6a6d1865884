/* row_kernels.c - passes over a row with AVX-512: sixteen floats. See row_passes.h. */
#include "sample/row_kernels.h"

#include <immintrin.h>

enum { LANES = 16 };
typedef __m512 vf;
typedef uint32_t vmask; /* a bit for each lane */

static inline vf v_load(const float *x)
{
    return _mm512_loadu_ps(x);
}

static inline void v_store(float *x, vf v)
{
    _mm512_storeu_ps(x, v);
}

static inline vf v_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline vmask v_less(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

static inline vmask v_unordered(vf a)
{
    return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
}

static inline vmask v_either(vmask a, vmask b)
{
    return a | b;
}

static inline vf v_keep(vmask m, vf a)
{
    return _mm512_maskz_mov_ps((__mmask16)m, a);
}

static inline vf v_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

static inline uint32_t v_bits(vmask m)
{
    return m;
}

static inline vf v_pick(uint32_t bits, vf a, vf b)
{
    return _mm512_mask_mov_ps(b, (__mmask16)bits, a);
}

static inline bool v_any(vmask m)
{
    return m != 0;
}

static inline vf v_exponent(vf a)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(a), 23));
}

static inline void v_add_double(double *sum, vf a)
{
    _mm512_storeu_pd(sum, _mm512_loadu_pd(sum) + _mm512_cvtps_pd(_mm512_castps512_ps256(a)));
    _mm512_storeu_pd(sum + 8, _mm512_loadu_pd(sum + 8) + _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1)));
}

#include "sample/row_passes.h"

const row_kernels row_kernels_avx512 = ROW_KERNELS;
