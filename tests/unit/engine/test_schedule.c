/* test_schedule.c - the scheduler, step by step; test_schedule_random.c has the simulation. */
#include "engine/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched_stub.h"

static sched *open_sched(stub *m, int32_t max_seqs, int32_t budget)
{
    return stub_open(m, max_seqs, budget, 0);
}

static void add(sched *s, stub_req *q, sched_client *c, int32_t n_prompt, int32_t priority)
{
    *q = (stub_req){ .r = { .client = c, .n_prompt = n_prompt, .width = 1, .priority = priority }, .active = true };
    assert_true(sched_add(s, &q->r));
}

static void commit_all(sched *s, const sched_item *items, int32_t n)
{
    int32_t kept[64];
    assert_true(n <= 64);
    for (int32_t i = 0; i < n; i++) kept[i] = items[i].n_tokens;
    sched_commit(s, kept);
}

/* A step in which the model answers every row with one token. Returns the tokens of the step. */
static int32_t step(sched *s)
{
    const sched_item *items;
    int32_t n = sched_plan(s, &items), n_tokens = 0;
    assert_true(sched_check(s));
    commit_all(s, items, n);
    for (int32_t i = 0; i < n; i++) {
        n_tokens += items[i].n_tokens;
        if (!items[i].last) continue;
        if (items[i].req->trunk >= 0) sched_split(s, items[i].req, 1);
        sched_extend(s, items[i].req, items[i].seq);
    }
    return n_tokens;
}

static int32_t known(const stub_req *q)
{
    return q->r.seqs[0].n_known;
}

static void running_answers_go_on_while_a_long_prompt_is_computed_in_pieces(void **state)
{
    (void)state;
    stub m;
    stub_req a, b;
    sched_client c = { .weight = 1 };
    stub_init(&m, 100, 0);
    sched *s = open_sched(&m, 4, 10);
    add(s, &a, &c, 6, 0);
    assert_int_equal(step(s), 6);
    assert_int_equal(known(&a), 7);
    add(s, &b, &c, 25, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(step(s), i < 2 ? 10 : 8); /* one token of a, then 9, 9 and 7 of b */
        assert_int_equal(known(&a), 8 + i);
    }
    assert_int_equal(known(&b), 26);
    assert_int_equal(step(s), 2);
    sched_remove(s, &a.r);
    sched_remove(s, &b.r);
    sched_destroy(s);
    stub_deinit(&m);
}

static void a_prompt_lengthens_steps_by_the_share_allowed_and_lets_one_in_25_pass(void **state)
{
    (void)state;
    stub m;
    stub_req a, b;
    sched_client c = { .weight = 1 };
    int32_t n_alone = 0, n_steps = 0;
    stub_init(&m, 1000, 0);
    sched *s = stub_open(&m, 4, 100, 2);
    sched_set_costs(s, (sched_costs){ .token_us = 10, .block_us = 1, .step_us = 40, .seq_us = 10 });
    add(s, &a, &c, 6, 0);
    step(s);
    add(s, &b, &c, 500, 0);
    while (b.r.trunk >= 0) {
        int32_t n = step(s);
        assert_in_set((uint64_t)n, ((uint64_t[]){ 1, 1 + 2 * (40 + 10) / 10 }), 2);
        n_steps++;
        n_alone += n == 1;
        assert_int_equal(n_alone, n_steps / 25);
    }
    assert_int_equal(n_steps, 50 + 50 / 24);
    sched_remove(s, &a.r);
    sched_remove(s, &b.r);
    sched_destroy(s);
    stub_deinit(&m);
}

