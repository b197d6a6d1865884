/* test_engine.c - the engine over a tiny model: the same answers whatever else runs, and an end for every request. */
#include <math.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "engine_fixture.h"

static client_answer together[2 * ENGINE_PROMPTS];

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
    assert_int_equal(sumi_context_create(&ctx, engine_model, &o, NULL), SUMI_OK);
    for (int i = 0; i < ENGINE_PROMPTS; i++) {
        int32_t seq;
        static client_choice c;
        sumi_generate_opts g = sumi_generate_opts_default();
        sumi_request r = engine_request(i);
        c.n = 0;
        g.sampling = r.sampling;
        g.max_tokens = ENGINE_OUT;
        g.ignore_eos = true;
        g.on_piece = collect;
        g.user = &c;
        assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
        assert_int_equal(sumi_generate(ctx, seq, r.ids, r.n_ids, &g, NULL, NULL), SUMI_OK);
        sumi_seq_close(ctx, seq);
        assert_int_equal(c.n, engine_alone[i].choices[0].n);
        assert_memory_equal(c.ids, engine_alone[i].choices[0].ids, (size_t)c.n * sizeof *c.ids);
    }
    sumi_context_destroy(ctx);
}

/* All requests twice at once in an engine of these options; the stats after it. Before them comes one whose first event
 * holds the engine until all are there, however slowly this thread runs. */
static sumi_engine_stats answer_together(const sumi_engine_opts *o)
{
    sumi_engine_stats s;
    sumi_engine *e = engine_start(o);
    uint64_t id;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    sumi_request first = engine_request(0);
    first.max_tokens = 1;
    first.on_event = client_wait_at_gate;
    first.user = &gate;
    pthread_mutex_lock(&gate);
    assert_int_equal(sumi_engine_submit(e, &first, &id, NULL), SUMI_OK);
    for (int i = 0; i < 2 * ENGINE_PROMPTS; i++) {
        sumi_request r = engine_request(i % ENGINE_PROMPTS);
        r.priority = i % 3;
        client_submit(e, &r, &together[i]);
    }
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < 2 * ENGINE_PROMPTS; i++) {
        client_wait(&together[i]);
        client_assert_equal(&engine_alone[i % ENGINE_PROMPTS], &together[i], 1);
    }
    engine_assert_all_free(e);
    sumi_engine_get_stats(e, &s);
    assert_int_equal(s.n_completed, 1 + 2 * ENGINE_PROMPTS);
    sumi_engine_destroy(e);
    return s;
}

static void an_answer_is_the_same_under_load(void **state)
{
    (void)state;
    sumi_engine_opts o = engine_options();
    sumi_engine_stats s = answer_together(&o);
    assert_true(s.n_step_seqs > 3 * s.n_steps); /* they really ran together */
    o.prefix_cache = false;
    o.token_budget = 9;
    answer_together(&o);
}

static void an_answer_is_the_same_after_preemption_by_recompute(void **state)
{
    (void)state;
    sumi_engine_opts o = engine_options();
    o.stall = 0; /* so that plans do not depend on measured times */
    o.speculation = SUMI_SPECULATION_OFF;
    o.kv_bytes = engine_kv_bytes(16);
    sumi_engine_stats s = answer_together(&o);
    assert_true(s.n_recomputed > 0 && s.n_swapped_out == 0);
    o.prefix_cache = false;
    s = answer_together(&o);
    assert_true(s.n_recomputed > 0);
}

