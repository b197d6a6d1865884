/* args.h - one way to parse the arguments of every command.
 *
 * A command describes its options with argp and calls cli_parse(), which makes every mistake one line on stderr and
 * exit code 2:      sumi run: --temp: 'warm' is not a number; see 'sumi run --help'
 * (argp's own messages take two lines, and exit with 64.) Options must be written in full (exact.h); help.h prints
 * --help. */
#ifndef SUMI_CLI_OPTIONS_ARGS_H
#define SUMI_CLI_OPTIONS_ARGS_H

#include <argp.h>

#include "sumi.h"

/* Parses argv (argv[0] is the command's name, "run") into input, as argp_parse() does. False: a mistake was reported, and
 * the command ends with EXIT_USAGE. The parser of argp reports mistakes with cli_mistake(). */
SUMI_MUST_USE bool cli_parse(const struct argp *argp, int argc, char **argv, void *input);

/* Reports a mistake in the arguments, once; returns the value that an argp parser must then return. */
error_t cli_mistake(const struct argp_state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For ARGP_KEY_ARG: the first argument is MODEL; a second argument is a mistake. */
error_t cli_model_argument(struct argp_state *state, char *arg, const char **model);

/* Numbers, whole: "12", "0.5"; sizes with K, M, G, T for powers of 1024: "512M", "1.5G". low <= *out <= high, or a
 * mistake that names the option. */
error_t cli_int(const struct argp_state *state, const char *option, const char *arg, int64_t low, int64_t high,
                int64_t *out);
error_t cli_float(const struct argp_state *state, const char *option, const char *arg, float low, float high,
                  float *out);
error_t cli_size(const struct argp_state *state, const char *option, const char *arg, size_t *out);

/* "mean" or "last". */
error_t cli_pooling(const struct argp_state *state, const char *option, const char *arg, sumi_pooling *out);

#endif