static void tokens_that_were_not_kept_are_planned_anew(void **state)
{
    (void)state;
    stub m;
    stub_req q;
    sched_client c = { .weight = 1 };
    const sched_item *items;
    stub_init(&m, 100, 0);
    sched *s = open_sched(&m, 4, 10);
    add(s, &q, &c, 12, 0);
    static const struct {
        int32_t n_planned, n_kept;
        bool last;
    } steps[] = { { 10, 0, false }, { 10, 7, false }, { 5, 5, true }, { 1, 0, true }, { 1, 1, true } };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_int_equal(sched_plan(s, &items), 1);
        assert_int_equal(items[0].n_tokens, steps[i].n_planned);
        assert_int_equal(items[0].last, steps[i].last);
        sched_commit(s, &steps[i].n_kept);
        stub_trim(&m, &q, 0);
        assert_true(stub_check(&m, &q, 1));
        if (i == 2) sched_split(s, &q.r, 1);
        if (i == 2 || i == 4) sched_extend(s, &q.r, 0);
        assert_true(sched_check(s));
    }
    assert_int_equal(known(&q), 14);
    sched_remove(s, &q.r);
    sched_destroy(s);
    stub_deinit(&m);
}

static void guessed_tokens_take_what_is_left_and_count_when_they_are_kept(void **state)
{
    (void)state;
    stub m;
    stub_req q;
    sched_client c = { .weight = 1 };
    const sched_item *items;
    stub_init(&m, 4, 0); /* 16 tokens */
    sched *s = open_sched(&m, 4, 10);
    add(s, &q, &c, 6, 0);
    step(s); /* 7 known, 6 cached */
    int64_t deficit = c.deficit;
    assert_int_equal(sched_plan(s, &items), 1);
    assert_int_equal(sched_draft(s, 0, 16), 9); /* the budget of 10 tokens; the memory would have room for it */
    assert_int_equal(items[0].n_tokens, 10);
    assert_int_equal(sched_item_rows(&items[0]), 10);
    sched_commit(s, &(int32_t){ 3 }); /* two guesses were right */
    stub_trim(&m, &q, 0);
    for (int i = 0; i < 3; i++) sched_extend(s, &q.r, 0);
    assert_true(sched_check(s) && stub_check(&m, &q, 1));
    assert_int_equal(q.r.seqs[0].n_cached, 9);
    assert_int_equal(known(&q), 10);
    assert_int_equal(deficit - c.deficit, 3); /* as much as three steps of one token */
    assert_int_equal(sched_plan(s, &items), 1);
    assert_int_equal(sched_draft(s, 0, 9), 6); /* 16 tokens fit, 9 are there, and the known one goes first */
    assert_int_equal(q.r.n_preempted, 0);
    sched_commit(s, &(int32_t){ 1 });
    stub_trim(&m, &q, 0);
    sched_extend(s, &q.r, 0);
    assert_int_equal(m.n_free, 1); /* 10 tokens are in three blocks of four */
    sched_remove(s, &q.r);
    sched_destroy(s);
    stub_deinit(&m);
}

static void without_chunking_a_prompt_is_one_step(void **state)
{
    (void)state;
    stub m;
    stub_req a, b;
    sched_client c = { .weight = 1 };
    stub_init(&m, 100, 0);
    sched *s;
    sched_limits limits = { .max_seqs = 4, .max_requests = 8, .budget = 10, .max_rows = 8 };
    assert_int_equal(sched_create(&s, &limits, &m.memory, NULL), SUMI_OK);
    add(s, &a, &c, 25, 0);
    add(s, &b, &c, 25, 0);
    assert_int_equal(step(s), 25);
    assert_int_equal(step(s), 26); /* the first answer waits for the second prompt */
    sched_remove(s, &a.r);
    sched_remove(s, &b.r);
    sched_destroy(s);
    stub_deinit(&m);
}

