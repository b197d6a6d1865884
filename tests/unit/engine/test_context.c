/* test_context.c - sequences of a context on a model with sliding windows (8 tokens in six of seven layers):
 * truncated, forked and cut in any way, a sequence has the logits of one that was computed in a single step, bit
 * for bit. */
#include <stdio.h>
#include <string.h>

#include "engine/sumi_model.h"
#include "sumi.h"
#include "test_support.h"

enum { N_IDS = 72, N_VOCAB_MAX = 1024 };

typedef struct world {
    sumi_model *model;
    sumi_context *ctx;
    int32_t n_vocab;
    int32_t ids[N_IDS];
} world;

static world open_world(void)
{
    world w = { 0 };
    sumi_model_info info;
    sumi_context_opts opts = sumi_context_opts_default();
    test_rng rng = test_rng_init(5);
    opts.n_ctx = 128;
    opts.max_seqs = 3;
    opts.max_batch_tokens = 32;
    opts.kv_bytes = (size_t)1 << 20;
    assert_int_equal(sumi_model_open(&w.model, test_source_path("tests/golden/tiny/gemma3.gguf"), NULL, NULL), SUMI_OK);
    assert_int_equal(sumi_context_create(&w.ctx, w.model, &opts, NULL), SUMI_OK);
    sumi_model_get_info(w.model, &info);
    w.n_vocab = info.n_vocab;
    assert_true(w.n_vocab <= N_VOCAB_MAX);
    for (int32_t i = 0; i < N_IDS; i++) w.ids[i] = test_rng_range(&rng, 0, w.n_vocab - 1);
    return w;
}

static void close_world(world *w)
{
    sumi_context_destroy(w->ctx);
    sumi_model_close(w->model);
}

static int32_t open_seq(world *w)
{
    int32_t seq;
    assert_int_equal(sumi_seq_open(w->ctx, &seq, NULL), SUMI_OK);
    return seq;
}

static void feed(world *w, int32_t seq, const int32_t *ids, int32_t n)
{
    sumi_error err;
    if (sumi_prefill(w->ctx, seq, ids, n, &err) != SUMI_OK) fail_msg("%s", err.message);
}

/* The last step's logits are those after ids [n] in a sequence of their own. */
static void expect_logits_of(world *w, const int32_t *ids, int32_t n)
{
    static float got[N_VOCAB_MAX];
    size_t bytes = (size_t)w->n_vocab * sizeof *got;
    memcpy(got, sumi_logits(w->ctx, 0), bytes);
    int32_t seq = open_seq(w);
    feed(w, seq, ids, n);
    assert_memory_equal(got, sumi_logits(w->ctx, 0), bytes);
    sumi_seq_close(w->ctx, seq);
}

static void a_truncation_behind_a_window_is_computed_again(void **state)
{
    (void)state;
    world w = open_world();
    int32_t seq = open_seq(&w);
    feed(&w, seq, w.ids, N_IDS);
    for (int32_t n = N_IDS - 1; n > 0; n -= 14) { /* one token back, and further than the window */
        sumi_seq_truncate(w.ctx, seq, n);
        assert_int_equal(sumi_seq_len(w.ctx, seq), n);
        sumi_seq_truncate(w.ctx, seq, n - 1); /* also before it was computed again */
        assert_int_equal(sumi_seq_len(w.ctx, seq), n - 1);
        feed(&w, seq, w.ids + n - 1, 1);
        assert_int_equal(sumi_seq_len(w.ctx, seq), n);
        expect_logits_of(&w, w.ids, n);
    }
    close_world(&w);
}

static void a_fork_goes_on_by_itself(void **state)
{
    (void)state;
    world w = open_world();
    int32_t seq = open_seq(&w), fork, ids[N_IDS];
    sumi_context_info before, after;
    feed(&w, seq, w.ids, 40);
    sumi_context_get_info(w.ctx, &before);
    assert_int_equal(sumi_seq_fork(w.ctx, seq, &fork, NULL), SUMI_OK);
    sumi_context_get_info(w.ctx, &after);
    assert_int_equal(before.n_free, after.n_free); /* shares every block */
    assert_int_equal(sumi_seq_len(w.ctx, fork), 40);
    memcpy(ids, w.ids, sizeof ids);
    for (int32_t i = 40; i < 60; i++) ids[i] = w.ids[N_IDS - 1 - i + 40];
    for (int32_t i = 40; i < 60; i++) {
        feed(&w, seq, w.ids + i, 1);
        expect_logits_of(&w, w.ids, i + 1);
        feed(&w, fork, ids + i, 1);
        expect_logits_of(&w, ids, i + 1);
    }
    sumi_seq_close(w.ctx, seq);
    feed(&w, fork, ids + 60, 5);
    expect_logits_of(&w, ids, 65);
    close_world(&w);
}

