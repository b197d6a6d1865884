/* cmd_run.c - sumi run: one answer to a prompt; without a prompt, on a terminal, a chat. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/os/clock.h"
#include "cli/chat/answer.h"
#include "cli/cli.h"
#include "cli/commands/run.h"
#include "cli/options/args.h"
#include "cli/options/settings.h"
#include "cli/terminal/interrupt.h"
#include "cli/text_file.h"

enum { KEY_RAW = 0x300, KEY_SYSTEM, KEY_STRICT, KEY_STOP, KEY_IGNORE_EOS, KEY_LOGPROBS, KEY_JSON, KEY_STATS };
enum { MAX_PROMPT_BYTES = 1 << 28 };

static const char doc[] =
    "Answer PROMPT, and stream the answer to standard output. Without PROMPT, -p and -f, the prompt is read from standard "
    "input; if standard input is a terminal, a chat begins."
    "\v"
    "Examples:\n"
    "  sumi run smollm2 \"Why is the sky blue?\"\n"
    "  sumi run smollm2 -f letter.txt --system \"Summarise it.\" --temp 0\n"
    "  sumi run model.gguf --raw -p \"Once upon a time\" -n 100 --stop \"The end\"\n"
    "  echo \"Name a colour.\" | sumi run smollm2 --json --seed 7\n"
    "  sumi run smollm2            (a chat; /help lists its commands)\n"
    "\n"
    "The prompt goes through the chat template of the model, if it has one; --raw continues the text as it is. A prompt "
    "from a file or from standard input loses one newline at its end and a byte order mark; CR LF becomes LF.";

static const struct argp_option options[] = {
    { NULL, 0, NULL, 0, "Prompt:", 1 },
    { "prompt", 'p', "TEXT", 0, "The prompt; the same as PROMPT", 1 },
    { "file", 'f', "FILE", 0, "Read the prompt from FILE (- is standard input)", 1 },
    { "system", KEY_SYSTEM, "TEXT", 0, "System message", 1 },
    { "raw", KEY_RAW, NULL, 0, "Continue the text, without the chat template", 1 },
    { "strict-roles", KEY_STRICT, NULL, 0,
      "Refuse a system message that the chat template does not take, instead of putting it before the question", 1 },
    { NULL, 0, NULL, 0, "End and output:", 7 },
    { "stop", KEY_STOP, "TEXT", 0, "End the answer before TEXT; may be given many times", 7 },
    { "ignore-eos", KEY_IGNORE_EOS, NULL, 0, "Do not end at the model's end token", 7 },
    { "json", KEY_JSON, NULL, 0, "Print one JSON object: text, tokens, finish, usage, timings", 7 },
    { "logprobs", KEY_LOGPROBS, "N", 0, "With --json: log-probabilities of each token and of the N most probable ones",
      7 },
    { "stats", KEY_STATS, NULL, 0, "Print token counts and speed on stderr (always done on a terminal)", 7 },
    { 0 },
};

static error_t add_stop(run_options *o, const char *text, struct argp_state *state)
{
    if (text[0] == '\0') return cli_mistake(state, "--stop: the text is empty");
    if (o->generate.n_stop == RUN_MAX_STOPS) return cli_mistake(state, "--stop: at most %d texts", RUN_MAX_STOPS);
    o->stops[o->generate.n_stop++] = text;
    return 0;
}

static error_t check(const run_options *o, struct argp_state *state)
{
    bool has_prompt = o->prompt || o->file || !isatty(STDIN_FILENO);
    if (!o->model) return cli_mistake(state, "which MODEL?");
    if (o->prompt && o->file) return cli_mistake(state, "give a prompt or -f, not both");
    if (o->raw && o->system) return cli_mistake(state, "--system needs the chat template, which --raw does not use");
    if (o->generate.n_logprobs > 0 && !o->json) return cli_mistake(state, "--logprobs needs --json");
    if (o->json && !has_prompt) return cli_mistake(state, "--json needs a prompt: -p, -f or standard input");
    if (o->raw && !has_prompt) return cli_mistake(state, "--raw needs a prompt: -p, -f or standard input");
    return 0;
}

static error_t parse_run(int key, char *arg, struct argp_state *state)
{
    run_options *o = state->input;
    int64_t n = 0;
    error_t why;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        o->settings.opts = &o->generate;
        state->child_inputs[1] = &o->settings;
        return 0;
    case 'p': o->prompt = arg; return 0;
    case 'f': o->file = arg; return 0;
    case KEY_SYSTEM: o->system = arg; return 0;
    case KEY_RAW: o->raw = true; return 0;
    case KEY_STRICT: o->common.model.strict_roles = true; return 0;
    case KEY_JSON: o->json = true; return 0;
    case KEY_STATS: o->stats = true; return 0;
    case KEY_IGNORE_EOS: o->generate.ignore_eos = true; return 0;
    case KEY_STOP: return add_stop(o, arg, state);
    case KEY_LOGPROBS:
        why = cli_int(state, "--logprobs", arg, 0, 1000, &n);
        o->generate.n_logprobs = (int32_t)n;
        return why;
    case ARGP_KEY_ARG:
        if (!o->model) return cli_model_argument(state, arg, &o->model);
        if (o->prompt) return cli_mistake(state, "there is a prompt already: '%s' is one argument too many", arg);
        o->prompt = arg;
        return 0;
    case ARGP_KEY_END: return check(o, state);
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    { &common_argp, 0, "Computing:", 10 },
    { &settings_argp, 0, "Sampling:", 5 },
    { 0 },
};
static const struct argp run_argp = { options, parse_run, "MODEL [PROMPT]", doc, children, NULL, NULL };

/* The prompt: -p, or all of -f or of standard input. *text is freed with free(). */
static sumi_status read_prompt(const run_options *o, char **text, size_t *n_bytes, sumi_error *err)
{
    if (o->prompt) {
        *text = strdup(o->prompt);
        *n_bytes = strlen(o->prompt);
        return *text ? SUMI_OK : sumi_fail(err, SUMI_ENOMEM, "out of memory");
    }
    sumi_status st = cli_read_text(o->file, MAX_PROMPT_BYTES, text, n_bytes, err);
    if (st == SUMI_OK && *n_bytes > 0 && (*text)[*n_bytes - 1] == '\n') (*text)[--*n_bytes] = '\0';
    return st;
}

