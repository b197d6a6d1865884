/* pool.c - see pool.h.
 *
 * A worker that comes late must not touch the loop of the next epoch: the caller returns only when every worker has
 * acknowledged the epoch (n_running), so the fields of a loop never change while someone may read them.
 *
 * Memory order: the fields are written before epoch is released and read after it is acquired; what workers computed
 * is released by n_running and acquired by the caller. */
#include "base/pool.h"

#include <assert.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

/* About 50 us of PAUSE: longer than the gap between two loops of a step, shorter than anyone would notice as load. */
#define SPINS 2000

typedef struct worker {
    pool *owner;
    pthread_t thread;
    int32_t number;
} worker;

/* A number that threads wait for to change. */
typedef struct gate {
    _Atomic uint32_t value;      /* the futex */
    _Atomic uint32_t n_sleepers; /* lets the one who changes value skip the system call while all waiters spin */
} gate;

struct pool {
    _Alignas(64) gate epoch;     /* workers wait on it */
    _Alignas(64) gate n_running; /* the caller waits on it */
    _Alignas(64) _Atomic int64_t next;       /* first item that nobody has claimed */
    _Alignas(64) pool_fn fn;                 /* NULL: workers end */
    void *arg;
    int64_t n_items, grain;
    int32_t n_threads, n_started;
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
static uint32_t gate_wait(gate *g, uint32_t value)
{
    uint32_t now;
    for (int i = 0; i < SPINS; i++) {
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

static void claim_items(pool *p, int32_t thread)
{
    for (;;) {
        int64_t begin = atomic_fetch_add_explicit(&p->next, p->grain, memory_order_relaxed);
        if (begin >= p->n_items) return;
        int64_t end = p->n_items - begin > p->grain ? begin + p->grain : p->n_items;
        p->fn(p->arg, begin, end, thread);
    }
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    pool *p = w->owner;
    for (uint32_t epoch = 0;;) {
        epoch = gate_wait(&p->epoch, epoch);
        bool stop = !p->fn;
        if (!stop) claim_items(p, w->number);
        if (atomic_fetch_sub(&p->n_running.value, 1) == 1) gate_changed(&p->n_running);
        if (stop) return NULL;
    }
}

static void start_epoch(pool *p)
{
    atomic_store_explicit(&p->next, 0, memory_order_relaxed);
    atomic_store_explicit(&p->n_running.value, (uint32_t)p->n_started, memory_order_relaxed);
    atomic_fetch_add(&p->epoch.value, 1);
    gate_changed(&p->epoch);
}

static void finish_epoch(pool *p)
{
    uint32_t running;
    while ((running = atomic_load_explicit(&p->n_running.value, memory_order_acquire)) != 0)
        gate_wait(&p->n_running, running);
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
    for (int32_t i = 0; i < n_threads - 1; i++) {
        p->workers[i] = (worker){ .owner = p, .number = i + 1 };
        int failed = pthread_create(&p->workers[i].thread, NULL, worker_main, &p->workers[i]);
        if (failed) {
            pool_destroy(p);
            return sumi_fail(err, SUMI_ENOMEM, "thread pool: thread %d of %d: %s", i + 2, n_threads, strerror(failed));
        }
        p->n_started++;
    }
    *out = p;
    return SUMI_OK;
}

void pool_destroy(pool *p)
{
    if (!p) return;
    p->fn = NULL;
    start_epoch(p);
    for (int32_t i = 0; i < p->n_started; i++) pthread_join(p->workers[i].thread, NULL);
    free(p);
}

int32_t pool_n_threads(const pool *p)
{
    return p->n_threads;
}

void pool_for(pool *p, int64_t n_items, int64_t grain, pool_fn fn, void *arg)
{
    assert(grain >= 1);
    if (n_items <= 0) return;
    if (n_items <= grain || p->n_started == 0) {
        fn(arg, 0, n_items, 0);
        return;
    }
    p->fn = fn;
    p->arg = arg;
    p->n_items = n_items;
    p->grain = grain;
    start_epoch(p);
    claim_items(p, 0);
    finish_epoch(p);
}
