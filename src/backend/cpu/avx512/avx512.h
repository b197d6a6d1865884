/* avx512.h - what the files of this folder share: prototypes, and small vector helpers (static: see avx2/avx2.h). */
#ifndef SUMI_BACKEND_CPU_AVX512_AVX512_H
#define SUMI_BACKEND_CPU_AVX512_AVX512_H

#include <immintrin.h>

#include "backend/cpu/kernels.h"

DECL_QUANTIZE_ROW(quantize_row_avx512);
DECL_DOT_F32(dot_f32_avx512);
#define DECL_PANELS_AVX512(name, TYPE) DECL_PANELS(panels_##name##_avx512);
FOR_EACH_PANEL_TYPE(DECL_PANELS_AVX512)
DECL_PANELS_F32(panels_f32_avx512);
DECL_PANELS_F32(panels_f16_avx512);
DECL_PANELS_F32(panels_bf16_avx512);
DECL_RMSNORM_ROW(rmsnorm_row_avx512);
DECL_LAYERNORM_ROW(layernorm_row_avx512);
DECL_GLU_ROW(glu_row_avx512);
DECL_SCALE_ROW(scale_row_avx512);
DECL_ATTENTION_TILE(attention_tile_avx512);
DECL_ATTENTION_MERGE(attention_merge_avx512);
DECL_ATTENTION_MERGE(attention_merge_avx2); /* and the same below: */
DECL_ATTENTION_TILE(attention_tile_avx2); /* for shapes that this level leaves to the one below */

static inline __mmask16 lanes_below(int32_t n)
{
    return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

/* Rows from `row` on, of one token's n_rows: y = sum, plus bias unless that is NULL, plus y if add is set. */
static inline void store_rows(float *y, const float *bias, bool add, int32_t row, int32_t n_rows, __m512 sum)
{
    __mmask16 mask = lanes_below(n_rows - row);
    if (bias) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, bias + row));
    if (add) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, y + row));
    _mm512_mask_storeu_ps(y + row, mask, sum);
}

static inline float half_to_float(uint16_t h)
{
    return _cvtsh_ss(h);
}

/* e^x: see exp_ps in avx2/avx2.h. */
static inline __m512 exp_ps(__m512 x)
{
    x = _mm512_min_ps(_mm512_set1_ps(88.3762f), _mm512_max_ps(_mm512_set1_ps(-87.3365f), x));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
    __m512 p = _mm512_set1_ps(1.9875691500e-4f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
    p = _mm512_fmadd_ps(p, _mm512_mul_ps(r, r), _mm512_add_ps(r, _mm512_set1_ps(1)));
    return _mm512_scalef_ps(p, n);
}

#endif
