/* test_normalize.c - normal forms by hand, at the seams between plain and other text, and in linear time. */
#include "test_support.h"

#include <stdlib.h>
#include <string.h>

#include "text/normalize.h"

static void check_form(normal_form form, const char *text, const char *want)
{
    char *out;
    size_t n_out;
    assert_int_equal(normalize_form(form, text, strlen(text), &out, &n_out), SUMI_OK);
    if (!strcmp(text, want)) assert_null(out);
    else assert_string_equal(out, want);
    free(out);
}

static void marks_join_the_plain_character_before_them(void **state)
{
    (void)state;
    check_form(NORMAL_NFC, "cafe\xCC\x81 au lait", "caf\xC3\xA9 au lait");
    check_form(NORMAL_NFC, "\xC3\xBC\xCC\x84-", "\xC7\x96-"); /* u with diaeresis, then a macron */
    check_form(NORMAL_NFC,
               "\xCC\x81"
               "e\xCC\x81"
               "e\xCC\x81",
               "\xCC\x81\xC3\xA9\xC3\xA9");
    check_form(NORMAL_NFC, "\xE4\xB8\xAD\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB\xE4\xB8\xAD",
               "\xE4\xB8\xAD\xED\x95\x9C\xE4\xB8\xAD"); /* the letters of a Korean syllable between Chinese */
    check_form(NORMAL_NFD, "a\xC3\xA9z", "ae\xCC\x81z");
    check_form(NORMAL_NFD, "\xE4\xB8\xAD\xC3\xA9",
               "\xE4\xB8\xAD"
               "e\xCC\x81");
}

static void only_the_compatible_forms_replace_ligatures(void **state)
{
    static const char text[] = "o\xEF\xAC\x83"
                               "ce \xEF\xBC\x91"; /* the ligature ffi, a wide digit */
    (void)state;
    check_form(NORMAL_NFC, text, text);
    check_form(NORMAL_NFD, text, text);
    check_form(NORMAL_NFKC, text, "office 1");
    check_form(NORMAL_NFKD, text, "office 1");
}

static void texts_in_form_are_left_alone(void **state)
{
    (void)state;
    for (int form = NORMAL_NFD; form <= NORMAL_NFKC; form++) {
        check_form((normal_form)form, "", "");
        check_form((normal_form)form, "plain", "plain");
        check_form((normal_form)form, "\xE4\xB8\xAD\xE6\x96\x87", "\xE4\xB8\xAD\xE6\x96\x87");
    }
}

static void case_and_accents_go_by_character(void **state)
{
    char *out;
    size_t n_out;
    (void)state;
    assert_int_equal(normalize_lower("\xC4\xB0X\xCE\xA3", 5, &out, &n_out), SUMI_OK);
    assert_string_equal(out, "i\xCC\x87x\xCF\x83");
    free(out);
    assert_int_equal(normalize_strip_accents("\xC3\x89t\xC3\xA9", 5, &out, &n_out), SUMI_OK);
    assert_string_equal(out, "Ete");
    free(out);
}

static void many_marks_on_one_letter_are_ordered_in_linear_time(void **state)
{
    /* U+0301 and U+0323 in turn are in the wrong order everywhere; exchanging neighbours would need 10^10 steps. */
    enum { PAIRS = 200000 };
    char *text = malloc(1 + 4 * PAIRS), *out;
    size_t n_out;
    (void)state;
    text[0] = 'q'; /* composes with neither */
    for (size_t i = 0; i < PAIRS; i++) memcpy(text + 1 + 4 * i, "\xCC\x81\xCC\xA3", 4);
    for (int form = NORMAL_NFD; form <= NORMAL_NFKC; form++) {
        assert_int_equal(normalize_form((normal_form)form, text, 1 + 4 * PAIRS, &out, &n_out), SUMI_OK);
        assert_int_equal(n_out, 1 + 4 * PAIRS);
        assert_memory_equal(out, "q\xCC\xA3", 3); /* below (class 220) comes before above (230) */
        assert_memory_equal(out + 1 + 2 * PAIRS, "\xCC\x81", 2);
        free(out);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_join_the_plain_character_before_them),
        cmocka_unit_test(only_the_compatible_forms_replace_ligatures),
        cmocka_unit_test(texts_in_form_are_left_alone),
        cmocka_unit_test(case_and_accents_go_by_character),
        cmocka_unit_test(many_marks_on_one_letter_are_ordered_in_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
