/* limits.h - how much one key may ask: token buckets, and a count of what runs.
 *
 * A bucket of r in a minute holds at most r, starts full, and gains r / 60 in a second. A request takes one from the
 * bucket of requests when it comes, and one more for each further answer that it asks for. Tokens are taken before the
 * engine is asked: those of the prompts, and the most that the answers may have; unused ones come back at the end. The
 * bucket of tokens may go below zero; while it is, no request is let in. Counting tokens has a bucket of its own, as large
 * as that of requests: a client that counts before each request may send as many requests as one that does not. Time is
 * passed in, so tests need no clock. */
#ifndef SUMI_SERVER_LIMITS_H
#define SUMI_SERVER_LIMITS_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/api_error.h"

typedef struct key_limits {
    int32_t requests_per_min, tokens_per_min, max_concurrent; /* 0: no limit */
    pthread_mutex_t lock;
    /* Under lock: */
    double requests, counts, tokens, filled_ms; /* in the buckets; when they were filled last, 0: never */
    int32_t n_running; /* answers */
    int32_t refs;      /* keys.c: tables that have it */
    _Atomic bool revoked; /* the key is in no table any more: what runs for it ends */
} key_limits;

/* What a request has taken beyond its first answer; {0}: nothing. */
typedef struct key_charge {
    int32_t n_more;   /* answers */
    int64_t n_tokens;
} key_charge;

void key_limits_init(key_limits *l); /* the first three fields are set */
void key_limits_deinit(key_limits *l);

/* A request comes. False: *e is a 429 with the seconds after which it is worth another try. Otherwise
 * key_limits_leave() follows. */
SUMI_MUST_USE bool key_limits_enter(key_limits *l, double now_ms, api_error *e);
/* It has been read: takes what it asks for. False: *e is a 429, and nothing is taken. */
SUMI_MUST_USE bool key_limits_charge(key_limits *l, double now_ms, key_charge charge, api_error *e);
void key_limits_leave(key_limits *l, key_charge charge, int64_t n_tokens); /* it has ended, with so many tokens */

/* Other limits for the same key: buckets keep what they have, as far as it fits. Tells who runs nothing. */
void key_limits_change(key_limits *l, const key_limits *to);

/* A request comes that only counts tokens. False: *e is a 429. Nothing follows. */
SUMI_MUST_USE bool key_limits_count(key_limits *l, double now_ms, api_error *e);

#endif
