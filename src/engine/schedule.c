/* schedule.c - the plan of a step: decode tokens, chunks of prompts, admissions, preemptions. See schedule.h. */
#include "engine/sched_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* A request is admitted only if every running sequence could still get blocks for this many more tokens. Otherwise it
 * would take the last blocks, and would be the first to be preempted for them. */
#define HEADROOM_TOKENS 32

/* Running answers grow while a long prompt is computed, and so does the time of their steps. So every PROBE_EVERY-th step
 * has no prompt: its time is the reference for the others. */
#define PROBE_EVERY 24

sumi_status sched_create(sched **out, const sched_limits *limits, const sched_memory *memory, sumi_error *err)
{
    assert(limits->budget > limits->max_seqs && limits->max_rows > limits->max_seqs && limits->max_seqs > 0);
    *out = NULL;
    sched *s = calloc(1, sizeof *s);
    if (!s) goto fail;
    s->limits = *limits;
    s->memory = *memory;
    s->costs = (sched_costs){ .token_us = 100, .block_us = 200, .step_us = 1000 };
    if (!(s->queue.reqs = calloc((size_t)limits->max_requests, sizeof *s->queue.reqs))) goto fail;
    if (!(s->running = calloc((size_t)limits->max_requests, sizeof *s->running))) goto fail;
    if (!(s->items = calloc((size_t)limits->max_seqs, sizeof *s->items))) goto fail;
    *out = s;
    return SUMI_OK;
fail:
    sched_destroy(s);
    return sumi_fail(err, SUMI_ENOMEM, "scheduler: out of memory for %d requests", limits->max_requests);
}

void sched_destroy(sched *s)
{
    if (!s) return;
    free(s->queue.reqs);
    free(s->running);
    free(s->items);
    free(s);
}

void sched_set_costs(sched *s, sched_costs costs)
{
    s->costs = costs;
}

/* ---- Requests and sequences ---- */

static int32_t first_live(const sched_req *r)
{
    int32_t i = 0;
    while (i < SCHED_MAX_SEQS && !r->seqs[i].live) i++;
    assert(i < SCHED_MAX_SEQS);
    return i;
}

/* Sequences that r holds or may open without asking again. */
static int32_t seats(const sched_req *r)
{
    return r->gang || !r->has_parted ? r->width : r->n_live;
}

int32_t sched_seats_taken(const sched *s)
{
    int32_t n = 0;
    for (int32_t i = 0; i < s->n_running; i++) n += seats(s->running[i]);
    return n;
}

bool sched_outranks(const sched_req *a, const sched_req *b)
{
    bool shielded = sched_shielded(a);
    if (shielded != sched_shielded(b)) return shielded;
    if (!shielded && a->priority != b->priority) return a->priority > b->priority;
    return sched_older(a, b);
}

/* The trunk of r must be computed again from its first token. */
static void rewind_trunk(sched_req *r)
{
    r->trunk = first_live(r);
    r->n_trunk = !r->has_parted || r->n_live > 1 ? r->n_prompt : r->seqs[r->trunk].n_known;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) r->seqs[i].n_cached = 0;
}

static void drop_all(sched *s, sched_req *r)
{
    if (r->trunk >= 0) s->memory.drop(s->memory.user, r, r->trunk);
    else
        for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
            if (r->seqs[i].live) s->memory.drop(s->memory.user, r, i);
}

static void run_insert(sched *s, sched_req *r)
{
    int32_t i = s->n_running++;
    for (; i > 0 && sched_outranks(r, s->running[i - 1]); i--) s->running[i] = s->running[i - 1];
    s->running[i] = r;
    r->state = SCHED_RUNNING;
}

static void run_take(sched *s, const sched_req *r)
{
    int32_t i = 0;
    while (s->running[i] != r) i++;
    s->n_running--;
    memmove(&s->running[i], &s->running[i + 1], (size_t)(s->n_running - i) * sizeof *s->running);
}

bool sched_add(sched *s, sched_req *r)
{
    assert(r->state == SCHED_NEW && r->n_prompt > 0 && r->width >= 1 && r->width <= SCHED_MAX_SEQS);
    if (s->queue.n + s->n_running >= s->limits.max_requests) return false;
    r->arrival = ++s->n_arrivals;
    r->state = SCHED_WAITING;
    r->seqs[0] = (sched_seq){ .live = true, .n_known = r->n_prompt };
    r->n_live = 1;
    r->client->n_requests++;
    rewind_trunk(r);
    sched_queue_add(&s->queue, r);
    return true;
}

