/* bench_model.c - sumi bench MODEL: prompt and decode speed, and how near they come to what the machine can do.
 *
 *   prompt   a sequence of N random tokens, from an empty cache to the logits of the last one
 *   decode   B sequences with prompts of different lengths (half to whole of --prefill-len), then --gen steps of B
 *            tokens; the figure is the total of all sequences
 *   rows     M tokens of one sequence after --prefill-len others, each with logits, in --gen steps of which nothing is
 *            kept: what checking M - 1 drafted tokens costs
 *
 * Tokens are random and nothing is sampled, as in llama-bench. Each figure is the median of --reps runs. What a run had
 * to read and to multiply is counted from the sizes of the model (bench/cost.h), and the experts that it read by the
 * backend. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/os/clock.h"
#include "base/rng.h"
#include "bench/cost.h"
#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "cli/terminal/progress.h"
#include "engine/context.h"
#include "engine/sumi_model.h"

#define LEAST_MS 1e-6 /* a clock that did not move is not divided by */

typedef struct bench {
    const bench_args *a;
    sumi_model *m;
    sumi_context *ctx;
    sumi_model_info info;
    sumi_context_info ctx_info;
    model_cost cost;
    bench_limits limits;
    double load_ms;
    sumi_error *err;
    uint64_t n_ids;        /* random tokens drawn so far */
    uint64_t expert_bytes; /* read in the last run, which random tokens decide */
    progress bar;
    int64_t done;
} bench;

/* What a run must do at least. */
typedef struct work {
    int64_t n_tokens, n_steps;
    double bytes, int8_ops, f32_ops;
} work;

static void add_step(const bench *b, work *w, int64_t n_tokens, int64_t n_rows)
{
    const matrix_cost *l = &b->cost.layers, *o = &b->cost.output, *e = &b->cost.experts;
    w->n_tokens += n_tokens;
    w->n_steps++;
    w->bytes += (double)l->bytes + (n_rows ? (double)o->bytes : 0);
    w->int8_ops += 2 * ((double)n_tokens * (double)(l->n_int8 + e->n_int8) + (double)n_rows * (double)o->n_int8);
    w->f32_ops += 2 * ((double)n_tokens * (double)(l->n_f32 + e->n_f32) + (double)n_rows * (double)o->n_f32);
}

static void add_kv(const bench *b, work *w, int64_t n_seen)
{
    w->bytes += (double)model_kv_bytes(b->m->weights, n_seen);
}

static work prompt_work(const bench *b, int32_t n_tokens)
{
    work w = { .bytes = (double)b->expert_bytes };
    for (int32_t done = 0, n; done < n_tokens; done += n) {
        n = n_tokens - done < b->ctx_info.max_batch_tokens ? n_tokens - done : b->ctx_info.max_batch_tokens;
        add_step(b, &w, n, done + n == n_tokens);
        add_kv(b, &w, done + n);
    }
    return w;
}

/* Sequence i of n starts with this many tokens: lengths differ as they do among users. */
static int64_t prefill_len(const bench *b, int32_t i, int32_t n)
{
    int64_t longest = b->a->prefill_len;
    return n == 1 ? longest : longest - longest / 2 * i / (n - 1);
}

static work decode_work(const bench *b, int32_t n_seqs)
{
    work w = { .bytes = (double)b->expert_bytes };
    for (int64_t step = 0; step < b->a->gen; step++) {
        add_step(b, &w, n_seqs, n_seqs);
        for (int32_t i = 0; i < n_seqs; i++) add_kv(b, &w, prefill_len(b, i, n_seqs) + step + 1);
    }
    return w;
}

static work rows_work(const bench *b, int32_t n_rows)
{
    work w = { .bytes = (double)b->expert_bytes };
    for (int64_t step = 0; step < b->a->gen; step++) {
        add_step(b, &w, n_rows, n_rows);
        add_kv(b, &w, b->a->prefill_len + n_rows);
    }
    return w;
}

static void random_ids(bench *b, int32_t *ids, int32_t n)
{
    for (int32_t i = 0; i < n; i++) ids[i] = (int32_t)(rng_uniform(0, 0, b->n_ids++) * b->info.n_vocab);
}

