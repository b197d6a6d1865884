/* row.h - passes over one row of logits, fast enough for a vocabulary of a quarter of a million.
 *
 * Portable C on the compiler's vector types (four floats, which every x86-64 has), so the bits of a sum are the same
 * on every machine: the order of additions is fixed by the code. */
#ifndef SUMI_SAMPLE_ROW_H
#define SUMI_SAMPLE_ROW_H

#include <stdbool.h>
#include <stdint.h>

typedef struct row_scan {
    float max;    /* -INFINITY if no element is larger; NaNs do not count */
    bool has_nan;
} row_scan;

row_scan row_scan_values(const float *x, int32_t n);

/* sum of exp((x[i] - max) * scale), added in double; relative error < 5e-7. max is the largest x[i], finite;
 * scale > 0. -inf gives 0. */
double row_exp_sum(const float *x, int32_t n, float max, float scale);

/* d[i] = (x[i] - max) * scale and w[i] = exp(d[i]), 0 below about 1e-38. d == x is allowed. Relative error < 3e-7. */
void row_exp(float *d, float *w, const float *x, int32_t n, float max, float scale);

/* True if one of x[0..15] is greater than bound. */
bool row_any_above(const float *x, float bound);
enum { ROW_STRIDE = 16 }; /* elements that row_any_above() looks at */

/* log(sum of exp(x[i])) of a row whose scan found max finite: x[i] minus this is a log-probability. */
double row_log_sum_exp(const float *x, int32_t n, float max);

#endif
