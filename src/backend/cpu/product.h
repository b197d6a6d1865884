/* product.h - some panels of a matrix times some rows of activations, and how panels are cut into work for threads. What
 * a row of the result holds never depends on either. */
#ifndef SUMI_BACKEND_CPU_PRODUCT_H
#define SUMI_BACKEND_CPU_PRODUCT_H

#include "backend/cpu/cpu.h"

/* begin <= i < end: of the rows (tokens) of an act, or of the panels of a matrix. */
typedef struct range {
    int32_t begin, end;
} range;

/* Matrices with the same input lie end to end: panels of all of them are counted together. 16 plain rows of one that is
 * not packed count as a panel. */
int32_t product_n_panels(const linear_out *outs, int32_t n_outs);

/* Rows `tokens` of the results, at most PANELS_TOKENS of them, in the columns of `panels`. Returns the bytes of weights
 * that this reads. */
size_t product_run(stream *s, const act *x, const linear_out *outs, int32_t n_outs, range panels,
                   range tokens, int32_t thread);

/* n panels cut into units, each a run of panels. With many tokens all units are equal. Few tokens are bound by memory: a
 * thread reads long runs first, which its prefetches seldom leave, and the last units are single panels, so that the
 * threads are done at nearly the same time. */
typedef struct panel_runs {
    int32_t n_panels, n_threads;
    int32_t size; /* of a unit; 0: units shrink */
    int32_t n_units;
} panel_runs;

panel_runs panel_runs_of(int32_t n_panels, int32_t n_tokens, int32_t n_threads);
range panel_runs_at(const panel_runs *r, int32_t unit);

#endif
