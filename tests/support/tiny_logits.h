/* tiny_logits.h - compares a model with the logits that transformers computed for a tiny one (tests/golden/tiny/NAME.bin). */
#ifndef TEST_TINY_LOGITS_H
#define TEST_TINY_LOGITS_H

/* The most that a log-probability may differ. Both sides compute in float32. Measured on Zen 3 over all tiny models: 7.4e-5
 * with the plain C kernels (deepseek2-lite), 7.0e-5 with AVX2 (smollm3). Twice that is 1.5e-4; the rest is for AVX-512 and
 * AMX, which add in another order and were not measured. */
#define TEST_TINY_TOLERANCE 2e-4

/* The largest difference of a log-probability, at any position, between the model at path and tiny/NAME.bin. isa as in
 * sumi_model_opts. Prints it; fails the test on any error, not on the difference. */
double test_tiny_difference(const char *name, const char *path, const char *isa);

#endif
