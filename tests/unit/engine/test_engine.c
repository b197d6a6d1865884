/* test_engine.c - the engine over a tiny model: the same answers whatever else runs, and an end for every request. */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "engine_client.h"

enum { N_PROMPTS = 12, N_OUT = 40 };

static sumi_model *model;
static sumi_model_info info;
static int32_t prompts[N_PROMPTS][64], prompt_lens[N_PROMPTS];

static int set_up(void **state)
{
    (void)state;
    sumi_error err = { 0 };
    if (sumi_model_open(&model, test_source_path("tests/golden/tiny/llama-linear.gguf"), NULL, &err) !=
        SUMI_OK)
        fail_msg("%s", err.message);
    sumi_model_get_info(model, &info);
    test_rng rng = test_rng_init(3);
    for (int i = 0; i < N_PROMPTS; i++) {
        prompt_lens[i] = test_rng_range(&rng, 1, 60);
        for (int k = 0; k < 64; k++) prompts[i][k] = test_rng_range(&rng, 3, info.n_vocab - 1);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sumi_model_close(model);
    return 0;
}

/* Bytes of n blocks of the model. */
static size_t kv_blocks(int32_t n)
{
    return (size_t)n * 16 * 2 * (size_t)info.n_layers * (size_t)info.n_kv_heads * (size_t)info.head_dim * 2;
}

static sumi_engine_opts options(void)
{
    sumi_engine_opts o = sumi_engine_opts_default();
    o.n_threads = 2;
    o.n_ctx = 128;
    o.max_seqs = 8;
    o.token_budget = 48;
    return o;
}

static sumi_engine *start(const sumi_engine_opts *o)
{
    sumi_engine *e;
    sumi_error err = { 0 };
    if (sumi_engine_create(&e, model, o, &err) != SUMI_OK) fail_msg("%s", err.message);
    return e;
}

static sumi_request request(int32_t i)
{
    sumi_request r = sumi_request_default();
    r.ids = prompts[i];
    r.n_ids = prompt_lens[i];
    r.max_tokens = N_OUT;
    r.ignore_eos = true;
    r.sampling.seed = (uint64_t)i;
    r.sampling.temperature = i % 3 ? 1.0f : 0;
    r.sampling.repeat_penalty = i % 4 ? 1.0f : 1.2f;
    return r;
}

/* Nothing is held by anybody. */
static void assert_all_free(sumi_engine *e)
{
    sumi_engine_stats s;
    for (int i = 0; i < 2000; i++) { /* the last event comes before the step's figures */
        sumi_engine_get_stats(e, &s);
        if (s.n_running == 0 && s.n_waiting == 0) break;
        clock_ms();
        struct timespec t = { 0, 1000000 };
        nanosleep(&t, NULL);
    }
    assert_int_equal(s.n_running + s.n_waiting + s.n_seqs, 0);
    assert_int_equal(s.kv_used, 0);
    assert_int_equal(s.kv_free + s.kv_cached, s.kv_blocks);
}

/* Each of the requests alone in an engine. */
static void answer_alone(client_answer *answers)
{
    sumi_engine_opts o = options();
    o.prefix_cache = false;
    sumi_engine *e = start(&o);
    for (int i = 0; i < N_PROMPTS; i++) {
        sumi_request r = request(i);
        client_submit(e, &r, &answers[i]);
        client_wait(&answers[i]);
        assert_int_equal(answers[i].finish, SUMI_FINISH_LENGTH);
        assert_int_equal(answers[i].choices[0].n, N_OUT);
    }
    assert_all_free(e);
    sumi_engine_destroy(e);
}

static client_answer alone[N_PROMPTS], together[2 * N_PROMPTS];

static bool collect(void *user, const sumi_piece *piece)
{
    client_choice *c = user;
    for (int32_t i = 0; i < piece->n_choices; i++) c->ids[c->n++] = piece->choices[i].id;
    return true;
}

static void an_answer_is_that_of_sumi_generate(void **state)
{
    (void)state;
    sumi_context *ctx;
    sumi_context_opts o = sumi_context_opts_default();
    o.n_ctx = 128;
    answer_alone(alone);
    assert_int_equal(sumi_context_create(&ctx, model, &o, NULL), SUMI_OK);
    for (int i = 0; i < N_PROMPTS; i++) {
        int32_t seq;
        static client_choice c;
        sumi_generate_opts g = sumi_generate_opts_default();
        sumi_request r = request(i);
        c.n = 0;
        g.sampling = r.sampling;
        g.max_tokens = N_OUT;
        g.ignore_eos = true;
        g.on_piece = collect;
        g.user = &c;
        assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
        assert_int_equal(sumi_generate(ctx, seq, r.ids, r.n_ids, &g, NULL, NULL), SUMI_OK);
        sumi_seq_close(ctx, seq);
        assert_int_equal(c.n, alone[i].choices[0].n);
        assert_memory_equal(c.ids, alone[i].choices[0].ids, (size_t)c.n * sizeof *c.ids);
    }
    sumi_context_destroy(ctx);
}

static bool wait_at_the_gate(void *gate, const sumi_event *event)
{
    (void)event;
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return true;
}

/* All requests twice at once in an engine of these options; the stats after it. Before them comes one whose first event
 * holds the engine until all are there, however slowly this thread runs. */
static sumi_engine_stats answer_together(const sumi_engine_opts *o)
{
    sumi_engine_stats s;
    sumi_engine *e = start(o);
    uint64_t id;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    sumi_request first = request(0);
    first.max_tokens = 1;
    first.on_event = wait_at_the_gate;
    first.user = &gate;
    pthread_mutex_lock(&gate);
    assert_int_equal(sumi_engine_submit(e, &first, &id, NULL), SUMI_OK);
    for (int i = 0; i < 2 * N_PROMPTS; i++) {
        sumi_request r = request(i % N_PROMPTS);
        r.priority = i % 3;
        client_submit(e, &r, &together[i]);
    }
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < 2 * N_PROMPTS; i++) {
        client_wait(&together[i]);
        client_assert_equal(&alone[i % N_PROMPTS], &together[i], 1);
    }
    assert_all_free(e);
    sumi_engine_get_stats(e, &s);
    assert_int_equal(s.n_completed, 1 + 2 * N_PROMPTS);
    sumi_engine_destroy(e);
    return s;
}

