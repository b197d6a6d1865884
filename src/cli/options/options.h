/* options.h - the options of every command that computes: threads, context, memory, messages. */
#ifndef SUMI_CLI_OPTIONS_OPTIONS_H
#define SUMI_CLI_OPTIONS_OPTIONS_H

#include <argp.h>

#include "cli/terminal/loading.h"
#include "sumi.h"

/* -t --ctx --kv-memory --activations --isa --pin --numa --log-level --log-json. Make common_argp a child of the command's argp, and
 * in ARGP_KEY_INIT set state->child_inputs[0] to a common_options from common_options_default(). */
typedef struct common_options {
    sumi_context_opts context;
    sumi_model_opts model;
    sumi_log_level log_level;
    bool log_json;
    const loading *bar; /* while a model is opened: cli_print_log() clears this bar before it writes a line */
} common_options;

extern const struct argp common_argp;
common_options common_options_default(void);

/* A sumi_log_fn that writes to stderr as the options say; user is a common_options. */
void cli_print_log(void *user, sumi_log_level level, const char *message);

/* Opens MODEL, a path or a name (cli_find_model()). Messages of the library go to o->model.log, or, if that is NULL,
 * to stderr as the options say; o must live as long as the model. */
SUMI_MUST_USE sumi_status cli_open_model(sumi_model **out, const char *name, common_options *o, sumi_error *err);

/* The same for a model that generates text. EUNSUPPORTED: it is an encoder. */
SUMI_MUST_USE sumi_status cli_open_decoder(sumi_model **out, const char *name, common_options *o, sumi_error *err);

#endif
