/* forward.c - see forward.h. */
#include "forward.h"

#include <math.h>
#include <stdlib.h>

enum { CHUNK = 32 }; /* tokens in a step: the end of one chunk and the start of the next are seldom the same block */

static void check(sumi_status status, const sumi_error *err)
{
    if (status != SUMI_OK) fail_msg("%s", err->message);
}

test_forward test_forward_open(const char *path, const char *isa, sumi_activations activations, int32_t n_ctx)
{
    test_forward f = { 0 };
    sumi_error err;
    sumi_model_opts model_opts = sumi_model_opts_default();
    model_opts.isa = isa;
    model_opts.activations = activations;
    check(sumi_model_open(&f.model, path, &model_opts, &err), &err);
    sumi_model_get_info(f.model, &f.info);

    sumi_context_opts opts = sumi_context_opts_default();
    opts.n_ctx = n_ctx;
    opts.max_seqs = 1;
    opts.max_batch_tokens = CHUNK;
    opts.max_logit_rows = CHUNK;
    check(sumi_context_create(&f.ctx, f.model, &opts, &err), &err);
    return f;
}

void test_forward_close(test_forward *f)
{
    sumi_context_destroy(f->ctx);
    sumi_model_close(f->model);
}

void test_forward_run(test_forward *f, const int32_t *ids, int32_t n_ids, const int32_t *positions, int32_t n_positions,
                      test_row_fn fn, void *user)
{
    sumi_error err;
    int32_t seq, next = 0; /* positions[next] is the first one that fn has not seen */
    check(sumi_seq_open(f->ctx, &seq, &err), &err);
    for (int32_t at = 0; at < n_ids; at += CHUNK) {
        int32_t end = at + CHUNK < n_ids ? at + CHUNK : n_ids;
        bool wanted = next < n_positions && positions[next] < end;
        sumi_span span = { seq, end - at, ids + at, wanted ? SUMI_WANT_ALL : SUMI_WANT_NONE };
        check(sumi_step(f->ctx, &span, 1, &err), &err);
        for (; next < n_positions && positions[next] < end; next++)
            fn(user, positions[next], sumi_logits(f->ctx, positions[next] - at));
    }
    assert_int_equal(next, n_positions);
    sumi_seq_close(f->ctx, seq);
}

double test_log_sum_exp(const float *logits, int32_t n_vocab)
{
    float max = logits[0]; /* float: gcc 12 for aarch64 fails with an internal error on fmax() of widened numbers */
    double sum = 0;
    for (int32_t i = 1; i < n_vocab; i++) max = fmaxf(max, logits[i]);
    for (int32_t i = 0; i < n_vocab; i++) sum += exp((double)logits[i] - max);
    return max + log(sum);
}

int32_t test_argmax(const float *logits, int32_t n_vocab)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n_vocab; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

bool test_is_short(void)
{
    return getenv("SUMI_TEST_SHORT") != NULL;
}