static void the_lowest_priority_and_then_the_newest_is_preempted(void **state)
{
    (void)state;
    stub m;
    stub_req q[3];
    sched_client c = { .weight = 1 };
    stub_init(&m, 40, 0);
    sched *s = open_sched(&m, 4, 100);
    add(s, &q[0], &c, 7, 0);
    add(s, &q[1], &c, 7, -1);
    add(s, &q[2], &c, 7, 0);
    while (q[1].r.n_preempted == 0) step(s);
    assert_true(known(&q[1]) > 50); /* all ran until the pool was full */
    assert_int_equal(q[0].r.n_preempted + q[2].r.n_preempted, 0);
    while (q[2].r.n_preempted == 0) step(s);
    assert_true(known(&q[2]) > 75);
    assert_int_equal(q[0].r.n_preempted, 0);
    assert_int_equal(q[1].r.n_preempted, 1); /* nothing was thrown away twice */
    sched_remove(s, &q[0].r);
    step(s);
    assert_int_equal(q[2].r.state, SCHED_RUNNING);
    assert_int_equal(q[1].r.state, SCHED_WAITING);
    sched_remove(s, &q[1].r);
    sched_remove(s, &q[2].r);
    sched_destroy(s);
    stub_deinit(&m);
}

static void a_request_is_preempted_only_so_often(void **state)
{
    (void)state;
    stub m;
    stub_req low, high;
    sched_client c = { .weight = 1 };
    stub_init(&m, 100, 0);
    sched *s = open_sched(&m, 1, 100);
    add(s, &low, &c, 7, 0);
    step(s);
    for (int i = 0; i < SCHED_SHIELD + 2; i++) {
        add(s, &high, &c, 7, 1);
        step(s);
        assert_int_equal(high.r.state, i < SCHED_SHIELD ? SCHED_RUNNING : SCHED_WAITING);
        assert_int_equal(low.r.state, i < SCHED_SHIELD ? SCHED_WAITING : SCHED_RUNNING);
        sched_remove(s, &high.r);
        step(s);
        assert_int_equal(low.r.state, SCHED_RUNNING);
    }
    assert_int_equal(low.r.n_preempted, SCHED_SHIELD);
    sched_remove(s, &low.r);
    sched_destroy(s);
    stub_deinit(&m);
}

/* Commits a plan; returns how many sequences are to choose a token. */
static int32_t count_last(sched *s)
{
    const sched_item *items;
    int32_t n = sched_plan(s, &items), n_last = 0;
    for (int32_t i = 0; i < n; i++) n_last += items[i].last;
    commit_all(s, items, n);
    return n_last;
}

/* The budget lets one of the two sequences catch up earlier than the other. */
static void the_sequences_of_a_gang_choose_in_the_same_step_also_after_a_preemption(void **state)
{
    (void)state;
    stub m;
    sched_client c = { .weight = 1 };
    stub_req gang = { .r = { .client = &c, .n_prompt = 4, .width = 2, .gang = true }, .active = true }, high;
    int32_t n_last = 0;
    stub_init(&m, 100, 0);
    sched *s = open_sched(&m, 2, 6);
    assert_true(sched_add(s, &gang.r));
    assert_int_equal(count_last(s), 1);
    sched_split(s, &gang.r, 1);
    assert_int_equal(sched_fork(s, &gang.r, 0), 1);
    for (int i = 0; i < 10; i++) {
        for (int32_t k = 0; k < 2; k++) sched_extend(s, &gang.r, k);
        assert_int_equal(count_last(s), 2);
    }
    for (int32_t k = 0; k < 2; k++) sched_extend(s, &gang.r, k);
    add(s, &high, &c, 4, 1);
    count_last(s);
    assert_int_equal(gang.r.state, SCHED_WAITING);
    sched_remove(s, &high.r);
    int32_t n_steps = 0;
    for (; n_steps < 20 && n_last == 0; n_steps++) n_last = count_last(s);
    assert_true(n_steps > 3); /* 4 + 2 * 10 tokens of at most 6 a step */
    assert_int_equal(n_last, 2);
    sched_remove(s, &gang.r);
    sched_destroy(s);
    stub_deinit(&m);
}

