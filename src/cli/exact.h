/* exact.h - options as they are written: argp takes the beginning of an option's name for the option, and "-ngl 0" for
 * "-n gl"; here a name is known or it is a mistake.
 *
 * Words of other programs that mean the same (habits.h) are replaced by ours. */
#ifndef SUMI_CLI_EXACT_H
#define SUMI_CLI_EXACT_H

#include <argp.h>

#include "sumi.h"

/* The option that arg ("--name", "--name=value", "-n") means, in argp or its children; NULL: none. */
const struct argp_option *exact_find(const struct argp *argp, const char *arg);

/* Writes to out, which has room for 2 * argc pointers, what argp is to parse; argv[0] is taken over. Strings of argv are
 * kept. Returns how many there are; -1: an option is not known, and a line has told so in the name of the command. */
SUMI_MUST_USE int exact_arguments(const struct argp *argp, const char *command, int argc, char **argv, char **out);

#endif
