/* glu.h - activations. Two of them are x * sigmoid(t):
 *   SiLU:       t = x
 *   GELU-tanh:  t = 2 sqrt(2/pi) (x + 0.044715 x^3), since (1 + tanh(u)) / 2 = sigmoid(2 u)
 * GELU is x * Phi(x), and Phi left of 0 half of erfc(|x| / sqrt(2)), a polynomial in 1 / (1 + p |x|) times exp(-x^2 / 2)
 * (Abramowitz & Stegun 7.1.26, error below 1.5e-7). */
#ifndef SUMI_BACKEND_CPU_PASSES_GLU_H
#define SUMI_BACKEND_CPU_PASSES_GLU_H

#include "backend/cpu/kernels.h"
#include "backend/cpu/passes/exp.h"

static inline vf times_sigmoid(vf x, vf t)
{
    return x / (1.0f + exp_of(0.0f - t));
}

static inline vf gelu_tanh(vf x)
{
    vf cubic = v_fma(x * x, v_set(0.044715f), v_set(1));
    return times_sigmoid(x, x * cubic * 1.5957691216057308f);
}

static inline vf gelu(vf x)
{
    vf t = 1.0f / v_fma(v_abs(x), v_set(0.3275911f * 0.70710678f), v_set(1));
    vf p = v_set(1.061405429f);
    p = v_fma(p, t, v_set(-1.453152027f));
    p = v_fma(p, t, v_set(1.421413741f));
    p = v_fma(p, t, v_set(-0.284496736f));
    p = v_fma(p, t, v_set(0.254829592f)) * t;
    vf tail = p * exp_of(x * x * -0.5f) * 0.5f;
    return x * v_if_negative(x, tail, 1.0f - tail);
}

/* NaN stays: see v_max and v_min. */
static inline vf relu2(vf x)
{
    vf r = v_max(v_set(0), x);
    return r * r;
}

static inline vf clamped_silu(vf x)
{
    x = v_min(v_set(GLU_LIMIT), x);
    return times_sigmoid(x, GLU_SLOPE * x);
}

static inline vf factor(vf up, glu_kind kind)
{
    if (kind != GLU_CLAMPED) return up;
    return v_max(v_set(-GLU_LIMIT), v_min(v_set(GLU_LIMIT), up)) + 1.0f;
}

static inline vf activate(vf x, glu_kind kind)
{
    switch (kind) {
    case GLU_SILU: return times_sigmoid(x, x);
    case GLU_GELU_TANH: return gelu_tanh(x);
    case GLU_GELU: return gelu(x);
    case GLU_RELU2: return relu2(x);
    case GLU_CLAMPED: return clamped_silu(x);
    }
    return x;
}

static inline DECL_GLU_ROW(glu_row)
{
    for (int32_t i = 0; i < n; i += LANES) {
        vf a = activate(v_load_up_to(gate + i, n - i), kind);
        if (up) a *= factor(v_load_up_to(up + i, n - i), kind);
        v_store_up_to(y + i, n - i, a);
    }
}

#endif