/* Removes the items of r from the plan. */
static void unplan(sched *s, const sched_req *r)
{
    int32_t n = 0;
    for (int32_t i = 0; i < s->n_items; i++) {
        const sched_item *item = &s->items[i];
        if (item->req != r) {
            s->items[n++] = *item;
            continue;
        }
        s->n_tokens -= item->n_tokens;
        s->n_rows -= sched_item_rows(item);
    }
    s->n_items = n;
}

void sched_remove(sched *s, sched_req *r)
{
    if (r->state == SCHED_NEW) return;
    if (s->stuck == r) s->stuck = NULL;
    unplan(s, r);
    if (r->state == SCHED_RUNNING) {
        drop_all(s, r);
        run_take(s, r);
    } else {
        if (r->state == SCHED_SWAPPED) s->memory.swap_drop(s->memory.user, r);
        sched_queue_take(&s->queue, r);
    }
    r->state = SCHED_NEW;
    if (--r->client->n_requests == 0) r->client->deficit = 0, r->client->turn = 0;
}

static bool past(double until, double now_ms)
{
    return until > 0 && now_ms >= until;
}

static sumi_time_limit limit_past(const sched_req *r, double now_ms)
{
    if (past(r->end_until, now_ms)) return SUMI_LIMIT_TOTAL;
    if (!r->has_first && past(r->first_until, now_ms)) return SUMI_LIMIT_FIRST_TOKEN;
    return !r->was_admitted && past(r->queue_until, now_ms) ? SUMI_LIMIT_QUEUE : SUMI_LIMIT_NONE;
}

sched_req *sched_expired(sched *s, double now_ms, sumi_time_limit *which)
{
    for (int32_t i = 0; i < s->queue.n + s->n_running; i++) {
        sched_req *r = i < s->queue.n ? s->queue.reqs[i] : s->running[i - s->queue.n];
        if ((*which = limit_past(r, now_ms)) != SUMI_LIMIT_NONE) return r;
    }
    return NULL;
}

/* ---- Preemption ---- */

/* True if it is cheaper to compute r again than to move its blocks out and in. */
static bool recompute_is_cheaper(const sched *s, const sched_req *r)
{
    int64_t n_tokens = r->n_prompt;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        if (r->seqs[i].live) n_tokens += r->seqs[i].n_known - r->n_prompt;
    return (double)n_tokens * s->costs.token_us <= 2.0 * r->n_swapped * s->costs.block_us;
}

static void recompute(sched *s, sched_req *r)
{
    rewind_trunk(r);
    r->state = SCHED_WAITING;
    r->was_swapped = false;
    s->n_recomputes++;
}

static void preempt(sched *s, sched_req *r, bool may_swap)
{
    unplan(s, r);
    run_take(s, r);
    r->n_preempted++;
    sched_queue_add(&s->queue, r);
    r->n_swapped = s->memory.held(s->memory.user, r);
    if (may_swap && r->trunk < 0 && !recompute_is_cheaper(s, r) && s->memory.swap_out(s->memory.user, r)) {
        r->state = SCHED_SWAPPED;
        r->was_swapped = true;
        s->n_swap_outs++;
        return;
    }
    drop_all(s, r);
    recompute(s, r);
}

static void drop_swapped(sched *s, sched_req *r)
{
    s->memory.swap_drop(s->memory.user, r);
    recompute(s, r);
}

/* Frees the blocks that the lowest swapped request, other than r, still holds in memory. False: there is no such request. */
static bool release_kept(sched *s, const sched_req *r)
{
    sched_req *lowest = NULL;
    for (int32_t i = 0; i < s->queue.n; i++) {
        sched_req *q = s->queue.reqs[i];
        if (q == r || q->state != SCHED_SWAPPED || s->memory.kept(s->memory.user, q) == 0) continue;
        if (!lowest || sched_outranks(lowest, q)) lowest = q;
    }
    if (lowest) drop_swapped(s, lowest);
    return lowest != NULL;
}

/* Reserves blocks for n tokens, preempting lower ranks if needed. False: r has the lowest rank, and too few blocks are
 * available. */
static bool reserve(sched *s, sched_req *r, int32_t seq, int32_t n)
{
    while (!s->memory.reserve(s->memory.user, r, seq, n)) {
        sched_req *lowest = s->running[s->n_running - 1];
        if (lowest != r) preempt(s, lowest, true);
        else if (s->n_running > 1 || !release_kept(s, r)) return false;
    }
    return true;
}