static void a_truncated_sequence_can_be_forked(void **state)
{
    (void)state;
    world w = open_world();
    int32_t seq = open_seq(&w), fork;
    feed(&w, seq, w.ids, N_IDS);
    sumi_seq_truncate(w.ctx, seq, 30);
    assert_int_equal(sumi_seq_fork(w.ctx, seq, &fork, NULL), SUMI_OK);
    assert_int_equal(sumi_seq_len(w.ctx, fork), 30);
    feed(&w, fork, w.ids + 30, 3);
    expect_logits_of(&w, w.ids, 33);
    close_world(&w);
}

static void a_fork_that_cannot_be_is_refused(void **state)
{
    (void)state;
    world w = open_world();
    sumi_context_info info;
    sumi_error err;
    int32_t seq = 0, fork;
    sumi_context_get_info(w.ctx, &info);
    assert_int_equal(sumi_seq_fork(w.ctx, 0, &fork, &err), SUMI_EINVAL);
    assert_int_equal(fork, -1);
    assert_non_null(strstr(err.message, "sequence 0"));
    for (int32_t i = 0; i < info.max_seqs; i++) seq = open_seq(&w);
    assert_int_equal(sumi_seq_fork(w.ctx, seq, &fork, &err), SUMI_ELIMIT);
    assert_int_equal(fork, -1);
    close_world(&w);
}

static void a_sequence_has_as_many_tokens_as_the_context_and_no_more(void **state)
{
    (void)state;
    world w = open_world();
    sumi_context_info info;
    sumi_error err;
    int32_t seq = open_seq(&w);
    sumi_context_get_info(w.ctx, &info);
    while (sumi_seq_len(w.ctx, seq) < info.n_ctx) feed(&w, seq, w.ids, 1);
    test_expect_error(sumi_prefill(w.ctx, seq, w.ids, 1, &err), SUMI_ELIMIT, &err, "context of 128");
    sumi_seq_truncate(w.ctx, seq, info.n_ctx - 2);
    test_expect_error(sumi_prefill(w.ctx, seq, w.ids, 3, &err), SUMI_ELIMIT, &err, "3 more tokens after 126");
    feed(&w, seq, w.ids, 2);
    close_world(&w);
}

/* Seven groups of one layer: one sees all tokens; a window of 8 lies in at most two blocks. */
static void a_window_takes_little_of_the_pool(void **state)
{
    (void)state;
    world w = open_world();
    sumi_context_info info;
    int32_t seq = open_seq(&w);
    feed(&w, seq, w.ids, N_IDS);
    sumi_context_get_info(w.ctx, &info);
    assert_true(info.n_blocks - info.n_free <= 5 + 6 * 2);
    assert_true(info.max_seq_tokens >= 128);
    close_world(&w);
}

static sumi_model *open_tiny(const char *name)
{
    char path[96];
    sumi_model *m;
    snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", name);
    assert_int_equal(sumi_model_open(&m, test_source_path(path), NULL, NULL), SUMI_OK);
    return m;
}

static void a_context_has_no_more_tokens_than_learned_positions(void **state)
{
    (void)state;
    sumi_model *m = open_tiny("gpt2");
    sumi_context *ctx;
    sumi_error err;
    sumi_context_opts opts = sumi_context_opts_default();
    opts.kv_bytes = (size_t)1 << 20;
    opts.n_ctx = 256;
    assert_int_equal(sumi_context_create(&ctx, m, &opts, NULL), SUMI_OK);
    sumi_context_destroy(ctx);
    opts.n_ctx = 257;
    assert_int_equal(sumi_context_create(&ctx, m, &opts, &err), SUMI_EINVAL);
    assert_null(ctx);
    assert_non_null(strstr(err.message, "257 tokens"));
    assert_non_null(strstr(err.message, "256 positions"));
    sumi_model_close(m);
}

static bool share_keys(const sumi_model *m, int32_t n_ctx, int32_t other)
{
    kv_fingerprint a = model_kv_fingerprint(m, n_ctx), b = model_kv_fingerprint(m, other);
    return memcmp(&a, &b, sizeof a) == 0;
}

/* The original context is 32. */
static void keys_rotated_by_long_and_by_short_factors_are_told_apart(void **state)
{
    (void)state;
    sumi_model *phi = open_tiny("phi3-long"), *llama = open_tiny("llama-rope3");
    assert_true(share_keys(phi, 16, 32));
    assert_false(share_keys(phi, 32, 33));
    assert_true(share_keys(phi, 33, 256));
    assert_true(share_keys(llama, 32, 256));
    sumi_model_close(phi);
    sumi_model_close(llama);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncation_behind_a_window_is_computed_again),
        cmocka_unit_test(a_fork_goes_on_by_itself),
        cmocka_unit_test(a_truncated_sequence_can_be_forked),
        cmocka_unit_test(a_fork_that_cannot_be_is_refused),
        cmocka_unit_test(a_sequence_has_as_many_tokens_as_the_context_and_no_more),
        cmocka_unit_test(a_window_takes_little_of_the_pool),
        cmocka_unit_test(a_context_has_no_more_tokens_than_learned_positions),
        cmocka_unit_test(keys_rotated_by_long_and_by_short_factors_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
