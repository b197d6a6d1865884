/* engine.c - the entry points of an engine, and the loop of its thread. See engine.h for the picture and the locking. */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/os/clock.h"
#include "base/sized.h"
#include "engine/sumi_model.h"

enum {
    MAX_SEQS = 4096,
    MAX_QUEUE = 1 << 20,
    ROWS_BESIDE = 64 /* rows of prompts and of guessed tokens in a step, in addition to those of answers */
};

void sumi_engine_opts_init(sumi_engine_opts *opts, size_t size)
{
    const sumi_engine_opts defaults = { .size = size,
                                        .stall = 1,
                                        .max_seqs = 32,
                                        .token_budget = 512,
                                        .prefix_cache = true,
                                        .max_queue = 1024,
                                        .chunking = true };
    sized_give(opts, size, &defaults, sizeof defaults);
}

/* ---- Creation ---- */

static sumi_status in_range(const char *name, int32_t value, int32_t low, int32_t high, sumi_error *err)
{
    if (value >= low && value <= high) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL, "%s is %d; it must be between %d and %d", name, value, low, high);
}

static sumi_status check_opts(const sumi_engine_opts *o, sumi_error *err)
{
    sumi_status st = in_range("max_seqs", o->max_seqs, 1, MAX_SEQS, err);
    if (st == SUMI_OK) st = in_range("token_budget", o->token_budget, o->max_seqs + 1, 1 << 20, err);
    if (st == SUMI_OK) st = in_range("max_queue", o->max_queue, 1, MAX_QUEUE, err);
    if (st == SUMI_OK) st = in_range("max_queue_client", o->max_queue_client, 0, MAX_QUEUE, err);
    if (st == SUMI_OK) st = in_range("preemption", (int32_t)o->preemption, 0, SUMI_PREEMPT_RECOMPUTE, err);
    if (st == SUMI_OK) st = in_range("speculation", (int32_t)o->speculation, 0, SUMI_SPECULATION_OFF, err);
    if (st == SUMI_OK && !(o->stall >= 0))
        st = sumi_fail(err, SUMI_EINVAL, "stall is %g; it must not be negative", (double)o->stall);
    if (st == SUMI_OK && o->prefix_dir && !o->prefix_cache)
        st = sumi_fail(err, SUMI_EINVAL, "a folder for prefixes needs the prefix cache");
    return st;
}

/* An encoder's text is computed in one step, and other texts cannot reuse a part of it: each of its tokens has seen all
 * others. */
static sumi_status set_up_encoder(sumi_engine *e, sumi_error *err)
{
    if (!e->model->info.is_encoder) return SUMI_OK;
    if (e->opts.prefix_dir)
        return sumi_fail(err, SUMI_EINVAL, "a folder for prefixes is of no use: an encoder has no prefix cache");
    e->opts.chunking = false;
    e->opts.prefix_cache = false;
    e->opts.swap_bytes = 0;
    return SUMI_OK;
}

static sumi_status make_context(sumi_engine *e, sumi_model *m, sumi_error *err)
{
    const sumi_engine_opts *o = &e->opts;
    sumi_model_info info;
    sumi_model_get_info(m, &info);
    int32_t longest = o->n_ctx ? o->n_ctx : info.n_ctx_train ? info.n_ctx_train : 2048;
    int32_t step = o->token_budget;
    e->max_rows = o->max_seqs + ROWS_BESIDE;
    if (!o->chunking && step < longest + o->max_seqs) step = longest + o->max_seqs;
    sumi_context_opts c = { .size = sizeof c,
                            .n_threads = o->n_threads,
                            .pin = o->pin,
                            .n_ctx = o->n_ctx,
                            .max_batch_tokens = step,
                            .max_seqs = 2 * o->max_seqs, /* another max_seqs sequences may wait in the swap tier */
                            .max_logit_rows = e->max_rows,
                            .kv_bytes = o->kv_bytes };
    context_cache_opts k = {
        .prefix = o->prefix_cache, .swap_bytes = o->swap_bytes, .swap_dir = o->swap_dir, .fill_memory = true
    };
    sumi_status st = context_create(&e->ctx, m, &c, &k, err);
    if (st == SUMI_OK) sumi_context_get_info(e->ctx, &e->ctx_info);
    return st;
}

