/* cmd_logits.c - sumi logits: writes the logits after each token of a sequence as a NumPy file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/ids.h"
#include "cli/npy.h"
#include "cli/options/args.h"
#include "cli/options/options.h"

enum { OPT_IDS = 256, OPT_OUT };

typedef struct logits_args {
    common_options common;
    const char *model, *ids, *out;
} logits_args;

static const struct argp_option options[] = {
    { "ids", OPT_IDS, "IDS", 0, "Token ids, separated by spaces; - reads them from standard input", 0 },
    { "out", OPT_OUT, "FILE", 0, "Write float32 [n_ids, n_vocab] in numpy's format to FILE", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    logits_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->common; return 0;
    case OPT_IDS: a->ids = arg; return 0;
    case OPT_OUT: a->out = arg; return 0;
    case ARGP_KEY_ARG: return cli_model_argument(state, arg, &a->model);
    case ARGP_KEY_END:
        if (!a->model) return cli_mistake(state, "MODEL is missing");
        if (!a->ids) return cli_mistake(state, "--ids is missing");
        if (!a->out) return cli_mistake(state, "--out is missing");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = { { &common_argp, 0, "Computing:", 10 }, { 0 } };
static const struct argp argp = {
    options,
    parse,
    "MODEL --ids \"1 2 3\" --out FILE.npy",
    "Write the logits after each token of a sequence.\v"
    "Row i of the result predicts token i + 1. In Python: numpy.load(\"FILE.npy\").\n\n"
    "Example:\n  sumi logits smollm2 --ids \"$(echo Hello | sumi tokenize smollm2)\" --out hello.npy\n",
    children,
    NULL,
    NULL
};

/* Runs the ids in steps of as many tokens as have logits at once, and writes each step's rows. */
static sumi_status write_rows(npy *out, sumi_context *ctx, const int32_t *ids, int32_t n_ids, int32_t chunk,
                              sumi_error *err)
{
    int32_t seq;
    sumi_status status = sumi_seq_open(ctx, &seq, err);
    for (int32_t done = 0; done < n_ids && status == SUMI_OK; done += chunk) {
        int32_t n = n_ids - done < chunk ? n_ids - done : chunk;
        sumi_span span = { seq, n, ids + done, SUMI_WANT_ALL };
        status = sumi_step(ctx, &span, 1, err);
        if (status == SUMI_OK) status = npy_write(out, sumi_logits(ctx, 0), n, err);
    }
    return status;
}

static sumi_status write_logits(const logits_args *a, sumi_model *m, const int32_t *ids, int32_t n_ids, sumi_error *err)
{
    sumi_model_info info;
    sumi_context *ctx;
    sumi_context_opts opts = a->common.context;
    sumi_model_get_info(m, &info);
    if (!opts.n_ctx) opts.n_ctx = n_ids; /* no more cache than this sequence needs */
    opts.max_seqs = 1;
    opts.max_batch_tokens = opts.max_logit_rows = 64;
    sumi_status status = sumi_context_create(&ctx, m, &opts, err);
    if (status != SUMI_OK) return status;
    npy out;
    status = npy_open(&out, a->out, info.n_vocab, err);
    if (status == SUMI_OK) status = write_rows(&out, ctx, ids, n_ids, opts.max_batch_tokens, err);
    if (status == SUMI_OK) status = npy_finish(&out, err);
    npy_close(&out);
    sumi_context_destroy(ctx);
    return status;
}

static sumi_status read_ids(const logits_args *a, int32_t **ids, int32_t *n_ids, sumi_error *err)
{
    char *text = NULL;
    size_t n;
    sumi_status status = SUMI_OK;
    if (!strcmp(a->ids, "-")) status = cli_read_file(NULL, (size_t)64 << 20, &text, &n, err);
    if (status == SUMI_OK) status = cli_parse_ids(text ? text : a->ids, 0, INT32_MAX, ids, n_ids, err);
    free(text);
    if (status == SUMI_OK && *n_ids == 0) return sumi_fail(err, SUMI_EINVAL, "no token ids");
    return status;
}

int cmd_logits(int argc, char **argv)
{
    logits_args a = { .common = common_options_default() };
    if (!cli_parse(&argp, argc, argv, &a)) return EXIT_USAGE;
    sumi_error err;
    sumi_model *m = NULL;
    int32_t *ids = NULL, n_ids = 0;
    sumi_status status = read_ids(&a, &ids, &n_ids, &err);
    if (status == SUMI_OK) status = cli_open_decoder(&m, a.model, &a.common, &err);
    if (status == SUMI_OK) status = write_logits(&a, m, ids, n_ids, &err);
    sumi_model_close(m);
    free(ids);
    return status == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
}
