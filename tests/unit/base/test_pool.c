/* test_pool.c - every item of a loop runs exactly once, whoever runs it. */
#include "base/os/pool.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test_support.h"

typedef struct counts {
    _Atomic int32_t *runs;
    _Atomic int32_t bad_thread;
    int32_t n_threads;
} counts;

static void count_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    counts *c = arg;
    if (thread < 0 || thread >= c->n_threads) atomic_fetch_add(&c->bad_thread, 1);
    for (int64_t i = begin; i < end; i++) atomic_fetch_add(&c->runs[i], 1);
}

static void every_item_runs_exactly_once(void **state)
{
    (void)state;
    enum { MAX_ITEMS = 1000 };
    test_rng rng = test_rng_init(1);
    for (int32_t n_threads = 1; n_threads <= 5; n_threads++) {
        pool *p;
        assert_int_equal(pool_create(&p, n_threads, NULL), SUMI_OK);
        assert_int_equal(pool_n_threads(p), n_threads);
        counts c = { .runs = calloc(MAX_ITEMS, sizeof(int32_t)), .n_threads = n_threads };
        for (int loop = 0; loop < 500; loop++) {
            int32_t n = test_rng_range(&rng, 0, MAX_ITEMS), grain = test_rng_range(&rng, 1, 40);
            memset((void *)c.runs, 0, MAX_ITEMS * sizeof(int32_t));
            pool_for(p, n, grain, count_items, &c);
            for (int32_t i = 0; i < MAX_ITEMS; i++)
                if (c.runs[i] != (i < n))
                    fail_msg("threads %d n %d grain %d: item %d ran %d times", n_threads, n, grain, i, c.runs[i]);
        }
        assert_int_equal(c.bad_thread, 0);
        free((void *)c.runs);
        pool_destroy(p);
    }
}

static void workers_that_went_to_sleep_wake_up(void **state)
{
    (void)state;
    pool *p;
    assert_int_equal(pool_create(&p, 3, NULL), SUMI_OK);
    counts c = { .runs = calloc(64, sizeof(int32_t)), .n_threads = 3 };
    for (int loop = 1; loop <= 20; loop++) {
        usleep(2000);
        pool_for(p, 64, 1, count_items, &c);
        for (int i = 0; i < 64; i++) assert_int_equal(c.runs[i], loop);
    }
    free((void *)c.runs);
    pool_destroy(p);
    pool_destroy(NULL);
}

enum { N_ITEMS = 100 };

typedef struct runs {
    int32_t n;
    int64_t sizes[64], first_size;
    _Atomic int64_t n_done; /* items behind the first run */
} runs;

static void note_run(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    runs *r = arg;
    (void)thread;
    if (begin == 0) { /* until the other thread has done all the rest, in order */
        r->first_size = end;
        while (atomic_load(&r->n_done) < N_ITEMS - end) usleep(100);
        return;
    }
    r->sizes[r->n++] = end - begin;
    atomic_fetch_add(&r->n_done, end - begin);
}

static void runs_become_smaller_near_the_end_of_a_loop(void **state)
{
    (void)state;
    pool *p;
    runs r = { 0 };
    assert_int_equal(pool_create(&p, 2, NULL), SUMI_OK);
    pool_for(p, N_ITEMS, 8, note_run, &r);
    assert_int_equal(r.first_size, 8);
    assert_true(r.n > 12);
    for (int32_t i = 0; i < r.n; i++) {
        assert_in_range(r.sizes[i], 1, 8);
        if (i > 0) assert_true(r.sizes[i] <= r.sizes[i - 1]);
    }
    assert_int_equal(r.sizes[0], 8);
    assert_in_range(r.sizes[r.n - 2], 2, 2); /* a quarter of the grain */
    pool_destroy(p);
}

typedef struct places {
    _Atomic int32_t n_here;
    cpu_set_t sets[2]; /* by thread */
} places;

static void note_affinity(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    places *w = arg;
    (void)begin, (void)end;
    sched_getaffinity(0, sizeof w->sets[thread], &w->sets[thread]);
    atomic_fetch_add(&w->n_here, 1);
    while (atomic_load(&w->n_here) < 2) usleep(50); /* so that both threads get an item */
}

static void a_pinned_worker_has_a_processor_of_its_own(void **state)
{
    (void)state;
    cpu_set_t allowed;
    places w = { 0 };
    pool *p;
    sumi_error err;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    assert_int_equal(pool_create(&p, CPU_COUNT(&allowed) + 1, NULL), SUMI_OK);
    assert_int_equal(pool_pin(p, &err), SUMI_EINVAL);
    assert_non_null(strstr(err.message, "cannot have a processor each"));
    pool_destroy(p);
    if (CPU_COUNT(&allowed) < 2) {
        printf("one processor only: nothing is bound\n");
        return;
    }
    int32_t cpu = 0, n_before = 0;
    for (;; cpu++)
        if (CPU_ISSET((size_t)cpu, &allowed) && n_before++ == 1) break; /* the second one */
    assert_int_equal(pool_create(&p, 2, NULL), SUMI_OK);
    assert_int_equal(pool_pin(p, NULL), SUMI_OK);
    pool_for(p, 2, 1, note_affinity, &w);
    assert_true(CPU_EQUAL(&w.sets[0], &allowed));
    assert_int_equal(CPU_COUNT(&w.sets[1]), 1);
    assert_true(CPU_ISSET((size_t)cpu, &w.sets[1]));
    pool_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_runs_exactly_once),
        cmocka_unit_test(runs_become_smaller_near_the_end_of_a_loop),
        cmocka_unit_test(a_pinned_worker_has_a_processor_of_its_own),
        cmocka_unit_test(workers_that_went_to_sleep_wake_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
