/* test_speculation.c - answers with guessed tokens are those without, token for token and bit for bit: for every setting of
 * sampling, alone and among others, after preemption and with cached prefixes; over models with windows, latent keys, sinks
 * and experts. */
#include <stdio.h>
#include <string.h>

#include "engine_fixture.h"

enum { N_PROMPTS = 3, N_OUT = 60, N_CTX = 256 };

static int32_t prompts[N_PROMPTS][48];

/* ---- Requests ---- */

typedef struct setting {
    const char *name;
    void (*apply)(sumi_request *r);
} setting;

static const sumi_logit_bias biases[] = { { 5, 3 }, { 9, -2 }, { 17, 1.5f } };
static const char *const stops[] = { "a", "th", "\n" };
static const int32_t stop_ids[] = { 11, 40 };

static void greedy(sumi_request *r)
{
    r->sampling.temperature = 0;
}
static void warm(sumi_request *r)
{
    r->sampling.temperature = 0.7f;
}
static void hot(sumi_request *r)
{
    r->sampling.temperature = 1.5f, r->sampling.top_k = 0, r->sampling.top_p = 1, r->sampling.min_p = 0;
}
static void top_p(sumi_request *r)
{
    r->sampling.top_p = 0.5f, r->sampling.top_k = 0;
}
static void min_p(sumi_request *r)
{
    r->sampling.min_p = 0.2f, r->sampling.top_p = 1;
}
static void typical(sumi_request *r)
{
    r->sampling.typical_p = 0.6f;
}
static void penalties(sumi_request *r)
{
    greedy(r);
    r->sampling.repeat_penalty = 1.1f;
    r->sampling.frequency_penalty = 0.02f;
    r->sampling.presence_penalty = 0.1f;
    r->sampling.penalty_last_n = 20;
}
static void bias(sumi_request *r)
{
    warm(r), r->sampling.bias = biases, r->sampling.n_bias = 3;
}
static void stop(sumi_request *r)
{
    greedy(r), r->stop = stops, r->n_stop = 3;
}
/* Looked for when the text already repeats: it comes inside a run of right guesses. */
static void late_stop(sumi_request *r)
{
    static const char *const letters[] = { "a", "e", "i", "o", "s", "t" };
    greedy(r), r->stop = letters, r->n_stop = 6, r->min_tokens = 40;
}
static void stop_token(sumi_request *r)
{
    warm(r), r->stop_ids = stop_ids, r->n_stop_ids = 2, r->include_stop = true;
}
static void ends(sumi_request *r)
{
    warm(r), r->ignore_eos = false, r->min_tokens = 12;
}
static void four(sumi_request *r)
{
    warm(r), r->n = 4, r->max_tokens = 40;
}
static void best(sumi_request *r)
{
    warm(r), r->n = 2, r->best_of = 4, r->n_logprobs = 2, r->max_tokens = 40;
}
static void logprobs(sumi_request *r)
{
    greedy(r), r->n_logprobs = 5, r->n_prompt_logprobs = 1;
}
static void short_one(sumi_request *r)
{
    greedy(r), r->max_tokens = 7;
}
static void to_the_end(sumi_request *r)
{
    greedy(r), r->max_tokens = -1;
}

static const setting settings[] = {
    { "greedy", greedy },       { "temperature 0.7", warm },  { "temperature 1.5", hot },  { "top_p", top_p },
    { "min_p", min_p },         { "typical_p", typical },     { "penalties", penalties },  { "bias", bias },
    { "stop", stop },           { "stop token", stop_token }, { "end tokens", ends },      { "n", four },
    { "best_of", best },        { "logprobs", logprobs },     { "max_tokens", short_one }, { "to the end", to_the_end },
    { "late stop", late_stop },
};
#define N_SETTINGS (int32_t)(sizeof settings / sizeof *settings)

static client_answer plain[2 * N_SETTINGS], guessed[2 * N_SETTINGS];
static int64_t n_drafted, n_accepted; /* of the compared answers */