static bool has_template(const sumi_model *model)
{
    sumi_model_info info;
    sumi_model_get_info(model, &info);
    return info.has_chat_template;
}

static sumi_status tokenize_prompt(const session *s, const char *text, size_t n_bytes, int32_t **ids, int32_t *n_ids,
                                   sumi_error *err)
{
    const run_options *o = s->options;
    bool chat = !o->raw && has_template(s->model);
    sumi_message messages[2];
    int32_t n = 0;
    if (!chat && o->system)
        return sumi_fail(err, SUMI_EUNSUPPORTED, "%s has no chat template, so --system cannot be used", o->model);
    if (!chat)
        return sumi_tokenize(s->model, text, n_bytes, SUMI_TOKENIZE_SPECIAL | SUMI_TOKENIZE_BOS_EOS, ids, n_ids, err);
    if (strlen(text) != n_bytes)
        return sumi_fail(err, SUMI_EINVAL, "the prompt has a NUL byte; only --raw accepts NUL bytes");
    if (o->system) messages[n++] = (sumi_message){ "system", o->system };
    messages[n++] = (sumi_message){ "user", text };
    return run_render(s, messages, n, ids, n_ids, err);
}

static sumi_status print_json(const session *s, const answer *a, sumi_error *err)
{
    json_t *o = answer_json(a);
    json_object_set_new(o, "model", json_string(s->options->model));
    json_object_set_new(o, "seed", json_integer((json_int_t)s->options->generate.sampling.seed));
    return cli_write_json(o, JSON_COMPACT | JSON_REAL_PRECISION(9), err);
}

