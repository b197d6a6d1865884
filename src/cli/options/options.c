/* options.c - see options.h. */
#include "cli/options/options.h"

#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/options/args.h"
#include "cli/terminal/loading.h"
#include "engine/sumi_model.h"

enum { KEY_CTX = 0x100, KEY_KV_MEMORY, KEY_ACTIVATIONS, KEY_ISA, KEY_PIN, KEY_NUMA, KEY_LOG_LEVEL, KEY_LOG_JSON };

static error_t set_activations(const struct argp_state *state, const char *arg, sumi_activations *out)
{
    if (!strcmp(arg, "f32")) *out = SUMI_ACTIVATIONS_F32;
    else if (!strcmp(arg, "auto")) *out = SUMI_ACTIVATIONS_AUTO;
    else return cli_mistake(state, "--activations: '%s' is neither 'auto' nor 'f32'", arg);
    return 0;
}

static error_t set_numa(const struct argp_state *state, const char *arg, sumi_numa *out)
{
    if (!strcmp(arg, "spread")) *out = SUMI_NUMA_SPREAD;
    else if (!strcmp(arg, "off")) *out = SUMI_NUMA_OFF;
    else return cli_mistake(state, "--numa: '%s' is neither 'off' nor 'spread'", arg);
    return 0;
}

static error_t set_level(const struct argp_state *state, const char *arg, sumi_log_level *out)
{
    if (log_level_find(arg, out)) return 0;
    return cli_mistake(state, "--log-level: '%s' is none of error, warn, info, debug", arg);
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
    common_options *o = state->input;
    int64_t n;
    error_t why = 0;
    switch (key) {
    case 't':
        if ((why = cli_int(state, "--threads", arg, 0, 1024, &n)) == 0) o->context.n_threads = (int32_t)n;
        return why;
    case KEY_CTX:
        if ((why = cli_int(state, "--ctx", arg, 0, INT32_MAX, &n)) == 0) o->context.n_ctx = (int32_t)n;
        return why;
    case KEY_KV_MEMORY: return cli_size(state, "--kv-memory", arg, &o->context.kv_bytes);
    case KEY_ACTIVATIONS: return set_activations(state, arg, &o->model.activations);
    case KEY_ISA: o->model.isa = arg; return 0;
    case KEY_PIN: o->context.pin = true; return 0;
    case KEY_NUMA: return set_numa(state, arg, &o->model.numa);
    case KEY_LOG_LEVEL: return set_level(state, arg, &o->log_level);
    case KEY_LOG_JSON:
        o->log_json = true;
        cli_fail_as_json();
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option common_list[] = {
    { "threads", 't', "N", 0, "Computing threads (default: one for each available processor)", 0 },
    { "ctx", KEY_CTX, "N", 0, "Context: longest sequence, in tokens (default: the model's training length)", 0 },
    { "kv-memory", KEY_KV_MEMORY, "SIZE", 0,
      "Memory for keys and values, such as 512M or 2G (default: what --ctx needs, at most a quarter of the free memory)",
      0 },
    { "activations", KEY_ACTIVATIONS, "auto|f32", 0,
      "f32: activations are not rounded; slower, closest to the definition of the model (auto)", 0 },
    { "isa", KEY_ISA, "NAME", 0,
      "Instruction set: ref, avx2, avxvnni, avx512, amx (default: $SUMI_ISA, else the best that the processor has)",
      0 },
    { "pin", KEY_PIN, NULL, 0, "Bind each thread to a processor; use it only if nothing else runs on the machine", 0 },
    { "numa", KEY_NUMA, "off|spread", 0, "spread: weights are spread over all NUMA nodes (default: off)", 0 },
    { "log-level", KEY_LOG_LEVEL, "LEVEL", 0,
      "Messages on stderr: error, warn, info or debug (default: warn; serve: info)", 0 },
    { "log-json", KEY_LOG_JSON, NULL, 0, "Messages and the error line as JSON objects, one on each line", 0 },
    { 0 },
};

const struct argp common_argp = { .options = common_list, .parser = parse_common };

common_options common_options_default(void)
{
    return (common_options){ .context = sumi_context_opts_default(),
                             .model = sumi_model_opts_default(),
                             .log_level = SUMI_LOG_WARN };
}

void cli_print_log(void *user, sumi_log_level level, const char *message)
{
    const common_options *o = user;
    if (level > o->log_level) return;
    if (o->bar) loading_clear(o->bar);
    cli_print_message(o->log_json, log_level_name(level), level == SUMI_LOG_WARN ? "warning: " : "", message);
}

sumi_status cli_open_model(sumi_model **out, const char *name, common_options *o, sumi_error *err)
{
    char path[4096];
    *out = NULL;
    sumi_status st = cli_find_model(name, path, sizeof path, err);
    if (st != SUMI_OK) return st;
    if (!o->model.log) {
        o->model.log = cli_print_log;
        o->model.log_user = o;
    }
    sumi_model_opts opts = o->model;
    loading bar = loading_start();
    opts.progress = loading_show;
    opts.progress_user = &bar;
    o->bar = &bar;
    st = sumi_model_open(out, path, &opts, err);
    o->bar = NULL;
    loading_end(&bar);
    return st;
}

sumi_status cli_open_decoder(sumi_model **out, const char *name, common_options *o, sumi_error *err)
{
    sumi_status st = cli_open_model(out, name, o, err);
    if (st != SUMI_OK || (st = model_check_generates(*out, err)) == SUMI_OK) return st;
    sumi_model_close(*out);
    *out = NULL;
    return st;
}
