/* top.h - the k best of a row without a sort.
 *
 * A heap of the best values so far, with the worst at its root; a value enters it only above a threshold. If a row has at
 * least k blocks, the k-th largest of their maxima is the first threshold: k values are at least as large. So about k
 * blocks are read, and few more than k values enter the heap. "Best" means the larger value; of equal values, the lower
 * id. */
#ifndef SUMI_SAMPLE_TOP_H
#define SUMI_SAMPLE_TOP_H

#include "sample/row.h"
#include "sumi.h"

/* Adds the row's values, whose ids start at first_id, to a heap of the n_best <= k best values of lower ids;
 * best[0].logprob is the worst of them. Returns the new number: less than k only if there were fewer than k values above
 * -inf. best [k]. */
int32_t top_heap(const row *r, int32_t first_id, int32_t k, sumi_choice *best, int32_t n_best);

/* Turns the heap into a list, best first. */
void top_sort(sumi_choice *best, int32_t k);

/* *lse = log(sum(exp(x))), so that x[i] - *lse is a log-probability. False: a NaN, +inf, or nothing above -inf. */
SUMI_MUST_USE bool row_log_sum_exp(const float *x, int32_t n, double *lse);

/* The rank of id in the whole row, best first, counted from 1. */
int32_t row_rank(const float *x, int32_t n, int32_t id);

#endif
