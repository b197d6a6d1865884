/* avx2.h - what the files of this folder share: prototypes, and small vector helpers.
 *
 * The helpers are static: a shared inline function that the linker took from an object compiled for a higher level
 * would crash on machines without it. */
#ifndef SUMI_BACKEND_CPU_AVX2_AVX2_H
#define SUMI_BACKEND_CPU_AVX2_AVX2_H

#include <immintrin.h>

#include "backend/cpu/kernels.h"

DECL_PACK_ROW(pack_row_avx2);
DECL_QUANTIZE_ROW(quantize_row_avx2);
DECL_DOT_F32(dot_f32_avx2);
#define DECL_PANELS_AVX2(name, TYPE) DECL_PANELS(panels_##name##_avx2);
FOR_EACH_PANEL_TYPE(DECL_PANELS_AVX2)
DECL_PANELS_F32(panels_f32_avx2);
DECL_PANELS_F32(panels_f16_avx2);
DECL_PANELS_F32(panels_bf16_avx2);
DECL_RMSNORM_ROW(rmsnorm_row_avx2);
DECL_LAYERNORM_ROW(layernorm_row_avx2);
DECL_GLU_ROW(glu_row_avx2);
DECL_SCALE_ROW(scale_row_avx2);
DECL_ROPE_HEAD(rope_head_avx2);
DECL_TO_F16(to_f16_avx2);
DECL_FROM_16(from_f16_avx2);
DECL_FROM_16(from_bf16_avx2);
DECL_ADD_ROW(add_row_avx2);
DECL_ATTENTION_TILE(attention_tile_avx2);
DECL_ATTENTION_MERGE(attention_merge_avx2);

/* ((0+4) + (2+6)) + ((1+5) + (3+7)): the one order in which lanes are summed. */
static inline float sum_lanes(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline float max_lanes(__m256 v)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/* Lanes i < n of a mask for _mm256_maskload_ps, 0 <= n <= 8. */
static inline __m256i lanes_below(int32_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* Rows from `row` on, of one token's n_rows: y = sum, plus bias unless that is NULL, plus y if add is set. */
static inline void store_rows(float *y, const float *bias, bool add, int32_t row, int32_t n_rows, __m256 sum)
{
    __m256i mask = lanes_below(n_rows - row < 8 ? n_rows - row : 8);
    if (bias) sum = _mm256_add_ps(sum, _mm256_maskload_ps(bias + row, mask));
    if (add) sum = _mm256_add_ps(sum, _mm256_maskload_ps(y + row, mask));
    _mm256_maskstore_ps(y + row, mask, sum);
}

static inline float half_to_float(uint16_t h)
{
    return _cvtsh_ss(h);
}

/* e^x within 2 units in the last place: x = n ln2 + r with |r| <= ln2 / 2, and a polynomial of degree 6 (Cephes,
 * Moshier 1989). Below -87.3 the result is 0 or tiny, above 88.3 it stays finite. */
static inline __m256 exp_ps(__m256 x)
{
    /* min and max return their second operand if one is NaN: so NaN survives */
    x = _mm256_min_ps(_mm256_set1_ps(88.3762f), _mm256_max_ps(_mm256_set1_ps(-87.3365f), x));
    __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x); /* ln2 in two parts: the first is exact */
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
    __m256 p = _mm256_set1_ps(1.9875691500e-4f);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.3981999507e-3f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(8.3334519073e-3f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(4.1665795894e-2f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.6666665459e-1f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(5.0000001201e-1f));
    p = _mm256_fmadd_ps(p, _mm256_mul_ps(r, r), _mm256_add_ps(r, _mm256_set1_ps(1)));
    __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(p, _mm256_castsi256_ps(power));
}

#endif
