/* row_kernels.h - passes over the logits of a row, one table for each level of the instruction set.
 *
 * All levels give the same bits: row_passes.h has the passes once, with operations that every level has (no fused
 * multiply-add), and defines sums over sixteen lanes for any register width. So a seed draws the same token on every
 * machine. */
#ifndef SUMI_SAMPLE_ROW_KERNELS_H
#define SUMI_SAMPLE_ROW_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/os/cpu.h"
#include "sample/token_set.h"

enum { ROW_BLOCK = 512 }; /* logits of a block: 2 KiB, and 512 blocks in the largest vocabularies */

/* The largest element of each ROW_BLOCK of x [n], the last one may be shorter; -INFINITY if no element is larger.
 * NaNs are skipped; a NaN anywhere makes the result true. */
#define DECL_ROW_MAXIMA(name) bool name(float *maxima, const float *x, int32_t n)
/* The same for the elements whose ids are in the set; all others count as -inf. *max: the largest element of x, in the set
 * or not. NaNs outside of the set make the result true, too. */
#define DECL_ROW_MASKED_MAXIMA(name) \
    bool name(float *maxima, float *max, const float *x, int32_t n, const uint64_t *allowed)
/* y[i] = x[i] if i is in the set, else -inf. y == x is allowed. */
#define DECL_ROW_MASK(name) void name(float *y, const float *x, int32_t n, const uint64_t *allowed)
/* sum of exp((x[i] - max) * scale) in double, relative error < 5e-7. max >= x[i] is finite; scale > 0. -inf gives 0. */
#define DECL_ROW_EXP_SUM(name) double name(const float *x, int32_t n, float max, float scale)
/* d[i] = (x[i] - max) * scale and w[i] = exp(d[i]), 0 below about 1e-38. d == x is allowed. Relative error < 3e-7. */
#define DECL_ROW_EXP(name) void name(float *d, float *w, const float *x, int32_t n, float max, float scale)
/* Writes every i with x[i] > bound to at, in rising order, and returns their number; n <= ROW_BLOCK. at [ROW_BLOCK] may be
 * overwritten beyond the result. */
#define DECL_ROW_ABOVE(name) int32_t name(int32_t *at, const float *x, int32_t n, float bound)

typedef struct row_kernels {
    DECL_ROW_MAXIMA((*maxima));
    DECL_ROW_MASKED_MAXIMA((*masked_maxima));
    DECL_ROW_MASK((*mask));
    DECL_ROW_EXP_SUM((*exp_sum));
    DECL_ROW_EXP((*exp));
    DECL_ROW_ABOVE((*above));
} row_kernels;

extern const row_kernels row_kernels_base, row_kernels_avx2, row_kernels_avx512;

const row_kernels *row_kernels_for(cpu_level level); /* which the machine must have */

/* The kernels of the best level. Fast: CPUID, which takes microseconds on virtual machines, was run at program start. */
const row_kernels *row_kernels_best(void);

#endif