static sumi_status find_end_ids(sumi_engine *e, sumi_error *err)
{
    int32_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1 && !(e->end_ids = calloc((size_t)n + 1, sizeof *e->end_ids)))
            return sumi_fail(err, SUMI_ENOMEM, "engine: out of memory");
        n = 0;
        for (int32_t id = 0; id < e->limits.n_vocab; id++) {
            if (!sumi_token_is_end(e->model, id)) continue;
            if (pass == 1) e->end_ids[n] = id;
            n++;
        }
    }
    e->limits.end_ids = e->end_ids;
    e->limits.n_end_ids = n;
    return SUMI_OK;
}

static bool alloc_buffers(sumi_engine *e)
{
    e->spans = calloc((size_t)e->opts.max_seqs, sizeof *e->spans);
    e->kept = calloc((size_t)e->opts.max_seqs, sizeof *e->kept);
    e->ids = calloc((size_t)e->ctx_info.max_batch_tokens, sizeof *e->ids);
    e->known = calloc((size_t)e->ctx_info.n_ctx + 2, sizeof *e->known);
    e->candidates = calloc((size_t)e->opts.max_seqs, sizeof *e->candidates);
    return e->spans && e->kept && e->ids && e->known && e->candidates;
}

/* Classic batches are for comparisons, so they stay as they are. */
static bool speculates(const sumi_engine_opts *o)
{
    return o->speculation == SUMI_SPECULATION_AUTO && !o->static_batching;
}

static sumi_status build(sumi_engine *e, sumi_model *m, sumi_error *err)
{
    sumi_model_info info;
    sumi_status st = make_context(e, m, err);
    if (st != SUMI_OK) return st;
    sumi_model_get_info(m, &info);
    e->limits = (request_limits){ .model = m,
                                  .n_vocab = info.n_vocab,
                                  .n_embd = info.n_embd,
                                  .n_ctx = e->ctx_info.n_ctx,
                                  .max_seqs = e->opts.max_seqs,
                                  .speculates = speculates(&e->opts) };
    if ((st = prefix_file_load(e, err)) || (st = find_end_ids(e, err))) return st;
    if (!alloc_buffers(e)) return sumi_fail(err, SUMI_ENOMEM, "engine: out of memory");
    sched_memory memory = engine_kv_memory(e);
    sched_limits limits = { .max_seqs = e->opts.max_seqs,
                            .budget = e->opts.token_budget,
                            .stall = (double)e->opts.stall,
                            .max_requests = e->opts.max_queue + 2 * e->opts.max_seqs,
                            .max_rows = e->max_rows,
                            .chunking = e->opts.chunking,
                            .static_batching = e->opts.static_batching };
    return sched_create(&e->sched, &limits, &memory, err);
}

static void *engine_main(void *arg);

static void free_engine(sumi_engine *e)
{
    if (!e) return;
    events_deinit(e);
    sched_destroy(e->sched);
    sumi_context_destroy(e->ctx);
    pthread_cond_destroy(&e->poll_cond);
    pthread_cond_destroy(&e->wake);
    pthread_mutex_destroy(&e->lock);
    free(e->prompt_choices);
    free(e->prompt_top);
    free(e->prompt_ranks);
    free(e->cancels);
    free(e->end_ids);
    free(e->spans);
    free(e->kept);
    free(e->ids);
    free(e->known);
    free(e->candidates);
    free(e);
}

static void init_locks(sumi_engine *e)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->wake, &attr);
    pthread_cond_init(&e->poll_cond, &attr);
    pthread_condattr_destroy(&attr);
}

static void publish(sumi_engine *e);

sumi_status sumi_engine_create(sumi_engine **out, sumi_model *m, const sumi_engine_opts *opts, sumi_error *err)
{
    sumi_engine_opts o = sumi_engine_opts_default();
    *out = NULL;
    sumi_status st = sized_take(&o, sizeof o, opts, "sumi_engine_opts", err);
    if (st == SUMI_OK) st = check_opts(&o, err);
    if (st != SUMI_OK) return st;
    sumi_engine *e = calloc(1, sizeof *e);
    if (!e) return sumi_fail(err, SUMI_ENOMEM, "engine: out of memory");
    e->model = m;
    e->opts = o;
    e->inbox_end = &e->inbox;
    e->last_unread = &e->first_unread;
    e->drain_until_ms = -1;
    e->costs = (sched_costs){ .token_us = 200, .block_us = 300, .step_us = 10000 };
    if (o.preemption == SUMI_PREEMPT_RECOMPUTE) e->opts.swap_bytes = 0;
    init_locks(e);
    if ((st = set_up_encoder(e, err)) || (st = build(e, m, err))) goto fail;
    publish(e);
    if (pthread_create(&e->thread, NULL, engine_main, e) != 0) {
        st = sumi_fail(err, SUMI_ENOMEM, "engine: a thread cannot be started");
        goto fail;
    }
    pthread_setname_np(e->thread, "sumi engine"); /* as top and debuggers show it */
    *out = e;
    return SUMI_OK;
fail:
    free_engine(e);
    return st;
}

