/* cmd_bench_serve.c - sumi bench serve: sends many requests to an engine, as clients would.
 *
 *   main thread      submits at the arrival times (Poisson), or when fewer than --concurrency requests are running; in
 *                    between it samples the engine's statistics
 *   engine's thread  the callback records the time of each token
 *
 * Prompts are random tokens. Answers are greedy and of a given length: end tokens do not end them. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/os/clock.h"
#include "cli/bench/print_serve_report.h"
#include "cli/cli.h"
#include "cli/options/args.h"
#include "cli/options/serving.h"
#include "cli/terminal/progress.h"
#include "cli/text_file.h"

enum {
    OPT_REQUESTS = 256,
    OPT_RATE,
    OPT_CONCURRENCY,
    OPT_PROMPT,
    OPT_GEN,
    OPT_SHARED,
    OPT_SEED,
    OPT_JSON,
    OPT_STATIC,
    OPT_NO_CHUNKING
};

typedef struct serve_args {
    common_options common;
    sumi_engine_opts engine;
    const char *model;
    lengths prompt, gen;
    int64_t requests, concurrency, shared, seed;
    float rate;
    bool json;
} serve_args;

static const struct argp_option options[] = {
    { "requests", OPT_REQUESTS, "N", 0, "Number of requests (200)", 0 },
    { "rate", OPT_RATE, "R", 0, "Requests arrive at random (Poisson process), R per second on average", 0 },
    { "concurrency", OPT_CONCURRENCY, "C", 0, "C requests are always running (16)", 0 },
    { "prompt-len", OPT_PROMPT, "D", 0, "Tokens of a prompt: N, uniform:A..B, lognormal:MEAN,SIGMA or file:PATH (128)",
      0 },
    { "gen-len", OPT_GEN, "D", 0, "Tokens of an answer (64)", 0 },
    { "shared-prefix", OPT_SHARED, "N", 0, "Length of a common beginning of all prompts, in tokens (0)", 0 },
    { "seed", OPT_SEED, "S", 0, "Seed of lengths, tokens and arrivals (0)", 0 },
    { "json", OPT_JSON, NULL, 0, "Print one JSON object", 0 },
    { "static-batching", OPT_STATIC, NULL, 0, "Baseline: batches that wait for their longest member", 0 },
    { "no-chunking", OPT_NO_CHUNKING, NULL, 0, "Baseline: every prompt in one step", 0 },
    { 0 },
};

static error_t parse_lengths(const struct argp_state *state, const char *option, const char *arg, lengths *out)
{
    sumi_error err;
    sumi_status st;
    char *text;
    size_t n_bytes;
    if (!strncmp(arg, "file:", 5)) {
        st = cli_read_text(arg + 5, 16 << 20, &text, &n_bytes, &err);
        if (st == SUMI_OK) {
            st = lengths_parse_list(out, arg + 5, text, &err);
            free(text);
        }
    } else st = lengths_parse(out, arg, &err);
    if (st == SUMI_ENOMEM) return ENOMEM;
    return st == SUMI_OK ? 0 : cli_mistake(state, "%s: %s", option, err.message);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    serve_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        state->child_inputs[1] = &a->engine;
        return 0;
    case OPT_REQUESTS: return cli_int(state, "--requests", arg, 1, 1 << 20, &a->requests);
    case OPT_RATE: return cli_float(state, "--rate", arg, 0.001f, 1e6f, &a->rate);
    case OPT_CONCURRENCY: return cli_int(state, "--concurrency", arg, 1, 1 << 20, &a->concurrency);
    case OPT_PROMPT: return parse_lengths(state, "--prompt-len", arg, &a->prompt);
    case OPT_GEN: return parse_lengths(state, "--gen-len", arg, &a->gen);
    case OPT_SHARED: return cli_int(state, "--shared-prefix", arg, 0, 1 << 20, &a->shared);
    case OPT_SEED: return cli_int(state, "--seed", arg, 0, INT64_MAX, &a->seed);
    case OPT_JSON: a->json = true; return 0;
    case OPT_STATIC: a->engine.static_batching = true; return 0;
    case OPT_NO_CHUNKING: a->engine.chunking = false; return 0;
    case ARGP_KEY_ARG: return cli_model_argument(state, arg, &a->model);
    case ARGP_KEY_END:
        if (a->rate > 0 && a->concurrency > 0) return cli_mistake(state, "--rate and --concurrency exclude each other");
        return a->model ? 0 : cli_mistake(state, "MODEL is missing");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    { &common_argp, 0, "Computing:", 10 },
    { &serving_argp, 0, "Serving:", 20 },
    { 0 },
};
static const struct argp argp = {
    options,
    parse,
    "MODEL",
    "Measure an engine under load: throughput, latencies, memory.\v"
    "Example:\n  sumi bench serve smollm2 --requests 100 --concurrency 16 --gen-len uniform:10..200\n",
    children,
    NULL,
    NULL
};

/* ---- The load ---- */

