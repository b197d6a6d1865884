/* pool.c - see pool.h.
 *
 * A worker may be late, when the caller has started another loop already. So the counter of claimed items contains the
 * number of its loop,
 *
 *   claim:  | epoch 32 | items claimed 32 |
 *
 * and a run is claimed by compare-and-swap on both. A worker reads claim, then the fields of the loop, then claims. If it
 * succeeds, claim has not changed in between, so the loop is not complete and the fields that it read belong to this loop.
 * The caller closes claim (CLOSED items: none left) before it replaces the fields. A worker that reads a new field by
 * acquire has also seen claim closed, and cannot claim from the old loop. */
#include "base/os/pool.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/os/clock.h"
#include "base/os/cpu.h"

/* How long a waiter spins before it sleeps: longer than the gap between two loops of a step, shorter than anyone would
 * notice as load. With more threads than processors a spinning thread may keep away the one that it waits for, so then
 * it is little more than the time of a system call. */
#define SPIN_NS         50000
#define SPIN_CROWDED_NS 2000
#define SPINS_PER_LOOK  32 /* PAUSE instructions between two readings of the clock; one takes 10 to 50 ns */

#define CLOSED 0xffffffffu

typedef struct worker {
    pool *owner;
    pthread_t thread;
    int32_t number;
} worker;

/* A number that threads wait for to change. */
typedef struct gate {
    _Atomic uint32_t value;      /* the futex */
    _Atomic uint32_t n_sleepers; /* the thread that changes value skips the system call while all waiters spin */
} gate;

struct pool {
    _Alignas(64) gate epoch;             /* number of the last loop: workers wait on it */
    _Alignas(64) gate n_left;            /* items that are not done: the caller waits on it */
    _Alignas(64) _Atomic uint64_t claim; /* see above */
    _Alignas(64) _Atomic(pool_fn) fn;    /* the loop; written while no run can be claimed */
    _Atomic(void *) arg;
    _Atomic uint32_t n_items, grain;
    _Atomic bool stop, no_alloc; /* no_alloc: the loop runs under mem_forbid() */
    int32_t n_threads, n_started;
    int64_t spin_ns;
    worker workers[];
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Returns the new number once it differs from value; spins first. Sequential consistency makes the skipped wake-up
 * safe: either gate_changed() sees the sleeper, or the kernel sees the new number and does not put it to sleep. */
static uint32_t gate_wait(gate *g, uint32_t value, int64_t spin_ns)
{
    uint32_t now;
    for (int64_t start = 0, time = 0; time - start <= spin_ns; time = clock_ns(), start = start ? start : time)
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            if ((now = atomic_load_explicit(&g->value, memory_order_acquire)) != value) return now;
            relax();
        }
    atomic_fetch_add(&g->n_sleepers, 1);
    while ((now = atomic_load(&g->value)) == value)
        syscall(SYS_futex, &g->value, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
    atomic_fetch_sub(&g->n_sleepers, 1);
    return now;
}

/* To be called after g->value was changed with sequential consistency. */
static void gate_changed(gate *g)
{
    if (atomic_load(&g->n_sleepers)) syscall(SYS_futex, &g->value, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Items in the next run when `left` are not claimed: at the end of a loop the runs become smaller, down to a quarter, so
 * that the threads are done at nearly the same time. */
static uint32_t run_size(uint32_t left, uint32_t grain, int32_t n_threads)
{
    uint32_t smallest = (grain + 3) / 4, share = left / (2 * (uint32_t)n_threads);
    uint32_t size = share > grain ? grain : share < smallest ? smallest : share;
    return size < left ? size : left;
}

/* Runs the rest of the current loop. */
static void run_loop(pool *p, int32_t thread)
{
    uint64_t claim = atomic_load_explicit(&p->claim, memory_order_acquire);
    for (;;) {
        pool_fn fn = atomic_load_explicit(&p->fn, memory_order_acquire);
        void *arg = atomic_load_explicit(&p->arg, memory_order_acquire);
        uint32_t n_items = atomic_load_explicit(&p->n_items, memory_order_acquire);
        uint32_t grain = atomic_load_explicit(&p->grain, memory_order_acquire), begin = (uint32_t)claim;
        if (begin >= n_items) return;
        uint32_t size = run_size(n_items - begin, grain, p->n_threads);
        if (!atomic_compare_exchange_weak_explicit(&p->claim, &claim, claim + size, memory_order_acq_rel,
                                                   memory_order_acquire))
            continue; /* another thread was faster; claim holds the present value */
        bool no_alloc = thread > 0 && atomic_load_explicit(&p->no_alloc, memory_order_relaxed);
        if (no_alloc) mem_forbid();
        fn(arg, begin, (int64_t)begin + size, thread);
        if (no_alloc) mem_permit();
        if (atomic_fetch_sub(&p->n_left.value, size) == size) gate_changed(&p->n_left);
        claim = atomic_load_explicit(&p->claim, memory_order_acquire);
    }
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    pool *p = w->owner;
    for (uint32_t epoch = 0;;) {
        epoch = gate_wait(&p->epoch, epoch, p->spin_ns);
        if (atomic_load(&p->stop)) return NULL;
        run_loop(p, w->number);
    }
}

/* Makes the workers read the new state. */
static void next_epoch(pool *p)
{
    atomic_fetch_add(&p->epoch.value, 1);
    gate_changed(&p->epoch);
}

static void publish(pool *p, uint32_t n_items, uint32_t grain, pool_fn fn, void *arg)
{
    uint64_t epoch = (atomic_load(&p->claim) >> 32) + 1;
    atomic_store(&p->claim, epoch << 32 | CLOSED);
    atomic_store_explicit(&p->fn, fn, memory_order_release);
    atomic_store_explicit(&p->arg, arg, memory_order_release);
    atomic_store_explicit(&p->no_alloc, mem_is_forbidden(), memory_order_relaxed);
    atomic_store_explicit(&p->n_items, n_items, memory_order_release);
    atomic_store_explicit(&p->grain, grain, memory_order_release);
    atomic_store_explicit(&p->n_left.value, n_items, memory_order_release);
    atomic_store(&p->claim, epoch << 32);
}

sumi_status pool_create(pool **out, int32_t n_threads, sumi_error *err)
{
    assert(n_threads >= 1);
    *out = NULL;
    size_t bytes = sizeof(pool) + (size_t)n_threads * sizeof(worker);
    pool *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!p) return sumi_fail(err, SUMI_ENOMEM, "thread pool: out of memory");
    memset(p, 0, bytes);
    p->n_threads = n_threads;
    p->spin_ns = n_threads > cpu_count() ? SPIN_CROWDED_NS : SPIN_NS;
    for (int32_t i = 0; i < n_threads - 1; i++) {
        p->workers[i] = (worker){ .owner = p, .number = i + 1 };
        int failed = pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i]);
        if (failed) {
            pool_destroy(p);
            return sumi_fail(err, SUMI_ENOMEM, "thread pool: thread %d of %d: %s", i + 2, n_threads, strerror(failed));
        }
        pthread_setname_np(p->workers[i].thread, "sumi compute");
        p->n_started++;
    }
    *out = p;
    return SUMI_OK;
}

