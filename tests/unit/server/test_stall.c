/* test_stall.c - when an engine is said to stand still. */
#include "server/ops/stall.h"

#include "test_support.h"

static void an_engine_that_steps_does_not_stand_still(void **state)
{
    (void)state;
    stall s = { 0 };
    for (int i = 0; i < 100; i++) assert_false(stall_probe(&s, (uint64_t)i, true, i * 1000.0, 500));
}

static void one_without_work_may_rest(void **state)
{
    (void)state;
    stall s = { 0 };
    for (int i = 0; i < 100; i++) assert_false(stall_probe(&s, 7, false, i * 1000.0, 500));
    assert_false(stall_probe(&s, 7, true, 100000, 500)); /* and has just begun */
    assert_false(stall_probe(&s, 7, true, 100400, 500));
    assert_false(stall_probe(&s, 7, false, 200000, 500)); /* its request was cancelled */
}

static void one_that_has_work_and_stands_is_noticed_and_forgiven(void **state)
{
    (void)state;
    stall s = { 0 };
    assert_false(stall_probe(&s, 7, true, 1000, 500));
    assert_false(stall_probe(&s, 7, true, 1500, 500));
    assert_true(stall_probe(&s, 7, true, 1501, 500));
    assert_true(stall_probe(&s, 7, true, 9000, 500));
    assert_false(stall_probe(&s, 8, true, 9001, 500));
    assert_false(stall_probe(&s, 8, true, 9501, 500));
    assert_true(stall_probe(&s, 8, true, 9502, 500));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_that_steps_does_not_stand_still),
        cmocka_unit_test(one_without_work_may_rest),
        cmocka_unit_test(one_that_has_work_and_stands_is_noticed_and_forgiven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
