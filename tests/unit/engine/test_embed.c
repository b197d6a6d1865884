/* test_embed.c - embeddings: the definition, and the same bits whatever else runs, however a text is cut, by context and
 * by engine, after preemptions, with prefixes from the cache. */
#include <math.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "engine/pooling.h"
#include "engine_fixture.h"

enum { N_TEXTS = 12, MAX_IDS = 64, MAX_EMBD = 128, N_WAYS = 2 };

static const sumi_pooling ways[N_WAYS] = { SUMI_POOL_MEAN, SUMI_POOL_LAST };

static sumi_model *model;
static sumi_model_info info;
static int32_t texts[N_TEXTS][MAX_IDS], lens[N_TEXTS];
static float alone[N_TEXTS][N_WAYS][MAX_EMBD]; /* by sumi_embed(), in one step */

static sumi_context *make_context(int32_t n_threads, int32_t step)
{
    sumi_context *ctx;
    sumi_context_opts o = sumi_context_opts_default();
    o.n_threads = n_threads;
    o.n_ctx = 128;
    o.max_batch_tokens = step;
    o.max_logit_rows = step < 4 ? step : 4;
    assert_int_equal(sumi_context_create(&ctx, model, &o, NULL), SUMI_OK);
    return ctx;
}

static void embed(sumi_context *ctx, int32_t i, int32_t way, float *out)
{
    sumi_error err = { 0 };
    if (sumi_embed(ctx, texts[i], lens[i], ways[way], false, out, &err) != SUMI_OK) fail_msg("%s", err.message);
}

static int set_up(void **state)
{
    (void)state;
    sumi_error err = { 0 };
    /* Windows of 8 tokens, norms behind the blocks. */
    if (sumi_model_open(&model, test_source_path("tests/golden/tiny/gemma3.gguf"), NULL, &err) != SUMI_OK)
        fail_msg("%s", err.message);
    sumi_model_get_info(model, &info);
    assert_in_range(info.n_embd, 1, MAX_EMBD);
    test_rng rng = test_rng_init(8);
    for (int i = 0; i < N_TEXTS; i++) {
        lens[i] = test_rng_range(&rng, i ? 20 : 1, 60);
        for (int k = 0; k < MAX_IDS; k++) texts[i][k] = test_rng_range(&rng, 3, info.n_vocab - 1);
        if (i >= N_TEXTS / 2) memcpy(texts[i], texts[0], 40 * sizeof texts[i][0]); /* a common beginning */
    }
    sumi_context *ctx = make_context(1, 128);
    for (int i = 0; i < N_TEXTS; i++)
        for (int w = 0; w < N_WAYS; w++) embed(ctx, i, w, alone[i][w]);
    sumi_context_destroy(ctx);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sumi_model_close(model);
    return 0;
}

static void expect_alone(const float *got, int32_t i, int32_t way)
{
    assert_memory_equal(got, alone[i][way], (size_t)info.n_embd * sizeof *got);
}

/* ---- Pooling ---- */

static void pooling_is_the_mean_or_the_last_state_of_length_1(void **state)
{
    (void)state;
    pooling p;
    const float a[2] = { 1, 5 }, b[2] = { 5, 3 };
    assert_int_equal(pooling_init(&p, SUMI_POOL_MEAN, 2, NULL), SUMI_OK);
    pooling_add(&p, a);
    pooling_add(&p, b);
    assert_int_equal(pooling_finish(&p, true, NULL), SUMI_OK);
    assert_true(p.out[0] == 3 && p.out[1] == 4);
    assert_int_equal(pooling_finish(&p, false, NULL), SUMI_OK);
    assert_true(p.out[0] == 0.6f && p.out[1] == 0.8f);
    pooling_deinit(&p);
}

static void a_state_that_is_not_finite_or_has_no_direction_is_an_error(void **state)
{
    (void)state;
    pooling p;
    sumi_error err;
    const float zero[2] = { 0, 0 }, bad[2] = { 1, NAN };
    assert_int_equal(pooling_init(&p, SUMI_POOL_MEAN, 2, NULL), SUMI_OK);
    pooling_add(&p, zero);
    assert_int_equal(pooling_finish(&p, true, &err), SUMI_OK);
    assert_int_equal(pooling_finish(&p, false, &err), SUMI_ENUMERIC);
    pooling_add(&p, bad);
    assert_int_equal(pooling_finish(&p, true, &err), SUMI_ENUMERIC);
    pooling_deinit(&p);
}

/* ---- Contexts ---- */

static void an_embedding_does_not_depend_on_steps_or_threads(void **state)
{
    (void)state;
    static const int32_t steps[] = { 1, 7, 16, 33 };
    for (int s = 0; s < 4; s++) {
        sumi_context *ctx = make_context(1 + s % 3, steps[s]);
        for (int i = 0; i < N_TEXTS; i++)
            for (int w = 0; w < N_WAYS; w++) {
                float got[MAX_EMBD];
                embed(ctx, i, w, got);
                expect_alone(got, i, w);
            }
        sumi_context_destroy(ctx);
    }
}

