/* step.c - one step of the engine: a plan becomes spans, the model runs, rows become tokens.
 *
 * A failure ends one request only: if a plan cannot be executed, the request that causes the failure ends, and the next
 * step runs without it. */

#include "base/error.h"
#include "base/os/clock.h"
#include "engine/engine.h"

static request *of(const sched_req *r)
{
    return (request *)(uintptr_t)r;
}

static sumi_want want_of(const request *r, const sched_item *item)
{
    if (r->pool.kind) return pooling_want(r->pool.kind, r->sched.seqs[item->seq].n_cached == 0, item->last);
    if (item->all_rows || item->n_draft) return SUMI_WANT_ALL;
    return item->last ? SUMI_WANT_LAST : SUMI_WANT_NONE;
}

/* The new tokens of each item, end to end. */
static int32_t make_spans(sumi_engine *e, const sched_item *items, int32_t n_items)
{
    int32_t n = 0;
    for (int32_t i = 0; i < n_items; i++) {
        const request *r = of(items[i].req);
        int32_t from = r->sched.seqs[items[i].seq].n_cached;
        e->spans[i] = (sumi_span){ .seq = r->kv_seqs[items[i].seq],
                                   .n_ids = items[i].n_tokens,
                                   .ids = e->ids + n,
                                   .want = want_of(r, &items[i]) };
        for (int32_t t = 0; t < items[i].n_tokens; t++) e->ids[n++] = request_token(r, items[i].seq, from + t);
    }
    return n;
}

/* Moves a mean towards a new value by `share` of the difference. An outlier is clamped: the machine was probably busy
 * with something else during that step. */
static double follow(double mean, double value, double share)
{
    double low = 0.5 * mean, high = 2 * mean;
    return mean + share * ((value < low ? low : value > high ? high : value) - mean);
}

/* From steps with decode tokens only: the cost of one more token is the slope of a line through (tokens, time) over about
 * the last hundred steps; the height of the line follows the last few steps, because answers grow. */
static void fit_decode(sumi_engine *e, double n, double us)
{
    step_fit *f = &e->fit;
    const double keep = 0.99;
    f->w = keep * f->w + 1;
    f->n = keep * f->n + n;
    f->us = keep * f->us + us;
    f->nn = keep * f->nn + n * n;
    f->nus = keep * f->nus + n * us;
    double spread = f->nn * f->w - f->n * f->n, slope = 0;
    if (spread > 0.1 * f->w * f->w) slope = (f->nus * f->w - f->n * f->us) / spread;
    double most = f->us / f->n; /* a step has a fixed cost, and more tokens do not make it cheaper */
    double before = e->costs.step_us + n * e->costs.seq_us;
    double now = f->w < 2 ? us : follow(before, us, 0.25);
    e->costs.seq_us = slope < 0 ? 0 : slope > most ? most : slope;
    e->costs.step_us = now > n * e->costs.seq_us ? now - n * e->costs.seq_us : 0;
}

/* Updates the scheduler's costs of prompt tokens and decode tokens from this step. */
static void learn_costs(sumi_engine *e, int32_t n_prompt, int32_t n_decode, double us)
{
    if (n_prompt == 0) {
        fit_decode(e, n_decode, us);
    } else if (n_prompt >= SCHED_MIN_CHUNK) {
        double decode = n_decode ? e->costs.step_us + n_decode * e->costs.seq_us : 0;
        double token = (us - decode) / n_prompt, least = 0.1 * us / (n_prompt + n_decode);
        e->costs.token_us = follow(e->costs.token_us, token > least ? token : least, 0.2);
    }
    sched_costs prices = e->costs;
    if (e->opts.preemption == SUMI_PREEMPT_SWAP) prices.block_us = 0; /* swapping is always the cheaper way */
    sched_set_costs(e->sched, prices);
}

/* The range of a size in the histograms of sumi_engine_stats: range i ends with 2^i. */
static int size_range(int32_t n)
{
    int i = 0;
    while (i < SUMI_STEP_SIZES - 1 && n > 1 << i) i++;
    return i;
}