static void an_answer_is_the_same_under_load(void **state)
{
    (void)state;
    sumi_engine_opts o = options();
    sumi_engine_stats s = answer_together(&o);
    assert_true(s.n_step_seqs > 3 * s.n_steps); /* they really ran together */
    o.prefix_cache = false;
    o.token_budget = 9;
    answer_together(&o);
}

static void an_answer_is_the_same_after_preemption_by_recompute(void **state)
{
    (void)state;
    sumi_engine_opts o = options();
    o.stall = 0; /* so that plans do not depend on measured times */
    o.kv_bytes = kv_blocks(16);
    sumi_engine_stats s = answer_together(&o);
    assert_true(s.n_recomputed > 0 && s.n_swapped_out == 0);
    o.prefix_cache = false;
    s = answer_together(&o);
    assert_true(s.n_recomputed > 0);
}

static void an_answer_is_the_same_after_preemption_by_swap(void **state)
{
    (void)state;
    sumi_engine_opts o = options();
    o.stall = 0; /* so that plans do not depend on measured times */
    o.kv_bytes = kv_blocks(16);
    o.swap_bytes = kv_blocks(64);
    o.preemption = SUMI_PREEMPT_SWAP;
    for (int i = 0; i < 2; i++, o.prefix_cache = false) {
        sumi_engine_stats s = answer_together(&o);
        assert_true(s.n_swapped_out > 0);
    }
}

/* Choices that share a prompt, in a pool that holds just one such request to its end: those that wait in the swap
 * tier hold the blocks of their prompts. */
static void choices_are_the_same_after_a_swap_in_a_tight_pool(void **state)
{
    (void)state;
    static client_answer single[4], many[12];
    sumi_engine_opts o = options();
    o.stall = 0; /* so that plans do not depend on measured times */
    o.max_seqs = 16;
    o.kv_bytes = kv_blocks(20);
    o.swap_bytes = kv_blocks(64);
    o.preemption = SUMI_PREEMPT_SWAP;
    for (int pass = 0; pass < 2; pass++, o.prefix_cache = false) {
        sumi_engine_stats s;
        sumi_engine *e = start(&o);
        for (int i = 0; i < 12; i++) {
            sumi_request r = request(i % 4);
            r.ids = prompts[i % 4];
            r.n_ids = 50 + i % 4; /* 3 whole blocks that are shared, and 4 of each choice */
            r.n = 4;
            r.max_tokens = 60;
            client_submit(e, &r, i < 4 ? &single[i] : &many[i]);
            if (i < 4) client_wait(&single[i]);
        }
        for (int i = 4; i < 12; i++) {
            client_wait(&many[i]);
            if (many[i].finish != SUMI_FINISH_LENGTH) fail_msg("request %d: %s", i, many[i].error.message);
            client_assert_equal(&single[i % 4], &many[i], 4);
        }
        assert_all_free(e);
        sumi_engine_get_stats(e, &s);
        assert_true(s.n_swapped_out > 0);
        sumi_engine_destroy(e);
    }
}

