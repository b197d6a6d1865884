/* test_sized.c - structures that grow: an older program's are completed, a newer one's are refused. */
#include <string.h>

#include "base/sized.h"
#include "test_support.h"

typedef struct before {
    size_t size;
    int32_t a;
} before;

typedef struct now {
    size_t size;
    int32_t a, b;
} now;

static void an_older_structure_is_completed_by_defaults(void **state)
{
    (void)state;
    before given = { sizeof given, 5 };
    now o = { sizeof o, 1, 2 };
    given.size = offsetof(now, b);
    assert_int_equal(sized_take(&o, sizeof o, &given, "opts", NULL), SUMI_OK);
    assert_true(o.size == sizeof o && o.a == 5 && o.b == 2);
    assert_int_equal(sized_take(&o, sizeof o, &(now){ sizeof o, 7, 8 }, "opts", NULL), SUMI_OK);
    assert_true(o.a == 7 && o.b == 8);
    assert_int_equal(sized_take(&o, sizeof o, NULL, "opts", NULL), SUMI_OK);
    assert_true(o.a == 7 && o.b == 8);
}

static void a_newer_structure_and_one_without_a_size_are_refused(void **state)
{
    (void)state;
    sumi_error err;
    now o = { sizeof o, 1, 2 }, given = { sizeof o + 1, 3, 4 };
    assert_int_equal(sized_take(&o, sizeof o, &given, "sumi_x_opts", &err), SUMI_EINVAL);
    assert_non_null(strstr(err.message, "sumi_x_opts: size is 17"));
    given.size = 0;
    assert_int_equal(sized_take(&o, sizeof o, &given, "sumi_x_opts", &err), SUMI_EINVAL);
    assert_non_null(strstr(err.message, "begin with sumi_x_opts_default()"));
    assert_true(o.a == 1 && o.b == 2);
}

static void no_more_is_written_than_a_program_knows(void **state)
{
    (void)state;
    now full = { 1, 2, 3 };
    int32_t room[5] = { -1, -1, -1, -1, -1 };
    sized_give(room, offsetof(now, b), &full, sizeof full);
    assert_true(room[2] == 2 && room[3] == -1);
    sized_give(room, sizeof room, &full, sizeof full);
    assert_true(room[2] == 2 && room[3] == 3 && room[4] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_structure_is_completed_by_defaults),
        cmocka_unit_test(a_newer_structure_and_one_without_a_size_are_refused),
        cmocka_unit_test(no_more_is_written_than_a_program_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
