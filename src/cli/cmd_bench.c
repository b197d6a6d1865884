/* cmd_bench.c - sumi bench: prompt and decode speed of a model on this machine.
 *
 *   prompt   a sequence of N random tokens, from an empty cache to the logits of the last one
 *   decode   B sequences with prompts of different lengths (half to whole of --prefill-len), then --gen steps of B
 *            tokens; the figure is the total of all sequences
 *
 * Tokens are random and nothing is sampled, as in llama-bench. Each figure is the median of --reps runs. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/ids.h"
#include "cli/options.h"
#include "cli/progress.h"

#define MAX_REPS  1000
#define MAX_BATCH 4096

enum { OPT_PROMPT = 256, OPT_GEN, OPT_BATCH, OPT_PREFILL, OPT_REPS, OPT_JSON };

typedef struct bench_args {
    common_options common;
    const char *model;
    int32_t *prompts, n_prompts, *batches, n_batches;
    int64_t gen, prefill_len, reps;
    bool json;
} bench_args;

static const struct argp_option options[] = {
    { "prompt", OPT_PROMPT, "N[,N]", 0, "Prompt lengths to measure (512)", 0 },
    { "gen", OPT_GEN, "N", 0, "Decode steps (64)", 0 },
    { "batch", OPT_BATCH, "B[,B]", 0, "Sequences that decode together (1,8,32)", 0 },
    { "prefill-len", OPT_PREFILL, "N", 0, "Longest prompt of a decoding sequence (128)", 0 },
    { "reps", OPT_REPS, "N", 0, "Runs for each figure; their median counts (5)", 0 },
    { "json", OPT_JSON, NULL, 0, "Print one JSON object", 0 },
    { 0 },
};

static error_t parse_list(const struct argp_state *state, const char *option, const char *arg, int32_t high,
                          int32_t **out, int32_t *n)
{
    sumi_error err;
    free(*out);
    if (cli_parse_ids(arg, 1, high, out, n, &err) != SUMI_OK) return cli_mistake(state, "%s: %s", option, err.message);
    return *n ? 0 : cli_mistake(state, "%s: no numbers", option);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    bench_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->common; return 0;
    case OPT_PROMPT: return parse_list(state, "--prompt", arg, 1 << 20, &a->prompts, &a->n_prompts);
    case OPT_GEN: return cli_int(state, "--gen", arg, 1, 1 << 20, &a->gen);
    case OPT_BATCH: return parse_list(state, "--batch", arg, MAX_BATCH, &a->batches, &a->n_batches);
    case OPT_PREFILL: return cli_int(state, "--prefill-len", arg, 2, 1 << 20, &a->prefill_len);
    case OPT_REPS: return cli_int(state, "--reps", arg, 1, MAX_REPS, &a->reps);
    case OPT_JSON: a->json = true; return 0;
    case ARGP_KEY_ARG: return cli_model_argument(state, arg, &a->model);
    case ARGP_KEY_END: return a->model ? 0 : cli_mistake(state, "MODEL is missing");
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = { { &common_argp, 0, "Computing:", 10 }, { 0 } };
static const struct argp argp = { options, parse, "MODEL",
    "Measure prompt and decode speed.\v"
    "Example:\n  sumi bench smollm2 -t 2 --prompt 512 --batch 1,8,32\n",
    children, NULL, NULL };

typedef struct bench {
    const bench_args *a;
    sumi_context *ctx;
    sumi_model_info info;
    sumi_context_info ctx_info;
    sumi_error *err;
    uint64_t n_ids; /* random tokens drawn so far */
    progress bar;
    int64_t done;
} bench;

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
    double runs[MAX_REPS];
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
    double start = clock_ms();
    status = fill_sequence(b, seq, n_tokens);
    *ms = clock_ms() - start;
    sumi_seq_close(b->ctx, seq);
    return status;
}

static sumi_status measure_decode(bench *b, int32_t n_seqs, double *ms)
{
    sumi_span spans[MAX_BATCH];
    int32_t ids[MAX_BATCH], seqs[MAX_BATCH], n_open = 0;
    int64_t longest = b->a->prefill_len;
    sumi_status status = SUMI_OK;
    for (; n_open < n_seqs && status == SUMI_OK; n_open++) {
        if ((status = sumi_seq_open(b->ctx, &seqs[n_open], b->err))) break;
        int64_t n = n_seqs == 1 ? longest : longest - longest / 2 * n_open / (n_seqs - 1);
        status = fill_sequence(b, seqs[n_open], (int32_t)n);
        spans[n_open] = (sumi_span){ seqs[n_open], 1, &ids[n_open], SUMI_WANT_LAST };
    }
    double start = clock_ms();
    for (int64_t i = 0; i < b->a->gen && status == SUMI_OK; i++) {
        random_ids(b, ids, n_seqs);
        status = sumi_step(b->ctx, spans, n_seqs, b->err);
    }
    *ms = clock_ms() - start;
    for (int32_t i = 0; i < n_open; i++) sumi_seq_close(b->ctx, seqs[i]);
    return status;
}

static int32_t largest(const int32_t *v, int32_t n)
{
    int32_t max = 0;
    for (int32_t i = 0; i < n; i++) max = v[i] > max ? v[i] : max;
    return max;
}

