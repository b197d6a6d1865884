/* serving.h - the options of commands that run an engine: the number of concurrent requests, and their memory. */
#ifndef SUMI_CLI_OPTIONS_SERVING_H
#define SUMI_CLI_OPTIONS_SERVING_H

#include "cli/options/options.h"

/* --max-seqs --token-budget --stall --swap-memory --swap-dir --prefix-cache --no-prefix-cache --share-prefixes --spec.
 * Make serving_argp a child of the command's argp, with a sumi_engine_opts from sumi_engine_opts_default() as its input. */
extern const struct argp serving_argp;

/* The engine's share of the common options: threads, context, memory. */
void serving_take_common(sumi_engine_opts *engine, const common_options *common);

#endif
