/* event_copy.h - copies an event with everything that it points to, so that it outlives its callback. */
#ifndef SUMI_ENGINE_REQUESTS_EVENT_COPY_H
#define SUMI_ENGINE_REQUESTS_EVENT_COPY_H

#include "sumi.h"

/* Returns one allocation: head_bytes for a structure of the caller, not initialised, then copies of all arrays and strings
 * of *e, whose pointers then point to the copies. n_logprobs: alternatives of each token. piece.text gets a NUL after its
 * n_bytes, and is "" if it was NULL. Free with free(). NULL: out of memory, and *e is unchanged. */
void *event_copy(sumi_event *e, int32_t n_logprobs, size_t head_bytes);

#endif