/* Answers the prompt once. *interrupted: Ctrl-C ended it. */
static sumi_status answer_once(session *s, bool *interrupted, sumi_error *err)
{
    const run_options *o = s->options;
    char *text = NULL;
    size_t n_bytes;
    int32_t *ids = NULL, n_ids = 0;
    answer a;
    answer_init(&a, o->json ? NULL : stdout);
    interrupt_install();
    sumi_status st = read_prompt(o, &text, &n_bytes, err);
    if (st == SUMI_OK && n_bytes == 0 && !o->raw) st = sumi_fail(err, SUMI_EINVAL, "the prompt is empty");
    if (st == SUMI_OK) st = tokenize_prompt(s, text, n_bytes, &ids, &n_ids, err);
    if (st == SUMI_OK && n_ids == 0)
        st = sumi_fail(err, SUMI_EINVAL, "the prompt is empty, and this model has no token to begin a text with");
    if (st == SUMI_OK) st = answer_run(&a, s->ctx, s->seq, ids, n_ids, 0, &o->generate, err);
    if (st == SUMI_OK && o->json) st = print_json(s, &a, err);
    if (st == SUMI_OK && !o->json && (putchar('\n') == EOF || fflush(stdout) != 0))
        st = sumi_fail_errno(err, "standard output");
    const char *cut = st == SUMI_OK ? answer_cut(&a, &o->generate) : NULL;
    if (cut && (o->stats || isatty(STDERR_FILENO))) fprintf(stderr, "%s\n", cut); /* --json has it in "finish" */
    if (st == SUMI_OK && (o->stats || (isatty(STDOUT_FILENO) && isatty(STDERR_FILENO)))) answer_print_stats(&a, stderr);
    *interrupted = a.stats.finish == SUMI_FINISH_CANCELLED;
    free(text);
    sumi_free(ids);
    answer_deinit(&a);
    return st;
}

/* For --log-level info: the model, its load time and its memory. */
static void tell_start(const session *s, double load_ms)
{
    common_options *common = &s->options->common;
    const logger log = { cli_print_log, common };
    sumi_model_info m;
    sumi_context_info c;
    sumi_model_get_info(s->model, &m);
    sumi_context_get_info(s->ctx, &c);
    log_message(
        &log, SUMI_LOG_INFO,
        "%s: %s, %.3g billion parameters in %.0f MiB, loaded in %.0f ms; kernels %s, %d threads; context %d tokens, "
        "%.0f MiB for keys and values",
        s->options->model, m.architecture, (double)m.n_params * 1e-9, (double)m.weight_bytes / 0x1p20, load_ms, m.isa,
        c.n_threads, c.n_ctx, (double)c.kv_bytes / 0x1p20);
}

static sumi_status open_session(session *s, sumi_error *err)
{
    double start = clock_ms();
    common_options *common = &s->options->common;
    sumi_status st = cli_open_decoder(&s->model, s->options->model, common, err);
    if (st == SUMI_OK) settings_take_recommended(&s->options->settings, s->model);
    common->context.max_seqs = 1;
    common->context.max_logit_rows = 1;
    if (st == SUMI_OK) st = sumi_context_create(&s->ctx, s->model, &common->context, err);
    if (st == SUMI_OK) st = sumi_seq_open(s->ctx, &s->seq, err);
    if (st == SUMI_OK) tell_start(s, clock_ms() - start);
    return st;
}

int cmd_run(int argc, char **argv)
{
    run_options o = { .common = common_options_default(), .generate = sumi_generate_opts_default() };
    session s = { .options = &o };
    sumi_error err;
    bool interrupted = false;
    o.generate.stop = o.stops;
    o.generate.sampling.seed = run_new_seed();
    if (!cli_parse(&run_argp, argc, argv, &o)) return EXIT_USAGE;
    bool chat = !o.prompt && !o.file && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    int code = EXIT_DONE;
    sumi_status st = open_session(&s, &err);
    if (st == SUMI_OK && chat && !has_template(s.model))
        st = sumi_fail(&err, SUMI_EUNSUPPORTED,
                       "%s has no chat template: give -p TEXT, and the model continues this text", o.model);
    if (st == SUMI_OK && chat) code = chat_run(&s);
    else if (st == SUMI_OK) st = answer_once(&s, &interrupted, &err);
    if (st != SUMI_OK) code = cli_fail_error(&err);
    sumi_context_destroy(s.ctx);
    sumi_model_close(s.model);
    return interrupted && code == EXIT_DONE ? EXIT_INTERRUPTED : code;
}
