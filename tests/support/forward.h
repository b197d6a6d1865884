/* forward.h - runs a sequence of ids through a model and hands out the logits at chosen positions. */
#ifndef TEST_FORWARD_H
#define TEST_FORWARD_H

#include "sumi.h"
#include "test_support.h"

typedef struct test_forward {
    sumi_model *model;
    sumi_context *ctx;
    sumi_model_info info;
} test_forward;

/* Opens the model with room for sequences of n_ctx tokens. isa as in sumi_model_opts. Fails the test on an error. */
test_forward test_forward_open(const char *path, const char *isa, sumi_activations activations, int32_t n_ctx);
void test_forward_close(test_forward *f);

/* logits [n_vocab] after the token at position; valid during the call. */
typedef void (*test_row_fn)(void *user, int32_t position, const float *logits);

/* Feeds ids to a new sequence in chunks and calls fn for each of positions (ascending, n_positions of them). */
void test_forward_run(test_forward *f, const int32_t *ids, int32_t n_ids, const int32_t *positions, int32_t n_positions,
                      test_row_fn fn, void *user);

/* log(sum(exp(logits))) in double: subtract it from a logit to get a log-probability. */
double test_log_sum_exp(const float *logits, int32_t n_vocab);
int32_t test_argmax(const float *logits, int32_t n_vocab);

/* True when SUMI_TEST_SHORT is set, for builds that are many times slower: long inputs may be left out. */
bool test_is_short(void);

#endif
