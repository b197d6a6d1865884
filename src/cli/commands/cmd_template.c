/* cmd_template.c - sumi template: a conversation in JSON to the prompt text that a model expects. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json_read.h"
#include "cli/cli.h"
#include "cli/open_tokenizer.h"
#include "cli/options/args.h"
#include "cli/text_file.h"
#include "hf/model_source_open.h"
#include "jinja/chat_template.h"

#define MAX_JSON_BYTES     ((size_t)256 << 20)
#define MAX_TEMPLATE_BYTES ((size_t)16 << 20)
#define MAX_PROMPT_BYTES   ((size_t)1 << 30)

typedef struct template_args {
    const char *model, *template, *messages, *tools, *bos, *eos;
    bool no_generation_prompt, strict_roles;
} template_args;

enum { OPT_TEMPLATE = 256, OPT_MESSAGES, OPT_TOOLS, OPT_NO_PROMPT, OPT_STRICT, OPT_BOS, OPT_EOS };

static const struct argp_option options[] = {
    { "messages", OPT_MESSAGES, "FILE", 0, "The conversation: a JSON array of {\"role\", \"content\"}; - is stdin", 0 },
    { "tools", OPT_TOOLS, "FILE", 0, "The tools that the model may call: a JSON array", 0 },
    { "template", OPT_TEMPLATE, "FILE", 0, "Use this Jinja template instead of the model's", 0 },
    { "no-generation-prompt", OPT_NO_PROMPT, NULL, 0, "Do not begin the assistant's next turn", 0 },
    { "strict-roles", OPT_STRICT, NULL, 0,
      "Pass messages to the template unchanged; else a message that it does not take is merged into the turn beside it",
      0 },
    { "bos", OPT_BOS, "TEXT", 0, "Text of bos_token in the template (default: the model's)", 0 },
    { "eos", OPT_EOS, "TEXT", 0, "Text of eos_token in the template (default: the model's)", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    template_args *a = state->input;
    switch (key) {
    case OPT_TEMPLATE: a->template = arg; return 0;
    case OPT_MESSAGES: a->messages = arg; return 0;
    case OPT_TOOLS: a->tools = arg; return 0;
    case OPT_NO_PROMPT: a->no_generation_prompt = true; return 0;
    case OPT_STRICT: a->strict_roles = true; return 0;
    case OPT_BOS: a->bos = arg; return 0;
    case OPT_EOS: a->eos = arg; return 0;
    case ARGP_KEY_ARG: return cli_model_argument(state, arg, &a->model);
    case ARGP_KEY_END:
        if (!a->model && !a->template) return cli_mistake(state, "MODEL or --template is missing");
        if (a->model && a->template) return cli_mistake(state, "MODEL and --template exclude each other");
        if (!a->messages) return cli_mistake(state, "--messages is missing");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL\n--template FILE",
    .doc = "Render a chat template: print the exact text that the model gets for these messages."
           "\vExample:\n"
           "  echo '[{\"role\": \"user\", \"content\": \"Hi\"}]' | sumi template smollm2 --messages -",
};

/* Everything that one run holds. */
typedef struct job {
    model_source *model;
    char *source; /* of --template */
    chat_template *template;
    json_t *messages, *tools;
    chat_input input;
    buf prompt;
} job;

static sumi_status load_json(const char *path, json_t **out, sumi_error *err)
{
    char *data;
    size_t n;
    json_error_t why;
    sumi_status status = cli_read_text(path, MAX_JSON_BYTES, &data, &n, err);
    if (status) return status;
    *out = json_read_wide(data, n, JSON_ALLOW_NUL, &why);
    free(data);
    const char *name = strcmp(path, "-") ? path : "standard input";
    return *out ? SUMI_OK : json_read_fail(err, &why, SUMI_EFORMAT, name);
}

/* The text of the token whose id is under key; NULL if there is none. */
static const char *token_text(const model_source *src, const char *key, size_t *n)
{
    gguf_array tokens;
    int64_t id;
    if (!model_source_get_i64(src, key, &id) || !model_source_get_array(src, "tokenizer.ggml.tokens", &tokens))
        return NULL;
    if (tokens.type != GGUF_STRING || id < 0 || (uint64_t)id >= tokens.n) return NULL;
    gguf_str text = model_source_array_str(src, &tokens, (uint64_t)id);
    *n = text.n;
    return text.data;
}

static sumi_status open_template(job *t, const template_args *a, sumi_error *err)
{
    char path[4096], name[4160];
    gguf_str source;
    size_t n;
    sumi_status status;
    if (a->template) {
        status = cli_read_text(a->template, MAX_TEMPLATE_BYTES, &t->source, &n, err);
        return status ? status : chat_template_compile(&t->template, t->source, n, a->template, err);
    }
    status = cli_find_model(a->model, path, sizeof path, err);
    if (!status) status = model_source_open(&t->model, path, NULL, err);
    if (status) return status;
    if (!model_source_get_str(t->model, "tokenizer.chat_template", &source))
        return sumi_fail(err, SUMI_EUNSUPPORTED, "%s: the model has no chat template; give one with --template", path);
    t->input.bos = token_text(t->model, "tokenizer.ggml.bos_token_id", &t->input.n_bos);
    t->input.eos = token_text(t->model, "tokenizer.ggml.eos_token_id", &t->input.n_eos);
    snprintf(name, sizeof name, "%s: chat template", path);
    return chat_template_compile(&t->template, source.data, source.n, name, err);
}

static sumi_status render(job *t, const template_args *a, sumi_error *err)
{
    sumi_status status = open_template(t, a, err);
    if (!status) status = load_json(a->messages, &t->messages, err);
    if (!status && a->tools) status = load_json(a->tools, &t->tools, err);
    if (status) return status;
    t->input.messages = t->messages;
    t->input.tools = t->tools;
    t->input.add_generation_prompt = !a->no_generation_prompt;
    t->input.strict_roles = a->strict_roles;
    if (a->bos) t->input.bos = a->bos, t->input.n_bos = strlen(a->bos);
    if (a->eos) t->input.eos = a->eos, t->input.n_eos = strlen(a->eos);
    status = chat_template_format(t->template, &t->input, &t->prompt, err);
    if (status) return status;
    return cli_write_stdout(t->prompt.data ? t->prompt.data : "", t->prompt.n, err);
}

int cmd_template(int argc, char **argv)
{
    template_args a = { 0 };
    job t = { 0 };
    sumi_error err;
    if (!cli_parse(&argp, argc, argv, &a)) return EXIT_USAGE;
    buf_init(&t.prompt, MAX_PROMPT_BYTES);
    sumi_status status = render(&t, &a, &err);
    buf_deinit(&t.prompt);
    json_decref(t.messages);
    json_decref(t.tools);
    chat_template_destroy(t.template);
    free(t.source);
    model_source_close(t.model);
    return status ? cli_fail_error(&err) : EXIT_DONE;
}
