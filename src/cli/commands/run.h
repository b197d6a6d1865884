/* run.h - the state of `sumi run`: its options and the opened model. */
#ifndef SUMI_CLI_COMMANDS_RUN_H
#define SUMI_CLI_COMMANDS_RUN_H

#include "cli/options/options.h"
#include "cli/options/settings.h"
#include "sumi.h"

enum { RUN_MAX_STOPS = 64 };

typedef struct run_options {
    common_options common;
    sumi_generate_opts generate; /* generate.stop points to stops */
    settings settings;           /* how generate was filled */
    const char *stops[RUN_MAX_STOPS];
    const char *model, *prompt, *file, *system;
    bool raw, json, stats;
} run_options;

typedef struct session { /* what an answer needs */
    run_options *options;
    sumi_model *model;
    sumi_context *ctx;
    int32_t seq;
} session;

/* The conversation as token ids, up to the beginning of the answer. Free *ids with sumi_free(). */
SUMI_MUST_USE sumi_status run_render(const session *s, const sumi_message *messages, int32_t n_messages, int32_t **ids,
                                     int32_t *n_ids, sumi_error *err);

uint64_t run_new_seed(void);

/* The interactive chat (chat.c). Returns an exit code. */
int chat_run(session *s);

#endif
