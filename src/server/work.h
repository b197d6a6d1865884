/* work.h - what would hold up a thread that speaks HTTP: large bodies, which are parsed, rendered and tokenised on threads
 * of their own.
 *
 *   connection's thread                      pool's thread
 *   work_submit() -> sleep() ----> queues --> run()
 *   (the connection sleeps)                     |
 *   finish by the caller  <------- wake() <-----'
 *
 * Fairness: each client (a key, or an address) has a queue of its own, first in, first out; the queues are served in turn,
 * one piece of work each. Large work never has all threads, so that small work waits for small work only. The threads run
 * at a lower priority than the engine's.
 * Limits: bytes that wait or run, of one client and of all; one piece of work is taken however large it is.
 *
 * Locks: one, the innermost but for what sleep() takes; run() and wake() are called without it. */
#ifndef SUMI_SERVER_WORK_H
#define SUMI_SERVER_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "sumi.h"

enum { WORK_MAX_CLIENT = 80 }; /* bytes of a client's name, with its NUL */

/* Embedded in what the work is about. The pool writes nothing but `next`. */
typedef struct work {
    size_t n_bytes;              /* how much of it there is: decides what counts as large, and as full */
    void (*run)(struct work *w); /* not called for work that waits when the pool ends */
    void (*wake)(struct work *w, bool ran); /* the last call: w may be gone when it returns */
    struct work *next;
} work;

typedef struct work_limits {
    int n_threads;              /* at least 2 */
    size_t large_bytes;         /* from so many bytes on work is large */
    size_t client_bytes, bytes; /* that wait or run, of one client and of all */
} work_limits;

typedef enum work_verdict { WORK_TAKEN, WORK_FULL_FOR_CLIENT, WORK_FULL, WORK_NO_MEMORY } work_verdict;

typedef struct work_pool work_pool;

SUMI_MUST_USE sumi_status work_pool_create(work_pool **out, const work_limits *limits, sumi_error *err);
/* Waits for what runs; what waits is told with ran == false; from now on the pool is full. NULL is fine. */
void work_pool_stop(work_pool *p);
void work_pool_destroy(work_pool *p); /* stops it. NULL is fine */

/* client: whose it is. sleep (may be NULL) is called with w, under the lock, only if it is taken, and before any call of
 * run() or wake(). */
SUMI_MUST_USE work_verdict work_submit(work_pool *p, work *w, const char *client, void (*sleep)(work *w));

#endif