static sumi_request make(int32_t i, int32_t prompt, int32_t max_draft)
{
    sumi_request r = sumi_request_default();
    r.ids = prompts[prompt];
    r.n_ids = (int32_t)(sizeof *prompts / sizeof **prompts) - prompt;
    r.max_tokens = N_OUT;
    r.ignore_eos = true;
    r.sampling.seed = 7 * (uint64_t)i + (uint64_t)prompt;
    r.max_draft = max_draft;
    settings[i].apply(&r);
    return r;
}

/* ---- Models ---- */

static sumi_model *model;
static sumi_model_info info;

static void open_model(const char *name)
{
    char path[128];
    sumi_error err = { 0 };
    snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", name);
    if (sumi_model_open(&model, test_source_path(path), NULL, &err) != SUMI_OK) fail_msg("%s", err.message);
    sumi_model_get_info(model, &info);
    test_rng rng = test_rng_init(5);
    for (int32_t p = 0; p < N_PROMPTS; p++) /* a phrase again and again, with some other words */
        for (int32_t k = 0; k < 48; k++)
            prompts[p][k] = k < 9 || test_rng_range(&rng, 0, 9) == 0 ? test_rng_range(&rng, 3, info.n_vocab - 1)
                                                                     : prompts[p][k - 9];
}

static sumi_engine *start(const sumi_engine_opts *o)
{
    sumi_engine *e;
    sumi_error err = { 0 };
    if (sumi_engine_create(&e, model, o, &err) != SUMI_OK) fail_msg("%s", err.message);
    return e;
}

static sumi_engine_opts options(void)
{
    sumi_engine_opts o = sumi_engine_opts_default();
    o.n_threads = 1;
    o.n_ctx = N_CTX;
    o.max_seqs = 16;
    o.token_budget = 64;
    return o;
}

static void compare(const char *what, const client_answer *a, const client_answer *b)
{
    if (a->finish != b->finish) fail_msg("%s: the requests end in different ways", what);
    client_assert_equal(a, b, SUMI_MAX_CHOICES);
    assert_memory_equal(a->prompt_logprobs, b->prompt_logprobs, sizeof a->prompt_logprobs);
    n_drafted += b->usage.n_drafted;
    n_accepted += b->usage.n_accepted;
    assert_int_equal(a->usage.n_drafted, 0);
    assert_true(b->usage.n_accepted <= b->usage.n_drafted);
}

/* Each setting with each prompt, one request after the other: plain and with guesses of up to 16 tokens. */
static void answers_are_equal(const char *name)
{
    open_model(name);
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    n_drafted = n_accepted = 0;
    for (int32_t i = 0; i < N_SETTINGS; i++)
        for (int32_t p = 0; p < N_PROMPTS; p++) {
            const int32_t most[] = { 1, 5, SUMI_MAX_DRAFT };
            sumi_request a = make(i, p, 0), b = make(i, p, most[(i + p) % 3]);
            client_submit(e, &a, &plain[0]);
            client_wait(&plain[0]);
            client_submit(e, &b, &guessed[0]);
            client_wait(&guessed[0]);
            compare(settings[i].name, &plain[0], &guessed[0]);
        }
    engine_assert_all_free(e);
    sumi_engine_destroy(e);
    sumi_model_close(model);
    print_message("  %s: %lld of %lld guessed tokens were right\n", name, (long long)n_accepted, (long long)n_drafted);
    assert_true(n_drafted > 500 && n_accepted > 50);
}

static void answers_with_guesses_are_those_without(void **state)
{
    (void)state;
    static const char *const models[] = { "llama-linear", "gemma3", "deepseek2", "gpt-oss", "mixtral" };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) answers_are_equal(models[i]);
}

