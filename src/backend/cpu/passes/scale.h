/* scale.h - a factor and a soft cap on a row; tanh(x) = 1 - 2 / (e^(2 x) + 1). */
#ifndef SUMI_BACKEND_CPU_PASSES_SCALE_H
#define SUMI_BACKEND_CPU_PASSES_SCALE_H

#include "backend/cpu/kernels.h"
#include "backend/cpu/passes/exp.h"

static inline DECL_SCALE_ROW(scale_row)
{
    for (int32_t i = 0; i < n; i += LANES) {
        vf v = v_load_up_to(x + i, n - i) * scale;
        if (softcap > 0) v = softcap * (1.0f - 2.0f / (exp_of(v / softcap * 2.0f) + 1.0f));
        v_store_up_to(x + i, n - i, v);
    }
}

#endif
