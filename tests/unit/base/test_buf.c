/* test_buf.c - bytes that grow up to a limit, and failures that stick. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "test_support.h"

static void appended_pieces_lie_end_to_end(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 1000);
    buf_append_str(&b, "one ");
    buf_append(&b, "t\0o", 3);
    buf_append_char(&b, ' ');
    buf_printf(&b, "%d%%", 3);
    buf_append(&b, NULL, 0);
    assert_int_equal(b.status, SUMI_OK);
    assert_int_equal(b.n, 10);
    assert_memory_equal(b.data, "one t\0o 3%", 11); /* with the NUL after it */
    buf_deinit(&b);
    assert_null(b.data);
}

static void many_small_appends_keep_every_byte(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 100000; i++) buf_append_char(&b, (char)('a' + i % 26));
    assert_int_equal(b.n, 100000);
    for (int i = 0; i < 100000; i++) assert_true(b.data[i] == 'a' + i % 26);
    assert_true(b.cap < 300000);
    buf_deinit(&b);
}

static void the_limit_is_exact_and_its_failure_sticks(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 5);
    buf_append_str(&b, "12345");
    assert_int_equal(b.status, SUMI_OK);
    buf_append_char(&b, '6');
    assert_int_equal(b.status, SUMI_ELIMIT);
    buf_append(&b, "", 0);
    buf_printf(&b, "x");
    assert_int_equal(b.n, 5);
    assert_string_equal(b.data, "12345");
    size_t n;
    assert_null(buf_take(&b, &n));
    buf_deinit(&b);
}

static void a_length_that_would_overflow_is_a_limit(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, SIZE_MAX);
    buf_append_str(&b, "x");
    buf_append(&b, "y", SIZE_MAX - 1); /* never read: refused by its size */
    assert_int_equal(b.status, SUMI_ELIMIT);
    buf_deinit(&b);
}

static void taken_bytes_belong_to_the_caller(void **state)
{
    (void)state;
    buf b;
    size_t n = 9;
    buf_init(&b, 100);
    char *empty = buf_take(&b, &n);
    assert_non_null(empty);
    assert_int_equal(n, 0);
    assert_string_equal(empty, "");
    buf_append_str(&b, "again");
    char *text = buf_take(&b, NULL);
    assert_string_equal(text, "again");
    assert_int_equal(b.n, 0);
    buf_append_str(&b, "b");
    assert_string_equal(text, "again");
    free(empty);
    free(text);
    buf_deinit(&b);
}

static void a_long_format_fits(void **state)
{
    (void)state;
    buf b;
    buf_init(&b, 5000);
    buf_printf(&b, "%04000d|", 7);
    assert_int_equal(b.n, 4001);
    assert_string_equal(b.data + 3999, "7|");
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_pieces_lie_end_to_end),
        cmocka_unit_test(many_small_appends_keep_every_byte),
        cmocka_unit_test(the_limit_is_exact_and_its_failure_sticks),
        cmocka_unit_test(a_length_that_would_overflow_is_a_limit),
        cmocka_unit_test(taken_bytes_belong_to_the_caller),
        cmocka_unit_test(a_long_format_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
