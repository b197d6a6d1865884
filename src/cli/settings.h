/* settings.h - how an answer is generated, as options (--top-k 20) and as chat commands (/set top-k 20). */
#ifndef SUMI_CLI_SETTINGS_H
#define SUMI_CLI_SETTINGS_H

#include <argp.h>

#include "base/buf.h"
#include "sumi.h"

/* What the options fill. */
typedef struct settings {
    sumi_generate_opts *opts;
    uint32_t given;      /* members of its sampling that were said: SUMI_SAMPLING_* */
    bool no_recommended; /* --generation-config none */
} settings;

/* -n --temp --top-k --top-p --min-p --typical --repeat-penalty --repeat-last-n --frequency-penalty --presence-penalty --seed
 * --generation-config; the input is a settings with opts set. Children for argp, as common_argp; that of `serve` tells of no
 * defaults, for each API has its own. */
extern const struct argp settings_argp, settings_serve_argp;

/* What the model's file recommends, where nothing else was said. */
void settings_take_recommended(settings *s, const sumi_model *model);

/* Sets the named setting. EINVAL: no such name, or a value that is out of range, and err says which are possible. */
SUMI_MUST_USE sumi_status settings_set(sumi_generate_opts *opts, const char *name, const char *value,
                                       sumi_error *err);

void settings_print(const sumi_generate_opts *opts, buf *out); /* "temp 0.8, top-k 40, ..." */

#endif
