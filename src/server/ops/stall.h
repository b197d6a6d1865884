/* stall.h - detects a stalled engine: the policy of /ready's watchdog. The caller passes the time.
 *
 * The engine's progress grows with each step. If the engine has work and two probes see the same progress, it has been
 * stalled since the first of these probes; if that is longer than the limit, /ready fails. */
#ifndef SUMI_SERVER_OPS_STALL_H
#define SUMI_SERVER_OPS_STALL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct stall {
    uint64_t progress; /* of the last probe */
    double since_ms;   /* the first probe that saw this progress, with work to do */
    bool had_work;     /* at the last probe */
} stall;               /* zeroed: no probe yet */

/* One probe. True: the engine has been stalled for longer than limit_ms. */
bool stall_probe(stall *s, uint64_t progress, bool has_work, double now_ms, double limit_ms);

#endif