/* ---- Requests from clients ---- */

/* Refuses several choices with max_tokens if the memory does not hold all of them up to this limit: otherwise they would
 * end earlier than a single choice. The limit of a single sequence is the engine's, like n_ctx. */
static sumi_status check_answers(const sumi_engine *e, const request *r, int32_t longest, sumi_error *err)
{
    const sumi_request *p = &r->params;
    int64_t wanted = (int64_t)p->n_ids + p->max_tokens - 1; /* the last token is not fed back */
    if (wanted > e->ctx_info.max_seq_tokens) wanted = e->ctx_info.max_seq_tokens;
    if (p->max_tokens < 0 || wanted <= longest) return SUMI_OK;
    return sumi_fail(
        err, SUMI_ELIMIT,
        "%d choices of up to %d tokens after a prompt of %d do not fit into the key/value memory of %d blocks, "
        "which holds %d tokens of each; ask for fewer choices or tokens, or give it more memory",
        r->sched.width, p->max_tokens, p->n_ids, e->ctx_info.n_blocks, longest - p->n_ids + 1);
}

/* Tokens of a sequence at which r has to end, and whether it can run at all. */
static sumi_status check_fits(const sumi_engine *e, request *r, sumi_error *err)
{
    const sumi_request *p = &r->params;
    int32_t longest = context_longest(e->ctx, r->sched.n_prompt, r->sched.width);
    if (longest < p->n_ids)
        return sumi_fail(err, SUMI_ELIMIT,
                         "the prompt has %d tokens, which exceeds the available context size: the key/value memory "
                         "holds %d of each of %d choices; give it more memory",
                         p->n_ids, longest, r->sched.width);
    if (p->min_tokens > longest - p->n_ids + 1)
        return sumi_fail(err, SUMI_ELIMIT, "%d prompt tokens and min_tokens %d are more than the %d that fit", p->n_ids,
                         p->min_tokens, longest);
    sumi_status st = check_answers(e, r, longest, err);
    if (st != SUMI_OK) return st;
    r->max_known = longest;
    if (r->beams) {
        int32_t most = longest - p->n_ids + 1;
        r->beams->max_tokens = p->max_tokens < 0 || p->max_tokens > most ? most : p->max_tokens;
    }
    return SUMI_OK;
}

/* Under the lock. NULL: out of memory. */
static client *find_client(sumi_engine *e, const char *name)
{
    client *c = e->clients;
    while (c && strcmp(c->name, name) != 0) c = c->next;
    if (c) return c;
    if (!(c = calloc(1, sizeof *c)) || !(c->name = strdup(name))) {
        free(c);
        return NULL;
    }
    c->next = e->clients;
    return e->clients = c;
}

/* Under the lock. */
static void leave_client(sumi_engine *e, client *c)
{
    if (--c->n_requests > 0) return;
    client **at = &e->clients;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    free(c->name);
    free(c);
}

/* Under the lock. */
static sumi_status check_queue(sumi_engine *e, const client *c, sumi_error *err)
{
    if (e->stopping) return sumi_fail(err, SUMI_EBUSY, "the engine is stopping");
    if (e->n_waiting >= e->opts.max_queue)
        return sumi_fail(err, SUMI_EBUSY, "%d requests are waiting, which is the limit", e->n_waiting);
    if (e->opts.max_queue_client && c->n_waiting >= e->opts.max_queue_client)
        return sumi_fail(err, SUMI_EBUSY, "%d requests of this client are waiting, which is its limit", c->n_waiting);
    return SUMI_OK;
}

static void set_time_limits(request *r)
{
    const sumi_request *p = &r->params;
    double now = r->submitted_ms;
    r->sched.queue_until = p->queue_ms > 0 ? now + p->queue_ms : 0;
    r->sched.first_until = p->first_token_ms > 0 ? now + p->first_token_ms : 0;
    r->sched.end_until = p->total_ms > 0 ? now + p->total_ms : 0;
}

