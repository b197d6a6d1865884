/* test_path.c - the path that a request means. */
#include "server/http/path.h"

#include <stdio.h>
#include <string.h>

#include "test_support.h"

static void a_path_has_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path;
    } all[] = {
        { "/", "/" },
        { "//", "/" },
        { "/v1/models", "/v1/models" },
        { "/v1/models/", "/v1/models" },
        { "//v1///models//", "/v1/models" },
        { "http://host:8080/v1/models", "/v1/models" },
        { "HTTPS://host/", "/" },
        { "http://host", "/" },
        { "http:/v1", "http:/v1" },
        { "*", "*" },
        { "", "" },
    };
    char out[64];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        path_clean(all[i].target, out, sizeof out);
        assert_string_equal(out, all[i].path);
    }
    path_clean("/abcdef", out, 5);
    assert_string_equal(out, "/abc");
}

static void an_authority_is_that_of_the_absolute_form(void **state)
{
    (void)state;
    size_t n;
    const char *authority = path_authority("http://host:8080/v1", &n);
    assert_int_equal(n, 9);
    assert_memory_equal(authority, "host:8080", 9);
    assert_non_null(path_authority("https://host", &n));
    assert_int_equal(n, 4);
    assert_null(path_authority("/http://host", &n));
}

static void escapes_are_decoded_but_that_of_nul(void **state)
{
    (void)state;
    static const struct {
        const char *text, *decoded;
    } all[] = {
        { "/a%20b", "/a b" }, { "%41%62", "Ab" },   { "/a%00/b", "/a%00/b" }, { "%", "%" },
        { "%4", "%4" },       { "%zz%5", "%zz%5" }, { "%2f%2F", "//" },       { "%%41", "%A" },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s", all[i].text);
        assert_int_equal(path_decode(text), strlen(all[i].decoded));
        assert_string_equal(text, all[i].decoded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_has_one_form),
        cmocka_unit_test(an_authority_is_that_of_the_absolute_form),
        cmocka_unit_test(escapes_are_decoded_but_that_of_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