/* r runs alone, and the whole memory is not enough for it. Blocks that its sequences shared may have come back from the
 * swap tier as copies: after recomputing, the sequences share them again. */
static void relieve(sched *s, sched_req *r)
{
    if (!r->was_swapped) s->stuck = r;
    preempt(s, r, false);
}

static void add_item(sched *s, sched_req *r, int32_t seq, int32_t n)
{
    sched_seq *q = &r->seqs[seq];
    assert(s->n_items < s->limits.max_seqs && n > 0);
    bool last = q->n_cached + n == q->n_known, all_rows = r->all_rows && !r->has_parted;
    s->items[s->n_items] = (sched_item){ .req = r, .seq = seq, .n_tokens = n, .last = last, .all_rows = all_rows };
    s->n_tokens += n;
    s->n_rows += sched_item_rows(&s->items[s->n_items++]);
}

/* ---- Decode steps ---- */

/* Tokens of a sequence that are known and not computed yet. */
static int32_t n_uncomputed(const sched_req *r, int32_t seq)
{
    const sched_seq *q = &r->seqs[seq];
    return (seq == r->trunk ? r->n_trunk : q->n_known) - q->n_cached;
}

/* True if each sequence of a gang has exactly one uncomputed token. */
static bool gang_is_ready(const sched_req *r)
{
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        if (r->seqs[i].live && n_uncomputed(r, i) != 1) return false;
    return true;
}

/* False: r had to be preempted itself. */
static bool plan_decode(sched *s, sched_req *r)
{
    if (r->gang && !gang_is_ready(r)) return true;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) {
        if (!r->seqs[i].live || n_uncomputed(r, i) != 1) continue;
        if (!reserve(s, r, i, 1)) {
            if (s->n_running == 1) relieve(s, r);
            else preempt(s, r, true);
            return false;
        }
        add_item(s, r, i, 1);
    }
    return true;
}

/* ---- Chunks of prompts, and of tokens that a preemption dropped ---- */

/* How many of n tokens still fit into the budgets of the plan. */
static int32_t chunk(const sched *s, const sched_req *r, int32_t n)
{
    int32_t left = s->budget - s->n_tokens, rows = s->limits.max_rows - s->n_rows;
    if (rows < 1) return 0;
    if (!s->limits.chunking && n > left && s->has_prompt) return 0;
    if (s->limits.chunking && n > left) n = left;
    if (r->all_rows && !r->has_parted && n > rows) n = rows;
    return n > 0 ? n : 0;
}

static void plan_chunk(sched *s, sched_req *r, int32_t seq)
{
    int32_t n = chunk(s, r, n_uncomputed(r, seq) - (r->gang && r->trunk < 0));
    if (n == 0) return;
    if (!reserve(s, r, seq, n)) {
        if (s->n_running == 1) relieve(s, r);
        return;
    }
    add_item(s, r, seq, n);
    s->has_prompt = true;
}

static void plan_prompt(sched *s, sched_req *r)
{
    if (r->trunk >= 0) {
        plan_chunk(s, r, r->trunk);
        return;
    }
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
        if (r->state == SCHED_RUNNING && r->seqs[i].live && n_uncomputed(r, i) > 1) plan_chunk(s, r, i);
}

/* ---- Admission ---- */

/* Blocks that running requests will need soon. */
static int64_t promised(const sched *s)
{
    int64_t n = 0;
    for (int32_t k = 0; k < s->n_running; k++) {
        const sched_req *r = s->running[k];
        for (int32_t i = 0; i < SCHED_MAX_SEQS; i++)
            if (r->seqs[i].live && (r->trunk < 0 || r->trunk == i))
                n += s->memory.need(s->memory.user, r, i, n_uncomputed(r, i) + HEADROOM_TOKENS);
    }
    return n;
}

/* *again: it is worth another try at once, maybe as a request that waits. */
static bool admit_swapped(sched *s, sched_req *r, int64_t free_blocks, bool *again)
{
    if (r->n_swapped > free_blocks && s->n_running > 0) return false;
    sumi_status status = s->memory.swap_in(s->memory.user, r);
    if (status == SUMI_OK) return true;
    *again = true;
    if (status != SUMI_ELIMIT) recompute(s, r);
    else if (s->n_running > 0) *again = false;
    else if (!release_kept(s, r)) drop_swapped(s, r); /* shared blocks would come back as copies, which do not fit */
    return false;
}

