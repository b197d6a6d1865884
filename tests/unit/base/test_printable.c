/* test_printable.c - what may reach a terminal, and what UTF-8 is (Unicode 15, table 3-7). */
#include <string.h>

#include "base/printable.h"
#include "test_support.h"

static void expect_copy(const char *text, size_t n, const char *want)
{
    char out[128];
    size_t used = printable_copy(out, sizeof out, text, n);
    assert_string_equal(out, want);
    assert_int_equal(used, strlen(want));
}
#define COPY(text, want) expect_copy(text, sizeof(text) - 1, want)

static void text_stays_as_it_is(void **state)
{
    (void)state;
    COPY("", "");
    COPY("caf\xc3\xa9 \xe2\x98\x83 \xf0\x9f\x99\x82 \xc2\xa0~", "caf\xc3\xa9 \xe2\x98\x83 \xf0\x9f\x99\x82 \xc2\xa0~");
}

static void what_steers_a_terminal_becomes_a_question_mark(void **state)
{
    (void)state;
    COPY("a\x1b[31mred\nb\tc\x7f\0d", "a?[31mred?b?c??d");
    COPY("\xc2\x9b"
         "31m",
         "?31m"); /* CSI as one character */
    COPY("\xe2\x80\xae"
         "cod.exe",
         "?cod.exe");                         /* right-to-left override */
    COPY("\xe2\x81\xa6x\xe2\x80\xa8", "?x?"); /* isolate, line separator */
}

static void bytes_that_are_no_character_become_question_marks(void **state)
{
    (void)state;
    COPY("\x80\xff\xfe", "???");
    COPY("\xc0\x80", "??");           /* NUL in two bytes */
    COPY("\xe0\x9f\xbf", "???");      /* too long */
    COPY("\xed\xa0\x80", "???");      /* a surrogate */
    COPY("\xf4\x90\x80\x80", "????"); /* above U+10FFFF */
    COPY("x\xe2\x98", "x??");         /* cut */
    COPY("\xe2x\x98", "?x?");
}

static void every_code_point_is_read_from_its_bytes(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char s[4] = { (char)c };
        size_t n = 1;
        if (c >= 0x80) {
            n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
            for (size_t i = n - 1; i > 0; i--) s[i] = (char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
            s[0] = (char)((0xf00 >> n & 0xff) | c >> (6 * (n - 1)));
        }
        uint32_t code;
        bool surrogate = c >= 0xd800 && c < 0xe000;
        assert_int_equal(printable_utf8(s, n, &code), surrogate ? 1 : n);
        assert_int_equal(code, surrogate ? UINT32_MAX : c);
        if (n > 1) assert_int_equal(printable_utf8(s, n - 1, &code), 1);
    }
}

static void a_copy_is_cut_before_the_character_that_does_not_fit(void **state)
{
    (void)state;
    char out[8];
    assert_int_equal(printable_copy(out, 3, "a\xc3\xa9", 3), 1);
    assert_string_equal(out, "a");
    assert_int_equal(printable_copy(out, 4, "a\xc3\xa9", 3), 3);
    assert_string_equal(out, "a\xc3\xa9");
    assert_int_equal(printable_copy(out, 1, "abc", 3), 0);
    assert_string_equal(out, "");
    char in_place[] = "\xff"
                      "a\x1b\xe2\x98\x83";
    assert_int_equal(printable_copy(in_place, sizeof in_place, in_place, 6), 6);
    assert_string_equal(in_place, "?a?\xe2\x98\x83");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stays_as_it_is),
        cmocka_unit_test(what_steers_a_terminal_becomes_a_question_mark),
        cmocka_unit_test(bytes_that_are_no_character_become_question_marks),
        cmocka_unit_test(every_code_point_is_read_from_its_bytes),
        cmocka_unit_test(a_copy_is_cut_before_the_character_that_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
