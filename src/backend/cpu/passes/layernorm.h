/* layernorm.h - layer normalisation: the mean first, then the squares of what differs from it; each lane has a sum. */
#ifndef SUMI_BACKEND_CPU_PASSES_LAYERNORM_H
#define SUMI_BACKEND_CPU_PASSES_LAYERNORM_H

#include <math.h>

#include "backend/cpu/kernels.h"

static float mean_of(const float *x, int32_t n)
{
    vf sum = v_set(0);
    for (int32_t i = 0; i < n; i += LANES) sum += v_load_up_to(x + i, n - i);
    return v_sum(sum) / (float)n;
}

static inline DECL_LAYERNORM_ROW(layernorm_row)
{
    const vf mean = v_set(mean_of(x, n));
    vf squares = v_set(0);
    for (int32_t i = 0; i < n; i += LANES) {
        vf d = v_keep_up_to(n - i, v_load_up_to(x + i, n - i) - mean);
        squares = v_fma(d, d, squares);
    }
    const vf scale = v_set(1.0f / sqrtf(v_sum(squares) / (float)n + eps));
    for (int32_t i = 0; i < n; i += LANES) {
        vf v = (v_load_up_to(x + i, n - i) - mean) * scale * v_load_up_to(w + i, n - i);
        if (b) v += v_load_up_to(b + i, n - i);
        v_store_up_to(y + i, n - i, v);
    }
}

#endif
