/* habits.h - words of other programs: options and commands of llama.cpp, Ollama and vLLM, and what stands for them here.
 *
 * A word is accepted where it means the same; where it does not, a line says what to do instead. */
#ifndef SUMI_CLI_HABITS_H
#define SUMI_CLI_HABITS_H

#include <stddef.h>

typedef struct habit {
    const char *theirs; /* "--ctx-size", "-ngl", "ls" */
    const char *ours;   /* means the same: "--ctx", "list"; "MODEL": its value is that argument. NULL: nothing does */
    const char *noop;   /* an option that with this value asks for what is done anyway, or NULL */
    const char *why;    /* ours NULL: what to do instead */
} habit;

/* n: length of the word, which may go on with "=value". NULL: not known. */
const habit *habit_option(const char *word, size_t n);
const habit *habit_command(const char *word);

const habit *habit_option_at(size_t i); /* all options, one by one; NULL behind the last */

#endif
