/* progress.c - see progress.h.
 *
 *   SmolLM2-135M-Instruct-Q8_0.gguf [########      ]  57%  12 s left  79.3 of 138.1 MiB
 *
 * A line as wide as the terminal would wrap, and the next line would be printed below it instead of over it. So the parts
 * share the width: first the name is cut, then the bar shrinks, then the bar and the note are dropped. */
#include "cli/terminal/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/os/clock.h"
#include "cli/terminal/columns.h"

enum {
    BAR_MOST = 30,
    BAR_LEAST = 8,     /* columns of the bar */
    NAME_LEAST = 16,   /* columns of a name before the bar shrinks */
    INTERVAL_MS = 100, /* a terminal need not be written more often than one can read */
    MAX_LINE = 512
};

progress progress_start(const char *what, int64_t total)
{
    return (
        progress){ .what = what, .total = total > 0 ? total : 1, .start_ms = clock_ms(), .on = isatty(STDERR_FILENO) };
}

void progress_line(char *out, size_t n_out, const char *what, int percent, double left_s, const char *note, int columns)
{
    char name[MAX_LINE], tail[MAX_LINE];
    percent = percent < 0 ? 0 : percent > 100 ? 100 : percent;
    snprintf(tail, sizeof tail, "%3d%%  %.0f s left%s%s", percent, left_s, *note ? "  " : "", note);
    int room = columns - 1 - (int)strlen("  [] ") -
               columns_of_text(tail, strlen(tail)); /* the last column stays free */
    int wanted = columns_of_text(what, strlen(what));
    int n_name = wanted < room - BAR_MOST ? wanted : room - BAR_MOST;
    if (n_name < wanted && n_name < NAME_LEAST) n_name = wanted < NAME_LEAST ? wanted : NAME_LEAST;
    int n_bar = room - n_name < BAR_MOST ? room - n_name : BAR_MOST;
    if (n_bar < BAR_LEAST) {
        char line[2 * MAX_LINE];
        columns_fit(name, sizeof name, what, wanted < columns - 24 ? wanted : columns - 24 > 8 ? columns - 24 : 8);
        snprintf(line, sizeof line, "%s %3d%%  %.0f s left", name, percent, left_s);
        columns_fit(out, n_out, line, columns - 1);
        return;
    }
    columns_fit(name, sizeof name, what, n_name);
    int filled = percent * n_bar / 100;
    snprintf(out, n_out, "%s [%.*s%*s] %s", name, filled, "##############################", n_bar - filled, "", tail);
}

void progress_show(progress *p, int64_t done, const char *note)
{
    double now = clock_ms();
    if (!p->on || (done < p->total && now - p->shown_ms < INTERVAL_MS)) return;
    p->shown_ms = now;
    int64_t now_done = done - p->first;
    double left = now_done > 0 ? (now - p->start_ms) / (double)now_done * (double)(p->total - done) / 1000 : 0;
    char line[4 * MAX_LINE];
    progress_line(line, sizeof line, p->what, (int)(done * 100 / p->total), left, note,
                  columns_of_terminal(STDERR_FILENO, COLUMNS_USUAL));
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
}

void progress_end(const progress *p)
{
    if (p->on) fputs("\r\033[K", stderr);
}