static void an_answer_is_the_same_with_a_prefix_from_the_cache(void **state)
{
    (void)state;
    static client_answer first, second;
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    sumi_request r = request(1);
    r.ids = prompts[1];
    r.n_ids = 60;
    client_submit(e, &r, &first);
    client_wait(&first);
    client_submit(e, &r, &second);
    client_wait(&second);
    assert_int_equal(first.usage.n_cached, 0);
    assert_int_equal(second.usage.n_cached, 48);
    client_assert_equal(&first, &second, 1);
    r.client = "another";
    client_submit(e, &r, &second);
    client_wait(&second);
    assert_int_equal(second.usage.n_cached, 0); /* what one client asked is not known to another */
    client_assert_equal(&first, &second, 1);
    sumi_engine_destroy(e);
}

static void remove_salt_key(const char *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/salt.key", dir);
    remove(path);
}

static void prefixes_outlive_the_process_and_a_damaged_file_is_left_out(void **state)
{
    (void)state;
    static client_answer a;
    char dir[] = "/tmp/sumi-prefix-XXXXXX", path[512] = "";
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < 3; i++) {
        sumi_engine_opts o = options();
        o.prefix_dir = dir;
        sumi_engine *e = start(&o);
        sumi_request r = request(1);
        client_submit(e, &r, &a);
        client_wait(&a);
        client_assert_equal(&alone[1], &a, 1);
        assert_int_equal(a.usage.n_cached, i == 1 ? (r.n_ids - 1) / 16 * 16 : 0);
        sumi_engine_destroy(e);
        glob_t g;
        snprintf(path, sizeof path, "%s/*.kv", dir);
        assert_int_equal(glob(path, 0, NULL, &g), 0);
        assert_int_equal(g.gl_pathc, 1);
        snprintf(path, sizeof path, "%s", g.gl_pathv[0]);
        globfree(&g);
        FILE *f = fopen(path, "r+b");
        assert_non_null(f);
        if (i == 1) { /* for the third time one byte is wrong */
            assert_int_equal(fseek(f, -100, SEEK_END), 0);
            int c = fgetc(f);
            assert_int_equal(fseek(f, -100, SEEK_END), 0);
            fputc(c ^ 1, f);
        }
        fclose(f);
    }
    remove(path);
    remove_salt_key(dir);
    remove(dir);
}

/* Tokens of the prompt that an engine over the folder knows from engines before it. */
static int32_t cached_of(const char *dir, const char *client, const char *salt, client_answer *a)
{
    sumi_engine_opts o = options();
    o.prefix_dir = dir;
    sumi_engine *e = start(&o);
    sumi_request r = request(1);
    r.client = client;
    r.cache_salt = salt;
    client_submit(e, &r, a);
    client_wait(a);
    sumi_engine_destroy(e);
    return a->usage.n_cached;
}

static void prefixes_of_a_client_outlive_the_process_for_that_client_alone(void **state)
{
    (void)state;
    static client_answer a;
    char dir[] = "/tmp/sumi-prefix-XXXXXX", path[512];
    struct stat s;
    int32_t all = (request(1).n_ids - 1) / 16 * 16;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/salt.key", dir);
    assert_int_equal(cached_of(dir, "alice", NULL, &a), 0);
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    assert_int_equal(s.st_size, 16);
    assert_int_equal(cached_of(dir, "alice", NULL, &a), all);
    client_assert_equal(&alone[1], &a, 1);
    assert_int_equal(cached_of(dir, "bob", NULL, &a), 0);
    assert_int_equal(cached_of(dir, NULL, NULL, &a), 0);
    assert_int_equal(cached_of(dir, NULL, "alice", &a), 0); /* a salt is no client's name */
    assert_int_equal(cached_of(dir, NULL, "alice", &a), all);
    assert_int_equal(cached_of(dir, "alice", NULL, &a), all); /* all of them are in the file by now */
    assert_int_equal(cached_of(dir, "bob", NULL, &a), all);

    assert_int_equal(chmod(path, 0640), 0); /* a key that others may read is not used, and clients' prefixes are not kept */
    assert_int_equal(cached_of(dir, "alice", NULL, &a), 0);
    assert_int_equal(cached_of(dir, NULL, NULL, &a), all);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(cached_of(dir, "alice", NULL, &a), 0);
    assert_int_equal(cached_of(dir, "alice", NULL, &a), all);
    assert_int_equal(remove(path), 0); /* under a new key no client finds what was kept under the old one */
    assert_int_equal(cached_of(dir, "alice", NULL, &a), 0);

    glob_t g;
    snprintf(path, sizeof path, "%s/*.kv", dir);
    assert_int_equal(glob(path, 0, NULL, &g), 0);
    assert_int_equal(g.gl_pathc, 1);
    remove(g.gl_pathv[0]);
    globfree(&g);
    remove_salt_key(dir);
    assert_int_equal(remove(dir), 0);
}

