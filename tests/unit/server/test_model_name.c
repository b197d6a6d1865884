/* test_model_name.c - which model a client means. */
#include "server/api/model_name.h"

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

static void the_tag_latest_may_follow_each_name(void **state)
{
    (void)state;
    for (int any_case = 0; any_case < 2; any_case++) {
        assert_true(model_name_fits("smollm2:latest", "smollm2", NULL, any_case));
        assert_true(model_name_fits("a:latest", "smollm2", "a", any_case));
        assert_false(model_name_fits("smollm2:135m", "smollm2", NULL, any_case));
        assert_false(model_name_fits("smollm2:latest:latest", "smollm2", NULL, any_case));
    }
}

static void case_does_not_matter_to_ollama(void **state)
{
    (void)state;
    assert_true(model_name_fits("SmolLM2", "smollm2", NULL, true));
    assert_true(model_name_fits("gpt-4O:latest", "smollm2", "GPT-4o", true));
    assert_false(model_name_fits("SmolLM2", "smollm2", NULL, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_has_its_name_and_its_aliases),
        cmocka_unit_test(empty_aliases_are_no_names),
        cmocka_unit_test(a_star_is_every_name_if_it_stands_alone),
        cmocka_unit_test(the_tag_latest_may_follow_each_name),
        cmocka_unit_test(case_does_not_matter_to_ollama),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
