/* test_nearest.c - distances that textbooks give, and which word is offered. */
#include <string.h>

#include "base/nearest.h"
#include "test_support.h"

static void distances_are_those_of_textbooks(void **state)
{
    (void)state;
    assert_int_equal(nearest_distance("kitten", "sitting"), 3);
    assert_int_equal(nearest_distance("saturday", "sunday"), 3);
    assert_int_equal(nearest_distance("intention", "execution"), 5);
    assert_int_equal(nearest_distance("ca", "abc"), 3); /* 2 without the rule that a pair is edited once */
    assert_int_equal(nearest_distance("teh", "the"), 1);
    assert_int_equal(nearest_distance("", "abc"), 3);
    assert_int_equal(nearest_distance("abc", ""), 3);
    assert_int_equal(nearest_distance("RUN", "run"), 0);
}

static const char *offered(const char *typed, const char *const *words)
{
    nearest n = { .to = typed };
    for (; *words; words++) nearest_try(&n, *words);
    return n.best;
}

static void the_nearest_word_is_offered_if_it_is_near(void **state)
{
    static const char *const words[] = { "temp", "top-k", "max-tokens", "threads", NULL };
    char long_word[200];
    (void)state;
    assert_string_equal(offered("tmep", words), "temp");
    assert_string_equal(offered("thraeds", words), "threads");
    assert_string_equal(offered("max", words), "max-tokens"); /* its beginning */
    assert_null(offered("t", words));
    assert_null(offered("fly", words));
    assert_null(offered("", words));
    memset(long_word, 'x', sizeof long_word);
    long_word[sizeof long_word - 1] = '\0';
    assert_null(offered(long_word, words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_those_of_textbooks),
        cmocka_unit_test(the_nearest_word_is_offered_if_it_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