static void the_first_of_many_choices_is_that_of_one(void **state)
{
    (void)state;
    static client_answer many, again;
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    sumi_request r = request(1);
    r.n = 4;
    client_submit(e, &r, &many);
    client_wait(&many);
    client_assert_equal(&alone[1], &many, 1);
    for (int i = 1; i < 4; i++)
        assert_true(memcmp(many.choices[i].ids, many.choices[0].ids, N_OUT * sizeof(int32_t)) != 0);
    assert_int_equal(many.usage.n_generated, 4 * N_OUT);
    sumi_engine_destroy(e);
    o.kv_bytes = kv_blocks(16); /* preempted choices go on as they began */
    e = start(&o);
    sumi_request other = request(2);
    other.priority = 5;
    client_submit(e, &r, &again);
    for (int i = 0; i < 4; i++) client_submit(e, &other, &together[i]);
    client_wait(&again);
    client_assert_equal(&many, &again, 4);
    for (int i = 0; i < 4; i++) client_wait(&together[i]);
    assert_all_free(e);
    sumi_engine_destroy(e);
}

static void the_best_of_many_is_answered_whole_at_the_end(void **state)
{
    (void)state;
    static client_answer all, best;
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    sumi_request r = request(1);
    r.n = 5;
    client_submit(e, &r, &all);
    client_wait(&all);
    r.n = 2;
    r.best_of = 5;
    r.n_logprobs = 2;
    client_submit(e, &r, &best);
    client_wait(&best);
    assert_int_equal(best.n_pieces, 2);
    int first = 0;
    for (int i = 1; i < 5; i++)
        if (all.choices[i].score > all.choices[first].score) first = i; /* all are equally long */
    assert_memory_equal(best.choices[0].ids, all.choices[first].ids, N_OUT * sizeof(int32_t));
    assert_string_equal(best.choices[0].text, all.choices[first].text);
    assert_true(best.choices[0].score >= best.choices[1].score);
    sumi_engine_destroy(e);
}

static void a_stop_string_ends_a_choice_and_is_named(void **state)
{
    (void)state;
    static client_answer a;
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    const char *text = alone[2].choices[0].text;
    char stop[8] = "";
    size_t at = strlen(text) / 2;
    while (((unsigned char)text[at] & 0xc0) == 0x80) at++;
    size_t n = 1;
    while (((unsigned char)text[at + n] & 0xc0) == 0x80) n++;
    memcpy(stop, text + at, n);
    const char *stops[] = { "never said, surely", stop };
    sumi_request r = request(2);
    r.stop = stops;
    r.n_stop = 2;
    client_submit(e, &r, &a);
    client_wait(&a);
    assert_int_equal(a.finish, SUMI_FINISH_STOP);
    assert_string_equal(a.choices[0].stop, stop);
    size_t n_text = strlen(a.choices[0].text);
    assert_ptr_equal(strstr(text, stop), text + n_text); /* all before its first place, and no more */
    assert_memory_equal(a.choices[0].text, text, n_text);
    r.include_stop = true;
    client_submit(e, &r, &a);
    client_wait(&a);
    assert_int_equal(strlen(a.choices[0].text), n_text + strlen(stop));
    assert_memory_equal(a.choices[0].text, text, n_text + strlen(stop));
    sumi_engine_destroy(e);
}

