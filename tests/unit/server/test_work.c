/* test_work.c - the pool for large bodies: turns, limits, the end. Work stands still at a gate until the test opens it, so
 * that what waits and what runs is known without looking at a clock. */
#include "server/http/work.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "test_support.h"

enum { KB = 1 << 10, LARGE = 100 * KB, MAX = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
/* Under lock: */
static char order[MAX + 1];
static int n_started, n_woken, n_slept;

typedef struct piece {
    work work;
    char name;
    bool gated, open, ran;
} piece;

static void run(work *w)
{
    piece *p = (piece *)w;
    pthread_mutex_lock(&lock);
    order[n_started++] = p->name;
    pthread_cond_broadcast(&changed);
    while (p->gated && !p->open) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void wake(work *w, bool ran)
{
    pthread_mutex_lock(&lock);
    ((piece *)w)->ran = ran;
    n_woken++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void note_sleep(work *w)
{
    (void)w;
    n_slept++;
}

static piece make(char name, size_t n_bytes, bool gated)
{
    return (piece){ .work = { .n_bytes = n_bytes, .run = run, .wake = wake }, .name = name, .gated = gated };
}

static void wait_for(const int *number, int n)
{
    pthread_mutex_lock(&lock);
    while (*number < n) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void open_gate(piece *p)
{
    pthread_mutex_lock(&lock);
    p->open = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static work_pool *create(size_t client_bytes, size_t bytes)
{
    work_pool *p;
    const work_limits limits = { 2, LARGE, client_bytes, bytes };
    memset(order, 0, sizeof order);
    n_started = n_woken = n_slept = 0;
    assert_int_equal(work_pool_create(&p, &limits, NULL), SUMI_OK);
    return p;
}

static void submit(work_pool *p, piece *w, const char *client)
{
    assert_int_equal(work_submit(p, &w->work, client, note_sleep), WORK_TAKEN);
}

static void submit_new(work_pool *p, piece *w, piece like, const char *client)
{
    *w = like;
    submit(p, w, client);
}

static void *stop(void *pool)
{
    work_pool_stop(pool);
    return NULL;
}

static void clients_are_served_in_turn(void **state)
{
    (void)state;
    work_pool *p = create(100 * KB, 1000 * KB);
    piece gates[2] = { make('x', KB, true), make('y', KB, true) };
    for (int i = 0; i < 2; i++) submit(p, &gates[i], "gates");
    wait_for(&n_started, 2);
    piece a[4], b[2], c = make('c', KB, false);
    for (int i = 0; i < 4; i++) submit_new(p, &a[i], make('a', KB, false), "ann");
    for (int i = 0; i < 2; i++) submit_new(p, &b[i], make('b', KB, false), "bob");
    submit(p, &c, "cat");
    open_gate(&gates[1]); /* one thread, so that the order is known */
    wait_for(&n_woken, 8);
    assert_string_equal(order + 2, "abcabaa");
    open_gate(&gates[0]);
    work_pool_destroy(p);
    assert_int_equal(n_woken, 9);
    assert_int_equal(n_slept, 9);
}

static void large_work_leaves_a_thread_to_small_work(void **state)
{
    (void)state;
    work_pool *p = create(1000 * KB, 1000 * KB);
    piece large[3];
    for (int i = 0; i < 3; i++) submit_new(p, &large[i], make('L', LARGE, true), i ? "ann" : "bob");
    piece small = make('s', KB, false);
    submit(p, &small, "cat");
    wait_for(&n_woken, 1); /* the small one: all large ones stand at their gates, or wait */
    assert_true(small.ran);
    assert_int_equal(n_started, 2);
    for (int i = 0; i < 3; i++) open_gate(&large[i]);
    wait_for(&n_woken, 4);
    work_pool_destroy(p);
}

static void what_waits_has_a_limit_for_each_client_and_for_all(void **state)
{
    (void)state;
    work_pool *p = create(10 * KB, 25 * KB);
    piece w[6];
    for (int i = 0; i < 6; i++) w[i] = make('w', 8 * KB, true);
    submit(p, &w[0], "ann");
    assert_int_equal(work_submit(p, &w[1].work, "ann", note_sleep), WORK_FULL_FOR_CLIENT);
    submit(p, &w[2], "bob");
    submit(p, &w[3], "cat");
    assert_int_equal(work_submit(p, &w[4].work, "dan", note_sleep), WORK_FULL);
    assert_int_equal(n_slept, 3); /* who is refused does not sleep */
    open_gate(&w[0]);
    wait_for(&n_woken, 1);
    submit(p, &w[5], "ann"); /* what has run does not count any more when its client is woken */
    for (int i = 0; i < 6; i++) open_gate(&w[i]);
    wait_for(&n_woken, 4);
    piece huge = make('h', 100 * KB, false);
    submit(p, &huge, "ann"); /* an empty pool takes anything */
    wait_for(&n_woken, 5);
    work_pool_destroy(p);
}

static void the_end_waits_for_what_runs_and_tells_what_waits(void **state)
{
    (void)state;
    work_pool *p = create(1000 * KB, 2000 * KB);
    piece w[4];
    for (int i = 0; i < 4; i++) {
        submit_new(p, &w[i], make('w', KB, i < 2), i % 2 ? "ann" : "bob");
        if (i == 1) wait_for(&n_started, 2);
    }
    pthread_t opener;
    assert_int_equal(pthread_create(&opener, NULL, stop, p), 0);
    piece probe = make('p', 999 * KB, false); /* too much for ann while the pool takes anything */
    while (work_submit(p, &probe.work, "ann", NULL) == WORK_FULL_FOR_CLIENT) continue;
    open_gate(&w[0]);
    open_gate(&w[1]);
    pthread_join(opener, NULL);
    assert_int_equal(n_started, 2);
    assert_int_equal(n_woken, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(w[i].ran, i < 2);
    work_pool_destroy(p);
    work_pool_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_are_served_in_turn),
        cmocka_unit_test(large_work_leaves_a_thread_to_small_work),
        cmocka_unit_test(what_waits_has_a_limit_for_each_client_and_for_all),
        cmocka_unit_test(the_end_waits_for_what_runs_and_tells_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