static sumi_status fill_sequence(bench *b, int32_t seq, int32_t n)
{
    int32_t *ids = calloc((size_t)n, sizeof *ids);
    if (!ids) return sumi_fail(b->err, SUMI_ENOMEM, "out of memory");
    random_ids(b, ids, n);
    sumi_status status = sumi_prefill(b->ctx, seq, ids, n, b->err);
    free(ids);
    return status;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Runs measure() reps times, after one run that warms caches, and takes the median; *ms is one run's time. */
static sumi_status median_of(bench *b, sumi_status (*measure)(bench *b, int32_t n, double *ms), int32_t n, double *ms)
{
    double runs[BENCH_MAX_REPS];
    sumi_status status = measure(b, n, &runs[0]);
    for (int64_t i = 0; i < b->a->reps && status == SUMI_OK; i++) {
        status = measure(b, n, &runs[i]);
        progress_show(&b->bar, ++b->done, "");
    }
    qsort(runs, (size_t)b->a->reps, sizeof *runs, by_value);
    *ms = runs[b->a->reps / 2];
    return status;
}

static sumi_status measure_prompt(bench *b, int32_t n_tokens, double *ms)
{
    int32_t seq;
    sumi_status status = sumi_seq_open(b->ctx, &seq, b->err);
    if (status != SUMI_OK) return status;
    uint64_t read_before = context_expert_bytes(b->ctx);
    double start = clock_ms();
    status = fill_sequence(b, seq, n_tokens);
    *ms = clock_ms() - start;
    b->expert_bytes = context_expert_bytes(b->ctx) - read_before;
    sumi_seq_close(b->ctx, seq);
    return status;
}

static sumi_status measure_decode(bench *b, int32_t n_seqs, double *ms)
{
    sumi_span spans[BENCH_MAX_BATCH];
    int32_t ids[BENCH_MAX_BATCH], seqs[BENCH_MAX_BATCH], n_open = 0;
    sumi_status status = SUMI_OK;
    for (; n_open < n_seqs && status == SUMI_OK; n_open++) {
        if ((status = sumi_seq_open(b->ctx, &seqs[n_open], b->err))) break;
        status = fill_sequence(b, seqs[n_open], (int32_t)prefill_len(b, n_open, n_seqs));
        spans[n_open] = (sumi_span){ seqs[n_open], 1, &ids[n_open], SUMI_WANT_LAST };
    }
    uint64_t read_before = context_expert_bytes(b->ctx);
    double start = clock_ms();
    for (int64_t i = 0; i < b->a->gen && status == SUMI_OK; i++) {
        random_ids(b, ids, n_seqs);
        status = sumi_step(b->ctx, spans, n_seqs, b->err);
    }
    *ms = clock_ms() - start;
    b->expert_bytes = context_expert_bytes(b->ctx) - read_before;
    for (int32_t i = 0; i < n_open; i++) sumi_seq_close(b->ctx, seqs[i]);
    return status;
}

static sumi_status measure_rows(bench *b, int32_t n_rows, double *ms)
{
    int32_t seq, *ids = calloc((size_t)n_rows, sizeof *ids);
    if (!ids) return sumi_fail(b->err, SUMI_ENOMEM, "out of memory");
    sumi_status status = sumi_seq_open(b->ctx, &seq, b->err);
    if (status == SUMI_OK) {
        status = fill_sequence(b, seq, (int32_t)b->a->prefill_len);
        uint64_t read_before = context_expert_bytes(b->ctx);
        double start = clock_ms();
        for (int64_t i = 0; i < b->a->gen && status == SUMI_OK; i++) {
            random_ids(b, ids, n_rows);
            status = context_forward(b->ctx, &(sumi_span){ seq, n_rows, ids, SUMI_WANT_ALL }, 1, b->err);
            if (status == SUMI_OK) context_keep(b->ctx, seq, 0);
        }
        *ms = clock_ms() - start;
        b->expert_bytes = context_expert_bytes(b->ctx) - read_before;
        sumi_seq_close(b->ctx, seq);
    }
    free(ids);
    return status;
}

static int32_t largest(const int32_t *v, int32_t n)
{
    int32_t max = 0;
    for (int32_t i = 0; i < n; i++) max = v[i] > max ? v[i] : max;
    return max;
}

static sumi_status open_context(bench *b)
{
    const bench_args *a = b->a;
    sumi_context_opts opts = a->common.context;
    int32_t longest = largest(a->prompts, a->n_prompts), most = largest(a->batches, a->n_batches),
            most_rows = largest(a->rows, a->n_rows);
    int64_t decode_len = most ? a->prefill_len + a->gen : 0;
    if (most_rows && decode_len < a->prefill_len + most_rows) decode_len = a->prefill_len + most_rows;
    if (!most) most = 1; /* prompts alone */
    int64_t n_ctx = longest > decode_len ? longest : decode_len, n_tokens = decode_len * most;
    if (!opts.n_ctx) opts.n_ctx = (int32_t)n_ctx;
    opts.max_seqs = most;
    if (most_rows < most) most_rows = most;
    opts.max_batch_tokens = most_rows > 512 ? most_rows : 512;
    opts.max_logit_rows = most_rows;
    if (!opts.kv_bytes) { /* all sequences at their full length, each with a block that is partly empty */
        int64_t tokens = (n_tokens > n_ctx ? n_tokens : n_ctx) + KV_BLOCK * (int64_t)most;
        kv_layout layout;
        model_kv_layout(b->m->weights, &layout);
        opts.kv_bytes = (size_t)tokens * kv_token_bytes(&layout);
    }
    sumi_status status = sumi_context_create(&b->ctx, b->m, &opts, b->err);
    if (status == SUMI_OK) sumi_context_get_info(b->ctx, &b->ctx_info);
    return status;
}

/* The least time that the work's arithmetic can take, as a share of ms; below 0: not known. */
static double share_of_gops(const bench *b, const work *w, double ms)
{
    const bench_limits *l = &b->limits;
    if ((w->int8_ops > 0 && l->int8_gops <= 0) || (w->f32_ops > 0 && l->f32_gops <= 0)) return -1;
    double least_ms = (w->int8_ops > 0 ? w->int8_ops / l->int8_gops : 0) +
                      (w->f32_ops > 0 ? w->f32_ops / l->f32_gops : 0);
    return least_ms * 1e-6 / ms;
}

static json_t *share(double value)
{
    return value < 0 ? json_null() : json_real(value);
}

static void print_share(double value)
{
    if (value < 0) printf(" %8s", "-");
    else printf(" %7.1f%%", value * 100);
}

/* A kind of figure: its name in the table, and what its number n is called in JSON. */
typedef struct figure {
    const char *name, *key;
} figure;

/* One figure into the table or the JSON list. cost: of a step, relative to the first one of its kind; 0: not shown. */
static void report(bench *b, json_t *list, figure f, int32_t n, const work *w, double ms, double cost)
{
    ms = ms > LEAST_MS ? ms : LEAST_MS;
    double rate = (double)w->n_tokens * 1000 / ms, gbs = w->bytes / ms * 1e-6,
           gops = (w->int8_ops + w->f32_ops) / ms * 1e-6;
    double of_read = b->limits.read_gbs > 0 ? gbs / b->limits.read_gbs : -1, of_gops = share_of_gops(b, w, ms);
    double ms_per_step = ms / (double)w->n_steps, per_token = w->bytes / (double)w->n_tokens;
    json_t *o = json_pack("{s:i, s:f, s:f, s:f, s:f, s:f, s:o, s:o}", f.key, n, "tokens_per_s", rate, "ms_per_step",
                          ms_per_step, "bytes_per_token", per_token, "gb_per_s", gbs, "gops", gops,
                          "share_of_bandwidth", share(of_read), "share_of_gops", share(of_gops));
    if (cost > 0) json_object_set_new(o, "cost", json_real(cost));
    json_array_append_new(list, o);
    if (b->a->json) return;
    if (b->bar.on) fputs("\r\033[K", stderr);
    printf("  %-6s %6d %9.1f %8.2f %9.2f %7.1f", f.name, n, rate, ms_per_step, per_token * 1e-6, gbs);
    print_share(of_read);
    printf(" %8.1f", gops);
    print_share(of_gops);
    if (cost > 0) printf(" %6.2f", cost);
    putchar('\n');
    fflush(stdout);
}

static double load_gbs(const bench *b)
{
    return (double)b->info.weight_bytes / (b->load_ms > LEAST_MS ? b->load_ms : LEAST_MS) * 1e-6;
}

static void print_header(const bench *b)
{
    const bench_limits *l = &b->limits;
    printf("%s:\n%d threads, %s; loaded in %.0f ms, %.2f GB/s\n", b->a->model, b->ctx_info.n_threads, b->info.isa,
           b->load_ms, load_gbs(b));
    if (l->read_gbs > 0) printf("limits of this machine: DRAM %.1f GB/s", l->read_gbs);
    if (l->int8_gops > 0) printf(", int8 %.0f GOPS", l->int8_gops);
    if (l->f32_gops > 0) printf(", float32 %.0f GOPS", l->f32_gops);
    printf("%s\n  %-6s %6s %9s %8s %9s %7s %8s %8s %8s%s\n", l->read_gbs > 0 ? "\n" : "", "what", "n", "tokens/s",
           "ms/step", "MB/token", "GB/s", "of DRAM", "GOPS", "of peak", b->a->n_rows ? "   cost" : "");
}

static sumi_status run_all(bench *b, json_t *prompts, json_t *decodes, json_t *rows)
{
    const bench_args *a = b->a;
    sumi_status status = SUMI_OK;
    double ms, first_ms = 0;
    if (!a->json) print_header(b);
    for (int32_t i = 0; i < a->n_prompts && status == SUMI_OK; i++) {
        if ((status = median_of(b, measure_prompt, a->prompts[i], &ms)) != SUMI_OK) break;
        work w = prompt_work(b, a->prompts[i]);
        report(b, prompts, (figure){ "prompt", "n_tokens" }, a->prompts[i], &w, ms, 0);
    }
    for (int32_t i = 0; i < a->n_batches && status == SUMI_OK; i++) {
        if ((status = median_of(b, measure_decode, a->batches[i], &ms)) != SUMI_OK) break;
        work w = decode_work(b, a->batches[i]);
        report(b, decodes, (figure){ "decode", "batch" }, a->batches[i], &w, ms, 0);
    }
    for (int32_t i = 0; i < a->n_rows && status == SUMI_OK; i++) {
        if ((status = median_of(b, measure_rows, a->rows[i], &ms)) != SUMI_OK) break;
        work w = rows_work(b, a->rows[i]);
        if (i == 0) first_ms = ms > LEAST_MS ? ms : LEAST_MS;
        report(b, rows, (figure){ "rows", "rows" }, a->rows[i], &w, ms, ms / first_ms);
    }
    return status;
}

static json_t *limits_json(const bench_limits *l)
{
    if (l->read_gbs <= 0) return json_null();
    return json_pack("{s:f, s:o, s:o}", "read_gb_per_s", l->read_gbs, "int8_gops",
                     share(l->int8_gops > 0 ? l->int8_gops : -1), "f32_gops",
                     share(l->f32_gops > 0 ? l->f32_gops : -1));
}

static json_t *result_json(const bench *b, json_t *prompts, json_t *decodes, json_t *rows)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:I, s:{s:f, s:f}, s:o, s:i, s:i, s:i, s:o, s:o, s:o}", "model", b->a->model,
                     "architecture", b->info.architecture, "threads", b->ctx_info.n_threads, "isa", b->info.isa,
                     "weight_bytes", (json_int_t)b->info.weight_bytes, "load", "ms", b->load_ms, "gb_per_s",
                     load_gbs(b), "limits", limits_json(&b->limits), "gen", (int)b->a->gen, "prefill_len",
                     (int)b->a->prefill_len, "reps", (int)b->a->reps, "prompt", prompts, "decode", decodes, "rows",
                     rows);
}

