/* test_encoder.c - an encoder in contexts and engines: texts are taken whole, vectors do not depend on what is beside them,
 * and what needs logits, prefixes or another piece of a text is refused in one line. */
#include <stdlib.h>
#include <string.h>

#include "engine/pooling.h"
#include "engine_client.h"

enum { N_TEXTS = 24, N_WAYS = 3, MAX_EMBD = 64, LONG = 300, BUDGET = 40 };

static const sumi_pooling ways[N_WAYS] = { SUMI_POOL_MEAN, SUMI_POOL_LAST, SUMI_POOL_CLS };

static sumi_model *model, *decoder;
static sumi_model_info info;
static int32_t texts[N_TEXTS][LONG], lens[N_TEXTS];
static float alone[N_TEXTS][N_WAYS][MAX_EMBD]; /* by sumi_embed() */

static sumi_model *open_tiny(const char *path)
{
    sumi_model *m;
    sumi_error err;
    if (sumi_model_open(&m, test_source_path(path), NULL, &err) != SUMI_OK) fail_msg("%s", err.message);
    return m;
}

/* Steps of fewer tokens than a text may have. */
static sumi_context *make_context(void)
{
    sumi_context *ctx;
    sumi_context_opts o = sumi_context_opts_default();
    o.max_batch_tokens = 8;
    o.max_logit_rows = 1;
    assert_int_equal(sumi_context_create(&ctx, model, &o, NULL), SUMI_OK);
    return ctx;
}

static int set_up(void **state)
{
    (void)state;
    model = open_tiny("tests/golden/tiny/bert.gguf");
    decoder = open_tiny("tests/golden/tiny/qwen2-tied.gguf");
    sumi_model_get_info(model, &info);
    assert_in_range(info.n_embd, 1, MAX_EMBD);
    test_rng rng = test_rng_init(9);
    sumi_context *ctx = make_context();
    for (int i = 0; i < N_TEXTS; i++) {
        lens[i] = i == 5 ? LONG : test_rng_range(&rng, 1, 60);
        for (int k = 0; k < LONG; k++) texts[i][k] = i < 4 ? 7 : test_rng_range(&rng, 5, info.n_vocab - 1);
        for (int w = 0; w < N_WAYS; w++)
            assert_int_equal(sumi_embed(ctx, texts[i], lens[i], ways[w], false, alone[i][w], NULL), SUMI_OK);
    }
    sumi_context_destroy(ctx);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sumi_model_close(model);
    sumi_model_close(decoder);
    return 0;
}

static void the_file_says_what_it_is_and_how_it_is_pooled(void **state)
{
    (void)state;
    sumi_model_info of_decoder;
    sumi_model_get_info(decoder, &of_decoder);
    assert_true(info.is_encoder && !of_decoder.is_encoder);
    assert_int_equal(info.pooling, SUMI_POOL_MEAN);
    assert_int_equal(of_decoder.pooling, SUMI_POOL_NONE);
    assert_int_equal(pooling_or_default(SUMI_POOL_NONE, model), SUMI_POOL_MEAN);
    assert_int_equal(pooling_or_default(SUMI_POOL_CLS, model), SUMI_POOL_CLS);
    assert_int_equal(pooling_or_default(SUMI_POOL_NONE, decoder), SUMI_POOL_MEAN);
}

static void a_text_that_is_cut_keeps_its_end_token(void **state)
{
    (void)state;
    int32_t ids[] = { 2, 10, 11, 12, info.eos_id }, others[] = { 2, 10, 11, 12 };
    assert_int_equal(pooling_truncate(model, ids, 5, 5), 5);
    assert_int_equal(ids[2], 11);
    assert_int_equal(pooling_truncate(model, ids, 5, 3), 3);
    assert_int_equal(ids[2], info.eos_id);
    assert_int_equal(pooling_truncate(model, others, 4, 3), 3);
    assert_int_equal(others[2], 11);
}

static void keys_and_values_take_the_room_of_one_layer(void **state)
{
    (void)state;
    sumi_context_info c;
    sumi_context *ctx = make_context();
    sumi_context_get_info(ctx, &c);
    assert_int_equal(c.n_ctx, info.n_ctx_train);
    assert_int_equal(c.max_batch_tokens, c.n_ctx);
    assert_int_equal(c.kv_bytes, (size_t)c.n_blocks * 2 * 2 * (size_t)(c.kv_block * info.n_kv_heads * info.head_dim));
    sumi_context_destroy(ctx);
}

