/* cmd_convert.c - sumi convert: a model as a GGUF file, in another type. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/os/clock.h"
#include "cli/cli.h"
#include "cli/commands/convert_report.h"
#include "cli/options/args.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"

enum { OPT_TYPE = 256, OPT_FORCE, OPT_JSON };

typedef struct convert_args {
    const char *model, *out;
    sumi_convert_opts opts;
    bool json;
    progress bar;
    bool started;
} convert_args;

static const struct argp_option options[] = {
    { "type", OPT_TYPE, "TYPE", 0, "Type of the weights: BF16, Q8_0, Q4_K_M, ...; listed below (default: as in MODEL)",
      0 },
    { "threads", 't', "N", 0, "Threads that compute (default: one for each available processor)", 0 },
    { "force", OPT_FORCE, NULL, 0, "Overwrite OUT.gguf if it exists", 0 },
    { "json", OPT_JSON, NULL, 0,
      "Print one JSON object: type, bytes, bits per weight, tensors of other types, the source", 0 },
    { 0 },
};

static error_t set_type(struct argp_state *state, char *arg, const char **out)
{
    const char *name;
    for (int32_t i = 0; (name = sumi_convert_type(i, NULL)); i++)
        if (!strcasecmp(arg, name)) {
            *out = name;
            return 0;
        }
    return cli_mistake(state, "--type: '%s' is not a type that can be written; --help lists the types", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    convert_args *a = state->input;
    int64_t n;
    error_t why;
    switch (key) {
    case OPT_TYPE: return set_type(state, arg, &a->opts.type);
    case 't':
        if ((why = cli_int(state, "--threads", arg, 0, 1024, &n)) == 0) a->opts.n_threads = (int32_t)n;
        return why;
    case OPT_JSON: a->json = true; return 0;
    case OPT_FORCE: a->opts.overwrite = true; return 0;
    case ARGP_KEY_ARG:
        if (!a->model) a->model = arg;
        else if (!a->out) a->out = arg;
        else return cli_mistake(state, "there is no place for '%s'", arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->model) return cli_mistake(state, "which MODEL?");
        if (!a->out) return cli_mistake(state, "which OUT.gguf?");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* The types, in the help. */
static char *add_types(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC) return (char *)(uintptr_t)text;
    char *out = NULL;
    size_t n;
    const char *name, *summary;
    FILE *f = open_memstream(&out, &n);
    if (!f) return (char *)(uintptr_t)text;
    fprintf(f, "Types, from the most to the fewest bits per weight:\n\n");
    for (int32_t i = 0; (name = sumi_convert_type(i, &summary)); i++) fprintf(f, "  %-7s %s\n", name, summary);
    fprintf(f, "\n%s", text);
    return fclose(f) == 0 ? out : (char *)(uintptr_t)text;
}

static const struct argp argp = {
    options,
    parse,
    "MODEL OUT.gguf",
    "Write a model as a GGUF file, which sumi and llama.cpp load.\v"
    "MODEL is a Hugging Face folder (config.json, tokenizer.json, model.safetensors), a GGUF file, or the "
    "name of a model in "
    "the models folder. More bits give weights closer to the original, a larger file and slower answers. Norms, biases and "
    "other small tensors stay F32. A tensor whose rows cannot be divided into blocks of the type gets another type. "
    "Converting a model that is quantised already loses accuracy once more: start from the published weights if you can.\n\n"
    "Examples:\n"
    "  sumi convert Qwen3-0.6B qwen3.gguf                  the same numbers in one file\n"
    "  sumi convert Qwen3-0.6B qwen3-q4.gguf --type Q4_K_M\n"
    "  sumi eval perplexity qwen3-q4.gguf -f text.txt      its accuracy\n",
    NULL,
    add_types,
    NULL
};

static bool show(void *user, uint64_t done, uint64_t total)
{
    convert_args *a = user;
    if (!a->started) a->bar = progress_start("convert", (int64_t)total);
    a->started = true;
    progress_show(&a->bar, (int64_t)done, "");
    return !interrupt_pending();
}

int cmd_convert(int argc, char **argv)
{
    convert_args a = { .opts = sumi_convert_opts_default() };
    sumi_error err;
    char path[4096];
    struct stat s;
    if (!cli_parse(&argp, argc, argv, &a)) return EXIT_USAGE;
    if (cli_find_model(a.model, path, sizeof path, &err) != SUMI_OK) return cli_fail_error(&err);
    if (!a.opts.overwrite && stat(a.out, &s) == 0) return cli_fail("%s: the file exists; --force overwrites it", a.out);
    a.opts.progress = show;
    a.opts.user = &a;
    interrupt_install();
    sumi_status st = sumi_convert(path, a.out, &a.opts, &err);
    if (a.started) progress_end(&a.bar);
    if (st == SUMI_OK) st = convert_report(path, a.out, a.opts.type, a.json, &err);
    return st == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
}