/* One step of spans that want nothing, logits, or hidden states: each gets what it gets by itself. */
static void logits_and_hidden_states_share_a_step(void **state)
{
    (void)state;
    static const sumi_want wants[] = { SUMI_WANT_HIDDEN_LAST, SUMI_WANT_LAST, SUMI_WANT_NONE, SUMI_WANT_HIDDEN_ALL,
                                       SUMI_WANT_ALL };
    enum { N = 5, LEN = 3 };
    sumi_context *ctx = make_context(2, 64);
    sumi_span spans[N];
    size_t row = (size_t)info.n_vocab * sizeof(float), hidden_row = (size_t)info.n_embd * sizeof(float);
    float *logits = malloc(4 * row), hidden[4][MAX_EMBD];
    for (int i = 0; i < N; i++) {
        spans[i] = (sumi_span){ .n_ids = LEN, .ids = texts[i + 1], .want = wants[i] };
        assert_int_equal(sumi_seq_open(ctx, &spans[i].seq, NULL), SUMI_OK);
    }
    assert_int_equal(sumi_step(ctx, spans, N, NULL), SUMI_OK);
    assert_int_equal(sumi_n_logit_rows(ctx), 1 + LEN);
    assert_int_equal(sumi_n_hidden_rows(ctx), 1 + LEN);
    assert_null(sumi_hidden(ctx, 1 + LEN));
    assert_null(sumi_hidden(ctx, -1));
    for (int i = 0; i < 1 + LEN; i++) {
        memcpy(logits + (size_t)i * (size_t)info.n_vocab, sumi_logits(ctx, i), row);
        memcpy(hidden[i], sumi_hidden(ctx, i), hidden_row);
    }
    for (int i = 0, at = 0, at_hidden = 0; i < N; i++) {
        bool is_hidden = wants[i] == SUMI_WANT_HIDDEN_LAST || wants[i] == SUMI_WANT_HIDDEN_ALL;
        sumi_seq_truncate(ctx, spans[i].seq, 0);
        assert_int_equal(sumi_step(ctx, &spans[i], 1, NULL), SUMI_OK);
        assert_int_equal(is_hidden ? sumi_n_logit_rows(ctx) : sumi_n_hidden_rows(ctx), 0);
        for (int k = 0; k < sumi_n_logit_rows(ctx); k++, at++)
            assert_memory_equal(sumi_logits(ctx, k), logits + (size_t)at * (size_t)info.n_vocab, row);
        for (int k = 0; k < sumi_n_hidden_rows(ctx); k++, at_hidden++)
            assert_memory_equal(sumi_hidden(ctx, k), hidden[at_hidden], hidden_row);
    }
    free(logits);
    sumi_context_destroy(ctx);
}

static void what_cannot_be_embedded_is_refused(void **state)
{
    (void)state;
    sumi_error err;
    float out[MAX_EMBD];
    int32_t bad = info.n_vocab, many[200] = { 0 };
    sumi_context *ctx = make_context(1, 16);
    assert_int_equal(sumi_embed(ctx, texts[0], 0, SUMI_POOL_MEAN, false, out, &err), SUMI_EINVAL);
    assert_int_equal(sumi_embed(ctx, texts[0], 1, SUMI_POOL_NONE, false, out, &err), SUMI_EINVAL);
    assert_int_equal(sumi_embed(ctx, &bad, 1, SUMI_POOL_MEAN, false, out, &err), SUMI_EINVAL);
    assert_int_equal(sumi_embed(ctx, many, 200, SUMI_POOL_MEAN, false, out, &err), SUMI_ELIMIT);
    int32_t seqs[16]; /* none of them was left open */
    for (int i = 0; i < 16; i++) assert_int_equal(sumi_seq_open(ctx, &seqs[i], &err), SUMI_OK);
    assert_int_equal(sumi_embed(ctx, texts[0], 1, SUMI_POOL_MEAN, false, out, &err), SUMI_ELIMIT);
    sumi_context_destroy(ctx);
}

/* ---- Engines ---- */

static sumi_request request(int32_t i, sumi_pooling way)
{
    sumi_request r = sumi_request_default();
    r.ids = texts[i];
    r.n_ids = lens[i];
    r.embed = way;
    return r;
}

static client_answer answers[2 * N_TEXTS * N_WAYS], chats[N_TEXTS];

