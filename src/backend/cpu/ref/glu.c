/* glu.c - gated linear units (Shazeer 2020): an activation of the gate, times up. */
#include "backend/cpu/ref/ref.h"

#include <math.h>

static float silu(float x)
{
    return x / (1.0f + expf(-x));
}

/* The tanh form of GELU (Hendrycks & Gimpel 2016), which Gemma was trained with. */
static float gelu_tanh(float x)
{
    const float sqrt_2_over_pi = 0.79788456080286535588f;
    return 0.5f * x * (1.0f + tanhf(sqrt_2_over_pi * (x + 0.044715f * x * x * x)));
}

void glu_row_ref(float *y, const float *gate, const float *up, int32_t n, glu_kind kind)
{
    for (int32_t i = 0; i < n; i++) y[i] = (kind == GLU_SILU ? silu(gate[i]) : gelu_tanh(gate[i])) * up[i];
}