static sumi_status enqueue(sumi_engine *e, request *r, const char *name, uint64_t *id, sumi_error *err)
{
    pthread_mutex_lock(&e->lock);
    client *c = find_client(e, name);
    sumi_status st = c ? check_queue(e, c, err) : sumi_fail(err, SUMI_ENOMEM, "out of memory for a request");
    if (c) c->n_requests++;
    if (st == SUMI_OK) {
        r->client = c;
        r->sched.client = &c->sched;
        r->id = *id = ++e->n_ids;
        c->n_waiting++;
        e->n_waiting++;
        e->stats.n_submitted++;
        *e->inbox_end = r;
        e->inbox_end = &r->next;
        pthread_cond_signal(&e->wake);
    } else {
        e->stats.n_refused++;
        if (c) leave_client(e, c);
    }
    pthread_mutex_unlock(&e->lock);
    return st;
}

sumi_status sumi_engine_submit(sumi_engine *e, const sumi_request *given, uint64_t *id, sumi_error *err)
{
    sumi_request params = sumi_request_default();
    request *r = NULL;
    *id = 0;
    double now = clock_ms();
    sumi_status st = sized_take(&params, sizeof params, given, "sumi_request", err);
    if (st == SUMI_OK) st = request_create(&r, &params, &e->limits, err);
    if (st == SUMI_OK) st = check_fits(e, r, err);
    if (st == SUMI_OK && !event_reserve_end(r)) st = sumi_fail(err, SUMI_ENOMEM, "out of memory for a request");
    if (st == SUMI_OK) {
        r->submitted_ms = now;
        set_time_limits(r);
        if ((st = enqueue(e, r, params.client ? params.client : "", id, err)) == SUMI_OK) return SUMI_OK;
    } else {
        pthread_mutex_lock(&e->lock);
        e->stats.n_refused++;
        pthread_mutex_unlock(&e->lock);
    }
    request_destroy(r);
    return st;
}

void sumi_engine_cancel(sumi_engine *e, uint64_t id)
{
    pthread_mutex_lock(&e->lock);
    if (e->n_cancels == e->cap_cancels) {
        int32_t cap = e->cap_cancels ? 2 * e->cap_cancels : 64;
        uint64_t *cancels = realloc(e->cancels, (size_t)cap * sizeof *cancels);
        if (cancels) {
            e->cancels = cancels;
            e->cap_cancels = cap;
        }
    }
    if (e->n_cancels < e->cap_cancels) e->cancels[e->n_cancels++] = id;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
}

void sumi_engine_get_stats_sized(sumi_engine *e, sumi_engine_stats *stats, size_t size)
{
    pthread_mutex_lock(&e->lock);
    sized_give(stats, size, &e->stats, sizeof e->stats);
    pthread_mutex_unlock(&e->lock);
}

void sumi_engine_stop(sumi_engine *e, int64_t drain_ms)
{
    pthread_mutex_lock(&e->lock);
    double until = drain_ms < 0 ? -1 : clock_ms() + (double)drain_ms;
    if (!e->stopping || (until >= 0 && (e->drain_until_ms < 0 || until < e->drain_until_ms))) e->drain_until_ms = until;
    e->stopping = true;
    pthread_cond_signal(&e->wake);
    while (!e->stopped) pthread_cond_wait(&e->poll_cond, &e->lock);
    bool join = !e->joined;
    e->joined = true;
    pthread_mutex_unlock(&e->lock);
    if (join) pthread_join(e->thread, NULL);
}

void sumi_engine_destroy(sumi_engine *e)
{
    if (!e) return;
    sumi_engine_stop(e, 0);
    free_engine(e);
}

/* ---- The engine's thread ---- */

/* Frees the requests that ended in this step. */
static void free_ended(sumi_engine *e)
{
    while (e->ended) {
        request *r = e->ended;
        e->ended = r->next;
        pthread_mutex_lock(&e->lock);
        if (!r->left_queue) {
            e->n_waiting--;
            r->client->n_waiting--;
        }
        leave_client(e, r->client);
        pthread_mutex_unlock(&e->lock);
        request_destroy(r);
    }
}

static void publish_kv(const sumi_engine *e, sumi_engine_stats *s)
{
    kv_cache_stats k;
    kv_cache_get_stats(context_cache(e->ctx), &k);
    s->kv_block = KV_BLOCK;
    s->kv_blocks = k.n_blocks;
    s->kv_used = k.n_held;
    s->kv_cached = k.n_cached;
    s->kv_free = k.n_free;
    s->kv_shared = k.n_shared;
    s->kv_evicted = k.n_evicted;
    s->kv_bytes = e->ctx_info.kv_bytes;
    s->kv_waste = k.n_held ? (double)k.waste_bytes / ((double)k.n_held * (double)k.block_bytes) : 0;
    if (s->kv_used > s->kv_peak) s->kv_peak = s->kv_used;
}