static bool admit_waiting(sched *s, sched_req *r, int64_t free_blocks)
{
    if (free_blocks < 1) return false;
    sched_seq *q = &r->seqs[r->trunk];
    q->n_cached = s->memory.begin(s->memory.user, r, r->trunk);
    assert(q->n_cached < r->n_trunk);
    /* begin() has taken cached blocks, so the number of free blocks is read again. */
    int64_t need = s->memory.need(s->memory.user, r, r->trunk, n_uncomputed(r, r->trunk)) +
                   (s->n_running ? seats(r) : 0);
    if (need <= s->memory.available(s->memory.user) - promised(s)) return true;
    s->memory.drop(s->memory.user, r, r->trunk);
    q->n_cached = 0;
    return false;
}

/* Preempts the running request with the lowest rank, for r, which waits. False: its priority is not below that of r, or it
 * is shielded. */
static bool preempt_lowest(sched *s, const sched_req *r)
{
    if (s->n_running == 0) return false;
    sched_req *lowest = s->running[s->n_running - 1];
    if (sched_shielded(lowest) || lowest->priority >= r->priority) return false;
    preempt(s, lowest, true);
    return true;
}

static void enter(sched *s, sched_req *r)
{
    sched_queue_take(&s->queue, r);
    run_insert(s, r);
    s->queue.n_admitted++;
    if (!r->was_admitted) {
        r->was_admitted = true;
        r->n_hit = r->seqs[r->trunk].n_cached;
        sched_charge(r->client, n_uncomputed(r, r->trunk));
    }
}

/* True if the plan can take the first tokens of r. A static batch gets all its requests before its first step. */
static bool has_work_left(const sched *s, const sched_req *r)
{
    int32_t n = r->state == SCHED_SWAPPED ? r->n_live : 1;
    if (s->limits.static_batching && r->state != SCHED_SWAPPED) return true;
    return s->n_tokens + n <= s->budget && s->n_rows + n <= s->limits.max_rows;
}

/* Tries to admit the next request of the queue; false: no further request is admitted in this step. */
static bool admit_next(sched *s)
{
    sched_req *r = sched_queue_next(&s->queue);
    if (!r || !has_work_left(s, r)) return false;
    while (sched_seats_taken(s) + seats(r) > s->limits.max_seqs)
        if (!preempt_lowest(s, r)) return false;
    for (;;) {
        int64_t free_blocks = s->memory.available(s->memory.user) - promised(s);
        bool again = false, swapped = r->state == SCHED_SWAPPED;
        if (swapped ? admit_swapped(s, r, free_blocks, &again) : admit_waiting(s, r, free_blocks)) break;
        if (again || preempt_lowest(s, r)) continue;
        if (s->n_running > 0) return false;
        if (release_kept(s, r)) continue;
        s->stuck = r;
        return false;
    }
    enter(s, r);
    if (r->trunk < 0 && !plan_decode(s, r)) return false;
    plan_prompt(s, r);
    return true;
}

/* ---- The step ---- */

/* The budget of this step, after its decode tokens are planned. With the limit `stall`, prompts may lengthen the step by
 * at most that share. */
static int32_t step_budget(sched *s)
{
    const sched_costs *c = &s->costs;
    int32_t n = s->n_tokens;
    s->is_limited = n > 0 && s->limits.stall > 0 && s->limits.chunking && !s->limits.static_batching;
    if (!s->is_limited) return s->limits.budget;
    if (s->n_limited >= PROBE_EVERY) return n;
    double prompt_tokens = s->limits.stall * (c->step_us + n * c->seq_us) / c->token_us;
    if (prompt_tokens >= s->limits.budget - n) return s->limits.budget;
    int32_t budget = n + (prompt_tokens > SCHED_MIN_CHUNK ? (int32_t)prompt_tokens : SCHED_MIN_CHUNK);
    return budget < s->limits.budget ? budget : s->limits.budget;
}

int32_t sched_plan(sched *s, const sched_item **items)
{
    s->n_items = s->n_tokens = s->n_rows = 0;
    s->has_prompt = false;
    s->stuck = NULL;
    bool may_admit = !s->limits.static_batching || s->n_running == 0;
    for (int32_t k = 0; k < s->n_running;) {
        sched_req *r = s->running[k];
        k += r->trunk >= 0 || plan_decode(s, r);
    }
    s->budget = step_budget(s);
    for (int32_t k = 0; k < s->n_running; k++) plan_prompt(s, s->running[k]);
    while (may_admit && !s->stuck && admit_next(s)) {}
    *items = s->items;
    return s->n_items;
}