static void count_step(sumi_engine *e, const sched_item *items, int32_t n_items, int32_t n_tokens, double ms)
{
    int32_t n_prompt = 0;
    for (int32_t i = 0; i < n_items; i++) /* before the commit, which may separate the sequences of a trunk */
        if (items[i].n_tokens - items[i].n_draft > 1 || items[i].req->trunk >= 0) n_prompt += items[i].n_tokens;
    e->now.n_steps++;
    e->now.n_step_seqs += (uint64_t)n_items;
    e->now.steps_by_tokens[size_range(n_tokens)]++;
    e->now.steps_by_seqs[size_range(n_items)]++;
    e->now.step_ms += ms;
    e->now.n_prompt_tokens += (uint64_t)n_prompt;
    e->now.n_decode_tokens += (uint64_t)(n_tokens - n_prompt);
    learn_costs(e, n_prompt, n_tokens - n_prompt, ms * 1000);
}

/* Requests that were admitted for the first time in this plan. */
static void note_admissions(sumi_engine *e)
{
    sched_counts counts;
    sched_get_counts(e->sched, &counts);
    if (counts.n_admitted == e->n_admitted_seen) return;
    e->n_admitted_seen = counts.n_admitted;
    double now = clock_ms();
    pthread_mutex_lock(&e->lock);
    for (request *r = e->active; r; r = r->next) {
        if (!r->sched.was_admitted || r->left_queue) continue;
        r->left_queue = true;
        r->admitted_ms = now;
        r->client->n_waiting--;
        e->n_waiting--;
        e->now.n_hit_tokens += (uint64_t)r->sched.n_hit;
    }
    pthread_mutex_unlock(&e->lock);
}

/* Records how full the pool was, at the end of the step before, when a request was preempted for the first time. */
static void note_preemptions(sumi_engine *e)
{
    sched_counts counts;
    if (e->now.kv_used_full > 0) return;
    sched_get_counts(e->sched, &counts);
    if (counts.n_swap_outs + counts.n_recomputes > 0) e->now.kv_used_full = e->now.kv_used;
}

static void end_all(sumi_engine *e, const sched_item *items, int32_t n_items, const sumi_error *err)
{
    for (int32_t i = 0; i < n_items; i++)
        if (!of(items[i].req)->ended) engine_end(e, of(items[i].req), SUMI_FINISH_ERROR, err);
}

/* Keeps all planned tokens, and the guessed ones that the requests then choose themselves. */
static void keep(sumi_engine *e, const sched_item *items, int32_t n_items)
{
    for (int32_t i = 0, row = 0; i < n_items; i++) {
        const sched_item *item = &items[i];
        e->kept[i] = item->n_draft ? answer_draw(e, item, row) : item->n_tokens;
        context_keep(e->ctx, e->spans[i].seq, e->kept[i]);
        if (!of(item->req)->pool.kind) row += sched_item_rows(item);
    }
}

void engine_step(sumi_engine *e)
{
    const sched_item *items;
    sumi_error err;
    int32_t n_items = sched_plan(e->sched, &items);
    note_admissions(e);
    note_preemptions(e);
    if (n_items == 0) {
        sched_req *stuck = sched_stuck(e->sched);
        if (!stuck) return;
        sumi_fail(&err, SUMI_ELIMIT, "kv cache: the request does not fit into %d blocks; give it more memory",
                  e->ctx_info.n_blocks);
        engine_end(e, of(stuck), SUMI_FINISH_ERROR, &err);
        return;
    }
    engine_draft(e, items, n_items);
    int32_t n_tokens = make_spans(e, items, n_items);
    double start = clock_ms();
    if (context_forward(e->ctx, e->spans, n_items, &err) != SUMI_OK) {
        sched_abandon(e->sched);
        end_all(e, items, n_items, &err);
        return;
    }
    double ms = clock_ms() - start;
    keep(e, items, n_items);
    count_step(e, items, n_items, n_tokens, ms);
    sched_commit(e->sched, e->kept);
    answer_rows(e, items, n_items);
    if (e->opts.static_batching) answer_release_batch(e);
}