/* Two requests that outgrow the pool; returns the state of the newer one after its preemption. */
static sched_state preempted_state(sched_costs costs, int32_t n_swap, int32_t *n_cached)
{
    stub m;
    stub_req q[2];
    sched_client c = { .weight = 1 };
    stub_init(&m, 24, n_swap);
    sched *s = open_sched(&m, 4, 100);
    sched_set_costs(s, costs);
    add(s, &q[0], &c, 8, 0);
    add(s, &q[1], &c, 8, 0);
    for (int i = 0; i < 100 && q[1].r.n_preempted == 0; i++) step(s);
    sched_state result = q[1].r.state;
    int32_t n_known = known(&q[1]);
    sched_remove(s, &q[0].r);
    const sched_item *items;
    assert_int_equal(sched_plan(s, &items), 1);
    *n_cached = n_known - items[0].n_tokens;
    commit_all(s, items, 1);
    sched_remove(s, &q[1].r);
    sched_destroy(s);
    stub_deinit(&m);
    return result;
}

static void the_cheaper_way_of_preemption_is_taken(void **state)
{
    (void)state;
    int32_t n_cached;
    assert_int_equal(preempted_state((sched_costs){ .token_us = 100, .block_us = 1 }, 100, &n_cached), SCHED_SWAPPED);
    assert_true(n_cached >= 40); /* all but the newest token came back */
    assert_int_equal(preempted_state((sched_costs){ .token_us = 1, .block_us = 100 }, 100, &n_cached), SCHED_WAITING);
    assert_int_equal(n_cached, 0);
    assert_int_equal(preempted_state((sched_costs){ .token_us = 100, .block_us = 1 }, 0, &n_cached), SCHED_WAITING);
}

static void the_one_request_of_a_client_does_not_wait_for_the_hundred_of_another(void **state)
{
    (void)state;
    stub m;
    static stub_req q[41];
    sched_client many = { .weight = 1 }, one = { .weight = 1 };
    stub_init(&m, 1000, 0);
    sched *s = open_sched(&m, 2, 200);
    for (int i = 0; i < 40; i++) add(s, &q[i], &many, 100, 0);
    for (int i = 0; i < 3; i++) step(s);
    add(s, &q[40], &one, 100, 0);
    int32_t n_started = 0;
    for (int i = 0; i < 40; i++) n_started += q[i].r.was_admitted;
    for (int i = 0; i < 40; i++) { /* an answer is two tokens long */
        for (int k = 0; k < 40; k++)
            if (q[k].r.state == SCHED_RUNNING && known(&q[k]) >= 102) {
                sched_remove(s, &q[k].r);
                q[k].active = false;
            }
        step(s);
        if (q[40].r.state == SCHED_RUNNING) break;
    }
    assert_int_equal(q[40].r.state, SCHED_RUNNING);
    for (int i = 0; i < 40; i++) n_started -= q[i].r.was_admitted;
    assert_true(-n_started <= SCHED_QUANTUM / 100 + 1); /* no more than the rest of the round */
    for (int i = 0; i < 41; i++)
        if (q[i].active) sched_remove(s, &q[i].r);
    sched_destroy(s);
    stub_deinit(&m);
}

/* Tokens served to each of two busy clients. */
static void clients_share_in_the_proportion_of_their_weights(void **state)
{
    (void)state;
    stub m;
    static stub_req q[32];
    sched_client c[2] = { { .weight = 1 }, { .weight = 3 } };
    int64_t served[2] = { 0 };
    test_rng rng = test_rng_init(5);
    stub_init(&m, 1000, 0);
    sched *s = open_sched(&m, 4, 300);
    for (int i = 0; i < 32; i++) add(s, &q[i], &c[i % 2], 40 + i * 7, 0);
    for (int n = 0; n < 6000; n++) {
        step(s);
        for (int i = 0; i < 32; i++) {
            if (q[i].r.state != SCHED_RUNNING || known(&q[i]) < q[i].r.n_prompt + 20) continue;
            served[i % 2] += known(&q[i]);
            sched_remove(s, &q[i].r);
            add(s, &q[i], &c[i % 2], test_rng_range(&rng, 20, 300), 0);
        }
    }
    assert_true(served[1] > 2.7 * (double)served[0] && served[1] < 3.3 * (double)served[0]);
    for (int i = 0; i < 32; i++) sched_remove(s, &q[i].r);
    sched_destroy(s);
    stub_deinit(&m);
}

