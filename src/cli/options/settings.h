/* settings.h - how an answer is generated, as options (--top-k 20) and as chat commands (/set top-k 20). */
#ifndef SUMI_CLI_OPTIONS_SETTINGS_H
#define SUMI_CLI_OPTIONS_SETTINGS_H

#include <argp.h>

#include "base/buf.h"
#include "sumi.h"

/* What the options fill. */
typedef struct settings {
    sumi_generate_opts *opts;
    uint32_t given;      /* members of its sampling that the user has set: SUMI_SAMPLING_* */
    bool no_recommended; /* --generation-config none */
} settings;

/* -n --temp --top-k --top-p --min-p --typical --repeat-penalty --repeat-last-n --frequency-penalty --presence-penalty --seed
 * --generation-config; the input is a settings with opts set. Children for argp, as common_argp; the help of `serve` shows
 * no defaults, because each API has its own. */
extern const struct argp settings_argp, settings_serve_argp;

/* Takes the model file's recommended values for settings that the user has not set. */
void settings_take_recommended(settings *s, const sumi_model *model);

/* Sets the named setting. EINVAL: there is no such name, or the value is out of range; err lists the possible ones. */
SUMI_MUST_USE sumi_status settings_set(sumi_generate_opts *opts, const char *name, const char *value, sumi_error *err);

void settings_print(const sumi_generate_opts *opts, buf *out); /* "temp 0.8, top-k 40, ..." */

#endif
