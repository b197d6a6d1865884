/* progress.c - see progress.h. */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define WIDTH       30
#define INTERVAL_MS 100 /* a terminal need not be written more often than one can read */

progress progress_start(const char *what, int64_t total)
{
    return (progress){ .what = what, .total = total > 0 ? total : 1, .start_ms = clock_ms(), .on = isatty(STDERR_FILENO) };
}

void progress_show(progress *p, int64_t done, const char *note)
{
    double now = clock_ms();
    if (!p->on || (done < p->total && now - p->shown_ms < INTERVAL_MS)) return;
    p->shown_ms = now;
    int filled = (int)(done * WIDTH / p->total);
    int64_t now_done = done - p->first;
    double left = now_done > 0 ? (now - p->start_ms) / (double)now_done * (double)(p->total - done) / 1000 : 0;
    fprintf(stderr, "\r%s [%.*s%*s] %3d%%  %.0f s left  %s\033[K", p->what, filled,
            "##############################", WIDTH - filled, "", (int)(done * 100 / p->total), left, note);
    fflush(stderr);
}

void progress_end(progress *p)
{
    if (p->on) fputs("\r\033[K", stderr);
}
