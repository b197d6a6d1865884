/* linear_float.c - panels of floats times float activations, with AVX2.
 *
 * A column of a panel is one register of 8 floats, whatever its type in memory. An output element is one chain of
 * multiply-adds over the columns in order, so it does not depend on the tokens and panels beside it. Two units with a latency
 * of four need eight chains at a time, and each load should serve several of them:
 *
 *   tokens      1   2   4   6
 *   panels      4   4   2   2     sums in registers, tokens x panels; tokens and panels beyond the last repeat it
 *
 * More tokens pass in sixes. BF16 is the upper half of a float32. */
#include "backend/cpu/avx2/avx2.h"

#include "backend/cpu/pack.h"

#define ROWS 8

static inline __attribute__((always_inline)) __m256 load_column(dtype type, const uint8_t *p)
{
    if (type == DTYPE_F32) return _mm256_loadu_ps((const float *)p);
    __m128i half = _mm_loadu_si128((const __m128i *)p);
    if (type == DTYPE_F16) return _mm256_cvtph_ps(half);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

static inline void store(const panels_f32_args *a, int32_t panel, int32_t t, __m256 sum)
{
    store_rows(a->y + (size_t)t * a->y_stride, a->bias, a->add, panel * ROWS, a->n_rows, sum);
}

/* Panels from `panel` on times tokens from t on; type, n_panels and n are constants where this is inlined. */
static inline __attribute__((always_inline)) void tile(const panels_f32_args *a, dtype type, int32_t panel,
                                                       int n_panels, int32_t t, int n)
{
    const size_t step = ROWS * (size_t)(type == DTYPE_F32 ? 4 : 2);
    const uint8_t *w[4];
    const float *x[6];
    __m256 sum[4][6];
#pragma GCC unroll 4
    for (int p = 0; p < n_panels; p++)
        w[p] =
            a->payload + (size_t)(panel + p < a->n_panels ? panel + p : a->n_panels - 1) * a->payload_bytes;
#pragma GCC unroll 6
    for (int i = 0; i < n; i++)
        x[i] = a->x + (size_t)(t + i < a->n_tokens ? t + i : a->n_tokens - 1) * a->x_stride;
#pragma GCC unroll 4
    for (int p = 0; p < n_panels; p++)
#pragma GCC unroll 6
        for (int i = 0; i < n; i++) sum[p][i] = _mm256_setzero_ps();
    for (size_t c = 0; c < (size_t)a->n_cols; c++) {
        __m256 column[4];
#pragma GCC unroll 4
        for (int p = 0; p < n_panels; p++) column[p] = load_column(type, w[p] + c * step);
#pragma GCC unroll 6
        for (int i = 0; i < n; i++) {
            __m256 v = _mm256_broadcast_ss(x[i] + c);
#pragma GCC unroll 4
            for (int p = 0; p < n_panels; p++) sum[p][i] = _mm256_fmadd_ps(column[p], v, sum[p][i]);
        }
    }
#pragma GCC unroll 4
    for (int p = 0; p < n_panels; p++)
#pragma GCC unroll 6
        for (int i = 0; i < n; i++)
            if (panel + p < a->n_panels && t + i < a->n_tokens) store(a, panel + p, t + i, sum[p][i]);
}

static inline __attribute__((always_inline)) void panels(const panels_f32_args *a, dtype type)
{
    for (int32_t p = 0; a->n_tokens <= 2 && p < a->n_panels; p += 4) {
        if (a->n_tokens == 1) tile(a, type, p, 4, 0, 1);
        else tile(a, type, p, 4, 0, 2);
    }
    for (int32_t p = 0; a->n_tokens > 2 && p < a->n_panels; p += 2)
        for (int32_t t = 0; t < a->n_tokens; t += 6) {
            if (a->n_tokens - t <= 4) tile(a, type, p, 2, t, 4);
            else tile(a, type, p, 2, t, 6);
        }
}

void panels_f32_avx2(const panels_f32_args *a)
{
    panels(a, DTYPE_F32);
}

void panels_f16_avx2(const panels_f32_args *a)
{
    panels(a, DTYPE_F16);
}

void panels_bf16_avx2(const panels_f32_args *a)
{
    panels(a, DTYPE_BF16);
}
