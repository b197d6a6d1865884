/* test_error.c - an error is a status and one line, whatever the parts of the line were. */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "test_support.h"

static void a_failure_has_its_status_and_line(void **state)
{
    (void)state;
    sumi_error err;
    assert_int_equal(sumi_fail(&err, SUMI_EFORMAT, "%s: byte %d", "x.gguf", 7), SUMI_EFORMAT);
    assert_int_equal(err.status, SUMI_EFORMAT);
    assert_string_equal(err.message, "x.gguf: byte 7");
    assert_int_equal(sumi_fail(NULL, SUMI_EIO, "nobody listens"), SUMI_EIO);
}

static void a_failed_call_is_told_with_what_it_was_about(void **state)
{
    (void)state;
    sumi_error err;
    errno = ENOENT;
    assert_int_equal(sumi_fail_errno(&err, "x.gguf"), SUMI_EIO);
    assert_int_equal(err.status, SUMI_EIO);
    assert_string_equal(err.message, "x.gguf: No such file or directory");
    assert_int_equal(sumi_fail_errno(NULL, "nobody listens"), SUMI_EIO);
}

static void the_caller_puts_its_place_before_the_message(void **state)
{
    (void)state;
    sumi_error err;
    sumi_fail(&err, SUMI_ELIMIT, "too long");
    assert_int_equal(sumi_fail_in(&err, "key '%s'", "a"), SUMI_ELIMIT);
    assert_string_equal(err.message, "key 'a': too long");
    sumi_fail_in(NULL, "nobody listens");
}

static void foreign_text_cannot_break_the_line(void **state)
{
    (void)state;
    sumi_error err;
    sumi_fail(&err, SUMI_EFORMAT, "key '%s'", "\x1b]0;title\a\r\nnext\xc2\x9b\xff");
    assert_string_equal(err.message, "key '?]0;title???next?"
                                     "?'");
}

static void a_long_line_is_cut_at_a_whole_character(void **state)
{
    (void)state;
    sumi_error err;
    char text[2000];
    for (int shift = 0; shift < 4; shift++) { /* the cut falls on each byte of a character in turn */
        memset(text, 'a', sizeof text);
        for (size_t i = (size_t)shift; i + 4 < sizeof text; i += 4) memcpy(text + i, "\xf0\x9f\x99\x82", 4);
        text[sizeof text - 1] = '\0';
        sumi_fail(&err, SUMI_EFORMAT, "%s", text);
        size_t n = strlen(err.message);
        assert_in_range(n, sizeof err.message - 5, sizeof err.message - 1);
        assert_int_equal((n - (size_t)shift) % 4, 0);
        assert_null(strchr(err.message, '?'));
        sumi_fail_in(&err, "prefix");
        assert_memory_equal(err.message, "prefix: ", 8);
        assert_null(strchr(err.message, '?'));
    }
}

static void every_status_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(sumi_status_text(SUMI_OK), "ok");
    assert_string_equal(sumi_status_text(SUMI_ECANCELLED), "cancelled");
    assert_string_equal(sumi_status_text((sumi_status)99), "unknown status");
    assert_string_equal(sumi_version(), SUMI_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_has_its_status_and_line),
        cmocka_unit_test(a_failed_call_is_told_with_what_it_was_about),
        cmocka_unit_test(the_caller_puts_its_place_before_the_message),
        cmocka_unit_test(foreign_text_cannot_break_the_line),
        cmocka_unit_test(a_long_line_is_cut_at_a_whole_character),
        cmocka_unit_test(every_status_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