int32_t sched_draft(sched *s, int32_t i, int32_t n)
{
    sched_item *item = &s->items[i];
    int32_t rows = s->limits.max_rows - s->n_rows, tokens = s->limits.budget - s->n_tokens;
    assert(item->last && item->n_tokens == 1 && !item->req->gang && item->req->trunk < 0 && n >= 0);
    if (n > rows) n = rows;
    if (n > tokens) n = tokens;
    while (n > 0 && !s->memory.reserve(s->memory.user, item->req, item->seq, 1 + n)) n--;
    if (n <= 0) return 0;
    item->n_draft = n;
    item->n_tokens += n;
    s->n_tokens += n;
    s->n_rows += n;
    return n;
}

sched_req *sched_stuck(const sched *s)
{
    return s->stuck;
}

/* A preempted request had its trunk computed again. Its sequences separate, and each of them computes its own tokens
 * next. */
static void part_again(sched *s, sched_req *r)
{
    int32_t trunk = r->trunk;
    r->trunk = -1;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) {
        if (i == trunk || !r->seqs[i].live) continue;
        s->memory.fork(s->memory.user, r, trunk, i);
        r->seqs[i].n_cached = r->n_trunk;
    }
}

void sched_abandon(sched *s)
{
    s->n_items = s->n_tokens = s->n_rows = 0;
}

void sched_commit(sched *s, const int32_t *kept)
{
    s->n_limited = s->is_limited && s->has_prompt ? s->n_limited + 1 : 0;
    for (int32_t i = 0; i < s->n_items; i++) {
        sched_item *item = &s->items[i];
        sched_req *r = item->req;
        assert(kept[i] >= 0 && kept[i] <= item->n_tokens);
        r->seqs[item->seq].n_cached += kept[i];
        int32_t n_new = kept[i] - (item->n_tokens - item->n_draft - 1); /* kept rows that choose a token */
        if (r->trunk < 0 && item->last && n_new > 0) sched_charge(r->client, n_new);
        if (item->seq == r->trunk && r->has_parted && n_uncomputed(r, item->seq) == 0) part_again(s, r);
    }
    sched_abandon(s);
}

void sched_split(sched *s, sched_req *r, int32_t n)
{
    assert(r->trunk == 0 && !r->has_parted && n_uncomputed(r, 0) == 0 && n >= 1 && n <= r->width);
    for (int32_t i = 1; i < n; i++) {
        s->memory.fork(s->memory.user, r, 0, i);
        r->seqs[i] = r->seqs[0];
    }
    r->n_live = n;
    r->trunk = -1;
    r->has_parted = true;
}

int32_t sched_fork(sched *s, sched_req *r, int32_t seq)
{
    assert(r->gang && r->trunk < 0 && r->n_live < r->width);
    int32_t i = 0;
    while (r->seqs[i].live) i++;
    s->memory.fork(s->memory.user, r, seq, i);
    r->seqs[i] = r->seqs[seq];
    r->n_live++;
    return i;
}

void sched_extend(sched *s, sched_req *r, int32_t seq)
{
    (void)s;
    assert(r->seqs[seq].live && r->trunk < 0);
    r->seqs[seq].n_known++;
    r->has_first = true;
}

void sched_end_seq(sched *s, sched_req *r, int32_t seq)
{
    assert(r->state == SCHED_RUNNING && r->seqs[seq].live && r->trunk < 0);
    s->memory.drop(s->memory.user, r, seq);
    r->seqs[seq].live = false;
    r->n_live--;
}

/* ---- Numbers ---- */

void sched_get_counts(const sched *s, sched_counts *c)
{
    *c = (sched_counts){ .n_waiting = s->queue.n,
                         .n_running = s->n_running,
                         .n_admitted = s->queue.n_admitted,
                         .n_swap_outs = s->n_swap_outs,
                         .n_recomputes = s->n_recomputes };
    for (int32_t i = 0; i < s->queue.n; i++) c->n_swapped += s->queue.reqs[i]->state == SCHED_SWAPPED;
    for (int32_t i = 0; i < s->n_running; i++) c->n_seqs += s->running[i]->trunk >= 0 ? 1 : s->running[i]->n_live;
}
