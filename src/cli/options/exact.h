/* exact.h - options must be written in full. argp accepts the beginning of an option's name, and reads "-ngl 0" as "-n gl";
 * here an unknown name is a mistake.
 *
 * Words of other programs with the same meaning (habits.h) are replaced by sumi's. */
#ifndef SUMI_CLI_OPTIONS_EXACT_H
#define SUMI_CLI_OPTIONS_EXACT_H

#include <argp.h>

#include "sumi.h"

/* The option that arg ("--name", "--name=value", "-n") means, in argp or its children; NULL: none. */
const struct argp_option *exact_find(const struct argp *argp, const char *arg);

/* Writes the arguments for argp to out, which has room for 2 * argc pointers; argv[0] is copied. The strings of argv must
 * stay valid. Returns the number of arguments; -1: an option is unknown, which was reported in the name of the command. */
SUMI_MUST_USE int exact_arguments(const struct argp *argp, const char *command, int argc, char **argv, char **out);

#endif
