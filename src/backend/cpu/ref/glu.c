/* glu.c - activations of feed-forward sub-layers, and gated linear units (Shazeer 2020): an activation of the gate, times
 * up. */
#include "backend/cpu/ref/ref.h"

#include <math.h>

static float silu(float x)
{
    return x / (1.0f + expf(-x));
}

/* Both forms of GELU (Hendrycks & Gimpel 2016): models were trained with one or the other. */
static float gelu_tanh(float x)
{
    const float sqrt_2_over_pi = 0.79788456080286535588f;
    return 0.5f * x * (1.0f + ref_tanh(sqrt_2_over_pi * (x + 0.044715f * x * x * x)));
}

/* erfc() instead of 1 + erf(), which loses all digits left of -5. In double for the reason of ref_tanh(). */
static float gelu(float x)
{
    const float sqrt_1_2 = 0.70710678118654752440f;
    return 0.5f * x * (float)erfc((double)(-x * sqrt_1_2));
}

static float relu2(float x)
{
    return x < 0 ? 0 : x * x;
}

/* NaN stays NaN. */
static float clamped(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static float clamped_silu(float x)
{
    x = clamped(x, -INFINITY, GLU_LIMIT);
    return x / (1.0f + expf(-GLU_SLOPE * x));
}

static float activate(float x, glu_kind kind)
{
    switch (kind) {
    case GLU_SILU: return silu(x);
    case GLU_GELU_TANH: return gelu_tanh(x);
    case GLU_GELU: return gelu(x);
    case GLU_RELU2: return relu2(x);
    case GLU_CLAMPED: return clamped_silu(x);
    }
    return x;
}

void glu_row_ref(float *y, const float *gate, const float *up, int32_t n, glu_kind kind)
{
    for (int32_t i = 0; i < n; i++) {
        float factor = up ? up[i] : 1.0f;
        if (up && kind == GLU_CLAMPED) factor = clamped(factor, -GLU_LIMIT, GLU_LIMIT) + 1;
        y[i] = activate(gate[i], kind) * factor;
    }
}
