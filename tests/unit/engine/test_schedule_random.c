/* test_schedule_random.c - the scheduler in a simulation of random arrivals, ends, cancels and faults. */
#include "engine/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched_stub.h"

enum { N_REQS = 48, N_CLIENTS = 5, SIM_MAX_SEQS = 24, MAX_STEPS_TO_LIVE = 20000 };

typedef struct sim {
    stub m;
    sched *s;
    test_rng rng;
    stub_req reqs[N_REQS];
    sched_client clients[N_CLIENTS];
    int32_t n_blocks, max_seqs, budget;
    int64_t now, n_events, n_ended, n_rejected, n_drafted, longest;
} sim;

static bool chance(sim *x, int32_t percent)
{
    return test_rng_range(&x->rng, 0, 99) < percent;
}

static void check(sim *x)
{
    x->n_events++;
    assert_true(sched_check(x->s));
    assert_true(stub_check(&x->m, x->reqs, N_REQS));
}

static void end_request(sim *x, stub_req *q)
{
    int64_t steps = x->now - q->added_at;
    if (steps > x->longest) x->longest = steps;
    sched_remove(x->s, &q->r);
    q->active = false;
    x->n_ended++;
    x->n_events++;
}

static void arrive(sim *x)
{
    int32_t i = test_rng_range(&x->rng, 0, N_REQS - 1);
    stub_req *q = &x->reqs[i];
    if (q->active) return;
    int32_t width = chance(x, 25)
                        ? test_rng_range(&x->rng, 1, x->max_seqs < SCHED_MAX_SEQS ? x->max_seqs : SCHED_MAX_SEQS)
                        : 1;
    *q = (stub_req){ .r = { .client = &x->clients[test_rng_range(&x->rng, 0, N_CLIENTS - 1)],
                            .n_prompt = test_rng_range(&x->rng, 1, 60),
                            .width = width,
                            .gang = width > 1 && chance(x, 40),
                            .priority = test_rng_range(&x->rng, -2, 2),
                            .all_rows = chance(x, 10) },
                     .added_at = x->now };
    q->n_max = q->r.n_prompt + test_rng_range(&x->rng, 1, 60);
    q->n_cached_prompt = chance(x, 30) ? test_rng_range(&x->rng, 0, 60) : 0;
    if (chance(x, 10)) q->r.end_until = (double)(x->now + test_rng_range(&x->rng, 1, 200));
    if (stub_worst(&q->r, q->n_max) > x->n_blocks) return; /* can never fit: refused */
    q->active = sched_add(x->s, &q->r);
    check(x);
}

/* What beam search does: one hypothesis is dropped and another doubled. */
static void reshape(sim *x, stub_req *q)
{
    int32_t live[SCHED_MAX_SEQS], n = 0;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        if (q->r.seqs[i].live) live[n++] = i;
    if (n < 2) return;
    sched_end_seq(x->s, &q->r, live[test_rng_range(&x->rng, 0, n - 1)]);
    int32_t parent = 0;
    while (!q->r.seqs[parent].live) parent++;
    sched_fork(x->s, &q->r, parent);
}

/* A row of logits came out of sequence seq. */
static void take_row(sim *x, stub_req *q, int32_t seq)
{
    if (chance(x, 1)) { /* bad logits */
        end_request(x, q);
        return;
    }
    if (q->r.trunk >= 0) {
        int32_t n = q->r.gang ? q->r.width : test_rng_range(&x->rng, 1, q->r.width);
        sched_split(x->s, &q->r, n);
        for (int32_t i = 0; i < n; i++) sched_extend(x->s, &q->r, i);
        return;
    }
    sched_extend(x->s, &q->r, seq);
    if (q->r.seqs[seq].n_known < q->n_max && !chance(x, 2)) return;
    if (q->r.n_live == 1 || q->r.gang) end_request(x, q);
    else sched_end_seq(x->s, &q->r, seq);
}

/* Guessed tokens for some of the decode tokens: nobody is preempted for them, and the step stays within its limits. */
static void draft_some(sim *x, const sched_item *items, int32_t n)
{
    sched_counts before, after;
    int32_t n_tokens = 0, n_rows = 0;
    sched_get_counts(x->s, &before);
    for (int32_t i = 0; i < n; i++) {
        const sched_req *r = items[i].req;
        int32_t most = ((stub_req *)items[i].req)->n_max - r->seqs[items[i].seq].n_known;
        if (!items[i].last || items[i].n_tokens > 1 || r->gang || r->trunk >= 0 || most < 1 || chance(x, 50)) continue;
        int32_t wanted = test_rng_range(&x->rng, 1, most), got = sched_draft(x->s, i, wanted);
        assert_true(got >= 0 && got <= wanted && items[i].n_draft == got && items[i].n_tokens == 1 + got);
        x->n_drafted += got;
    }
    for (int32_t i = 0; i < n; i++) n_tokens += items[i].n_tokens, n_rows += sched_item_rows(&items[i]);
    assert_true(n_tokens <= x->budget && n_rows <= x->max_seqs + 8);
    sched_get_counts(x->s, &after);
    assert_true(after.n_running == before.n_running &&
                after.n_swap_outs + after.n_recomputes == before.n_swap_outs + before.n_recomputes);
}