static sumi_status run(bench *b, bench_args *a)
{
    double start = clock_ms();
    sumi_status status = cli_open_decoder(&b->m, a->model, &a->common, b->err);
    if (status != SUMI_OK) return status;
    b->load_ms = clock_ms() - start;
    sumi_model_get_info(b->m, &b->info);
    b->cost = model_cost_of(b->m->weights);
    if ((status = open_context(b))) return status;
    if (!a->no_limits) status = bench_measure_limits(&b->limits, b->info.isa, b->ctx_info.n_threads, b->err);
    if (status != SUMI_OK) return status;
    b->bar = progress_start("bench", (a->n_prompts + a->n_batches + a->n_rows) * a->reps);
    json_t *prompts = json_array(), *decodes = json_array(), *rows = json_array();
    status = run_all(b, prompts, decodes, rows);
    progress_end(&b->bar);
    json_t *all = result_json(b, prompts, decodes, rows);
    if (status == SUMI_OK && a->json) return cli_write_json(all, JSON_INDENT(2) | JSON_REAL_PRECISION(6), b->err);
    json_decref(all);
    return status;
}

int bench_model(bench_args *a)
{
    sumi_error err;
    bench b = { .a = a, .err = &err };
    sumi_status status = run(&b, a);
    sumi_context_destroy(b.ctx);
    sumi_model_close(b.m);
    return status == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
}
