/* help.h - prints --help: text wraps to the width of the terminal, example commands are never broken. */
#ifndef SUMI_CLI_OPTIONS_HELP_H
#define SUMI_CLI_OPTIONS_HELP_H

#include <argp.h>

/* Columns of the terminal on standard output: $COLUMNS, or the terminal's own width; 0: standard output is no terminal. */
int help_columns(void);

/* Prints text on stdout, wrapped at spaces to the terminal or to 80 columns; the first line begins in column `at`, the
 * others in column `indent`. */
void help_wrap(const char *text, int at, int indent);

/* Prints the help of a command: root has options of its own and the command's argp as its only child. The text after the
 * \v of the command's doc comes last, with its help_filter applied (ARGP_KEY_HELP_POST_DOC); lines of this text that begin
 * with a space, such as examples, are printed unchanged. name: "sumi run". */
void help_print(const struct argp *root, const char *name, void *input);

#endif
