/* limits.h - the limits of one key: token buckets, and a count of running requests.
 *
 * A bucket of r per minute holds at most r, starts full, and gains r / 60 per second. A request takes one from the bucket
 * of requests when it arrives, and one more for each further answer. Tokens are charged before the request is submitted:
 * those of the prompts, and the most that the answers may have; unused tokens are returned at the end. The bucket of
 * tokens may become negative; while it is negative, requests are refused. Requests that only count tokens have a bucket of
 * their own, as large as that of requests, so that a client may count before each request. The caller passes the time, so
 * tests need no clock. */
#ifndef SUMI_SERVER_OPS_LIMITS_H
#define SUMI_SERVER_OPS_LIMITS_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/api/api_error.h"

typedef struct key_limits {
    int32_t requests_per_min, tokens_per_min, max_concurrent; /* 0: no limit */
    pthread_mutex_t lock;
    /* Under lock: */
    double requests, counts, tokens, filled_ms; /* contents of the buckets; time of the last refill, 0: none */
    int32_t n_running;                          /* answers */
    int32_t refs;                               /* keys.c: tables that have it */
    _Atomic bool revoked;                       /* the key was removed from the table: its running requests end */
} key_limits;

/* The charge of a request besides its first answer; {0}: none. */
typedef struct key_charge {
    int32_t n_more; /* answers */
    int64_t n_tokens;
} key_charge;

void key_limits_init(key_limits *l); /* the first three fields are set */
void key_limits_deinit(key_limits *l);

/* A request arrives. False: *e is a 429 with the seconds after which a retry may succeed. On success call
 * key_limits_leave() at the end. */
SUMI_MUST_USE bool key_limits_enter(key_limits *l, double now_ms, api_error *e);
/* The request was read: charges its answers and tokens. False: *e is a 429, and nothing is charged. */
SUMI_MUST_USE bool key_limits_charge(key_limits *l, double now_ms, key_charge charge, api_error *e);
void key_limits_leave(key_limits *l, key_charge charge, int64_t n_tokens); /* the request has ended and used n tokens */

/* Changes the limits of the key; buckets keep their contents, up to the new size. */
void key_limits_change(key_limits *l, const key_limits *to);

/* A request arrives that only counts tokens. False: *e is a 429. No key_limits_leave() follows. */
SUMI_MUST_USE bool key_limits_count(key_limits *l, double now_ms, api_error *e);

#endif