/* One client asks for long answers to short prompts, the other for short answers to long prompts. */
static void generated_tokens_count_as_much_as_those_of_prompts(void **state)
{
    (void)state;
    enum { LONG = 200, SHORT = 10 };
    stub m;
    static stub_req q[32];
    sched_client c[2] = { { .weight = 1 }, { .weight = 1 } };
    int64_t served[2] = { 0 };
    stub_init(&m, 1000, 0);
    sched *s = open_sched(&m, 4, 300);
    for (int i = 0; i < 32; i++) add(s, &q[i], &c[i % 2], i % 2 ? LONG : SHORT, 0);
    for (int n = 0; n < 6000; n++) {
        step(s);
        for (int i = 0; i < 32; i++) {
            if (q[i].r.state != SCHED_RUNNING || known(&q[i]) < LONG + SHORT) continue;
            served[i % 2] += known(&q[i]);
            sched_remove(s, &q[i].r);
            add(s, &q[i], &c[i % 2], i % 2 ? LONG : SHORT, 0);
        }
    }
    assert_true(10 * served[0] > 9 * served[1] && 10 * served[1] > 9 * served[0]);
    for (int i = 0; i < 32; i++) sched_remove(s, &q[i].r);
    sched_destroy(s);
    stub_deinit(&m);
}

static void a_low_priority_is_served_beside_an_endless_stream_of_high_ones(void **state)
{
    (void)state;
    stub m;
    static stub_req q[17];
    sched_client c = { .weight = 1 };
    stub_init(&m, 40, 0);
    sched *s = open_sched(&m, 4, 32);
    add(s, &q[16], &c, 20, -5);
    for (int i = 0; i < 16; i++) add(s, &q[i], &c, 20, 5);
    int32_t n_steps = 0;
    for (; n_steps < 2000 && known(&q[16]) < 60; n_steps++) {
        step(s);
        for (int i = 0; i < 16; i++)
            if (known(&q[i]) >= 40) {
                sched_remove(s, &q[i].r);
                add(s, &q[i], &c, 20, 5);
            }
    }
    assert_true(n_steps < 1000);
    for (int i = 0; i < 17; i++) sched_remove(s, &q[i].r);
    sched_destroy(s);
    stub_deinit(&m);
}

static void a_large_request_is_not_overtaken_by_small_ones_for_ever(void **state)
{
    (void)state;
    stub m;
    static stub_req q[9];
    sched_client c = { .weight = 1 };
    stub_init(&m, 30, 0);
    sched *s = open_sched(&m, 8, 64);
    for (int i = 0; i < 8; i++) add(s, &q[i], &c, 8, 0);
    for (int i = 0; i < 3; i++) step(s);
    add(s, &q[8], &c, 110, 0); /* 28 of 30 blocks */
    int32_t n_steps = 0;
    for (; n_steps < 500 && q[8].r.state != SCHED_RUNNING; n_steps++) {
        step(s);
        for (int i = 0; i < 8; i++)
            if (known(&q[i]) >= 14 + i) {
                sched_remove(s, &q[i].r);
                add(s, &q[i], &c, 8, 0);
            }
    }
    assert_true(n_steps < 40);
    for (int i = 0; i < 9; i++) sched_remove(s, &q[i].r);
    sched_destroy(s);
    stub_deinit(&m);
}

static void a_static_batch_waits_for_its_longest_member(void **state)
{
    (void)state;
    stub m;
    stub_req q[3];
    sched_client c = { .weight = 1 };
    stub_init(&m, 100, 0);
    sched *s;
    sched_limits limits = {
        .max_seqs = 2, .max_requests = 8, .budget = 100, .max_rows = 8, .chunking = true, .static_batching = true
    };
    assert_int_equal(sched_create(&s, &limits, &m.memory, NULL), SUMI_OK);
    for (int i = 0; i < 3; i++) add(s, &q[i], &c, 5, 0);
    step(s);
    sched_remove(s, &q[0].r);
    for (int i = 0; i < 5; i++) step(s);
    assert_int_equal(q[2].r.state, SCHED_WAITING);
    sched_remove(s, &q[1].r);
    step(s);
    assert_int_equal(q[2].r.state, SCHED_RUNNING);
    sched_remove(s, &q[2].r);
    sched_destroy(s);
    stub_deinit(&m);
}