static void publish(sumi_engine *e)
{
    sumi_engine_stats *s = &e->now;
    sched_counts counts;
    sched_get_counts(e->sched, &counts);
    s->n_running = counts.n_running;
    s->n_swapped = counts.n_swapped;
    s->n_seqs = counts.n_seqs;
    s->max_seqs = e->opts.max_seqs;
    s->n_ctx = e->ctx_info.n_ctx;
    s->n_threads = e->ctx_info.n_threads;
    s->token_budget = e->opts.token_budget;
    s->n_swapped_out = counts.n_swap_outs;
    s->n_recomputed = counts.n_recomputes;
    publish_kv(e, s);
    s->progress++;
    pthread_mutex_lock(&e->lock);
    s->n_submitted = e->stats.n_submitted;
    s->n_refused = e->stats.n_refused;
    s->n_waiting = counts.n_waiting;
    for (const request *r = e->inbox; r; r = r->next) s->n_waiting++;
    e->stats = *s;
    pthread_mutex_unlock(&e->lock);
}

static void accept(sumi_engine *e, request *inbox)
{
    while (inbox) {
        request *r = inbox;
        inbox = r->next;
        r->next = e->active;
        e->active = r;
        e->n_active++;
        r->client->sched.weight = r->params.weight;
        if (sched_add(e->sched, &r->sched)) continue;
        sumi_error err; /* sumi_engine_submit() checks tighter limits */
        sumi_fail(&err, SUMI_EBUSY, "too many requests");
        engine_end(e, r, SUMI_FINISH_REFUSED, &err);
    }
}

static void cancel(sumi_engine *e, const uint64_t *ids, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        for (request *r = e->active; r; r = r->next)
            if (r->id == ids[i]) {
                engine_end(e, r, SUMI_FINISH_CANCELLED, NULL);
                break;
            }
}

static void expire(sumi_engine *e)
{
    static const char *const names[] = {
        [SUMI_LIMIT_QUEUE] = "queue", [SUMI_LIMIT_FIRST_TOKEN] = "first token", [SUMI_LIMIT_TOTAL] = "total"
    };
    sumi_time_limit which;
    for (sched_req *s; (s = sched_expired(e->sched, clock_ms(), &which));) {
        request *r = (request *)s;
        sumi_error err;
        sumi_fail(&err, SUMI_ECANCELLED, "the time limit has passed: %s", names[which]);
        r->limit = which;
        engine_end(e, r, SUMI_FINISH_DEADLINE, &err);
    }
}

static void abort_all(sumi_engine *e)
{
    sumi_error err;
    sumi_fail(&err, SUMI_ECANCELLED, "the engine has stopped");
    while (e->active) {
        bool ran = e->active->sched.was_admitted;
        engine_end(e, e->active, ran ? SUMI_FINISH_CANCELLED : SUMI_FINISH_REFUSED, &err);
    }
}

/* Waits for new requests and cancellations, and takes them over. False: the thread is to end. */
static bool take_in(sumi_engine *e)
{
    pthread_mutex_lock(&e->lock);
    while (!e->inbox && !e->n_cancels && !e->stopping && e->n_active == 0) pthread_cond_wait(&e->wake, &e->lock);
    request *inbox = e->inbox;
    e->inbox = NULL;
    e->inbox_end = &e->inbox;
    uint64_t *cancels = e->cancels;
    int32_t n_cancels = e->n_cancels;
    e->cancels = NULL;
    e->n_cancels = e->cap_cancels = 0;
    bool stopping = e->stopping;
    double until = e->drain_until_ms;
    pthread_mutex_unlock(&e->lock);
    accept(e, inbox);
    cancel(e, cancels, n_cancels);
    free(cancels);
    return !stopping || (e->n_active > 0 && (until < 0 || clock_ms() < until));
}

static void *engine_main(void *arg)
{
    sumi_engine *e = arg;
    while (take_in(e)) {
        expire(e);
        if (e->n_active > 0) engine_step(e);
        free_ended(e);
        publish(e);
    }
    abort_all(e);
    free_ended(e);
    prefix_file_save(e);
    publish(e);
    pthread_mutex_lock(&e->lock);
    e->stopped = true;
    pthread_cond_broadcast(&e->poll_cond);
    pthread_mutex_unlock(&e->lock);
    return NULL;
}
