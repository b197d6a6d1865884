/* top.h - the k best of n without a sort.
 *
 * A heap of the best so far, its worst at the root, behind a threshold: 16 values at a time are compared with the
 * root, and almost all blocks are passed over after one comparison. In random order about k ln(n / k) values enter
 * the heap: 350 of 262,144 for k = 40. "Best" is the larger value; of equal values, the lower id. */
#ifndef SUMI_SAMPLE_TOP_H
#define SUMI_SAMPLE_TOP_H

#include "sumi.h"

/* Writes the k best of x [n] as a heap, best[0].logprob being the worst value of them, and returns how many there
 * are: less than k only if fewer than k values are numbers above -inf. NaNs are passed over. */
int32_t top_heap(const float *x, int32_t n, int32_t k, sumi_choice *best);

/* Turns the heap into a list, best first. */
void top_sort(sumi_choice *best, int32_t k);

#endif