/* The rows of kept tokens choose one token each. */
static void take_rows(sim *x, const sched_item *item, int32_t kept)
{
    stub_req *q = (stub_req *)item->req;
    for (int32_t n = kept - (item->n_tokens - item->n_draft - 1); n > 0; n--)
        if (q->active && q->r.state == SCHED_RUNNING && q->r.seqs[item->seq].live) take_row(x, q, item->seq);
}

/* How many tokens of each item are kept: a tenth of them in part, and guessed ones often. */
static void keep_some(sim *x, const sched_item *items, int32_t n, int32_t *kept)
{
    for (int32_t i = 0; i < n; i++) {
        stub_req *q = (stub_req *)items[i].req;
        bool in_part = chance(x, items[i].n_draft ? 70 : 10) && !(q->r.gang && q->r.trunk < 0);
        kept[i] = in_part ? test_rng_range(&x->rng, 0, items[i].n_tokens) : items[i].n_tokens;
        x->n_rejected += items[i].n_tokens - kept[i];
    }
    sched_commit(x->s, kept);
    for (int32_t i = 0; i < n; i++)
        if (kept[i] < items[i].n_tokens) stub_trim(&x->m, (stub_req *)items[i].req, items[i].seq);
}

static void run_step(sim *x)
{
    const sched_item *items;
    int32_t kept[SIM_MAX_SEQS];
    sumi_time_limit which;
    for (sched_req *r; (r = sched_expired(x->s, (double)x->now, &which));) end_request(x, (stub_req *)r);
    x->m.swap_fails = chance(x, 10);
    x->m.swap_loses = chance(x, 5);
    sched_set_costs(x->s, (sched_costs){ .token_us = 1, .block_us = chance(x, 50) ? 0.1 : 10 });
    int32_t n = sched_plan(x->s, &items), n_tokens = 0;
    x->now++;
    check(x);
    assert_null(sched_stuck(x->s));
    sched_counts counts;
    sched_get_counts(x->s, &counts);
    assert_true(n > 0 || counts.n_waiting + counts.n_running == 0); /* work is never left lying */
    for (int32_t i = 0; i < n; i++) n_tokens += items[i].n_tokens;
    assert_true(n_tokens <= x->budget);
    draft_some(x, items, n);
    if (chance(x, 2)) { /* the step fails: nothing was computed */
        sched_abandon(x->s);
        return;
    }
    keep_some(x, items, n, kept);
    for (int32_t i = 0; i < n; i++) {
        if (items[i].last) take_rows(x, &items[i], kept[i]);
    }
    for (int32_t i = 0; i < N_REQS; i++) {
        stub_req *q = &x->reqs[i];
        if (q->active && q->r.gang && q->r.state == SCHED_RUNNING && q->r.trunk < 0 && chance(x, 30)) reshape(x, q);
    }
    check(x);
}

static void cancel_one(sim *x)
{
    stub_req *q = &x->reqs[test_rng_range(&x->rng, 0, N_REQS - 1)];
    if (q->active) end_request(x, q);
    check(x);
}

static void random_schedule(uint64_t seed, int64_t *n_events, int64_t *longest)
{
    static sim x;
    x = (sim){ .rng = test_rng_init(seed) };
    x.n_blocks = test_rng_range(&x.rng, 40, 200);
    x.max_seqs = test_rng_range(&x.rng, 1, SIM_MAX_SEQS);
    x.budget = x.max_seqs + test_rng_range(&x.rng, 1, 60);
    stub_init(&x.m, x.n_blocks, test_rng_range(&x.rng, 0, 100));
    x.s = stub_open(&x.m, x.max_seqs, x.budget, seed % 2 ? 1 : 0);
    for (int i = 0; i < N_CLIENTS; i++) x.clients[i].weight = 1 + i;
    int32_t load = test_rng_range(&x.rng, 5, 60);
    for (int i = 0; i < 150; i++) {
        for (int k = 0; k < 4; k++)
            if (chance(&x, load)) arrive(&x);
        if (chance(&x, 5)) cancel_one(&x);
        run_step(&x);
    }
    for (int32_t i = 0; i < N_REQS;) { /* no more arrivals: all must end by themselves */
        if (!x.reqs[i].active) i++;
        else run_step(&x);
        assert_true(x.now < MAX_STEPS_TO_LIVE);
    }
    sched_destroy(x.s);
    stub_deinit(&x.m);
    assert_int_equal(x.m.n_swap_free >= 0, 1);
    assert_true(x.n_rejected > 0);
    *n_events += x.n_events;
    if (x.longest > *longest) *longest = x.longest;
}

static void thousands_of_random_schedules_keep_every_invariant(void **state)
{
    (void)state;
    int64_t n_events = 0, longest = 0;
    int32_t n_schedules = 0;
    for (; n_schedules < 2000 || n_events < 100000; n_schedules++)
        random_schedule(1000 + (uint64_t)n_schedules, &n_events, &longest);
    print_message("%d schedules, %lld events, longest stay %lld steps\n", n_schedules, (long long)n_events,
                  (long long)longest);
    assert_true(longest < 2500); /* 48 requests of up to 120 tokens, 16 sequences each: 92,160 tokens of work at most */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_of_random_schedules_keep_every_invariant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
