/* watchdog.c - see watchdog.h. */
#include "server/ops/watchdog.h"

bool watchdog_probe(watchdog *s, uint64_t progress, bool has_work, double now_ms, double limit_ms)
{
    bool same = s->had_work && has_work && progress == s->progress;
    if (!same) s->since_ms = now_ms;
    s->progress = progress;
    s->had_work = has_work;
    return same && now_ms - s->since_ms > limit_ms;
}
