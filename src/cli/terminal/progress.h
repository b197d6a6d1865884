/* progress.h - a progress bar on stderr for long work; shown only on a terminal. */
#ifndef SUMI_CLI_TERMINAL_PROGRESS_H
#define SUMI_CLI_TERMINAL_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

typedef struct progress {
    const char *what;     /* "perplexity" */
    int64_t total, first; /* first: the part that was done before, for the estimate of the remaining time */
    double start_ms, shown_ms;
    int on; /* stderr is a terminal */
} progress;

progress progress_start(const char *what, int64_t total);
void progress_show(progress *p, int64_t done, const char *note); /* note: text after the bar, or "" */
void progress_end(const progress *p);                            /* clears the line */

/* The line of the bar, at most columns - 1 wide. percent: 0 to 100. */
void progress_line(char *out, size_t n_out, const char *what, int percent, double left_s, const char *note,
                   int columns);

#endif