/* All settings one after the other and plain; then at once, with as many guesses as there are or as many as pay. */
static sumi_engine_stats together(sumi_engine_opts o)
{
    sumi_engine_stats s;
    o.speculation = SUMI_SPECULATION_OFF;
    sumi_engine *e = start(&o);
    for (int32_t i = 0; i < 2 * N_SETTINGS; i++) {
        sumi_request r = make(i % N_SETTINGS, i % N_PROMPTS, -1);
        client_submit(e, &r, &plain[i]);
        client_wait(&plain[i]);
    }
    sumi_engine_destroy(e);
    o.speculation = SUMI_SPECULATION_AUTO;
    e = start(&o);
    n_drafted = n_accepted = 0;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* the engine waits until all are there */
    sumi_request first = make(0, 0, 0);
    uint64_t id;
    first.on_event = client_wait_at_gate;
    first.user = &gate;
    pthread_mutex_lock(&gate);
    assert_int_equal(sumi_engine_submit(e, &first, &id, NULL), SUMI_OK);
    for (int32_t i = 0; i < 2 * N_SETTINGS; i++) {
        sumi_request r = make(i % N_SETTINGS, i % N_PROMPTS, i < N_SETTINGS ? SUMI_MAX_DRAFT : -1);
        client_submit(e, &r, &guessed[i]);
    }
    pthread_mutex_unlock(&gate);
    for (int32_t i = 0; i < 2 * N_SETTINGS; i++) {
        client_wait(&guessed[i]);
        compare(settings[i % N_SETTINGS].name, &plain[i], &guessed[i]);
    }
    engine_assert_all_free(e);
    sumi_engine_get_stats(e, &s);
    assert_int_equal((int64_t)s.n_drafted, n_drafted);
    assert_int_equal((int64_t)s.n_accepted, n_accepted);
    assert_true(n_accepted > 100);
    sumi_engine_destroy(e);
    return s;
}

static void answers_are_equal_under_load_and_after_preemption(void **state)
{
    (void)state;
    open_model("gemma3");
    sumi_engine_opts o = options();
    together(o);
    sumi_model_close(model);
    open_model("llama-linear");
    o.prefix_cache = false;
    o.stall = 0;
    o.kv_bytes = (size_t)24 * 16 * 2 * (size_t)info.n_layers * (size_t)info.n_kv_heads * (size_t)info.head_dim * 2;
    sumi_engine_stats s = together(o);
    assert_true(s.n_recomputed > 0);
    o.prefix_cache = true;
    o.swap_bytes = 4 * o.kv_bytes;
    o.preemption = SUMI_PREEMPT_SWAP;
    s.n_swapped_out = 0;
    for (int round = 0; round < 8 && s.n_swapped_out == 0; round++) s = together(o); /* whom it hits depends on times */
    assert_true(s.n_swapped_out > 0);
    sumi_model_close(model);
}

/* A callback that says no in the middle of a run of accepted tokens ends the request as it does otherwise. */
static void a_cancelled_request_keeps_nothing(void **state)
{
    (void)state;
    open_model("llama-linear");
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    for (int32_t after = 1; after < 6; after++) {
        sumi_request r = make(0, 0, SUMI_MAX_DRAFT);
        guessed[0].stop_after = after;
        client_submit(e, &r, &guessed[0]);
        client_wait(&guessed[0]);
        assert_int_equal(guessed[0].finish, SUMI_FINISH_CANCELLED);
    }
    guessed[0].stop_after = 0;
    engine_assert_all_free(e);
    sumi_engine_destroy(e);
    sumi_model_close(model);
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    open_model("llama-linear");
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    sumi_error err = { 0 };
    sumi_request r = make(0, 0, SUMI_MAX_DRAFT + 1);
    assert_int_equal(client_try(e, &r, &guessed[0], &err), SUMI_EINVAL);
    assert_non_null(strstr(err.message, "max_draft"));
    sumi_engine_destroy(e);
    o.speculation = (sumi_speculation)2;
    assert_int_equal(sumi_engine_create(&e, model, &o, &err), SUMI_EINVAL);
    assert_non_null(strstr(err.message, "speculation"));
    sumi_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_with_guesses_are_those_without),
        cmocka_unit_test(answers_are_equal_under_load_and_after_preemption),
        cmocka_unit_test(a_cancelled_request_keeps_nothing),
        cmocka_unit_test(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