static void an_answer_is_the_same_after_preemption_by_swap(void **state)
{
    (void)state;
    sumi_engine_opts o = engine_options();
    o.stall = 0; /* so that plans do not depend on measured times */
    o.speculation = SUMI_SPECULATION_OFF;
    o.kv_bytes = engine_kv_bytes(16);
    o.swap_bytes = engine_kv_bytes(64);
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
    sumi_engine_opts o = engine_options();
    o.stall = 0; /* so that plans do not depend on measured times */
    o.speculation = SUMI_SPECULATION_OFF;
    o.max_seqs = 16;
    o.kv_bytes = engine_kv_bytes(20);
    o.swap_bytes = engine_kv_bytes(64);
    o.preemption = SUMI_PREEMPT_SWAP;
    for (int pass = 0; pass < 2; pass++, o.prefix_cache = false) {
        sumi_engine_stats s;
        sumi_engine *e = engine_start(&o);
        for (int i = 0; i < 12; i++) {
            sumi_request r = engine_request(i % 4);
            r.ids = engine_prompts[i % 4];
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
        engine_assert_all_free(e);
        sumi_engine_get_stats(e, &s);
        assert_true(s.n_swapped_out > 0);
        sumi_engine_destroy(e);
    }
}

static void an_answer_is_the_same_with_a_prefix_from_the_cache(void **state)
{
    (void)state;
    static client_answer first, second;
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    sumi_request r = engine_request(1);
    r.ids = engine_prompts[1];
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

/* ---- Ends ---- */

static void a_request_that_fails_or_leaves_harms_no_other(void **state)
{
    (void)state;
    static client_answer bad, gone, late, silent;
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    sumi_logit_bias *none = calloc((size_t)engine_info.n_vocab, sizeof *none);
    for (int32_t i = 0; i < engine_info.n_vocab; i++) none[i] = (sumi_logit_bias){ i, -INFINITY };
    sumi_request r = engine_request(3);
    r.sampling.bias = none;
    r.sampling.n_bias = engine_info.n_vocab;
    for (int i = 0; i < 4; i++) {
        sumi_request good = engine_request(i);
        client_submit(e, &good, &together[i]);
    }
    client_submit(e, &r, &bad);
    free(none); /* everything is copied */
    sumi_request leaving = engine_request(5), slow = engine_request(6);
    leaving.max_tokens = -1;
    gone.stop_after = 3;
    client_submit(e, &leaving, &gone);
    slow.max_tokens = -1;
    slow.total_ms = 1e-3;
    client_submit(e, &slow, &late);
    sumi_request cancelled = engine_request(7);
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
        client_assert_equal(&engine_alone[i], &together[i], 1);
    }
    engine_assert_all_free(e);
    sumi_engine_destroy(e);
}

static void what_can_never_run_is_refused_at_once(void **state)
{
    (void)state;
    static client_answer a;
    sumi_error err;
    sumi_engine_opts o = engine_options();
    o.kv_bytes = engine_kv_bytes(3);
    sumi_engine *e = engine_start(&o);
    sumi_request r = engine_request(1);
    r.n_ids = 60; /* four blocks */
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_ELIMIT);
    assert_non_null(strstr(err.message, "60 tokens"));
    r.n_ids = 0;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_EINVAL);
    r = engine_request(1);
    r.n_ids = 10;
    r.n = 9;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_ELIMIT);
    r.n = 17;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_EINVAL);
    r.n = 1;
    r.sampling.top_p = 2;
    assert_int_equal(client_try(e, &r, &a, &err), SUMI_EINVAL);
    r = engine_request(1);
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
    sumi_engine_opts o = engine_options();
    o.kv_bytes = engine_kv_bytes(20);
    sumi_engine *e = engine_start(&o);
    sumi_request r = engine_request(1);
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
    sumi_engine_opts o = engine_options();
    o.max_seqs = 1;
    o.max_queue = 4;
    o.max_queue_client = 2;
    sumi_engine *e = engine_start(&o);
    int n_taken = 0, n_busy = 0;
    for (int i = 0; i < 12; i++) {
        sumi_request r = engine_request(0);
        r.max_tokens = -1;
        r.client = i % 2 ? "a" : "b";
        sumi_status st = client_try(e, &r, &together[n_taken], &err);
        n_taken += st == SUMI_OK;
        n_busy += st == SUMI_EBUSY;
    }
    assert_int_equal(n_taken + n_busy, 12);
    assert_true(n_taken >= 4 && n_busy >= 1);
    sumi_engine_stop(e, 0);
    sumi_request r = engine_request(0);
    assert_int_equal(client_try(e, &r, &together[n_taken], &err), SUMI_EBUSY);
    for (int i = 0; i < n_taken; i++) {
        client_wait(&together[i]);
        assert_true(together[i].finish == SUMI_FINISH_CANCELLED || together[i].finish == SUMI_FINISH_REFUSED ||
                    together[i].finish == SUMI_FINISH_LENGTH);
    }
    sumi_engine_destroy(e);
}

/* Submits requests on the engine's thread while one runs and none waits, so that each one's turn in the queue is known. */
typedef struct crowd {
    sumi_engine *e;
    bool is_there;
    sumi_status taken[5];
    sumi_error why[5];
    sem_t over;
} crowd;