typedef struct driver {
    const serve_args *a;
    sumi_engine *engine;
    load load;
    pthread_mutex_t lock;
    pthread_cond_t told;
    int32_t n_over, n_sent;
    serve_samples samples;
    progress bar;
} driver;

/* The argument of the callback. */
typedef struct client {
    driver *d;
    load_request *r;
} client;

static bool on_event(void *user, const sumi_event *e)
{
    client *c = user;
    load_request *r = c->r;
    double now = clock_ms(), last = r->n_tokens ? r->token_ms[r->n_tokens - 1] : now;
    for (int32_t i = 0, n = e->piece.n_choices; i < n && r->n_tokens < r->n_gen; i++) {
        r->token_ms[r->n_tokens++] = last + (now - last) * (i + 1) / n; /* tokens that one step gave share its time */
        r->hash = (r->hash ^ (uint32_t)e->piece.choices[i].id) * 1099511628211u;
    }
    if (e->type != SUMI_EVENT_END) return true;
    pthread_mutex_lock(&c->d->lock);
    r->over = true;
    r->end_ms = now;
    r->finish = e->finish;
    r->usage = e->usage;
    c->d->n_over++;
    pthread_cond_signal(&c->d->told);
    pthread_mutex_unlock(&c->d->lock);
    return true;
}

static sumi_status send_request(driver *d, client *clients, int32_t i, int32_t *ids, sumi_error *err)
{
    load_request *q = &d->load.requests[i];
    sumi_request r = sumi_request_default();
    uint64_t id;
    load_prompt(&d->load, i, ids);
    clients[i] = (client){ d, q };
    r.ids = ids;
    r.n_ids = q->n_prompt;
    r.sampling.temperature = 0;
    r.sampling.skip_logprob = true;
    r.max_tokens = q->n_gen;
    r.ignore_eos = true;
    r.on_event = on_event;
    r.user = &clients[i];
    q->submitted_ms = clock_ms();
    return sumi_engine_submit(d->engine, &r, &id, err);
}

/* Waits for an event, at most until the next arrival or the next sample of the statistics. Returns the number of ended
 * requests. */
static int32_t wait_some(driver *d, double next_ms)
{
    double until = clock_ms() + d->samples.interval_ms / 2;
    if (next_ms < until) until = next_ms;
    struct timespec t = { (time_t)(until / 1000), (long)((until - (double)(time_t)(until / 1000) * 1000) * 1e6) };
    sumi_engine_stats stats;
    pthread_mutex_lock(&d->lock);
    pthread_cond_timedwait(&d->told, &d->lock, &t);
    int32_t n_over = d->n_over;
    pthread_mutex_unlock(&d->lock);
    sumi_engine_get_stats(d->engine, &stats);
    serve_sample(&d->samples, clock_ms(), &stats);
    progress_show(&d->bar, n_over, "");
    return n_over;
}

static sumi_status drive(driver *d, double start_ms, sumi_error *err)
{
    int32_t n_over = 0, longest = 1;
    sumi_status st = SUMI_OK;
    for (int32_t i = 0; i < d->load.n; i++)
        if (d->load.requests[i].n_prompt > longest) longest = d->load.requests[i].n_prompt;
    client *clients = calloc((size_t)d->load.n, sizeof *clients);
    int32_t *ids = calloc((size_t)longest, sizeof *ids);
    if (!clients || !ids) st = sumi_fail(err, SUMI_ENOMEM, "out of memory for %d requests", d->load.n);
    while (st == SUMI_OK && n_over < d->load.n) {
        double next_ms = start_ms + 1e12;
        while (st == SUMI_OK && d->n_sent < d->load.n) {
            double due = start_ms + d->load.requests[d->n_sent].arrival_ms;
            bool now = d->a->rate > 0 ? clock_ms() >= due : d->n_sent - n_over < d->a->concurrency;
            next_ms = d->a->rate > 0 ? due : next_ms;
            if (!now) break;
            st = send_request(d, clients, d->n_sent++, ids, err);
        }
        if (st == SUMI_OK) n_over = wait_some(d, next_ms);
    }
    sumi_engine_stop(d->engine, 0); /* no callback runs after this */
    free(clients);
    free(ids);
    return st;
}