static sumi_status open_context(bench *b, sumi_model *m)
{
    const bench_args *a = b->a;
    sumi_context_opts opts = a->common.context;
    int32_t longest = largest(a->prompts, a->n_prompts), most = largest(a->batches, a->n_batches);
    int64_t decode_len = a->prefill_len + a->gen;
    int64_t n_ctx = longest > decode_len ? longest : decode_len, n_tokens = decode_len * most;
    if (!opts.n_ctx) opts.n_ctx = (int32_t)n_ctx;
    opts.max_seqs = most;
    opts.max_batch_tokens = most > 512 ? most : 512;
    opts.max_logit_rows = most;
    if (!opts.kv_bytes) { /* all sequences at their full length, each with a block that is partly empty */
        int64_t tokens = (n_tokens > n_ctx ? n_tokens : n_ctx) + 16 * (int64_t)most;
        opts.kv_bytes = (size_t)tokens * (size_t)b->info.n_layers * (size_t)b->info.n_kv_heads *
                        (size_t)b->info.head_dim * 4;
    }
    sumi_status status = sumi_context_create(&b->ctx, m, &opts, b->err);
    if (status == SUMI_OK) sumi_context_get_info(b->ctx, &b->ctx_info);
    return status;
}

/* One figure into the table or the JSON list. */
static void report(bench *b, json_t *list, const char *key, int32_t n, int64_t n_tokens, int64_t n_steps, double ms)
{
    double rate = (double)n_tokens * 1000 / ms;
    double gbs = (double)n_steps * (double)b->info.weight_bytes / ms * 1e-6; /* weights are read once in a step */
    json_array_append_new(list, json_pack("{s:i, s:f, s:f, s:f}", key, n, "tokens_per_s", rate, "ms_per_step",
                                          ms / (double)n_steps, "weight_gb_per_s", gbs));
    if (b->a->json) return;
    if (b->bar.on) fputs("\r\033[K", stderr);
    printf("  %-8s %6d %12.1f %12.2f %10.1f\n", strcmp(key, "batch") ? "prompt" : "decode", n, rate,
           ms / (double)n_steps, gbs);
    fflush(stdout);
}

static sumi_status run_all(bench *b, json_t *prompts, json_t *decodes)
{
    const bench_args *a = b->a;
    sumi_status status = SUMI_OK;
    double ms;
    if (!a->json)
        printf("%s: %d threads, %s\n\n  %-8s %6s %12s %12s %10s\n", a->model, b->ctx_info.n_threads, b->info.isa, "what",
               "n", "tokens/s", "ms/step", "GB/s");
    for (int32_t i = 0; i < a->n_prompts && status == SUMI_OK; i++) {
        int32_t n = a->prompts[i], batch = b->ctx_info.max_batch_tokens;
        if ((status = median_of(b, measure_prompt, n, &ms)) == SUMI_OK)
            report(b, prompts, "n_tokens", n, n, (n + batch - 1) / batch, ms);
    }
    for (int32_t i = 0; i < a->n_batches && status == SUMI_OK; i++) {
        int32_t n = a->batches[i];
        if ((status = median_of(b, measure_decode, n, &ms)) == SUMI_OK)
            report(b, decodes, "batch", n, n * a->gen, a->gen, ms);
    }
    return status;
}

static sumi_status run_bench(const bench_args *a, sumi_model *m, sumi_error *err)
{
    bench b = { .a = a, .err = err, .bar = progress_start("bench", (a->n_prompts + a->n_batches) * a->reps) };
    json_t *prompts = json_array(), *decodes = json_array();
    sumi_model_get_info(m, &b.info);
    sumi_status status = open_context(&b, m);
    if (status == SUMI_OK) status = run_all(&b, prompts, decodes);
    progress_end(&b.bar);
    json_t *all = json_pack("{s:s, s:s, s:i, s:s, s:I, s:i, s:i, s:i, s:o, s:o}", "model", a->model, "architecture",
                            b.info.architecture, "threads", b.ctx_info.n_threads, "isa", b.info.isa, "weight_bytes",
                            (json_int_t)b.info.weight_bytes, "gen", (int)a->gen, "prefill_len", (int)a->prefill_len,
                            "reps", (int)a->reps, "prompt", prompts, "decode", decodes);
    if (status == SUMI_OK && a->json) {
        json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        putchar('\n');
    }
    json_decref(all);
    sumi_context_destroy(b.ctx);
    return status;
}

int cmd_bench(int argc, char **argv)
{
    bench_args a = { .common = common_options_default(), .gen = 64, .prefill_len = 128, .reps = 5 };
    sumi_error err;
    sumi_model *m = NULL;
    sumi_status status = cli_parse_ids("512", 1, 512, &a.prompts, &a.n_prompts, &err);
    if (status == SUMI_OK) status = cli_parse_ids("1 8 32", 1, 32, &a.batches, &a.n_batches, &err);
    int code = EXIT_USAGE;
    if (status == SUMI_OK && cli_parse(&argp, argc, argv, &a)) {
        status = cli_open_model(&m, a.model, &a.common, &err);
        if (status == SUMI_OK) status = run_bench(&a, m, &err);
        code = status == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
    }
    sumi_model_close(m);
    free(a.prompts);
    free(a.batches);
    return code;
}
