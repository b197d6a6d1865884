/* exp.h - e^x and 2^x. */
#ifndef SUMI_BACKEND_CPU_PASSES_EXP_H
#define SUMI_BACKEND_CPU_PASSES_EXP_H

/* e^x within 2 units in the last place: x = n ln2 + r with |r| <= ln2 / 2, and a polynomial of degree 6 (Cephes,
 * Moshier 1989). Below -87.3 the result is 0 or tiny, above 88.3 it stays finite. NaN stays. */
static inline vf exp_of(vf x)
{
    x = v_min(v_set(88.3762f), v_max(v_set(-87.3365f), x));
    vf n = v_round(x * 1.44269504f);
    vf r = v_fnma(n, v_set(0.693359375f), x); /* ln2 in two parts: the first is exact */
    r = v_fnma(n, v_set(-2.12194440e-4f), r);
    vf p = v_set(1.9875691500e-4f);
    p = v_fma(p, r, v_set(1.3981999507e-3f));
    p = v_fma(p, r, v_set(8.3334519073e-3f));
    p = v_fma(p, r, v_set(4.1665795894e-2f));
    p = v_fma(p, r, v_set(1.6666665459e-1f));
    p = v_fma(p, r, v_set(5.0000001201e-1f));
    p = v_fma(p, r * r, r + 1.0f);
    return v_times_pow2(p, n);
}

/* 2^x for x <= 127, within 2 units in the last place: 2^n times a polynomial of degree 5 in x - n, |x - n| <= 1/2,
 * fitted to the least relative error with 2^0 = 1. Small x give 0, NaN stays. */
static inline vf exp2_of(vf x)
{
    vf in = v_exponent_in_range(x), n = v_round(in), r = in - n, p = v_set(1.32647273e-3f);
    p = v_fma(p, r, v_set(9.67151299e-3f));
    p = v_fma(p, r, v_set(5.55073358e-2f));
    p = v_fma(p, r, v_set(2.40222424e-1f));
    p = v_fma(p, r, v_set(6.93147004e-1f));
    p = v_fma(p, r, v_set(1));
    return v_flush(x, v_times_pow2(p, n));
}

#endif
