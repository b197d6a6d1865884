/* test_model_name.c - which model a client means. */
#include "server/model_name.h"

#include "test_support.h"

static void a_model_has_its_name_and_its_aliases(void **state)
{
    (void)state;
    assert_true(model_name_fits("smollm2", "smollm2", NULL, false));
    assert_false(model_name_fits("smollm", "smollm2", NULL, false));
    assert_false(model_name_fits("smollm22", "smollm2", NULL, false));
    assert_false(model_name_fits("gpt-4o", "smollm2", NULL, false));
    assert_true(model_name_fits("gpt-4o", "smollm2", "gpt-4o", false));
    assert_true(model_name_fits("default", "smollm2", "gpt-4o,default", false));
    assert_false(model_name_fits("gpt-4", "smollm2", "gpt-4o,default", false));
    assert_false(model_name_fits("gpt-4o,default", "smollm2", "gpt-4o,default", false));
}

static void empty_aliases_are_no_names(void **state)
{
    (void)state;
    assert_false(model_name_fits("", "smollm2", ",", false));
    assert_false(model_name_fits("", "smollm2", "", false));
    assert_true(model_name_fits("b", "smollm2", ",,b,", false));
}

static void a_star_is_every_name_if_it_stands_alone(void **state)
{
    (void)state;
    assert_true(model_name_fits("whatever", "smollm2", "a,*", false));
    assert_true(model_name_fits("", "smollm2", "*", false));
    assert_false(model_name_fits("gpt-4o", "smollm2", "gpt-*", false));
}

static void a_tag_may_follow_names_of_ollama(void **state)
{
    (void)state;
    assert_true(model_name_fits("smollm2:latest", "smollm2", NULL, true));
    assert_true(model_name_fits("a:latest", "smollm2", "a", true));
    assert_false(model_name_fits("smollm2:135m", "smollm2", NULL, true));
    assert_false(model_name_fits("smollm2:latest", "smollm2", NULL, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_has_its_name_and_its_aliases),
        cmocka_unit_test(empty_aliases_are_no_names),
        cmocka_unit_test(a_star_is_every_name_if_it_stands_alone),
        cmocka_unit_test(a_tag_may_follow_names_of_ollama),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