/* A step takes a whole text, however few tokens the options say. */
static void the_estimate_is_that_of_steps_of_a_whole_text(void **state)
{
    (void)state;
    sumi_estimate small, whole;
    const char *path = test_source_path("tests/golden/tiny/bert.gguf");
    sumi_context_opts o = sumi_context_opts_default();
    o.max_batch_tokens = info.n_ctx_train;
    o.max_logit_rows = 1;
    assert_int_equal(sumi_model_estimate(path, NULL, &o, &whole, NULL), SUMI_OK);
    o.max_batch_tokens = 8;
    assert_int_equal(sumi_model_estimate(path, NULL, &o, &small, NULL), SUMI_OK);
    assert_int_equal(small.scratch_bytes, whole.scratch_bytes);
    assert_int_equal(small.kv_bytes, whole.kv_bytes);
}

static void a_sequence_is_one_text(void **state)
{
    (void)state;
    sumi_error err;
    int32_t seq;
    sumi_context *ctx = make_context();
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    sumi_span span = { seq, 20, texts[4], SUMI_WANT_HIDDEN_FIRST };
    assert_int_equal(sumi_step(ctx, &span, 1, NULL), SUMI_OK);
    assert_int_equal(sumi_n_hidden_rows(ctx), 1);
    test_expect_error(sumi_step(ctx, &span, 1, &err), SUMI_EINVAL, &err, "cannot grow");
    sumi_seq_truncate(ctx, seq, 10);
    test_expect_error(sumi_step(ctx, &span, 1, &err), SUMI_EINVAL, &err, "sequence 0 has 10 tokens");
    sumi_seq_truncate(ctx, seq, 0);
    assert_int_equal(sumi_step(ctx, &span, 1, NULL), SUMI_OK);
    sumi_context_destroy(ctx);
}

static void the_state_of_the_first_or_last_token_is_that_among_all(void **state)
{
    (void)state;
    enum { N = 20 };
    int32_t seq;
    float all[N][MAX_EMBD];
    size_t row = (size_t)info.n_embd * sizeof(float);
    sumi_context *ctx = make_context();
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    sumi_span span = { seq, N, texts[4], SUMI_WANT_HIDDEN_ALL };
    assert_int_equal(sumi_step(ctx, &span, 1, NULL), SUMI_OK);
    for (int32_t i = 0; i < N; i++) memcpy(all[i], sumi_hidden(ctx, i), row);
    assert_memory_not_equal(all[0], all[N - 1], row);
    for (int last = 0; last < 2; last++) {
        sumi_seq_truncate(ctx, seq, 0);
        span.want = last ? SUMI_WANT_HIDDEN_LAST : SUMI_WANT_HIDDEN_FIRST;
        assert_int_equal(sumi_step(ctx, &span, 1, NULL), SUMI_OK);
        assert_memory_equal(sumi_hidden(ctx, 0), all[last ? N - 1 : 0], row);
    }
    sumi_context_destroy(ctx);
}

static void what_needs_logits_is_refused(void **state)
{
    (void)state;
    sumi_error err;
    int32_t seq;
    sumi_context *ctx = make_context();
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    sumi_span last = { seq, 5, texts[4], SUMI_WANT_LAST }, all = { seq, 1, texts[4], SUMI_WANT_ALL };
    test_expect_error(sumi_step(ctx, &last, 1, &err), SUMI_EUNSUPPORTED, &err, "is an encoder");
    test_expect_error(sumi_step(ctx, &all, 1, &err), SUMI_EUNSUPPORTED, &err, "is an encoder");
    test_expect_error(sumi_prefill(ctx, seq, texts[4], 9, &err), SUMI_EUNSUPPORTED, &err, "is an encoder");
    test_expect_error(sumi_generate(ctx, seq, texts[4], 9, NULL, NULL, &err), SUMI_EUNSUPPORTED, &err,
                      "use sumi embed");
    assert_int_equal(sumi_seq_len(ctx, seq), 0);
    sumi_context_destroy(ctx);
}

static void a_decoder_has_no_pooling_by_its_first_token(void **state)
{
    (void)state;
    sumi_error err;
    sumi_context *ctx;
    float out[MAX_EMBD];
    assert_int_equal(sumi_context_create(&ctx, decoder, NULL, NULL), SUMI_OK);
    test_expect_error(sumi_embed(ctx, texts[4], 5, SUMI_POOL_CLS, false, out, &err), SUMI_EINVAL, &err,
                      "needs an encoder");
    sumi_context_destroy(ctx);
}

/* ---- Engines ---- */

