/* fit.h - finds the scale, or the scale and the minimum, with which a grid of integers fits a group of numbers best.
 *
 * The grid that the extreme values span is rarely the best: a slightly smaller scale clips one value and fits all others
 * better. For given integers q the best scale is a weighted least-squares fit,
 *
 *   x ~ s q         s = sum(w x q) / sum(w q^2)        error = sum(w x^2) - sum(w x q)^2 / sum(w q^2)
 *   x ~ s q - m     two normal equations in s and m; m >= 0 is kept by fitting s alone with m = 0
 *
 * and for a given scale the best integers are the nearest ones. So the search tries a few dozen scales around the scale
 * that just covers the extreme values, does the fit for each, and keeps the best. Sums are in double: groups are short and
 * this is not a hot path. */
#ifndef SUMI_QUANT_FIT_H
#define SUMI_QUANT_FIT_H

#include <stdint.h>

/* The nearest integer to v, kept in [low, high]; low for NaN. */
static inline int fit_round(float v, int low, int high)
{
    if (!(v > (float)low)) return low;
    if (v >= (float)high) return high;
    return (int)__builtin_floorf(v + 0.5f);
}

/* 1 / v, the factor of encoders; 0 if v is 0, or so small that 1 / v is infinite (the reference's result is then
 * undefined; such a scale becomes 0 as a half in any case). */
static inline float fit_inverse(float v)
{
    float r = v == 0 ? 0 : 1 / v;
    return __builtin_isfinite(r) ? r : 0;
}

/* Scale s for x ~ s q, q integers in [-levels, levels - 1]; s may be negative (so that the larger side of the values
 * gets the longer side of the grid). x, w [n], w > 0. 0 if all x are 0. */
float fit_scale(const float *x, const float *w, int n, int levels);

/* Scale s >= 0 and *min >= 0 for x ~ s q - min, q integers in [0, q_max]. x, w [n], w > 0. */
float fit_scale_min(const float *x, const float *w, int n, int q_max, float *min);

/* sum(w (x - (s q - m))^2) with the best q in [q_min, q_max] for each x; q of [n] is filled if it is not NULL. */
double fit_error(const float *x, const float *w, int n, float scale, float min, int q_min, int q_max, int8_t *q);

/* Weights of errors for n values when the activations are unknown: root mean square + |x|. Large values count more; small
 * values still count. */
void fit_weights(const float *x, int n, float *w);

#endif