static void choices_share_the_blocks_of_their_prompt(void **state)
{
    (void)state;
    stub m;
    stub_req q = { .r = { .n_prompt = 401, .width = 8 }, .active = true };
    sched_client c = { .weight = 1 };
    const sched_item *items;
    stub_init(&m, 200, 0);
    sched *s = open_sched(&m, 8, 512);
    q.r.client = &c;
    assert_true(sched_add(s, &q.r));
    assert_int_equal(sched_plan(s, &items), 1);
    commit_all(s, items, 1);
    int32_t before = m.n_free;
    sched_split(s, &q.r, 8);
    assert_int_equal(m.n_free, before);
    for (int i = 0; i < 8; i++) sched_extend(s, &q.r, i);
    assert_int_equal(sched_plan(s, &items), 8);
    assert_int_equal(m.n_free, before - 7); /* seven copies of the last block; the eighth is its owner */
    assert_true(stub_check(&m, &q, 1));
    sched_remove(s, &q.r);
    sched_destroy(s);
    stub_deinit(&m);
}

static void a_time_limit_ends_what_it_is_for(void **state)
{
    (void)state;
    stub m;
    stub_req q;
    sched_client c = { .weight = 1 };
    sumi_time_limit which;
    stub_init(&m, 10, 0);
    sched *s = open_sched(&m, 2, 10);
    add(s, &q, &c, 5, 0);
    q.r.queue_until = 10;
    q.r.first_until = 20;
    q.r.end_until = 30;
    assert_null(sched_expired(s, 9, &which));
    assert_ptr_equal(sched_expired(s, 10, &which), &q.r);
    assert_int_equal(which, SUMI_LIMIT_QUEUE);
    q.r.was_admitted = true;
    assert_null(sched_expired(s, 19, &which));
    assert_ptr_equal(sched_expired(s, 20, &which), &q.r);
    assert_int_equal(which, SUMI_LIMIT_FIRST_TOKEN);
    q.r.has_first = true;
    assert_null(sched_expired(s, 29, &which));
    assert_ptr_equal(sched_expired(s, 31, &which), &q.r);
    assert_int_equal(which, SUMI_LIMIT_TOTAL);
    sched_remove(s, &q.r);
    sched_destroy(s);
    stub_deinit(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_answers_go_on_while_a_long_prompt_is_computed_in_pieces),
        cmocka_unit_test(a_prompt_lengthens_steps_by_the_share_allowed_and_lets_one_in_25_pass),
        cmocka_unit_test(tokens_that_were_not_kept_are_planned_anew),
        cmocka_unit_test(guessed_tokens_take_what_is_left_and_count_when_they_are_kept),
        cmocka_unit_test(without_chunking_a_prompt_is_one_step),
        cmocka_unit_test(the_lowest_priority_and_then_the_newest_is_preempted),
        cmocka_unit_test(a_request_is_preempted_only_so_often),
        cmocka_unit_test(the_sequences_of_a_gang_choose_in_the_same_step_also_after_a_preemption),
        cmocka_unit_test(the_cheaper_way_of_preemption_is_taken),
        cmocka_unit_test(the_one_request_of_a_client_does_not_wait_for_the_hundred_of_another),
        cmocka_unit_test(clients_share_in_the_proportion_of_their_weights),
        cmocka_unit_test(generated_tokens_count_as_much_as_those_of_prompts),
        cmocka_unit_test(a_low_priority_is_served_beside_an_endless_stream_of_high_ones),
        cmocka_unit_test(a_large_request_is_not_overtaken_by_small_ones_for_ever),
        cmocka_unit_test(a_static_batch_waits_for_its_longest_member),
        cmocka_unit_test(choices_share_the_blocks_of_their_prompt),
        cmocka_unit_test(a_time_limit_ends_what_it_is_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