/* All texts in all ways, twice, beside chats. The stats after it. */
static sumi_engine_stats embed_together(const sumi_engine_opts *o)
{
    sumi_engine *e;
    sumi_engine_stats s;
    sumi_error err = { 0 };
    if (sumi_engine_create(&e, model, o, &err) != SUMI_OK) fail_msg("%s", err.message);
    for (int i = 0; i < 2 * N_TEXTS * N_WAYS; i++) {
        sumi_request r = request(i / N_WAYS % N_TEXTS, ways[i % N_WAYS]), chat = request(i % N_TEXTS, SUMI_POOL_NONE);
        r.priority = i % 3;
        chat.max_tokens = 20;
        chat.priority = 2;
        chat.ignore_eos = true;
        client_submit(e, &r, &answers[i]);
        if (i < N_TEXTS) client_submit(e, &chat, &chats[i]);
    }
    for (int i = 0; i < 2 * N_TEXTS * N_WAYS; i++) {
        client_wait(&answers[i]);
        assert_int_equal(answers[i].finish, SUMI_FINISH_STOP);
        assert_int_equal(answers[i].n_embd, info.n_embd);
        assert_int_equal(answers[i].usage.n_generated, 0);
        expect_alone(answers[i].embedding, i / N_WAYS % N_TEXTS, i % N_WAYS);
    }
    for (int i = 0; i < N_TEXTS; i++) client_wait(&chats[i]);
    sumi_engine_get_stats(e, &s);
    sumi_engine_destroy(e);
    return s;
}

static void an_engine_gives_the_same_embedding_under_load(void **state)
{
    (void)state;
    sumi_engine_opts o = engine_options();
    sumi_engine_stats s = embed_together(&o);
    assert_true(s.n_hit_tokens > 0); /* last pooling and chats use what is cached; the mean takes every token */
    for (int i = 0; i < 2 * N_TEXTS; i++) assert_int_equal(answers[i * N_WAYS].usage.n_cached, 0);
    o.prefix_cache = false;
    o.token_budget = 9;
    embed_together(&o);
    o.static_batching = true;
    embed_together(&o);
}

static void an_embedding_is_the_same_after_preemptions(void **state)
{
    (void)state;
    sumi_engine_opts o = engine_options();
    sumi_context *ctx = make_context(1, 128);
    sumi_context_info c;
    sumi_context_get_info(ctx, &c);
    sumi_context_destroy(ctx);
    o.kv_bytes = c.kv_bytes; /* room for one sequence of 128 tokens */
    o.token_budget = 12;
    for (int i = 0; i < 2; i++, o.prefix_cache = false) {
        sumi_engine_stats s = embed_together(&o);
        int32_t n = 0;
        for (int k = 0; k < 2 * N_TEXTS * N_WAYS; k++) n += answers[k].usage.n_preempted;
        assert_true(s.n_recomputed > 0 && n > 0); /* embeddings among them */
    }
}

/* What happens at which token of a chat, on the engine's thread, so that each step of the engine is known. */
typedef struct scene {
    sumi_engine *e;
    sumi_request embedding, urgent;
    client_answer *embedded, *hurried;
    int32_t n_tokens;
    bool failed;
    sem_t over;
} scene;

static bool play(void *user, const sumi_event *event)
{
    scene *s = user;
    if (event->type == SUMI_EVENT_END) sem_post(&s->over);
    if (event->type != SUMI_EVENT_PIECE) return true;
    s->n_tokens++;
    if (s->n_tokens == 1) s->failed |= client_try(s->e, &s->embedding, s->embedded, NULL) != SUMI_OK;
    if (s->n_tokens == 4) s->failed |= client_try(s->e, &s->urgent, s->hurried, NULL) != SUMI_OK;
    return true;
}

/* The chat and the embedding have both places when a more urgent request comes; by then the text is pooled in part. */
static void states_that_were_pooled_before_a_preemption_are_not_pooled_again(void **state)
{
    (void)state;
    sumi_engine_opts o = engine_options();
    o.max_seqs = 2;
    o.token_budget = 7;
    for (int i = 0; i < 2; i++, o.prefix_cache = false) {
        uint64_t id;
        int32_t longest = 1;
        for (int k = 1; k < N_TEXTS; k++) longest = lens[k] > lens[longest] ? k : longest;
        assert_true(lens[longest] > 5 * o.token_budget); /* it is not done when the request comes */
        scene s = { .embedding = request(longest, SUMI_POOL_MEAN),
                    .urgent = request(1, SUMI_POOL_LAST),
                    .embedded = &answers[0],
                    .hurried = &answers[1] };
        sumi_request chat = request(2, SUMI_POOL_NONE);
        s.embedding.priority = -1;
        chat.priority = 1;
        chat.max_tokens = 20;
        chat.ignore_eos = true;
        chat.on_event = play;
        chat.user = &s;
        sem_init(&s.over, 0, 0);
        assert_int_equal(sumi_engine_create(&s.e, model, &o, NULL), SUMI_OK);
        assert_int_equal(sumi_engine_submit(s.e, &chat, &id, NULL), SUMI_OK);
        sem_wait(&s.over);
        assert_false(s.failed);
        client_wait(s.embedded);
        client_wait(s.hurried);
        assert_int_equal(s.embedded->usage.n_preempted, 1);
        expect_alone(s.embedded->embedding, longest, 0);
        expect_alone(s.hurried->embedding, 1, 1);
        sumi_engine_destroy(s.e);
        sem_destroy(&s.over);
    }
}

