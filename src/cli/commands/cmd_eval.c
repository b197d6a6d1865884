/* cmd_eval.c - sumi eval perplexity: measures how well a model predicts a text.
 *
 * The text is cut into windows of --ctx tokens that do not overlap, each computed from an empty context:
 *
 *   window   |BOS t0 t1 ... |BOS t511 ... |      if the model file asks for BOS (then it takes one of the ctx places)
 *   window   |t0 t1 ... t511|t512 ...     |      otherwise; the first token of a window has no prediction
 *
 *   perplexity = exp( - mean over all predicted tokens of log p(token | the tokens before it in its window) )
 *
 * A last window with fewer tokens counts as well. This is the usual measure of Hugging Face's documentation with a
 * stride of one window; llama.cpp scores only the second half of each window, so its figures are lower. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/os/clock.h"
#include "cli/cli.h"
#include "cli/options/args.h"
#include "cli/options/options.h"
#include "cli/terminal/progress.h"
#include "cli/text_file.h"

#define CHUNK 64 /* tokens in a step: each has a row of logits */

typedef struct eval_args {
    common_options common;
    const char *what, *model, *file;
    int64_t window, max_windows;
    bool json;
} eval_args;

enum { OPT_WINDOWS = 256, OPT_JSON };

static const struct argp_option options[] = {
    { "file", 'f', "FILE", 0, "The text; - is standard input", 0 },
    { "windows", OPT_WINDOWS, "N", 0, "Stop after N windows", 0 },
    { "json", OPT_JSON, NULL, 0, "Print only the JSON object", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    eval_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->common; return 0;
    case 'f': a->file = arg; return 0;
    case OPT_JSON: a->json = true; return 0;
    case OPT_WINDOWS: return cli_int(state, "--windows", arg, 1, INT32_MAX, &a->max_windows);
    case ARGP_KEY_ARG:
        if (a->what) return cli_model_argument(state, arg, &a->model);
        a->what = arg;
        return strcmp(arg, "perplexity") ? cli_mistake(state, "cannot measure '%s'; known: perplexity", arg) : 0;
    case ARGP_KEY_END:
        if (!a->what) return cli_mistake(state, "say what to measure: perplexity");
        if (!a->model) return cli_mistake(state, "MODEL is missing");
        if (!a->file) return cli_mistake(state, "-f FILE is missing");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = { { &common_argp, 0, "Computing:", 10 }, { 0 } };
static const struct argp argp = {
    options,
    parse,
    "perplexity MODEL -f FILE",
    "Measure how well a model predicts a text: lower is better.\v"
    "The text is cut into windows of --ctx tokens (512) that do not overlap. Every position of a window but the first is scored "
    "(llama.cpp's llama-perplexity scores the second half only, so its figures are lower). The last line of the output is a JSON "
    "object: \"perplexity\", \"stderr\" (its standard error), \"tokens\" (predictions scored), \"ctx\", \"seconds\".\n\n"
    "Example:\n  sumi eval perplexity smollm2 -f book.txt --ctx 512\n",
    children,
    NULL,
    NULL
};

typedef struct sums {
    double nll, nll2; /* of -log p and of its square */
    int64_t n;
} sums;

static double log_prob(const float *logits, int32_t n_vocab, int32_t id)
{
    float max = logits[0];
    double sum = 0;
    for (int32_t i = 1; i < n_vocab; i++) max = logits[i] > max ? logits[i] : max;
    for (int32_t i = 0; i < n_vocab; i++) sum += exp((double)(logits[i] - max));
    return (double)(logits[id] - max) - log(sum);
}

/* Adds the predictions inside one window. */
static sumi_status score_window(sumi_context *ctx, const int32_t *ids, int32_t n, int32_t n_vocab, sums *s,
                                sumi_error *err)
{
    int32_t seq;
    sumi_status status = sumi_seq_open(ctx, &seq, err);
    for (int32_t done = 0; done < n - 1 && status == SUMI_OK; done += CHUNK) { /* the last token predicts nothing */
        int32_t chunk = n - 1 - done < CHUNK ? n - 1 - done : CHUNK;
        sumi_span span = { seq, chunk, ids + done, SUMI_WANT_ALL };
        if ((status = sumi_step(ctx, &span, 1, err))) break;
        for (int32_t i = 0; i < chunk; i++) {
            double nll = -log_prob(sumi_logits(ctx, i), n_vocab, ids[done + i + 1]);
            s->nll += nll;
            s->nll2 += nll * nll;
            s->n++;
        }
    }
    sumi_seq_close(ctx, seq);
    return status;
}

static sumi_status score_text(const eval_args *a, sumi_context *ctx, const sumi_model_info *info, int32_t bos,
                              const int32_t *ids, int32_t n_ids, sums *s, sumi_error *err)
{
    int32_t n_bos = bos >= 0, step = (int32_t)a->window - n_bos;
    int32_t *window = calloc((size_t)a->window, sizeof *window);
    if (!window) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    int64_t n_windows = (n_ids + step - 1) / step;
    if (a->max_windows && n_windows > a->max_windows) n_windows = a->max_windows;
    progress bar = progress_start("perplexity", n_windows);
    sumi_status status = SUMI_OK;
    for (int64_t w = 0; w < n_windows && status == SUMI_OK; w++) {
        char note[48] = "";
        int32_t first = (int32_t)w * step, n = n_ids - first < step ? n_ids - first : step;
        window[0] = bos;
        memcpy(window + n_bos, ids + first, (size_t)n * sizeof *ids);
        status = score_window(ctx, window, n + n_bos, info->n_vocab, s, err);
        if (s->n) snprintf(note, sizeof note, "%.4f", exp(s->nll / (double)s->n));
        progress_show(&bar, w + 1, note);
    }
    progress_end(&bar);
    free(window);
    return status;
}

/* The id that the model file puts in front of a text; -1: none. */
static sumi_status find_bos(const sumi_model *m, int32_t *bos, sumi_error *err)
{
    int32_t *ids, n;
    sumi_model_info info;
    sumi_model_get_info(m, &info);
    sumi_status status = sumi_tokenize(m, "", 0, SUMI_TOKENIZE_BOS_EOS, &ids, &n, err);
    *bos = -1;
    if (status != SUMI_OK) return status;
    if (n > 0 && ids[0] == info.bos_id) *bos = info.bos_id;
    sumi_free(ids);
    return SUMI_OK;
}

static sumi_status measure(eval_args *a, sumi_model *m, const char *text, size_t n_bytes, sumi_error *err)
{
    sumi_model_info info;
    sumi_context *ctx = NULL;
    sumi_context_opts opts = a->common.context;
    int32_t *ids = NULL, n_ids, bos;
    sums s = { 0 };
    double start = clock_ms();
    a->window = opts.n_ctx ? opts.n_ctx : 512;
    opts.n_ctx = (int32_t)a->window;
    opts.max_seqs = 1;
    opts.max_batch_tokens = opts.max_logit_rows = CHUNK;
    sumi_model_get_info(m, &info);
    if (a->window < 3) return sumi_fail(err, SUMI_EINVAL, "--ctx is %d: a window needs 3 tokens", opts.n_ctx);
    sumi_status status = find_bos(m, &bos, err);
    if (status == SUMI_OK) status = sumi_tokenize(m, text, n_bytes, 0, &ids, &n_ids, err);
    if (status == SUMI_OK && n_ids < 2) status = sumi_fail(err, SUMI_EINVAL, "%s: the text is too short", a->file);
    if (status == SUMI_OK) status = sumi_context_create(&ctx, m, &opts, err);
    if (status == SUMI_OK) status = score_text(a, ctx, &info, bos, ids, n_ids, &s, err);
    sumi_context_destroy(ctx);
    sumi_free(ids);
    if (status != SUMI_OK) return status;
    double mean = s.nll / (double)s.n, variance = s.nll2 / (double)s.n - mean * mean;
    if (!isfinite(exp(mean)))
        return sumi_fail(err, SUMI_ENUMERIC, "%s: the perplexity is not finite: a probability is 0 or no number",
                         a->file);
    double error = exp(mean) * sqrt(variance > 0 ? variance / (double)s.n : 0);
    if (!a->json) printf("perplexity %.4f +- %.4f, of %lld tokens\n", exp(mean), error, (long long)s.n);
    printf("{\"perplexity\": %.6f, \"stderr\": %.6f, \"tokens\": %lld, \"ctx\": %d, \"seconds\": %.2f}\n", exp(mean),
           error, (long long)s.n, opts.n_ctx, (clock_ms() - start) / 1000);
    return SUMI_OK;
}

int cmd_eval(int argc, char **argv)
{
    eval_args a = { .common = common_options_default() };
    if (!cli_parse(&argp, argc, argv, &a)) return EXIT_USAGE;
    sumi_error err;
    sumi_model *m = NULL;
    char *text = NULL;
    size_t n_bytes;
    sumi_status status = cli_read_text(a.file, (size_t)1 << 30, &text, &n_bytes, &err);
    if (status == SUMI_OK) status = cli_open_decoder(&m, a.model, &a.common, &err);
    if (status == SUMI_OK) status = measure(&a, m, text, n_bytes, &err);
    sumi_model_close(m);
    free(text);
    return status == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
}
