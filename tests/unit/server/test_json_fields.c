/* test_json_fields.c - what JSON is (RFC 8259) and what a field may be. */
#include <stdlib.h>
#include <string.h>

#include "server/api/json_fields.h"
#include "test_support.h"

static json_t *object(const char *text)
{
    api_error e = { 0 };
    json_t *o = json_parse_object(text, strlen(text), &e);
    if (!o) fail_msg("%s: %s", text, e.message);
    return o;
}

static void expect_number(const char *text, int64_t expected)
{
    api_error e;
    int64_t value = -1;
    json_t *o = object(text);
    if (!field_int(o, "n", -100, INT64_MAX, &value, &e)) fail_msg("%s: %s", text, e.message);
    assert_int_equal(value, expected);
    json_decref(o);
}

static void a_whole_number_may_have_a_point(void **state)
{
    (void)state;
    expect_number("{\"n\": 2}", 2);
    expect_number("{\"n\": 2.0}", 2);
    expect_number("{\"n\": 2e1}", 20);
    expect_number("{\"n\": -3.0}", -3);
    expect_number("{\"n\": null}", -1);
    expect_number("{\"n\": 9223372036854775807}", INT64_MAX); /* no digit is lost */
    expect_number("{\"n\": 9007199254740993}", 9007199254740993);
}

static void expect_refusal(const char *text, const char *words)
{
    api_error e = { 0 };
    int64_t value = 5;
    json_t *o = object(text);
    assert_false(field_int(o, "n", -100, 100, &value, &e));
    assert_int_equal(e.status, 400);
    assert_string_equal(e.param, "n");
    if (!strstr(e.message, words)) fail_msg("%s: %s", text, e.message);
    assert_int_equal(value, 5);
    json_decref(o);
}

static void a_number_that_does_not_fit_is_named(void **state)
{
    (void)state;
    expect_refusal("{\"n\": 2.5}", "whole number");
    expect_refusal("{\"n\": \"2\"}", "whole number");
    expect_refusal("{\"n\": 101}", "101 is not between -100 and 100");
    expect_refusal("{\"n\": 18446744073709551615}", "is not between -100 and 100");
    expect_refusal("{\"n\": -9223372036854775809}", "is not between -100 and 100");
    expect_refusal("{\"n\": 123456789012345678901234567890}", "is not between -100 and 100");
}

static void numbers_of_any_size_are_json(void **state)
{
    (void)state;
    json_t *o = object(
        "{\"a\": [18446744073709551615, \"99999999999999999999\\\"99999999999999999999\", -99999999999999999999, 9223372036854775808e1,"
        " 99999999999999999999.5, 0.99999999999999999999999], \"99999999999999999999\": 1}");
    json_t *list = json_object_get(o, "a");
    assert_true(json_real_value(json_array_get(list, 0)) == 0x1p64);
    assert_string_equal(json_string_value(json_array_get(list, 1)), "99999999999999999999\"99999999999999999999");
    assert_true(json_real_value(json_array_get(list, 2)) == -1e20);
    assert_true(json_real_value(json_array_get(list, 3)) == 9223372036854775808e1);
    assert_true(json_real_value(json_array_get(list, 4)) == 1e20);
    assert_int_equal(json_integer_value(json_object_get(o, "99999999999999999999")), 1);
    json_decref(o);
}

static void a_nul_is_a_character_of_text_alone(void **state)
{
    api_error e = { 0 };
    const json_t *text = NULL;
    const char *plain = "before";
    json_t *o = object("{\"t\": \"a\\u0000b\"}");
    (void)state;
    assert_true(field_text(o, "t", &text, &e));
    assert_int_equal(json_string_length(text), 3);
    assert_memory_equal(json_string_value(text), "a\0b", 3);
    assert_false(field_string(o, "t", &plain, &e));
    assert_string_equal(e.param, "t");
    assert_non_null(strstr(e.message, "NUL"));
    json_decref(o);
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const texts[] = { "",         "{",           "[]",         "1",
                                         "{\"a\":}", "{\"a\": 01}", "{\"a\": -}", "{\"a\": 99999999999999999999x}",
                                         "{\"a\\",   "-",           "{-" };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        api_error e = { 0 };
        assert_null(json_parse_object(texts[i], strlen(texts[i]), &e));
        assert_int_equal(e.status, 400);
        assert_string_equal(e.code, "invalid_json");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_number_may_have_a_point), cmocka_unit_test(a_number_that_does_not_fit_is_named),
        cmocka_unit_test(numbers_of_any_size_are_json),    cmocka_unit_test(a_nul_is_a_character_of_text_alone),
        cmocka_unit_test(what_is_no_json_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