static void an_embedding_can_be_raw_and_polled(void **state)
{
    (void)state;
    sumi_engine *e;
    sumi_event *event;
    uint64_t id;
    sumi_engine_opts o = engine_options();
    assert_int_equal(sumi_engine_create(&e, model, &o, NULL), SUMI_OK);
    sumi_request r = request(1, SUMI_POOL_MEAN);
    r.embed_raw = true;
    assert_int_equal(sumi_engine_submit(e, &r, &id, NULL), SUMI_OK);
    event = sumi_engine_poll(e, -1);
    assert_int_equal(event->type, SUMI_EVENT_EMBEDDING);
    double squares = 0;
    for (int i = 0; i < info.n_embd; i++) squares += (double)event->embedding[i] * (double)event->embedding[i];
    assert_true(fabs(squares - 1) > 1e-3);
    for (int i = 0; i < info.n_embd; i++)
        assert_true(fabs((double)event->embedding[i] / sqrt(squares) - (double)alone[1][0][i]) < 1e-6);
    sumi_event_free(event);
    event = sumi_engine_poll(e, -1);
    assert_int_equal(event->type, SUMI_EVENT_END);
    assert_int_equal(event->finish, SUMI_FINISH_STOP);
    assert_int_equal(event->usage.n_prompt, lens[1]);
    sumi_event_free(event);
    sumi_engine_destroy(e);
}

static void an_embedding_ends_when_it_is_cancelled_or_late(void **state)
{
    (void)state;
    sumi_engine *e;
    static client_answer gone, late;
    sumi_engine_opts o = engine_options();
    assert_int_equal(sumi_engine_create(&e, model, &o, NULL), SUMI_OK);
    sumi_request r = request(2, SUMI_POOL_MEAN), slow = request(3, SUMI_POOL_LAST);
    slow.first_token_ms = 1e-3;
    client_submit(e, &r, &gone);
    sumi_engine_cancel(e, gone.id);
    client_submit(e, &slow, &late);
    client_wait(&gone);
    client_wait(&late);
    assert_true(gone.finish == SUMI_FINISH_CANCELLED || gone.n_embd == info.n_embd);
    assert_int_equal(late.finish, SUMI_FINISH_DEADLINE);
    assert_int_equal(late.n_embd, 0);
    sumi_engine_destroy(e);
}

static void what_an_embedding_does_not_have_is_refused(void **state)
{
    (void)state;
    sumi_engine *e;
    static client_answer a;
    sumi_error err;
    sumi_engine_opts o = engine_options();
    assert_int_equal(sumi_engine_create(&e, model, &o, NULL), SUMI_OK);
    sumi_request bad[6];
    for (int i = 0; i < 6; i++) bad[i] = request(1, SUMI_POOL_MEAN);
    bad[0].n = 2;
    bad[1].best_of = 2;
    bad[2].n_logprobs = 1;
    bad[3].n_prompt_logprobs = 0;
    bad[4].min_tokens = 1;
    bad[5].beam_width = 2;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(client_try(e, &bad[i], &a, &err), SUMI_EUNSUPPORTED);
        assert_non_null(strstr(err.message, "a request for an embedding cannot have"));
    }
    bad[0] = request(1, (sumi_pooling)7);
    assert_int_equal(client_try(e, &bad[0], &a, &err), SUMI_EINVAL);
    sumi_engine_destroy(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pooling_is_the_mean_or_the_last_state_of_length_1),
        cmocka_unit_test(a_state_that_is_not_finite_or_has_no_direction_is_an_error),
        cmocka_unit_test(an_embedding_does_not_depend_on_steps_or_threads),
        cmocka_unit_test(logits_and_hidden_states_share_a_step),
        cmocka_unit_test(what_cannot_be_embedded_is_refused),
        cmocka_unit_test(an_engine_gives_the_same_embedding_under_load),
        cmocka_unit_test(an_embedding_is_the_same_after_preemptions),
        cmocka_unit_test(states_that_were_pooled_before_a_preemption_are_not_pooled_again),
        cmocka_unit_test(an_embedding_can_be_raw_and_polled),
        cmocka_unit_test(an_embedding_ends_when_it_is_cancelled_or_late),
        cmocka_unit_test(what_an_embedding_does_not_have_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
