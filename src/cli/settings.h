/* settings.h - how an answer is generated, as options (--top-k 20) and as chat commands (/set top-k 20). */
#ifndef SUMI_CLI_SETTINGS_H
#define SUMI_CLI_SETTINGS_H

#include <argp.h>

#include "base/buf.h"
#include "sumi.h"

/* -n --temp --top-k --top-p --min-p --typical --repeat-penalty --repeat-last-n --frequency-penalty
 * --presence-penalty --seed; the input is a sumi_generate_opts. A child for argp, as common_argp. */
extern const struct argp settings_argp;

/* Sets the named setting. EINVAL: no such name, or a value that is out of range, and err says which are possible. */
SUMI_MUST_USE sumi_status settings_set(sumi_generate_opts *opts, const char *name, const char *value,
                                       sumi_error *err);

void settings_print(const sumi_generate_opts *opts, buf *out); /* "temp 0.8, top-k 40, ..." */

#endif
