/* test_pool.c - every item of a loop runs exactly once, whoever runs it. */
#include "base/pool.h"

#include <stdatomic.h>
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
                if (c.runs[i] != (i < n)) fail_msg("threads %d n %d grain %d: item %d ran %d times", n_threads, n,
                                                   grain, i, c.runs[i]);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_runs_exactly_once),
        cmocka_unit_test(workers_that_went_to_sleep_wake_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
