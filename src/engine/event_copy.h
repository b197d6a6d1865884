/* event_copy.h - an event outlives the callback that tells it: what its pointers lead to is copied. */
#ifndef SUMI_ENGINE_EVENT_COPY_H
#define SUMI_ENGINE_EVENT_COPY_H

#include "sumi.h"

/* Returns one piece of memory: head_bytes for a structure of the caller's, not set, and behind them copies of all arrays and
 * strings of *e; the pointers of *e lead to the copies then. n_logprobs: alternatives of each token. piece.text gets a NUL
 * behind its n_bytes, and is "" if it was NULL. Free it with free(). NULL: out of memory, and *e is as before. */
void *event_copy(sumi_event *e, int32_t n_logprobs, size_t head_bytes);

#endif
