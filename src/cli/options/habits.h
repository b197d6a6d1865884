/* habits.h - options and commands of llama.cpp, Ollama and vLLM, and sumi's words for them.
 *
 * A word with the same meaning is accepted; for any other word, a line says what to use instead. */
#ifndef SUMI_CLI_OPTIONS_HABITS_H
#define SUMI_CLI_OPTIONS_HABITS_H

#include <stddef.h>

typedef struct habit {
    const char *theirs; /* "--ctx-size", "-ngl", "ls" */
    const char *ours; /* the word with the same meaning: "--ctx", "list"; "MODEL": the option's value is that argument.
                           NULL: none */
    const char *noop; /* a value with which the option changes nothing and is accepted, or NULL */
    const char *why;  /* ours NULL: what to do instead */
} habit;

/* n: length of the word, which "=value" may follow. NULL: unknown. */
const habit *habit_option(const char *word, size_t n);
const habit *habit_command(const char *word);

const habit *habit_option_at(size_t i); /* all options, one by one; NULL after the last */

#endif
