/* stall.h - does the engine stand still? The policy of /ready's watchdog, without a clock of its own.
 *
 * The engine's progress grows with each step. If it has work, and two looks saw the same progress, it stands still since
 * the first of them; if that is longer ago than the limit, something is wrong. */
#ifndef SUMI_SERVER_STALL_H
#define SUMI_SERVER_STALL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct stall {
    uint64_t progress; /* of the last look */
    double since_ms;   /* the first look that saw it, with work to do */
    bool had_work;     /* at the last look */
} stall;               /* zeroed: nothing was seen yet */

/* One look. True: the engine stands still for longer than limit_ms. */
bool stall_look(stall *s, uint64_t progress, bool has_work, double now_ms, double limit_ms);

#endif
