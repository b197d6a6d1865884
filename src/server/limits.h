/* limits.h - how much one key may ask: token buckets, and a count of what runs.
 *
 * A bucket of r in a minute holds at most r, starts full, and gains r / 60 in a second. A request takes one from the
 * bucket of requests. Tokens are known at the end: they are taken then, and the bucket may go below zero; while it is, no
 * request is let in. Counting tokens has a bucket of its own, as large as that of requests: who counts before each request is
 * not one request short. Time is passed in, so tests need no clock. */
#ifndef SUMI_SERVER_LIMITS_H
#define SUMI_SERVER_LIMITS_H

#include <pthread.h>

#include "server/api_error.h"

typedef struct key_limits {
    int32_t requests_per_min, tokens_per_min, max_concurrent; /* 0: no limit */
    pthread_mutex_t lock;
    /* Under lock: */
    double requests, counts, tokens, filled_ms; /* in the buckets; when they were filled last, 0: never */
    int32_t n_running;
} key_limits;

void key_limits_init(key_limits *l); /* the first three fields are set */
void key_limits_deinit(key_limits *l);

/* A request comes. False: *e is a 429 with the seconds after which it is worth another try. Otherwise
 * key_limits_leave() follows. */
SUMI_MUST_USE bool key_limits_enter(key_limits *l, double now_ms, api_error *e);
void key_limits_leave(key_limits *l, int64_t n_tokens); /* it has ended, with so many tokens */

/* A request comes that only counts tokens. False: *e is a 429. Nothing follows. */
SUMI_MUST_USE bool key_limits_count(key_limits *l, double now_ms, api_error *e);

#endif
