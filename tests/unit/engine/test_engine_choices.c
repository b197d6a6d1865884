/* test_engine_choices.c - several choices, what ends one, and log-probabilities. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine_fixture.h"

static client_answer together[4];

static void the_first_of_many_choices_is_that_of_one(void **state)
{
    (void)state;
    static client_answer many, again;
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    sumi_request r = engine_request(1);
    r.n = 4;
    client_submit(e, &r, &many);
    client_wait(&many);
    client_assert_equal(&engine_alone[1], &many, 1);
    for (int i = 1; i < 4; i++)
        assert_true(memcmp(many.choices[i].ids, many.choices[0].ids, ENGINE_OUT * sizeof(int32_t)) != 0);
    assert_int_equal(many.usage.n_generated, 4 * ENGINE_OUT);
    sumi_engine_destroy(e);
    o.kv_bytes = engine_kv_bytes(16); /* preempted choices go on as they began */
    e = engine_start(&o);
    sumi_request other = engine_request(2);
    other.priority = 5;
    client_submit(e, &r, &again);
    for (int i = 0; i < 4; i++) client_submit(e, &other, &together[i]);
    client_wait(&again);
    client_assert_equal(&many, &again, 4);
    for (int i = 0; i < 4; i++) client_wait(&together[i]);
    engine_assert_all_free(e);
    sumi_engine_destroy(e);
}

static void the_best_of_many_is_answered_whole_at_the_end(void **state)
{
    (void)state;
    static client_answer all, best;
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    sumi_request r = engine_request(1);
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
    assert_memory_equal(best.choices[0].ids, all.choices[first].ids, ENGINE_OUT * sizeof(int32_t));
    assert_string_equal(best.choices[0].text, all.choices[first].text);
    assert_true(best.choices[0].score >= best.choices[1].score);
    sumi_engine_destroy(e);
}

static void a_stop_string_ends_a_choice_and_is_named(void **state)
{
    (void)state;
    static client_answer a;
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    const char *text = engine_alone[2].choices[0].text;
    char stop[8] = "";
    size_t at = strlen(text) / 2;
    while (((unsigned char)text[at] & 0xc0) == 0x80) at++;
    size_t n = 1;
    while (((unsigned char)text[at + n] & 0xc0) == 0x80) n++;
    memcpy(stop, text + at, n);
    const char *stops[] = { "never said, surely", stop };
    sumi_request r = engine_request(2);
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
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    const client_choice *whole = &engine_alone[2].choices[0];
    int32_t at = 0, stop = whole->ids[whole->n / 2];
    while (whole->ids[at] != stop) at++;
    for (int include = 0; include < 2; include++) {
        sumi_request r = engine_request(2);
        r.max_tokens = at + include;
        if (r.max_tokens) client_submit(e, &r, &cut);
        if (r.max_tokens) client_wait(&cut);
        const char *text = r.max_tokens ? cut.choices[0].text : "";
        r = engine_request(2);
        r.stop_ids = &stop;
        r.n_stop_ids = 1;
        r.include_stop = include;
        client_submit(e, &r, &a);
        client_wait(&a);
        assert_int_equal(a.finish, SUMI_FINISH_STOP);
        assert_int_equal(a.choices[0].n, at + 1);
        assert_string_equal(a.choices[0].text, text);
    }
    sumi_request r = engine_request(2);
    r.stop_ids = &stop;
    r.n_stop_ids = 1;
    r.min_tokens = ENGINE_OUT; /* never chosen before */
    client_submit(e, &r, &a);
    client_wait(&a);
    for (int32_t i = 0; i < a.choices[0].n; i++) assert_int_not_equal(a.choices[0].ids[i], stop);
    const int32_t outside = -1;
    sumi_error err;
    r.stop_ids = &outside;
    test_expect_error(client_try(e, &r, &a, &err), SUMI_EINVAL, &err, "stop token 0 is -1");
    sumi_engine_destroy(e);
}

static void min_tokens_excludes_a_stop_token_until_then_and_no_longer(void **state)
{
    (void)state;
    static client_answer a;
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    const client_choice *whole = &engine_alone[3].choices[0]; /* greedy: another token's exclusion changes no choice */
    int32_t at = 0;
    for (int32_t i = 1, first; i < whole->n; i++) {
        for (first = 0; whole->ids[first] != whole->ids[i];) first++;
        if (first == i) at = i;
    }
    assert_true(at > 0);
    sumi_request r = engine_request(3);
    assert_true(r.sampling.temperature == 0);
    r.stop_ids = &whole->ids[at]; /* for the first time here */
    r.n_stop_ids = 1;
    r.min_tokens = at;
    client_submit(e, &r, &a);
    client_wait(&a);
    assert_int_equal(a.finish, SUMI_FINISH_STOP);
    assert_int_equal(a.choices[0].n, at + 1);
    r.min_tokens = at + 1;
    client_submit(e, &r, &a);
    client_wait(&a);
    assert_true(a.choices[0].n >= at + 1);
    assert_int_not_equal(a.choices[0].ids[at], whole->ids[at]);
    sumi_engine_destroy(e);
}

static double mean_logprob(const client_choice *c)
{
    double sum = 0;
    for (int32_t i = 0; i < c->n; i++) sum += (double)c->logprobs[i];
    return sum / c->n;
}

