/* watchdog.h - detects an engine that makes no progress: the policy of /ready. The caller passes the time.
 *
 * The engine's progress grows with each step. If the engine has work and two probes see the same progress, it has been
 * stalled since the first of these probes; if that is longer than the limit, /ready fails. */
#ifndef SUMI_SERVER_OPS_WATCHDOG_H
#define SUMI_SERVER_OPS_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

typedef struct watchdog {
    uint64_t progress; /* of the last probe */
    double since_ms;   /* the first probe that saw this progress, with work to do */
    bool had_work;     /* at the last probe */
} watchdog;            /* zeroed: no probe yet */

/* One probe. True: the engine has been stalled for longer than limit_ms. */
bool watchdog_probe(watchdog *s, uint64_t progress, bool has_work, double now_ms, double limit_ms);

#endif
