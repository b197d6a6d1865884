/* product.h - some panels of a matrix times some rows of activations, and the division of panels into units for threads. The
 * result does not depend on the division. */
#ifndef SUMI_BACKEND_CPU_PRODUCT_H
#define SUMI_BACKEND_CPU_PRODUCT_H

#include "backend/cpu/cpu.h"

/* begin <= i < end: indices of the rows (tokens) of an act, or of the panels of a matrix. */
typedef struct range {
    int32_t begin, end;
} range;

/* Matrices with the same input lie end to end: panels of all of them are counted together. 16 plain rows of a matrix
 * that is not packed count as a panel. */
int32_t product_n_panels(const linear_out *outs, int32_t n_outs);

/* Rows `tokens` of the results, at most PANELS_TOKENS of them, in the columns of `panels`. Returns the bytes of weights
 * that the product reads. */
size_t product_run(stream *s, const act *x, const linear_out *outs, int32_t n_outs, range panels, range tokens,
                   int32_t thread);

/* n panels cut into units, each a run of panels. With many tokens all units are equal. Few tokens are bound by memory: a
 * thread reads long runs first, in which most prefetches are useful, and the last units are single panels, so that the
 * threads finish at nearly the same time. */
typedef struct panel_runs {
    int32_t n_panels, n_threads;
    int32_t size; /* of a unit; 0: units shrink */
    int32_t n_units;
} panel_runs;

panel_runs panel_runs_of(int32_t n_panels, int32_t n_tokens, int32_t n_threads);
range panel_runs_at(const panel_runs *r, int32_t unit);

#endif
