/* test_limits.c - the measurements of the room bench run on this machine and give numbers. How large they are is
 * no test's affair. */
#include "bench/limits.h"

#include <math.h>
#include <string.h>

#include "base/os/cpu.h"
#include "test_support.h"

static pool *start(int32_t n_threads)
{
    sumi_error err;
    pool *p;
    if (pool_create(&p, n_threads, &err) != SUMI_OK) fail_msg("%s", err.message);
    return p;
}

static void assert_rate(const char *what, double value)
{
    if (!isfinite(value) || value <= 0) fail_msg("%s: %g is no rate", what, value);
}

static void every_loop_of_this_machine_has_a_rate(void **state)
{
    (void)state;
    pool *p = start(2);
    const limit_loop *l;
    int32_t n = 0;
    for (; (l = limits_loop(n)); n++) {
        print_message("%s %s: %s\n", l->level, l->type, l->instruction);
        assert_int_equal(l->needs & ~cpu_features(), 0);
        assert_ptr_equal(limits_find(l->level, l->type), l); /* also: no two loops share both names */
        assert_rate(l->instruction, limits_rate(p, l, 1));
    }
    assert_true(n >= 1);
    assert_null(limits_loop(n));
    pool_destroy(p);
}

static void the_level_in_use_has_its_loops(void **state)
{
    (void)state;
    const char *level = cpu_level_name(cpu_best_level());
    assert_non_null(limits_find(level, "f32"));
    if (cpu_best_level() != CPU_REF) assert_non_null(limits_find(level, "int8"));
    assert_null(limits_find(level, "int5"));
    assert_ptr_equal(limits_find("amx", "f32"), limits_find("avx512", "f32"));
    assert_ptr_equal(limits_find("avxvnni", "f32"), limits_find("avx2", "f32"));
    assert_null(limits_find("pentium", "f32"));
}

static void memories_are_read_by_any_number_of_threads(void **state)
{
    (void)state;
    pool *pools[] = { start(1), start(3) };
    size_t below = 0;
    for (limit_memory m = 0; m < LIMIT_N_MEMORIES; m++) {
        limit_regions r;
        sumi_error err;
        if (limits_regions_init(&r, pools[1], m, &err) != SUMI_OK) fail_msg("%s", err.message);
        assert_int_equal(r.n_threads, 3);
        assert_true(r.bytes > below); /* each region is meant for a larger memory */
        assert_int_equal(r.data[0], 1);
        assert_int_equal(r.data[3 * r.bytes - 1], 1); /* filled to the end */
        for (int i = 0; i < 2; i++) assert_rate(limits_memory_name(m), limits_read(pools[i], &r, 1));
        below = r.bytes;
        limits_regions_deinit(&r);
        limits_regions_deinit(&r);
    }
    for (int i = 0; i < 2; i++) pool_destroy(pools[i]);
}

static void starting_a_loop_takes_time(void **state)
{
    (void)state;
    for (int32_t n = 1; n <= 2; n++) {
        pool *p = start(n);
        assert_rate("fork-join", limits_fork_join(p));
        pool_destroy(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loop_of_this_machine_has_a_rate),
        cmocka_unit_test(the_level_in_use_has_its_loops),
        cmocka_unit_test(memories_are_read_by_any_number_of_threads),
        cmocka_unit_test(starting_a_loop_takes_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
