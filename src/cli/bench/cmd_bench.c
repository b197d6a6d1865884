/* cmd_bench.c - sumi bench: the arguments. bench_model.c and bench_hardware.c do the work. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench/bench.h"
#include "cli/cli.h"
#include "cli/ids.h"
#include "cli/options/args.h"

enum { OPT_PROMPT = 256, OPT_GEN, OPT_BATCH, OPT_ROWS, OPT_PREFILL, OPT_REPS, OPT_NO_LIMITS, OPT_HARDWARE, OPT_JSON };

static const struct argp_option options[] = {
    { "prompt", OPT_PROMPT, "N[,N]", 0, "Prompt lengths to measure; 0: none (512)", 0 },
    { "gen", OPT_GEN, "N", 0, "Decode steps; 0: decoding is not measured (64)", 0 },
    { "batch", OPT_BATCH, "B[,B]", 0, "Sequences that decode together (1,8,32)", 0 },
    { "rows", OPT_ROWS, "M[,M]", 0, "Tokens of one sequence in a step, each with logits, as when drafts are checked",
      0 },
    { "prefill-len", OPT_PREFILL, "N", 0, "Longest prompt of the decoding sequences (128)", 0 },
    { "reps", OPT_REPS, "N", 0, "Runs of each measurement; the median is shown (5)", 0 },
    { "no-limits", OPT_NO_LIMITS, NULL, 0, "Do not measure the limits of the machine", 0 },
    { "hardware", OPT_HARDWARE, NULL, 0, "Measure the machine, not a model: memory, arithmetic, threads", 0 },
    { "json", OPT_JSON, NULL, 0, "Print one JSON object", 0 },
    { 0 },
};

/* also: what else the option takes, said after the range. */
static error_t parse_list(const struct argp_state *state, const char *option, const char *arg, int32_t high,
                          const char *also, int32_t **out, int32_t *n)
{
    sumi_error err;
    free(*out);
    sumi_status st = cli_parse_ids(arg, 1, high, out, n, &err);
    if (st == SUMI_ENOMEM) return ENOMEM;
    if (st != SUMI_OK)
        return cli_mistake(state, "%s: %s%s", option, err.message, err.status == SUMI_EINVAL ? also : "");
    return *n ? 0 : cli_mistake(state, "%s: no numbers", option);
}

/* "0": an empty list. */
static error_t parse_prompts(const struct argp_state *state, const char *arg, bench_args *a)
{
    if (strcmp(arg, "0") != 0)
        return parse_list(state, "--prompt", arg, 1 << 20, "; 0 alone measures no prompts", &a->prompts, &a->n_prompts);
    a->n_prompts = 0;
    return 0;
}

static error_t check(const struct argp_state *state, const bench_args *a)
{
    if (a->hardware && a->model)
        return cli_mistake(state, "--hardware takes no MODEL: '%s' is one argument too many", a->model);
    if (!a->n_prompts && !a->gen) return cli_mistake(state, "with --prompt 0 and --gen 0 there is nothing to measure");
    if (a->n_rows && !a->gen) return cli_mistake(state, "--rows measures --gen steps; --gen is 0");
    if (!a->hardware && !a->model) return cli_mistake(state, "MODEL is missing (or --hardware)");
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    bench_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &a->common; return 0;
    case OPT_PROMPT: return parse_prompts(state, arg, a);
    case OPT_GEN: return cli_int(state, "--gen", arg, 0, 1 << 20, &a->gen);
    case OPT_BATCH: return parse_list(state, "--batch", arg, BENCH_MAX_BATCH, "", &a->batches, &a->n_batches);
    case OPT_ROWS: return parse_list(state, "--rows", arg, BENCH_MAX_BATCH, "", &a->rows, &a->n_rows);
    case OPT_PREFILL: return cli_int(state, "--prefill-len", arg, 2, 1 << 20, &a->prefill_len);
    case OPT_REPS: return cli_int(state, "--reps", arg, 1, BENCH_MAX_REPS, &a->reps);
    case OPT_NO_LIMITS: a->no_limits = true; return 0;
    case OPT_HARDWARE: a->hardware = true; return 0;
    case OPT_JSON: a->json = true; return 0;
    case ARGP_KEY_ARG: return cli_model_argument(state, arg, &a->model);
    case ARGP_KEY_END:
        if (!a->gen) a->n_batches = 0;
        return check(state, a);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = { { &common_argp, 0, "Computing:", 10 }, { 0 } };
static const struct argp argp = {
    options,
    parse,
    "MODEL\n--hardware\nserve MODEL",
    "Measure the speed of prompts and of decoding, or the limits of the machine.\v"
    "Columns: MB/token is the least memory that is read for a token (weights, keys, values); GB/s and GOPS are the memory "
    "and arithmetic rates that follow from it; 'of DRAM' and 'of peak' are their shares of the limits, which are measured "
    "first; 'cost' is the time of a step with M rows as a multiple of the first M's.\n\n"
    "'sumi bench serve' measures an engine under many requests; 'sumi bench serve --help' explains it.\n\n"
    "Examples:\n  sumi bench smollm2 -t 2 --prompt 512 --batch 1,8,32\n"
    "  sumi bench smollm2 --rows 1,2,4,8,16\n  sumi bench --hardware\n"
    "  sumi bench serve smollm2 --requests 100\n",
    children,
    NULL,
    NULL
};

int cmd_bench(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "serve")) {
        static char name[] = "bench serve";
        argv[1] = name;
        return cmd_bench_serve(argc - 1, argv + 1);
    }
    bench_args a = { .common = common_options_default(), .gen = 64, .prefill_len = 128, .reps = 5 };
    sumi_error err;
    sumi_status status = cli_parse_ids("512", 1, 512, &a.prompts, &a.n_prompts, &err);
    if (status == SUMI_OK) status = cli_parse_ids("1 8 32", 1, 32, &a.batches, &a.n_batches, &err);
    int code = EXIT_USAGE;
    if (status != SUMI_OK) code = cli_fail_error(&err);
    else if (cli_parse(&argp, argc, argv, &a)) code = a.hardware ? bench_hardware(&a) : bench_model(&a);
    free(a.prompts);
    free(a.batches);
    free(a.rows);
    return code;
}