/* The text is that of an answer of so many tokens: without the stop token, or, under include_stop, with it. */
static void a_stop_token_ends_an_answer(void **state)
{
    (void)state;
    static client_answer a, cut;
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    const client_choice *whole = &alone[2].choices[0];
    int32_t at = 0, stop = whole->ids[whole->n / 2];
    while (whole->ids[at] != stop) at++;
    for (int include = 0; include < 2; include++) {
        sumi_request r = request(2);
        r.max_tokens = at + include;
        if (r.max_tokens) client_submit(e, &r, &cut);
        if (r.max_tokens) client_wait(&cut);
        const char *text = r.max_tokens ? cut.choices[0].text : "";
        r = request(2);
        r.stop_ids = &stop;
        r.n_stop_ids = 1;
        r.include_stop = include;
        client_submit(e, &r, &a);
        client_wait(&a);
        assert_int_equal(a.finish, SUMI_FINISH_STOP);
        assert_int_equal(a.choices[0].n, at + 1);
        assert_string_equal(a.choices[0].text, text);
    }
    sumi_request r = request(2);
    r.stop_ids = &stop;
    r.n_stop_ids = 1;
    r.min_tokens = N_OUT; /* never chosen before */
    client_submit(e, &r, &a);
    client_wait(&a);
    for (int32_t i = 0; i < a.choices[0].n; i++) assert_int_not_equal(a.choices[0].ids[i], stop);
    const int32_t outside = -1;
    sumi_error err;
    r.stop_ids = &outside;
    test_expect_error(client_try(e, &r, &a, &err), SUMI_EINVAL, &err, "stop token 0 is -1");
    sumi_engine_destroy(e);
}

/* The two largest of the logits, the larger one first; returns log(sum(exp)). */
static double find_best_two(const float *x, int32_t best[2])
{
    double sum = exp((double)x[0]) + exp((double)x[1]);
    best[0] = x[1] > x[0];
    best[1] = !best[0];
    for (int32_t k = 2; k < info.n_vocab; k++) {
        sum += exp((double)x[k]);
        if (x[k] > x[best[0]]) best[1] = best[0], best[0] = k;
        else if (x[k] > x[best[1]]) best[1] = k;
    }
    return log(sum);
}

/* Waits for the tokens of a request whose events are polled, and compares their log-probabilities, and those of the two
 * most probable tokens, with logits that are computed for them here. Returns at how many places the most probable token is
 * banned. */
static int32_t compare_with_logits(sumi_engine *e, const sumi_request *r, const int32_t *banned, int32_t n_banned)
{
    sumi_context *ctx;
    int32_t seq, n_banned_best = 0, n = 0;
    assert_int_equal(sumi_context_create(&ctx, model, NULL, NULL), SUMI_OK);
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    assert_int_equal(sumi_prefill(ctx, seq, r->ids, r->n_ids, NULL), SUMI_OK);
    for (bool over = false; !over;) {
        sumi_event *event = sumi_engine_poll(e, -1);
        const sumi_piece *piece = &event->piece;
        if (event->type == SUMI_EVENT_PIECE && piece->n_choices == 1) {
            const float *x = sumi_logits(ctx, 0);
            int32_t best[2], id = piece->choices[0].id;
            double lse = find_best_two(x, best);
            assert_true(fabs((double)x[id] - lse - (double)piece->choices[0].logprob) < 1e-5);
            for (int i = 0; i < 2; i++) {
                assert_int_equal(piece->top[i].id, best[i]);
                assert_true(fabs((double)x[best[i]] - lse - (double)piece->top[i].logprob) < 1e-5);
            }
            for (int32_t i = 0; i < n_banned; i++) {
                assert_int_not_equal(id, banned[i]);
                n_banned_best += best[0] == banned[i];
            }
            assert_int_equal(sumi_prefill(ctx, seq, &id, 1, NULL), SUMI_OK);
            n++;
        }
        over = event->type == SUMI_EVENT_END;
        sumi_event_free(event);
    }
    assert_int_equal(n, r->max_tokens);
    sumi_context_destroy(ctx);
    return n_banned_best;
}

static void log_probabilities_under_min_tokens_are_the_models_own(void **state)
{
    (void)state;
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    const client_choice *whole = &alone[3].choices[0]; /* greedy, without penalties */
    int32_t banned[8], n_banned = 0;
    for (int32_t i = 0, k; i < whole->n && n_banned < 8; i++) {
        for (k = 0; k < n_banned && banned[k] != whole->ids[i];) k++;
        if (k == n_banned) banned[n_banned++] = whole->ids[i];
    }
    for (int drawn = 0; drawn < 2; drawn++) {
        sumi_request r = request(3);
        uint64_t id;
        r.sampling.temperature = (float)drawn;
        r.stop_ids = banned;
        r.n_stop_ids = n_banned;
        r.min_tokens = N_OUT;
        r.n_logprobs = 2;
        assert_int_equal(sumi_engine_submit(e, &r, &id, NULL), SUMI_OK);
        int32_t n_banned_best = compare_with_logits(e, &r, banned, n_banned);
        if (!drawn) assert_true(n_banned_best > 0);
    }
    sumi_engine_destroy(e);
}

