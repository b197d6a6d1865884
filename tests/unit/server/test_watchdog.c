/* test_watchdog.c - when an engine counts as stalled. */
#include "server/ops/watchdog.h"

#include "test_support.h"

static void an_engine_that_makes_progress_is_not_stalled(void **state)
{
    (void)state;
    watchdog s = { 0 };
    for (int i = 0; i < 100; i++) assert_false(watchdog_probe(&s, (uint64_t)i, true, i * 1000.0, 500));
}

static void an_engine_without_work_is_not_stalled(void **state)
{
    (void)state;
    watchdog s = { 0 };
    for (int i = 0; i < 100; i++) assert_false(watchdog_probe(&s, 7, false, i * 1000.0, 500));
    assert_false(watchdog_probe(&s, 7, true, 100000, 500)); /* and has just begun */
    assert_false(watchdog_probe(&s, 7, true, 100400, 500));
    assert_false(watchdog_probe(&s, 7, false, 200000, 500)); /* its request was cancelled */
}

static void an_engine_with_work_is_stalled_until_it_makes_progress(void **state)
{
    (void)state;
    watchdog s = { 0 };
    assert_false(watchdog_probe(&s, 7, true, 1000, 500));
    assert_false(watchdog_probe(&s, 7, true, 1500, 500));
    assert_true(watchdog_probe(&s, 7, true, 1501, 500));
    assert_true(watchdog_probe(&s, 7, true, 9000, 500));
    assert_false(watchdog_probe(&s, 8, true, 9001, 500));
    assert_false(watchdog_probe(&s, 8, true, 9501, 500));
    assert_true(watchdog_probe(&s, 8, true, 9502, 500));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_that_makes_progress_is_not_stalled),
        cmocka_unit_test(an_engine_without_work_is_not_stalled),
        cmocka_unit_test(an_engine_with_work_is_stalled_until_it_makes_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