void pool_destroy(pool *p)
{
    if (!p) return;
    atomic_store(&p->stop, true);
    next_epoch(p);
    for (int32_t i = 0; i < p->n_started; i++) pthread_join(p->workers[i].thread, NULL);
    free(p);
}

int32_t pool_n_threads(const pool *p)
{
    return p->n_threads;
}

sumi_status pool_pin(pool *p, sumi_error *err)
{
    cpu_set_t allowed, one;
    int32_t cpu = -1;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return sumi_fail(err, SUMI_EUNSUPPORTED, "thread pool: cannot tell which processors may be used: %s",
                         strerror(errno));
    if (CPU_COUNT(&allowed) < p->n_threads)
        return sumi_fail(err, SUMI_EINVAL, "thread pool: %d threads cannot have a processor each: %d may be used",
                         (int)p->n_threads, CPU_COUNT(&allowed));
    for (int32_t i = -1; i < p->n_started; i++) { /* -1 is the caller */
        do cpu++;
        while (!CPU_ISSET((size_t)cpu, &allowed));
        CPU_ZERO(&one);
        CPU_SET((size_t)cpu, &one);
        int failed = i < 0 ? 0 : pthread_setaffinity_np(p->workers[i].thread, sizeof one, &one);
        if (failed)
            return sumi_fail(err, SUMI_EUNSUPPORTED, "thread pool: thread %d cannot be bound to processor %d: %s",
                             i + 2, cpu, strerror(failed));
    }
    return SUMI_OK;
}

void pool_for(pool *p, int64_t n_items, int64_t grain, pool_fn fn, void *arg)
{
    assert(grain >= 1 && n_items < CLOSED);
    if (n_items <= 0) return;
    if (n_items <= grain || p->n_started == 0) {
        fn(arg, 0, n_items, 0);
        return;
    }
    publish(p, (uint32_t)n_items, (uint32_t)grain, fn, arg);
    next_epoch(p);
    run_loop(p, 0);
    uint32_t left;
    while ((left = atomic_load_explicit(&p->n_left.value, memory_order_acquire)) != 0)
        gate_wait(&p->n_left, left, p->spin_ns);
}

void pool_wait_zero(const _Atomic int32_t *count)
{
    for (int i = 0; atomic_load_explicit(count, memory_order_acquire) != 0; i++)
        if (i < 16 * SPINS_PER_LOOK) relax();
        else sched_yield(); /* the thread that is waited for may need this processor */
}
