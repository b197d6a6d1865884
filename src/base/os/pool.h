/* pool.h - a fixed set of threads that run one loop at a time.
 *
 * A step of a model is some hundred short loops (tens of microseconds each), so starting a loop must cost about a
 * microsecond: workers spin for a bounded time between loops and only then sleep in the kernel. Threads claim the items of
 * a loop in runs of `grain` from a shared counter; runs near the end are smaller, so that no thread waits long for
 * another. The caller waits for items, not for threads: a worker that sleeps or is preempted delays nobody unless it has
 * claimed a run. The result of an item must not depend on the thread that computes it.
 *
 *   caller:  publish loop, epoch++ ----> claims runs like a worker ----> waits until every run is done
 *   worker:  spin/sleep on epoch  ----> claims runs until none is left
 *
 * Threads: one caller at a time. */
#ifndef SUMI_BASE_OS_POOL_H
#define SUMI_BASE_OS_POOL_H

#include "sumi.h"

typedef struct pool pool;

/* Items begin <= i < end of a loop; thread is 0 for the caller, else 1 .. n_threads - 1 (for scratch memory). */
typedef void (*pool_fn)(void *arg, int64_t begin, int64_t end, int32_t thread);

/* n_threads includes the caller. On success *out is freed with pool_destroy(). */
SUMI_MUST_USE sumi_status pool_create(pool **out, int32_t n_threads, sumi_error *err);
void pool_destroy(pool *p); /* NULL is fine */
int32_t pool_n_threads(const pool *p);

/* Binds each worker to a processor of its own: worker i to the i-th processor that the calling thread may run on. The
 * caller stays unbound; the first processor is left for it. EINVAL: fewer processors than threads. */
SUMI_MUST_USE sumi_status pool_pin(pool *p, sumi_error *err);

/* Runs fn over n_items (< 2^32 - 1) items, about grain (>= 1) at a time; returns when all are done. A loop of at most
 * grain items runs on the caller alone. */
void pool_for(pool *p, int64_t n_items, int64_t grain, pool_fn fn, void *arg);

/* For an item that needs results of other items of its loop: waits until the threads of those items have counted count
 * down to 0; their writes are then visible. The item must have a higher index than the items that it needs, so that these
 * are already claimed. */
void pool_wait_zero(const _Atomic int32_t *count);

#endif