static const char *const crowd_clients[5] = { "a", "a", "a", "b", "b" };

static bool submit_crowd(void *user, const sumi_event *event)
{
    crowd *c = user;
    if (event->type == SUMI_EVENT_END) sem_post(&c->over);
    for (int i = 0; i < 5 && !c->is_there; i++) {
        sumi_request r = engine_request(0);
        r.client = crowd_clients[i];
        c->taken[i] = client_try(c->e, &r, &together[i], &c->why[i]);
    }
    c->is_there = true;
    return true;
}

static void as_many_wait_as_the_limits_say(void **state)
{
    (void)state;
    crowd c = { 0 };
    uint64_t id;
    sumi_engine_opts o = engine_options();
    o.max_seqs = 1;
    o.max_queue = 3;
    o.max_queue_client = 2;
    c.e = engine_start(&o);
    sem_init(&c.over, 0, 0);
    sumi_request r = engine_request(1);
    r.on_event = submit_crowd;
    r.user = &c;
    assert_int_equal(sumi_engine_submit(c.e, &r, &id, NULL), SUMI_OK);
    sem_wait(&c.over);
    for (int i = 0; i < 5; i++) assert_int_equal(c.taken[i], i == 2 || i == 4 ? SUMI_EBUSY : SUMI_OK);
    assert_non_null(strstr(c.why[2].message, "2 requests of this client are waiting"));
    assert_non_null(strstr(c.why[4].message, "3 requests are waiting"));
    for (int i = 0; i < 5; i++)
        if (c.taken[i] == SUMI_OK) client_wait(&together[i]);
    sumi_engine_destroy(c.e);
    sem_destroy(&c.over);
}

static void stopping_lets_what_runs_end(void **state)
{
    (void)state;
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    for (int i = 0; i < ENGINE_PROMPTS; i++) {
        sumi_request r = engine_request(i);
        client_submit(e, &r, &together[i]);
    }
    sumi_engine_stop(e, -1);
    for (int i = 0; i < ENGINE_PROMPTS; i++) {
        assert_int_equal(together[i].n_ends, 1); /* before it returned */
        client_wait(&together[i]);
        client_assert_equal(&engine_alone[i], &together[i], 1);
    }
    sumi_engine_destroy(e);
}

static void events_can_be_polled(void **state)
{
    (void)state;
    static client_answer a[3];
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    int n_over = 0;
    assert_null(sumi_engine_poll(e, 0));
    for (int i = 0; i < 3; i++) {
        sumi_request r = engine_request(i);
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
    for (int i = 0; i < 3; i++) client_assert_equal(&engine_alone[i], &a[i], 1);
    sumi_request r = engine_request(0);
    assert_int_equal(sumi_engine_submit(e, &r, &a[0].id, NULL), SUMI_OK); /* never fetched: freed with the engine */
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
        sumi_request r = engine_request((s->number + i) % ENGINE_PROMPTS);
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
        else client_assert_equal(&engine_alone[(s->number + i) % ENGINE_PROMPTS], &a[i], 1);
    }
    free(a);
    return NULL;
}

static void many_threads_may_submit_and_cancel(void **state)
{
    (void)state;
    sumi_engine_opts o = engine_options();
    o.kv_bytes = engine_kv_bytes(20);
    o.swap_bytes = engine_kv_bytes(20);
    o.preemption = SUMI_PREEMPT_SWAP;
    sumi_engine *e = engine_start(&o);
    pthread_t threads[N_THREADS];
    submitter s[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        s[i] = (submitter){ e, i, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &s[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) pthread_join(threads[i], NULL);
    engine_assert_all_free(e);
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
        cmocka_unit_test(a_request_that_fails_or_leaves_harms_no_other),
        cmocka_unit_test(what_can_never_run_is_refused_at_once),
        cmocka_unit_test(choices_that_the_memory_does_not_hold_to_their_end_are_refused),
        cmocka_unit_test(a_full_queue_says_so),
        cmocka_unit_test(as_many_wait_as_the_limits_say),
        cmocka_unit_test(stopping_lets_what_runs_end),
        cmocka_unit_test(events_can_be_polled),
        cmocka_unit_test(many_threads_may_submit_and_cancel),
    };
    return cmocka_run_group_tests(tests, engine_set_up, engine_tear_down);
}
