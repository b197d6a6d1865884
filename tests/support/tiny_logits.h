/* tiny_logits.h - compares a model with the logits that transformers computed for a tiny one (tests/golden/tiny/NAME.bin). */
#ifndef TEST_TINY_LOGITS_H
#define TEST_TINY_LOGITS_H

/* The largest difference of a log-probability, at any position, between the model at path and tiny/NAME.bin. isa as in
 * sumi_model_opts. Prints it; fails the test on any error, not on the difference. */
double test_tiny_difference(const char *name, const char *path, const char *isa);

#endif