static void a_prompts_probabilities_are_those_of_its_logits(void **state)
{
    (void)state;
    static client_answer a;
    sumi_engine_opts o = options();
    o.token_budget = 20; /* in pieces */
    sumi_engine *e = start(&o);
    sumi_request r = request(4);
    r.n_ids = 50;
    r.n_prompt_logprobs = 3;
    r.max_tokens = 0;
    client_submit(e, &r, &a);
    client_wait(&a);
    assert_int_equal(a.finish, SUMI_FINISH_LENGTH);
    assert_int_equal(a.n_prompt_logprobs, 49);
    sumi_engine_destroy(e);
    sumi_context *ctx;
    int32_t seq;
    assert_int_equal(sumi_context_create(&ctx, model, NULL, NULL), SUMI_OK);
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    sumi_span span = { seq, 50, r.ids, SUMI_WANT_ALL };
    assert_int_equal(sumi_step(ctx, &span, 1, NULL), SUMI_OK);
    for (int i = 1; i < 50; i++) {
        const float *x = sumi_logits(ctx, i - 1);
        double sum = 0;
        int32_t n_better = 0;
        for (int k = 0; k < info.n_vocab; k++) sum += exp((double)x[k]), n_better += x[k] > x[r.ids[i]];
        assert_true(fabs((double)x[r.ids[i]] - log(sum) - (double)a.prompt_logprobs[i]) < 1e-4);
        assert_int_equal(a.prompt_ranks[i], n_better + 1);
    }
    sumi_context_destroy(ctx);
}

/* ---- Ends ---- */

static void a_request_that_fails_or_leaves_harms_no_other(void **state)
{
    (void)state;
    static client_answer bad, gone, late, silent;
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    sumi_logit_bias *none = calloc((size_t)info.n_vocab, sizeof *none);
    for (int32_t i = 0; i < info.n_vocab; i++) none[i] = (sumi_logit_bias){ i, -INFINITY };
    sumi_request r = request(3);
    r.sampling.bias = none;
    r.sampling.n_bias = info.n_vocab;
    for (int i = 0; i < 4; i++) {
        sumi_request good = request(i);
        client_submit(e, &good, &together[i]);
    }
    client_submit(e, &r, &bad);
    free(none); /* everything is copied */
    sumi_request leaving = request(5), slow = request(6);
    leaving.max_tokens = -1;
    gone.stop_after = 3;
    client_submit(e, &leaving, &gone);
    slow.max_tokens = -1;
    slow.total_ms = 1e-3;
    client_submit(e, &slow, &late);
    sumi_request cancelled = request(7);
    cancelled.max_tokens = -1;
    client_submit(e, &cancelled, &silent);
    sumi_engine_cancel(e, silent.id);
    sumi_engine_cancel(e, 123456); /* nobody */
    client_wait(&bad);
    client_wait(&gone);
    client_wait(&late);
    client_wait(&silent);
    assert_int_equal(bad.finish, SUMI_FINISH_ERROR);
    assert_int_equal(bad.error.status, SUMI_ENUMERIC);
    assert_int_equal(gone.finish, SUMI_FINISH_CANCELLED);
    assert_int_equal(gone.n_pieces, 3);
    assert_int_equal(late.finish, SUMI_FINISH_DEADLINE);
    assert_int_equal(late.limit, SUMI_LIMIT_TOTAL);
    assert_int_equal(bad.limit, SUMI_LIMIT_NONE);
    assert_non_null(strstr(late.error.message, "total"));
    assert_true(silent.finish == SUMI_FINISH_CANCELLED || silent.finish == SUMI_FINISH_LENGTH);
    for (int i = 0; i < 4; i++) {
        client_wait(&together[i]);
        client_assert_equal(&alone[i], &together[i], 1);
    }
    assert_all_free(e);
    sumi_engine_destroy(e);
}

