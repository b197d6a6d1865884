/* loading.c - see loading.h. */
#include "cli/terminal/loading.h"

#include "base/os/clock.h"

enum { QUIET_MS = 500 }; /* no bar is shown before this time */

loading loading_start(void)
{
    return (loading){ .start_ms = clock_ms() };
}

bool loading_show(void *user, uint64_t done, uint64_t total)
{
    loading *l = user;
    if (clock_ms() - l->start_ms < QUIET_MS) return true;
    if (!l->shown) {
        l->bar = progress_start("loading", (int64_t)total);
        l->bar.start_ms = l->start_ms; /* the time that is left follows from all that was read */
        l->shown = true;
    }
    progress_show(&l->bar, (int64_t)done, "");
    return true;
}

void loading_clear(const loading *l)
{
    if (l->shown) progress_end(&l->bar);
}

void loading_end(loading *l)
{
    loading_clear(l);
    l->shown = false;
}
