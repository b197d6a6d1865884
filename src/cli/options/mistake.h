/* mistake.h - one line on stderr about a mistake in the arguments, with the place where help is. */
#ifndef SUMI_CLI_OPTIONS_MISTAKE_H
#define SUMI_CLI_OPTIONS_MISTAKE_H

#include <stdarg.h>

/* command is "sumi run". */
void cli_tell_mistake(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_tell_mistake_va(const char *command, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

#endif