static void what_can_never_run_is_refused_at_once(void **state)
{
    (void)state;
    static client_answer a;
    sumi_error err;
    sumi_engine_opts o = options();
    o.kv_bytes = kv_blocks(3);
    sumi_engine *e = start(&o);
    sumi_request r = request(1);
    r.n_ids = 60; /* four blocks */
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_ELIMIT);
    assert_non_null(strstr(err.message, "60 tokens"));
    r.n_ids = 0;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_EINVAL);
    r = request(1);
    r.n_ids = 10;
    r.n = 9;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_ELIMIT);
    r.n = 17;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_EINVAL);
    r.n = 1;
    r.sampling.top_p = 2;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_EINVAL);
    r = request(1);
    r.n_ids = 10;
    r.min_tokens = 39;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_OK);
    client_wait(&a);
    assert_int_equal(a.choices[0].n, 39); /* 10 + 38 tokens are in the cache, and that is full */
    assert_int_equal(a.finish, SUMI_FINISH_LENGTH);
    r.min_tokens = 40;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_ELIMIT);
    sumi_engine_destroy(e);
}

/* 4 choices in 20 blocks of 16 tokens: the prompt of 50 takes 4, and each choice 4 more but for the last block of the
 * prompt, which is copied: 7 blocks = 112 tokens, the last token of an answer beside them. */
static void choices_that_the_memory_does_not_hold_to_their_end_are_refused(void **state)
{
    (void)state;
    static client_answer a;
    sumi_error err;
    sumi_engine_opts o = options();
    o.kv_bytes = kv_blocks(20);
    sumi_engine *e = start(&o);
    sumi_request r = request(1);
    r.n_ids = 50;
    r.n = 4;
    r.max_tokens = 64;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_ELIMIT);
    assert_non_null(strstr(err.message, "4 choices of up to 64 tokens after a prompt of 50"));
    assert_non_null(strstr(err.message, "20 blocks, which holds 63 tokens of each"));
    for (int32_t max_tokens = 63; max_tokens >= -1; max_tokens -= 64) { /* and without a limit: what the memory holds */
        r.max_tokens = max_tokens;
        assert_int_equal(client_try(e, &r, &a, &err), SUMI_OK);
        client_wait(&a);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(a.choices[i].finish, SUMI_FINISH_LENGTH);
            assert_int_equal(a.choices[i].n, 63);
        }
    }
    r.n = 1; /* 128 tokens are the context: the end of a single sequence, whatever was asked for */
    r.max_tokens = 500;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_OK);
    client_wait(&a);
    assert_int_equal(a.choices[0].n, 79);
    sumi_engine_destroy(e);
}

static void a_full_queue_says_so(void **state)
{
    (void)state;
    sumi_error err;
    sumi_engine_opts o = options();
    o.max_seqs = 1;
    o.max_queue = 4;
    o.max_queue_client = 2;
    sumi_engine *e = start(&o);
    int n_taken = 0, n_busy = 0;
    for (int i = 0; i < 12; i++) {
        sumi_request r = request(0);
        r.max_tokens = -1;
        r.client = i % 2 ? "a" : "b";
        sumi_status st = client_try(e, &r, &together[n_taken], &err);
        n_taken += st == SUMI_OK;
        n_busy += st == SUMI_EBUSY;
    }
    assert_int_equal(n_taken + n_busy, 12);
    assert_true(n_taken >= 4 && n_busy >= 1);
    sumi_engine_stop(e, 0);
    sumi_request r = request(0);
    assert_int_equal(client_try(e, &r, &together[n_taken], &err), SUMI_EBUSY);
    for (int i = 0; i < n_taken; i++) {
        client_wait(&together[i]);
        assert_true(together[i].finish == SUMI_FINISH_CANCELLED ||
                    together[i].finish == SUMI_FINISH_REFUSED || together[i].finish == SUMI_FINISH_LENGTH);
    }
    sumi_engine_destroy(e);
}

static void stopping_lets_what_runs_end(void **state)
{
    (void)state;
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    for (int i = 0; i < N_PROMPTS; i++) {
        sumi_request r = request(i);
        client_submit(e, &r, &together[i]);
    }
    sumi_engine_stop(e, -1);
    for (int i = 0; i < N_PROMPTS; i++) {
        assert_int_equal(together[i].n_ends, 1); /* before it returned */
        client_wait(&together[i]);
        client_assert_equal(&alone[i], &together[i], 1);
    }
    sumi_engine_destroy(e);
}

