/* dot.h - the dot product of two rows: four chains of multiply-adds, whose lanes are added in the end. */
#ifndef SUMI_BACKEND_CPU_PASSES_DOT_H
#define SUMI_BACKEND_CPU_PASSES_DOT_H

#include "backend/cpu/kernels.h"

static inline DECL_DOT_F32(dot_f32)
{
    vf sum[4] = { v_set(0), v_set(0), v_set(0), v_set(0) };
    int32_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int j = 0; j < 4; j++) sum[j] = v_fma(v_load(a + i + LANES * j), v_load(b + i + LANES * j), sum[j]);
    for (; i < n; i += LANES) sum[0] = v_fma(v_load_up_to(a + i, n - i), v_load_up_to(b + i, n - i), sum[0]);
    return v_sum((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

#endif
