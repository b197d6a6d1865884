/* loading.h - a progress bar while a model is opened, if that takes long: most models are there before one could read it. */
#ifndef SUMI_CLI_TERMINAL_LOADING_H
#define SUMI_CLI_TERMINAL_LOADING_H

#include <stdbool.h>

#include "cli/terminal/progress.h"

typedef struct loading {
    progress bar;
    double start_ms;
    bool shown; /* the bar is on the terminal */
} loading;

loading loading_start(void);
bool loading_show(void *user, uint64_t done, uint64_t total); /* a sumi_progress_fn; user: a loading */
void loading_clear(const loading *l);                         /* clears the line for a message; the bar comes back */
void loading_end(loading *l);                                 /* clears the line */

#endif
