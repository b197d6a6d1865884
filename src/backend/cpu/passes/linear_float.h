/* linear_float.h - panels of floats times float activations.
 *
 * A column of a panel is one vector, whatever its type in memory. An output element is one chain of multiply-adds over the
 * columns in order, so it does not depend on the tokens and panels beside it. Two units with a latency of four need eight
 * chains at a time, and each load should serve several of them:
 *
 *   tokens      1   2   4   TOKENS
 *   panels      4   4   2   2        sums in registers, tokens x panels; tokens and panels beyond the last repeat it
 *
 * More tokens pass in groups of TOKENS, which the level defines: 6 or 8. BF16 is the upper half of a float32. */
#ifndef SUMI_BACKEND_CPU_PASSES_LINEAR_FLOAT_H
#define SUMI_BACKEND_CPU_PASSES_LINEAR_FLOAT_H

#include "backend/cpu/pack.h"
#include "backend/cpu/passes/store_rows.h"

static inline __attribute__((always_inline)) vf load_column(dtype type, const uint8_t *p)
{
    if (type == DTYPE_F32) return v_load((const float *)p);
    return type == DTYPE_F16 ? v_load_f16(p) : v_load_bf16(p);
}

static inline void store(const panels_f32_args *a, int32_t panel, int32_t t, vf sum)
{
    store_rows(a->y + (size_t)t * a->y_stride, a->bias, a->add, panel * LANES, a->n_rows, sum);
}

/* Panels from `panel` on times tokens from t on; type, n_panels and n are constants where this is inlined. */
static inline __attribute__((always_inline)) void tile(const panels_f32_args *a, dtype type, int32_t panel,
                                                       int n_panels, int32_t t, int n)
{
    const size_t step = LANES * (size_t)(type == DTYPE_F32 ? 4 : 2);
    const uint8_t *w[4];
    const float *x[TOKENS];
    vf sum[4][TOKENS];
#pragma GCC unroll 4
    for (int p = 0; p < n_panels; p++)
        w[p] = a->payload + (size_t)(panel + p < a->n_panels ? panel + p : a->n_panels - 1) * a->payload_bytes;
#pragma GCC unroll 8
    for (int i = 0; i < n; i++) x[i] = a->x + (size_t)(t + i < a->n_tokens ? t + i : a->n_tokens - 1) * a->x_stride;
#pragma GCC unroll 4
    for (int p = 0; p < n_panels; p++)
#pragma GCC unroll 8
        for (int i = 0; i < n; i++) sum[p][i] = v_set(0);
    for (size_t c = 0; c < (size_t)a->n_cols; c++) {
        vf column[4];
#pragma GCC unroll 4
        for (int p = 0; p < n_panels; p++) column[p] = load_column(type, w[p] + c * step);
#pragma GCC unroll 8
        for (int i = 0; i < n; i++) {
            vf v = v_set(x[i][c]);
#pragma GCC unroll 4
            for (int p = 0; p < n_panels; p++) sum[p][i] = v_fma(column[p], v, sum[p][i]);
        }
    }
#pragma GCC unroll 4
    for (int p = 0; p < n_panels; p++)
#pragma GCC unroll 8
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
        for (int32_t t = 0; t < a->n_tokens; t += TOKENS) {
            if (a->n_tokens - t <= 4) tile(a, type, p, 2, t, 4);
            else tile(a, type, p, 2, t, TOKENS);
        }
}

#endif
