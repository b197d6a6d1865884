/* mistake.c - see mistake.h. */
#include "cli/options/mistake.h"

#include <stdio.h>

void cli_tell_mistake_va(const char *command, const char *format, va_list args)
{
    fprintf(stderr, "%s: ", command);
    vfprintf(stderr, format, args);
    fprintf(stderr, "; see '%s --help'\n", command);
}

void cli_tell_mistake(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cli_tell_mistake_va(command, format, args);
    va_end(args);
}
