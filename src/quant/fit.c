/* fit.c - see fit.h. */
#include "quant/fit.h"

#include <float.h>
#include <math.h>
#include <stddef.h>

/* Scales are tried whose grid ends up to one step inside or outside the extreme value, in tenths of a step. Finer or
 * wider searches were not measurably better on normal and on heavy-tailed weights. */
#define N_STEPS 10

void fit_weights(const float *x, int n, float *w)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)x[i] * x[i];
    float rms = (float)sqrt(sum / n);
    for (int i = 0; i < n; i++) w[i] = rms > 0 ? rms + fabsf(x[i]) : 1;
}

double fit_error(const float *x, const float *w, int n, float scale, float min, int q_min, int q_max, int8_t *q)
{
    float inv = fit_inverse(scale);
    double sum = 0;
    for (int i = 0; i < n; i++) {
        int k = fit_round((x[i] + min) * inv, q_min, q_max);
        double e = (double)x[i] - ((double)scale * k - (double)min);
        sum += (double)w[i] * e * e;
        if (q) q[i] = (int8_t)k;
    }
    return sum;
}

/* The fit after rounding x * inv: returns the scale and adds to *gain how much of sum(w x^2) it explains. */
static float refit_scale(const float *x, const float *w, int n, float inv, int levels, double *gain)
{
    double xq = 0, qq = 0;
    for (int i = 0; i < n; i++) {
        int q = fit_round(x[i] * inv, -levels, levels - 1);
        xq += (double)w[i] * x[i] * q;
        qq += (double)w[i] * q * q;
    }
    *gain = qq > 0 ? xq * xq / qq : 0;
    return qq > 0 ? (float)(xq / qq) : 0;
}

float fit_scale(const float *x, const float *w, int n, int levels)
{
    float extreme = 0, best = 0;
    double best_gain = 0;
    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(extreme)) extreme = x[i];
    float unit = fit_inverse(extreme);
    for (int side = -1; side <= 1; side += 2)
        for (int step = -N_STEPS; step <= N_STEPS; step++) {
            /* the grid reaches levels on its negative side, levels - 1 on the positive one */
            float end = (float)(side < 0 ? levels : levels - 1) + 0.1f * (float)step;
            double gain;
            float scale = end > 0 ? refit_scale(x, w, n, (float)side * end * unit, levels, &gain) : 0;
            if (scale != 0 && gain > best_gain) best = scale, best_gain = gain;
        }
    return best;
}

/* The fit after rounding (x + min) / scale: better s and m, with m >= 0. */
static void refit_scale_min(const float *x, const float *w, int n, int q_max, float *scale, float *min)
{
    double sw = 0, sq = 0, sqq = 0, sx = 0, sxq = 0;
    float inv = fit_inverse(*scale);
    for (int i = 0; i < n; i++) {
        int q = fit_round((x[i] + *min) * inv, 0, q_max);
        double wi = w[i];
        sw += wi, sq += wi * q, sqq += wi * q * q;
        sx += wi * x[i], sxq += wi * x[i] * q;
    }
    double det = sw * sqq - sq * sq;
    double s = det > 0 ? (sw * sxq - sq * sx) / det : 0, m = det > 0 ? (sq * sxq - sqq * sx) / det : 0;
    if (m < 0 || det <= 0) {
        m = 0;
        s = sqq > 0 ? sxq / sqq : 0;
    }
    *scale = s > 0 ? (float)s : 0;
    *min = (float)m;
}

float fit_scale_min(const float *x, const float *w, int n, int q_max, float *min)
{
    float low = 0, high = -FLT_MAX, best = 0;
    for (int i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low; /* not above 0, as min >= 0 */
        high = x[i] > high ? x[i] : high;
    }
    float range = high - low;
    *min = -low;
    double best_error = fit_error(x, w, n, 0, *min, 0, q_max, NULL); /* a constant, or nothing */
    for (int step = -N_STEPS; step <= N_STEPS && range > 0; step++) {
        float scale = range / ((float)q_max + 0.1f * (float)step), m = -low;
        for (int round = 0; round < 2; round++) {
            refit_scale_min(x, w, n, q_max, &scale, &m);
            double error = fit_error(x, w, n, scale, m, 0, q_max, NULL);
            if (error < best_error) best = scale, *min = m, best_error = error;
        }
    }
    return best;
}
