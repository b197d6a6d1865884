/* work.h - a pool of threads for work that would block a thread of HTTP: large bodies are parsed, rendered and tokenised
 * here.
 *
 *   connection's thread                      pool's thread
 *   work_submit() -> sleep() ----> queues --> run()
 *   (the connection is suspended)               |
 *   finish by the caller  <------- wake() <-----'
 *
 * Fairness: each client (a key, or an address) has its own queue, first in, first out; the queues are served in turn, one
 * piece of work each. Large work never occupies all threads, so that small work waits for small work only. The threads
 * have a lower priority than the engine's.
 * Limits: bytes that wait or run, of one client and of all clients; a single piece of work is accepted at any size.
 *
 * Locks: one, the innermost except for locks that sleep() takes; run() and wake() are called without it. */
#ifndef SUMI_SERVER_HTTP_WORK_H
#define SUMI_SERVER_HTTP_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "sumi.h"

enum { WORK_MAX_CLIENT = 80 }; /* bytes of a client's name, with its NUL */

/* Embedded in the caller's structure. The pool writes only `next`. */
typedef struct work {
    size_t n_bytes;              /* the size of the work: decides whether it is large, and whether the pool is full */
    void (*run)(struct work *w); /* not called for work that waits when the pool ends */
    void (*wake)(struct work *w, bool ran); /* the last call: w may be gone when it returns */
    struct work *next;
} work;

typedef struct work_limits {
    int n_threads;              /* at least 2 */
    size_t large_bytes;         /* work of at least this many bytes is large */
    size_t client_bytes, bytes; /* most bytes that wait or run, of one client and of all clients */
} work_limits;

typedef enum work_verdict { WORK_TAKEN, WORK_FULL_FOR_CLIENT, WORK_FULL, WORK_NO_MEMORY } work_verdict;

typedef struct work_pool work_pool;

SUMI_MUST_USE sumi_status work_pool_create(work_pool **out, const work_limits *limits, sumi_error *err);
/* Waits for running work; waiting work gets wake() with ran == false; afterwards the pool accepts nothing. NULL is
 * fine. */
void work_pool_stop(work_pool *p);
void work_pool_destroy(work_pool *p); /* stops it. NULL is fine */

/* client: the owner of the work. sleep (may be NULL) is called with w, under the lock, only if the work is accepted, and
 * before run() and wake(). */
SUMI_MUST_USE work_verdict work_submit(work_pool *p, work *w, const char *client, void (*sleep)(work *w));

#endif
