/* test_json_read.c - JSON is read whole or not at all, whichever allocation fails. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_read.h"
#include "test_support.h"

static long n_left = -1; /* allocations that still succeed; < 0: all do */
static long n_live;

static void *failing_malloc(size_t n)
{
    if (n_left == 0) return NULL;
    if (n_left > 0) n_left--;
    void *block = malloc(n);
    n_live += block != NULL;
    return block;
}

static void counting_free(void *block)
{
    n_live -= block != NULL;
    free(block);
}

/* Long strings, many values, keys that make tables grow, escapes. */
static char *document(size_t *n)
{
    buf b;
    buf_init(&b, SIZE_MAX);
    buf_append_str(&b, "{\"long\":\"");
    for (int i = 0; i < 3000; i++) buf_append_str(&b, "ab \\u00e4");
    buf_append_str(&b, "\",\"list\":[");
    for (int i = 0; i < 100; i++) buf_printf(&b, "%s%d.5,[\"%d\",{\"k\":null}]", i ? "," : "", i, i);
    for (int i = 0; i < 100; i++) buf_printf(&b, "%s\"key%d\":%d", i ? "," : "],", i, i);
    buf_append_char(&b, '}');
    return buf_take(&b, n);
}

static void any_allocation_may_fail(void **state)
{
    size_t n;
    char *text = document(&n);
    json_error_t why;
    (void)state;
    json_t *whole = json_read(text, n, 0, &why);
    assert_non_null(whole);
    assert_int_equal(json_string_length(json_object_get(whole, "long")), 3000 * 5);
    long live = n_live;
    int n_allocations = 0;
    for (bool failed = true; failed; n_allocations++) {
        n_left = n_allocations;
        json_t *got = json_read(text, n, 0, &why);
        n_left = -1;
        failed = !got;
        if (got) assert_true(json_equal(got, whole));
        else {
            assert_int_equal(json_read_status(&why, SUMI_EFORMAT), SUMI_ENOMEM);
            assert_string_equal(why.text, "out of memory");
        }
        json_decref(got);
        assert_int_equal(n_live, live);
    }
    assert_true(n_allocations > 500);
    json_decref(whole);
    assert_int_equal(n_live, 0);
    free(text);
}

static void mistakes_are_told_as_jansson_does(void **state)
{
    json_error_t why;
    (void)state;
    assert_null(json_read("[1,\n 2", 6, 0, &why));
    assert_int_equal(why.line, 2);
    assert_int_equal(json_read_status(&why, SUMI_EFORMAT), SUMI_EFORMAT);
    json_t *nul = json_read("\"a\\u0000b\"", 10, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    assert_int_equal(json_string_length(nul), 3);
    json_decref(nul);
    assert_int_equal(n_live, 0);
}

/* Values that are freed in any order while the reading goes on: a mistake at the end frees all of a long list. */
static void a_long_list_with_a_mistake_is_freed(void **state)
{
    enum { N = 200000 };
    char *text = malloc(2 * N + 2);
    json_error_t why;
    (void)state;
    text[0] = '[';
    for (size_t i = 0; i < N; i++) memcpy(text + 1 + 2 * i, "1,", 2);
    assert_null(json_read(text, 2 * N + 1, 0, &why));
    assert_int_equal(n_live, 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(mistakes_are_told_as_jansson_does),
        cmocka_unit_test(a_long_list_with_a_mistake_is_freed),
    };
    json_set_alloc_funcs(failing_malloc, counting_free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
