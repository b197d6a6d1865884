/* cmd_info.c - sumi info: shows the contents of a model file. Only the file's head is read, so the command is fast for
 * files of any size, and works for files that the engine cannot run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/printable.h"
#include "cli/cli.h"
#include "cli/commands/info.h"
#include "cli/options/args.h"
#include "hf/model_source_open.h"
#include "text/id_list.h"
#include "text/tokenizer.h"

typedef struct info_args {
    const char *model, *key;
    bool json, metadata, tensors, all;
} info_args;

enum { OPT_JSON = 256, OPT_KEY, OPT_METADATA, OPT_TENSORS, OPT_ALL };

static const struct argp_option options[] = {
    { "metadata", OPT_METADATA, NULL, 0, "List every key with its type and value; long values are cut", 0 },
    { "tensors", OPT_TENSORS, NULL, 0, "List every tensor with its type, shape and size", 0 },
    { "all", OPT_ALL, NULL, 0, "Overview and both lists in full; with --json: long arrays in full", 0 },
    { "key", OPT_KEY, "KEY", 0, "Print only the value of this key, unchanged: --key tokenizer.chat_template", 0 },
    { "json", OPT_JSON, NULL, 0, "One JSON object: overview, metadata (long arrays cut), tensors", 0 },
    { 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    info_args *a = state->input;
    switch (key) {
    case OPT_JSON: a->json = true; return 0;
    case OPT_METADATA: a->metadata = true; return 0;
    case OPT_TENSORS: a->tensors = true; return 0;
    case OPT_ALL: a->all = true; return 0;
    case OPT_KEY: a->key = arg; return 0;
    case ARGP_KEY_ARG: return cli_model_argument(state, arg, &a->model);
    case ARGP_KEY_END:
        if (!a->model) return cli_mistake(state, "which MODEL?");
        if (a->json && (a->metadata || a->tensors || a->key))
            return cli_mistake(state, "--json prints everything already: only --all can be given with it");
        if (a->key && (a->metadata || a->tensors || a->all)) return cli_mistake(state, "--key goes alone");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp info_argp = {
    .options = options,
    .parser = parse_option,
    .args_doc = "MODEL",
    .doc = "Show the contents of a model file: architecture, size, quantisation, vocabulary, licence."
           "\vMODEL is a GGUF file, a Hugging Face folder or the name of a model in the models folder.\n\n"
           "Examples:\n"
           "  sumi info smollm2\n"
           "  sumi info model.gguf --tensors\n"
           "  sumi info smollm2 --key tokenizer.chat_template",
};

static sumi_status find_end_tokens(const model_source *src, info_summary *s, sumi_error *err)
{
    tokenizer *t;
    id_list ends = { 0 };
    s->n_end_tokens = -1;
    if (model_source_find_key(src, "tokenizer.ggml.tokens") < 0) return SUMI_OK;
    sumi_status status = tokenizer_create(&t, src, err);
    if (status != SUMI_OK) return status == SUMI_ENOMEM ? status : SUMI_OK;
    for (int32_t id = 0; id < tokenizer_n_vocab(t); id++)
        if (tokenizer_is_end(t, id)) id_list_add(&ends, id);
    tokenizer_destroy(t);
    s->end_tokens = ends.ids;
    if (ends.failed) return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", model_source_name(src));
    s->n_end_tokens = (int32_t)ends.n;
    return SUMI_OK;
}

/* Collects data that takes longer than looking up keys. Only missing memory is a failure: info also shows files that sumi
 * cannot run. */
static sumi_status look_further(const model_source *src, const char *path, info_summary *s, sumi_error *err)
{
    sumi_status status = find_end_tokens(src, s, err);
    if (status != SUMI_OK || !s->n_params) return status;
    status = sumi_model_estimate(path, NULL, NULL, &s->memory, err);
    s->has_memory = status == SUMI_OK;
    return status == SUMI_ENOMEM ? status : SUMI_OK;
}

/* Prints a string: unchanged into a pipe; on a terminal without control characters, and with a newline. */
static void print_raw(gguf_str s)
{
    if (!isatty(STDOUT_FILENO)) {
        fwrite(s.data, 1, s.n, stdout);
        return;
    }
    for (size_t i = 0; i < s.n;) {
        uint32_t code;
        size_t n = printable_utf8(s.data + i, s.n - i, &code);
        if (printable_shown(code) || code == '\n' || code == '\t') fwrite(s.data + i, 1, n, stdout);
        else putchar('?');
        i += n;
    }
    putchar('\n');
}

static int print_key(const model_source *src, const char *key)
{
    int64_t i = model_source_find_key(src, key), integer;
    uint64_t large;
    double real;
    bool flag;
    gguf_str text;
    if (i < 0) return cli_fail("%s: there is no key '%s'; --metadata lists them", model_source_name(src), key);
    if (model_source_value_str(src, i, &text)) {
        print_raw(text);
    } else if (model_source_value_i64(src, i, &integer)) {
        printf("%lld\n", (long long)integer);
    } else if (model_source_value_u64(src, i, &large)) {
        printf("%llu\n", (unsigned long long)large);
    } else if (model_source_value_f64(src, i, &real)) {
        printf("%.17g\n", real);
    } else if (model_source_value_bool(src, i, &flag)) {
        printf("%s\n", flag ? "true" : "false");
    } else {
        return cli_fail("%s: key '%s' is an array; use --all or --json --all", model_source_name(src), key);
    }
    return EXIT_DONE;
}

static int print_views(const model_source *src, const info_summary *s, const info_args *a)
{
    sumi_error err;
    if (a->json) return info_print_json(src, s, a->all, &err) == SUMI_OK ? EXIT_DONE : cli_fail_error(&err);
    bool overview = a->all || (!a->metadata && !a->tensors);
    if (overview) info_print_overview(src, s);
    if (a->all) printf("\n");
    if (a->all || a->metadata) info_print_metadata(src, a->all);
    if ((a->all || a->metadata) && (a->all || a->tensors)) printf("\n");
    if (a->all || a->tensors) info_print_tensors(src);
    return EXIT_DONE;
}

static int print(const model_source *src, const char *path, const info_args *a)
{
    info_summary s;
    sumi_error err;
    if (a->key) return print_key(src, a->key);
    info_summarise(src, &s);
    sumi_status status = look_further(src, path, &s, &err);
    int code = status == SUMI_OK ? print_views(src, &s, a) : cli_fail_error(&err);
    free(s.end_tokens);
    return code;
}

int cmd_info(int argc, char **argv)
{
    info_args a = { 0 };
    sumi_error err;
    char path[4096];
    model_source *src;
    if (!cli_parse(&info_argp, argc, argv, &a)) return EXIT_USAGE;
    if (cli_find_model(a.model, path, sizeof path, &err) != SUMI_OK) return cli_fail_error(&err);
    if (model_source_open(&src, path, NULL, &err) != SUMI_OK) return cli_fail_error(&err);
    int code = print(src, path, &a);
    model_source_close(src);
    return code;
}