static void events_can_be_polled(void **state)
{
    (void)state;
    static client_answer a[3];
    sumi_engine_opts o = options();
    sumi_engine *e = start(&o);
    int n_over = 0;
    assert_null(sumi_engine_poll(e, 0));
    for (int i = 0; i < 3; i++) {
        sumi_request r = request(i);
        memset(&a[i], 0, sizeof a[i]);
        r.user = &a[i];
        r.n_logprobs = i;
        assert_int_equal(sumi_engine_submit(e, &r, &a[i].id, NULL), SUMI_OK);
    }
    while (n_over < 3) {
        sumi_event *event = sumi_engine_poll(e, -1);
        assert_non_null(event);
        client_take(event->user, event);
        n_over += event->type == SUMI_EVENT_END;
        sumi_event_free(event);
    }
    for (int i = 0; i < 3; i++) client_assert_equal(&alone[i], &a[i], 1);
    sumi_request r = request(0);
    assert_int_equal(sumi_engine_submit(e, &r, &a[0].id, NULL),
                     SUMI_OK); /* never fetched: freed with the engine */
    sumi_engine_stop(e, -1);
    sumi_engine_destroy(e);
}

/* ---- Threads ---- */

enum { N_THREADS = 4, N_EACH = 8 };

typedef struct submitter {
    sumi_engine *e;
    int32_t number, n_cancelled;
} submitter;

static void *submit_many(void *arg)
{
    submitter *s = arg;
    client_answer *a = calloc(N_EACH, sizeof *a);
    for (int i = 0; i < N_EACH; i++) {
        sumi_request r = request((s->number + i) % N_PROMPTS);
        char name[8] = { 'c', (char)('0' + s->number), 0 };
        sumi_engine_stats stats;
        r.client = name;
        client_submit(s->e, &r, &a[i]);
        if (i % 4 == 3) sumi_engine_cancel(s->e, a[i].id);
        sumi_engine_get_stats(s->e, &stats);
    }
    for (int i = 0; i < N_EACH; i++) {
        client_wait(&a[i]);
        if (a[i].finish == SUMI_FINISH_CANCELLED) s->n_cancelled++;
        else client_assert_equal(&alone[(s->number + i) % N_PROMPTS], &a[i], 1);
    }
    free(a);
    return NULL;
}

static void many_threads_may_submit_and_cancel(void **state)
{
    (void)state;
    sumi_engine_opts o = options();
    o.kv_bytes = kv_blocks(20);
    o.swap_bytes = kv_blocks(20);
    o.preemption = SUMI_PREEMPT_SWAP;
    sumi_engine *e = start(&o);
    pthread_t threads[N_THREADS];
    submitter s[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        s[i] = (submitter){ e, i, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &s[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) pthread_join(threads[i], NULL);
    assert_all_free(e);
    sumi_engine_stats stats;
    sumi_engine_get_stats(e, &stats);
    assert_int_equal(stats.n_completed + stats.n_cancelled, N_THREADS * N_EACH);
    sumi_engine_destroy(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_that_of_sumi_generate),
        cmocka_unit_test(an_answer_is_the_same_under_load),
        cmocka_unit_test(an_answer_is_the_same_after_preemption_by_recompute),
        cmocka_unit_test(an_answer_is_the_same_after_preemption_by_swap),
        cmocka_unit_test(choices_are_the_same_after_a_swap_in_a_tight_pool),
        cmocka_unit_test(an_answer_is_the_same_with_a_prefix_from_the_cache),
        cmocka_unit_test(prefixes_outlive_the_process_and_a_damaged_file_is_left_out),
        cmocka_unit_test(prefixes_of_a_client_outlive_the_process_for_that_client_alone),
        cmocka_unit_test(the_first_of_many_choices_is_that_of_one),
        cmocka_unit_test(the_best_of_many_is_answered_whole_at_the_end),
        cmocka_unit_test(a_stop_string_ends_a_choice_and_is_named),
        cmocka_unit_test(a_stop_token_ends_an_answer),
        cmocka_unit_test(log_probabilities_under_min_tokens_are_the_models_own),
        cmocka_unit_test(a_prompts_probabilities_are_those_of_its_logits),
        cmocka_unit_test(a_request_that_fails_or_leaves_harms_no_other),
        cmocka_unit_test(what_can_never_run_is_refused_at_once),
        cmocka_unit_test(choices_that_the_memory_does_not_hold_to_their_end_are_refused),
        cmocka_unit_test(a_full_queue_says_so),
        cmocka_unit_test(stopping_lets_what_runs_end),
        cmocka_unit_test(events_can_be_polled),
        cmocka_unit_test(many_threads_may_submit_and_cancel),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
