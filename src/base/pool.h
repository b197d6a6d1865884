/* pool.h - a fixed set of threads that run one loop at a time.
 *
 * A step of a model is some hundred short loops (tens of microseconds each), so starting one must cost about a
 * microsecond: workers spin for a bounded time between loops and only then sleep in the kernel. A loop's items are
 * claimed in runs of `grain` from a shared counter (smaller ones near the end, so that no thread waits long for another),
 * and the caller waits for items, not for threads: a worker that is asleep or preempted holds nobody up unless it has
 * claimed a run. Which thread gets an item must therefore not matter to its result.
 *
 *   caller:  publish loop, epoch++ ----> claims runs like a worker ----> waits until every run is done
 *   worker:  spin/sleep on epoch  ----> claims runs until none is left
 *
 * Threads: one caller at a time. */
#ifndef SUMI_BASE_POOL_H
#define SUMI_BASE_POOL_H

#include "sumi.h"

typedef struct pool pool;

/* Items begin <= i < end of a loop; thread is 0 for the caller, else 1 .. n_threads - 1 (for scratch memory). */
typedef void (*pool_fn)(void *arg, int64_t begin, int64_t end, int32_t thread);

/* n_threads includes the caller. On success *out is freed with pool_destroy(). */
SUMI_MUST_USE sumi_status pool_create(pool **out, int32_t n_threads, sumi_error *err);
void pool_destroy(pool *p); /* NULL is fine */
int32_t pool_n_threads(const pool *p);

/* Binds each worker to a processor of its own: worker i to the i-th of those that the calling thread may run on. The
 * caller itself stays free to move, which leaves the first one to it. EINVAL: fewer processors than threads. */
SUMI_MUST_USE sumi_status pool_pin(pool *p, sumi_error *err);

/* Runs fn over n_items (< 2^32 - 1) items, about grain (>= 1) at a time; returns when all are done. A loop of at most
 * grain items runs on the caller alone. */
void pool_for(pool *p, int64_t n_items, int64_t grain, pool_fn fn, void *arg);

/* For an item that needs others of its loop: waits until the threads that run these have counted count down to 0, and sees
 * what they wrote before that. Only for items that stand behind the ones it needs: these have been claimed then. */
void pool_wait_zero(const _Atomic int32_t *count);

#endif
