/* levels.h - what tests of kernels share: every level of the instruction set that the machine has, and random rows. */
#ifndef TEST_LEVELS_H
#define TEST_LEVELS_H

#include "backend/cpu/kernels.h"
#include "test_support.h"

/* Sums of n float products, in two orders, differ by at most
 *   |a - b| <= 2 g sum|terms|,  g = test_gamma(n) = n u / (1 - n u), u = 2^-24   (Higham, Accuracy and Stability, 3.1). */
double test_gamma(double n);

/* x [n] normally distributed, with this deviation. */
void test_fill_normal(test_rng *rng, float *x, int32_t n, float scale);

/* Runs test with kernels k, whose level and suffix are printed, and random numbers that are the same each time. */
void test_run_level(void (*test)(const kernels *k, test_rng *rng), const kernels *k, const char *suffix);

/* The same for each level above ref that the machine has. */
void test_for_each_level(void (*test)(const kernels *k, test_rng *rng));

#endif
