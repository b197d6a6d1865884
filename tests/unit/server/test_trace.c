/* test_trace.c - the header traceparent: the examples of W3C Trace Context, and what it forbids. */
#include "server/ops/trace.h"

#include <string.h>

#include "test_support.h"

#define ID     "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

static void a_traceparent_is_read(void **state)
{
    (void)state;
    trace t;
    assert_true(trace_read(&t, "00-" ID "-" PARENT "-01"));
    assert_string_equal(t.id, ID);
    assert_string_equal(t.parent, "00-" ID "-" PARENT "-01");
    assert_true(trace_read(&t, "00-" ID "-" PARENT "-00"));
}

static void a_later_version_is_read_as_the_first(void **state)
{
    (void)state;
    trace t;
    assert_true(trace_read(&t, "cc-" ID "-" PARENT "-01-what-the-future-will-be-like"));
    assert_string_equal(t.parent, "00-" ID "-" PARENT "-01");
    assert_true(trace_read(&t, "01-" ID "-" PARENT "-01"));
}

static void whatever_is_not_one_is_dropped(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00",
        "ff-" ID "-" PARENT "-01",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" ID "-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
        "00-" ID "-" PARENT "-01-more",
        "00-" ID "-" PARENT "-01\n",
        "01-" ID "-" PARENT "-01more",
        "00-" ID "-" PARENT "-0",
        "00_" ID "-" PARENT "-01",
        "00-" ID "-b7ad6b716920333-\r01",
        "0g-" ID "-" PARENT "-01",
        "00-" ID PARENT "--01",
    };
    trace t;
    assert_false(trace_read(&t, NULL));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (trace_read(&t, bad[i])) fail_msg("accepted: %s", bad[i]);
        assert_string_equal(t.id, "");
        assert_string_equal(t.parent, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_traceparent_is_read),
        cmocka_unit_test(a_later_version_is_read_as_the_first),
        cmocka_unit_test(whatever_is_not_one_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