/* The first steps touch memory for the first time, so they are not measured. */
static sumi_status warm_up(driver *d, sumi_engine_stats *before, sumi_error *err)
{
    int32_t ids[64];
    uint64_t id;
    sumi_request r = sumi_request_default();
    for (int32_t i = 0; i < 64; i++) ids[i] = i % d->load.n_vocab;
    r.ids = ids;
    r.n_ids = d->load.requests[0].n_prompt < 64 ? d->load.requests[0].n_prompt : 64;
    r.max_tokens = 8;
    r.ignore_eos = true;
    r.client = "warm-up";
    sumi_status st = sumi_engine_submit(d->engine, &r, &id, err);
    for (bool over = false; st == SUMI_OK && !over;) {
        sumi_event *e = sumi_engine_poll(d->engine, -1);
        over = !e || e->type == SUMI_EVENT_END;
        sumi_event_free(e);
    }
    sumi_engine_get_stats(d->engine, before);
    return st;
}

static void subtract(sumi_engine_stats *s, const sumi_engine_stats *before)
{
    s->n_steps -= before->n_steps;
    s->n_step_seqs -= before->n_step_seqs;
    s->n_prompt_tokens -= before->n_prompt_tokens;
    s->n_decode_tokens -= before->n_decode_tokens;
    s->n_hit_tokens -= before->n_hit_tokens;
}

static sumi_status report(const serve_args *a, const serve_result *r, sumi_error *err)
{
    if (!a->json) return print_serve_report(r) ? SUMI_OK : sumi_fail(err, SUMI_ENOMEM, "out of memory for the report");
    return cli_write_json(serve_report_json(r), JSON_INDENT(2) | JSON_REAL_PRECISION(6), err);
}

static sumi_status measure(driver *d, const sumi_model_info *info, sumi_error *err)
{
    const serve_args *a = d->a;
    sumi_engine_stats before, stats;
    sumi_engine_get_stats(d->engine, &stats);
    sumi_status st = load_create(&d->load, (int32_t)a->requests, (uint64_t)a->seed, &a->prompt, &a->gen,
                                 (int32_t)a->shared, (double)a->rate, stats.n_ctx, info->n_vocab, err);
    if (st == SUMI_OK) st = warm_up(d, &before, err);
    d->bar = progress_start("bench serve", a->requests);
    double start = clock_ms();
    if (st == SUMI_OK) st = drive(d, start, err);
    progress_end(&d->bar);
    if (st != SUMI_OK) return st;
    serve_result r = { .model = a->model,
                       .isa = info->isa,
                       .load = &d->load,
                       .samples = &d->samples,
                       .start_ms = start,
                       .rate = (double)a->rate,
                       .concurrency = (int32_t)a->concurrency,
                       .opts = &a->engine };
    for (int32_t i = 0; i < d->load.n; i++)
        if (d->load.requests[i].end_ms > r.end_ms) r.end_ms = d->load.requests[i].end_ms;
    sumi_engine_get_stats(d->engine, &r.stats);
    subtract(&r.stats, &before);
    return report(a, &r, err);
}

static sumi_status run(serve_args *a, sumi_error *err)
{
    sumi_model *m;
    sumi_model_info info;
    driver d = { .a = a, .samples = { .interval_ms = 20 } };
    sumi_status st = cli_open_decoder(&m, a->model, &a->common, err);
    if (st != SUMI_OK) return st;
    sumi_model_get_info(m, &info);
    serving_take_common(&a->engine, &a->common);
    a->engine.max_queue = (int32_t)a->requests + 1;
    if (!(a->rate > 0) && a->concurrency == 0) a->concurrency = 16;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d.told, &attr);
    pthread_mutex_init(&d.lock, NULL);
    if ((st = sumi_engine_create(&d.engine, m, &a->engine, err)) == SUMI_OK) st = measure(&d, &info, err);
    sumi_engine_destroy(d.engine);
    load_destroy(&d.load);
    pthread_mutex_destroy(&d.lock);
    pthread_cond_destroy(&d.told);
    pthread_condattr_destroy(&attr);
    sumi_model_close(m);
    return st;
}

int cmd_bench_serve(int argc, char **argv)
{
    serve_args a = { .common = common_options_default(),
                     .engine = sumi_engine_opts_default(),
                     .prompt = { .a = 128 },
                     .gen = { .a = 64 },
                     .requests = 200 };
    sumi_error err;
    int code = EXIT_USAGE;
    if (cli_parse(&argp, argc, argv, &a)) code = run(&a, &err) == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
    lengths_deinit(&a.prompt);
    lengths_deinit(&a.gen);
    return code;
}