/* Answers of different lengths: their sums of log-probabilities would give another order. */
static void the_best_of_several_answers_have_the_largest_mean_log_probabilities(void **state)
{
    (void)state;
    enum { ALL = 8, BEST = 3, N_STOP = 8 };
    static client_answer all, best;
    int32_t stops[N_STOP], order[ALL];
    bool same_order = true;
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    sumi_request r = engine_request(2);
    for (int32_t i = 0; i < N_STOP; i++) stops[i] = engine_info.n_vocab - 1 - 9 * i;
    r.stop_ids = stops;
    r.n_stop_ids = N_STOP;
    r.n = ALL;
    client_submit(e, &r, &all);
    client_wait(&all);
    for (int32_t i = 0, k; i < ALL; i++) { /* by mean, largest first */
        for (k = i; k > 0 && mean_logprob(&all.choices[i]) > mean_logprob(&all.choices[order[k - 1]]); k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
    for (int32_t i = 1; i < ALL; i++) same_order &= all.choices[order[i]].score <= all.choices[order[i - 1]].score;
    assert_false(same_order);
    r.n = BEST;
    r.best_of = ALL;
    client_submit(e, &r, &best);
    client_wait(&best);
    for (int32_t i = 0; i < BEST; i++) {
        const client_choice *want = &all.choices[order[i]];
        assert_int_equal(best.choices[i].n, want->n);
        assert_memory_equal(best.choices[i].ids, want->ids, (size_t)want->n * sizeof *want->ids);
        assert_string_equal(best.choices[i].text, want->text);
    }
    sumi_engine_destroy(e);
}

/* The two largest of the logits, the larger one first; returns log(sum(exp)). */
static double find_best_two(const float *x, int32_t best[2])
{
    double sum = exp((double)x[0]) + exp((double)x[1]);
    best[0] = x[1] > x[0];
    best[1] = !best[0];
    for (int32_t k = 2; k < engine_info.n_vocab; k++) {
        sum += exp((double)x[k]);
        if (x[k] > x[best[0]]) best[1] = best[0], best[0] = k;
        else if (x[k] > x[best[1]]) best[1] = k;
    }
    return log(sum);
}

/* Waits for the tokens of a request whose events are polled, and compares their log-probabilities, and those of the two most
 * probable tokens, with logits that are computed for them here. Returns how often the most probable token is banned. */
static int32_t compare_with_logits(sumi_engine *e, const sumi_request *r, const int32_t *banned, int32_t n_banned)
{
    sumi_context *ctx;
    int32_t seq, n_banned_best = 0, n = 0;
    assert_int_equal(sumi_context_create(&ctx, engine_model, NULL, NULL), SUMI_OK);
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    assert_int_equal(sumi_prefill(ctx, seq, r->ids, r->n_ids, NULL), SUMI_OK);
    for (bool over = false; !over;) {
        sumi_event *event = sumi_engine_poll(e, -1);
        const sumi_piece *piece = &event->piece;
        for (int32_t k = 0; event->type == SUMI_EVENT_PIECE && k < piece->n_choices; k++) {
            const float *x = sumi_logits(ctx, 0);
            const sumi_choice *top = piece->top + k * r->n_logprobs;
            int32_t best[2], id = piece->choices[k].id;
            double lse = find_best_two(x, best);
            assert_true(fabs((double)x[id] - lse - (double)piece->choices[k].logprob) < 1e-5);
            for (int i = 0; i < 2; i++) {
                assert_int_equal(top[i].id, best[i]);
                assert_true(fabs((double)x[best[i]] - lse - (double)top[i].logprob) < 1e-5);
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
    sumi_engine_opts o = engine_options();
    sumi_engine *e = engine_start(&o);
    const client_choice *whole = &engine_alone[3].choices[0]; /* greedy, without penalties */
    int32_t banned[8], n_banned = 0;
    for (int32_t i = 0, k; i < whole->n && n_banned < 8; i++) {
        for (k = 0; k < n_banned && banned[k] != whole->ids[i];) k++;
        if (k == n_banned) banned[n_banned++] = whole->ids[i];
    }
    for (int drawn = 0; drawn < 2; drawn++) {
        sumi_request r = engine_request(3);
        uint64_t id;
        r.sampling.temperature = (float)drawn;
        r.stop_ids = banned;
        r.n_stop_ids = n_banned;
        r.min_tokens = ENGINE_OUT;
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
    sumi_engine_opts o = engine_options();
    o.token_budget = 20; /* in chunks */
    sumi_engine *e = engine_start(&o);
    sumi_request r = engine_request(4);
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
    assert_int_equal(sumi_context_create(&ctx, engine_model, NULL, NULL), SUMI_OK);
    assert_int_equal(sumi_seq_open(ctx, &seq, NULL), SUMI_OK);
    sumi_span span = { seq, 50, r.ids, SUMI_WANT_ALL };
    assert_int_equal(sumi_step(ctx, &span, 1, NULL), SUMI_OK);
    for (int i = 1; i < 50; i++) {
        const float *x = sumi_logits(ctx, i - 1);
        double sum = 0;
        int32_t n_better = 0;
        for (int k = 0; k < engine_info.n_vocab; k++) sum += exp((double)x[k]), n_better += x[k] > x[r.ids[i]];
        assert_true(fabs((double)x[r.ids[i]] - log(sum) - (double)a.prompt_logprobs[i]) < 1e-4);
        assert_int_equal(a.prompt_ranks[i], n_better + 1);
    }
    sumi_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_many_choices_is_that_of_one),
        cmocka_unit_test(the_best_of_many_is_answered_whole_at_the_end),
        cmocka_unit_test(a_stop_string_ends_a_choice_and_is_named),
        cmocka_unit_test(a_stop_token_ends_an_answer),
        cmocka_unit_test(min_tokens_excludes_a_stop_token_until_then_and_no_longer),
        cmocka_unit_test(the_best_of_several_answers_have_the_largest_mean_log_probabilities),
        cmocka_unit_test(log_probabilities_under_min_tokens_are_the_models_own),
        cmocka_unit_test(a_prompts_probabilities_are_those_of_its_logits),
    };
    return cmocka_run_group_tests(tests, engine_set_up, engine_tear_down);
}
