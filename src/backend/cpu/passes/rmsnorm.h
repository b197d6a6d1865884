/* rmsnorm.h - root-mean-square norm. */
#ifndef SUMI_BACKEND_CPU_PASSES_RMSNORM_H
#define SUMI_BACKEND_CPU_PASSES_RMSNORM_H

#include <math.h>

#include "backend/cpu/passes/dot.h"

static inline DECL_RMSNORM_ROW(rmsnorm_row)
{
    const vf scale = v_set(1.0f / sqrtf(dot_f32(x, x, n) / (float)n + eps));
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES) v_store(y + i, v_load(x + i) * scale * v_load(w + i));
    if (i < n) v_store_up_to(y + i, n - i, v_load_up_to(x + i, n - i) * scale * v_load_up_to(w + i, n - i));
}

#endif
