/* test_latent.c - a model with multi-head latent attention (16 + 32 elements for four heads with keys of 40 and values of 20)
 * caches latents only; sequences share, fork and truncate them as they do keys and values. */
#include <string.h>

#include "sumi.h"
#include "test_support.h"

enum { N_IDS = 60, N_CTX = 128 };

static sumi_model *model;
static sumi_model_info info;
static int32_t ids[N_IDS];

static int set_up(void **state)
{
    (void)state;
    sumi_error err;
    test_rng rng = test_rng_init(11);
    if (sumi_model_open(&model, test_source_path("tests/golden/tiny/deepseek3.gguf"), NULL, &err) != SUMI_OK)
        fail_msg("%s", err.message);
    sumi_model_get_info(model, &info);
    for (int i = 0; i < N_IDS; i++) ids[i] = test_rng_range(&rng, 0, info.n_vocab - 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sumi_model_close(model);
    return 0;
}

static sumi_context *open_context(size_t kv_bytes)
{
    sumi_context *ctx;
    sumi_error err;
    sumi_context_opts opts = sumi_context_opts_default();
    opts.n_ctx = N_CTX;
    opts.max_seqs = 3;
    opts.kv_bytes = kv_bytes;
    if (sumi_context_create(&ctx, model, &opts, &err) != SUMI_OK) fail_msg("%s", err.message);
    return ctx;
}

static void feed(sumi_context *ctx, int32_t seq, const int32_t *tokens, int32_t n)
{
    sumi_error err;
    if (sumi_prefill(ctx, seq, tokens, n, &err) != SUMI_OK) fail_msg("%s", err.message);
}

static void a_block_holds_one_row_of_f16_for_each_token_and_layer(void **state)
{
    (void)state;
    enum { N_BLOCKS = 8, ROW = (32 + 16) * 2 };
    sumi_context *ctx = open_context((size_t)N_BLOCKS * 16 * (size_t)info.n_layers * ROW);
    sumi_context_info c;
    int32_t seq;
    sumi_context_get_info(ctx, &c);
    assert_int_equal(c.n_blocks, N_BLOCKS);
    assert_int_equal(c.max_seq_tokens, N_CTX); /* 8 blocks of 16 tokens */
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    feed(ctx, seq, ids, N_IDS);
    sumi_context_get_info(ctx, &c);
    assert_int_equal(c.n_blocks - c.n_free, (N_IDS + 15) / 16);
    sumi_context_destroy(ctx);
}

static void a_fork_and_a_truncated_sequence_go_on_with_the_same_bits(void **state)
{
    (void)state;
    enum { FIRST = 37 };
    sumi_context *ctx = open_context((size_t)1 << 20);
    size_t bytes = (size_t)info.n_vocab * sizeof(float);
    float expected[512];
    int32_t whole, seq, fork;
    assert_true(info.n_vocab <= 512);
    assert_int_equal(sumi_seq_open(ctx, &whole, NULL), SUMI_OK);
    feed(ctx, whole, ids, N_IDS);
    memcpy(expected, sumi_logits(ctx, 0), bytes);
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    feed(ctx, seq, ids, FIRST);
    assert_int_equal(sumi_seq_fork(ctx, seq, &fork, NULL), SUMI_OK);
    feed(ctx, seq, ids + 1, 20); /* writes over nothing of the fork's */
    feed(ctx, fork, ids + FIRST, N_IDS - FIRST);
    assert_memory_equal(sumi_logits(ctx, 0), expected, bytes);
    sumi_seq_truncate(ctx, seq, FIRST);
    feed(ctx, seq, ids + FIRST, N_IDS - FIRST);
    assert_memory_equal(sumi_logits(ctx, 0), expected, bytes);
    sumi_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_holds_one_row_of_f16_for_each_token_and_layer),
        cmocka_unit_test(a_fork_and_a_truncated_sequence_go_on_with_the_same_bits),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
