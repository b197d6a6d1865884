/* pool.c - what a loop on the thread pool costs.
 *
 *   cc -O2 -Iinclude -Isrc bench/pool.c -o build/bench-pool build/release/libsumi.a -lpthread -lm && build/bench-pool
 *
 * For 1 to 8 threads, microseconds of wall time for
 *   empty     a loop of one empty item for each thread: what the caller pays, who need not wait for late workers
 *   meet      one item for each thread that ends when all have begun: a fork that reaches every thread, and its join
 *   20 us     a loop of 64 equal items that take 20 us together on one thread, so 10 on two: what is lost at its end
 *   uneven    the same 20 us, the last eighth of the items taking half of it
 * as the best and the median of many batches; the rest is other programs. With more threads than processors, or with a
 * busy program beside it (give its number of threads as argument: build/bench-pool 2), the median is what counts. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/os/cpu.h"
#include "base/os/pool.h"

enum { BATCHES = 400, LOOPS = 16 };
static double rounds_per_us = 1000;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void work(double us)
{
    for (int64_t i = 0; i < (int64_t)(us * rounds_per_us); i++) __asm__ volatile("" ::: "memory");
}

/* Returns when all threads have come: the loop lasts until the last one was reached. */
static _Atomic int32_t n_here;

static void meet(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    int32_t n = (int32_t)(intptr_t)arg, all;
    (void)begin, (void)end, (void)thread;
    all = (atomic_fetch_add(&n_here, 1) / n + 1) * n;
    while (atomic_load(&n_here) < all) __builtin_ia32_pause();
}

static void empty(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)arg, (void)begin, (void)end, (void)thread;
}

static void even(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)arg, (void)thread;
    for (int64_t i = begin; i < end; i++) work(20.0 / 64);
}

static void uneven(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)arg, (void)thread;
    for (int64_t i = begin; i < end; i++) work(i < 56 ? 10.0 / 56 : 10.0 / 8);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(pool *p, int64_t n, int64_t grain, pool_fn fn, void *arg)
{
    static double us[BATCHES];
    for (int b = 0; b < BATCHES; b++) {
        double start = now_us();
        for (int i = 0; i < LOOPS; i++) pool_for(p, n, grain, fn, arg);
        us[b] = (now_us() - start) / LOOPS;
    }
    qsort(us, BATCHES, sizeof *us, compare);
    printf("   %7.2f %8.2f", us[0], us[BATCHES / 2]);
    fflush(stdout);
}

static _Atomic int busy = 1;

static void *be_busy(void *arg)
{
    while (atomic_load(&busy)) work(10);
    return arg;
}

int main(int argc, char **argv)
{
    int n_busy = argc > 1 ? atoi(argv[1]) : 0;
    pthread_t threads[64];
    int32_t n_processors = cpu_count();
    if (n_busy < 0 || n_busy > 64) return 2;
    for (int i = 0; i < n_busy; i++) pthread_create(&threads[i], NULL, be_busy, NULL);
    double start = now_us();
    work(1000);
    rounds_per_us *= 1000 / (now_us() - start);
    printf(
        "threads     empty: best median        meet: best median       20 us: best median      uneven: best median\n");
    for (int32_t n = 1; n <= 8; n = n < 4 ? n + 1 : n * 2) {
        pool *p;
        if (pool_create(&p, n, NULL) != SUMI_OK) return 1;
        printf("%7d ", n);
        measure(p, n > 1 ? n : 2, 1, empty, NULL);
        printf("     ");
        if (n <= n_processors) measure(p, n, 1, meet, (void *)(intptr_t)n);
        else printf("%19s", "-");
        printf("     ");
        measure(p, 64, 4, even, NULL);
        printf("     ");
        measure(p, 64, 4, uneven, NULL);
        printf("\n");
        pool_destroy(p);
    }
    atomic_store(&busy, 0);
    for (int i = 0; i < n_busy; i++) pthread_join(threads[i], NULL);
    return 0;
}