static sumi_engine_opts options(void)
{
    sumi_engine_opts o = sumi_engine_opts_default();
    o.n_threads = 2;
    o.max_seqs = 8;
    o.token_budget = BUDGET;
    o.swap_bytes = 1 << 20;
    return o;
}

static sumi_request request(int32_t i, sumi_pooling way)
{
    sumi_request r = sumi_request_default();
    r.ids = texts[i];
    r.n_ids = lens[i];
    r.embed = way;
    return r;
}

static client_answer answers[N_TEXTS * N_WAYS];

static sumi_engine_stats embed_together(const sumi_engine_opts *o)
{
    sumi_engine *e;
    sumi_engine_stats s;
    sumi_error err = { 0 };
    if (sumi_engine_create(&e, model, o, &err) != SUMI_OK) fail_msg("%s", err.message);
    for (int i = 0; i < N_TEXTS * N_WAYS; i++) {
        sumi_request r = request(i / N_WAYS, ways[i % N_WAYS]);
        r.priority = i % 3;
        client_submit(e, &r, &answers[i]);
    }
    for (int i = 0; i < N_TEXTS * N_WAYS; i++) {
        client_wait(&answers[i]);
        assert_int_equal(answers[i].finish, SUMI_FINISH_STOP);
        assert_int_equal(answers[i].n_embd, info.n_embd);
        assert_int_equal(answers[i].usage.n_cached, 0);
        assert_memory_equal(answers[i].embedding, alone[i / N_WAYS][i % N_WAYS], (size_t)info.n_embd * sizeof(float));
    }
    sumi_engine_get_stats(e, &s);
    sumi_engine_destroy(e);
    return s;
}

/* Texts that begin alike, and one that is longer than the budget of a step. */
static void an_engine_gives_the_same_vectors_and_takes_texts_whole(void **state)
{
    (void)state;
    sumi_engine_opts o = options();
    sumi_engine_stats s = embed_together(&o);
    assert_true(s.n_steps < N_TEXTS * N_WAYS); /* short ones share steps */
    assert_int_equal(s.n_hit_tokens, 0);
    o.static_batching = true;
    embed_together(&o);
}

/* Room for the longest text and hardly more. */
static void texts_wait_for_room(void **state)
{
    (void)state;
    sumi_engine_opts o = options();
    o.n_ctx = LONG;
    o.kv_bytes = (size_t)(LONG / 16 + 3) * 2 * 2 * 16 * (size_t)(info.n_kv_heads * info.head_dim);
    sumi_engine_stats s = embed_together(&o);
    assert_int_equal(s.n_swapped_out, 0);
}

static void what_an_encoder_does_not_have_is_refused(void **state)
{
    (void)state;
    sumi_engine *e;
    sumi_error err;
    static client_answer a;
    sumi_engine_opts o = options();
    o.prefix_dir = "/tmp";
    test_expect_error(sumi_engine_create(&e, model, &o, &err), SUMI_EINVAL, &err, "an encoder has no prefix cache");
    o = options();
    o.n_ctx = 100;
    assert_int_equal(sumi_engine_create(&e, model, &o, NULL), SUMI_OK);
    sumi_request chat = request(6, SUMI_POOL_NONE), late = request(5, SUMI_POOL_CLS);
    test_expect_error(client_try(e, &chat, &a, &err), SUMI_EUNSUPPORTED, &err, "is an encoder");
    test_expect_error(client_try(e, &late, &a, &err), SUMI_ELIMIT, &err, "300 tokens, but the context holds 100");
    sumi_engine_destroy(e);
    sumi_context_opts c = sumi_context_opts_default();
    sumi_context *ctx;
    c.n_ctx = 10000;
    test_expect_error(sumi_context_create(&ctx, model, &c, &err), SUMI_EINVAL, &err, "530 positions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_says_what_it_is_and_how_it_is_pooled),
        cmocka_unit_test(a_text_that_is_cut_keeps_its_end_token),
        cmocka_unit_test(keys_and_values_take_the_room_of_one_layer),
        cmocka_unit_test(the_estimate_is_that_of_steps_of_a_whole_text),
        cmocka_unit_test(a_sequence_is_one_text),
        cmocka_unit_test(the_state_of_the_first_or_last_token_is_that_among_all),
        cmocka_unit_test(what_needs_logits_is_refused),
        cmocka_unit_test(a_decoder_has_no_pooling_by_its_first_token),
        cmocka_unit_test(an_engine_gives_the_same_vectors_and_takes_texts_whole),
        cmocka_unit_test(texts_wait_for_room),
        cmocka_unit_test(what_an_encoder_does_not_have_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
