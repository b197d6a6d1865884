/* scale.c - a factor and a soft cap on a row (Gemma 2, 2024). */
#include "backend/cpu/ref/ref.h"

void scale_row_ref(float *x, int32_t n, float scale, float softcap)
{
    for (int32_t i = 0; i < n; i++) {
        x[i] *= scale;
        if (softcap > 0) x[i] = softcap * ref_tanh(x[i] / softcap);
    }
}
