/* test_strmap.c - byte strings to numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strmap.h"
#include "test_support.h"

static void a_key_gives_the_value_it_was_added_with(void **state)
{
    (void)state;
    strmap *m = strmap_create(4);
    assert_int_equal(strmap_add(m, "a", 1, 10), 10);
    assert_int_equal(strmap_add(m, "ab", 2, 0), 0);
    assert_int_equal(strmap_add(m, "", 0, 7), 7); /* the empty string is a key too */
    assert_int_equal(strmap_add(m, "a\0b", 3, 5), 5);
    assert_int_equal(strmap_get(m, "a", 1), 10);
    assert_int_equal(strmap_get(m, "ab", 2), 0);
    assert_int_equal(strmap_get(m, "", 0), 7);
    assert_int_equal(strmap_get(m, "a\0b", 3), 5);
    assert_int_equal(strmap_get(m, "a\0c", 3), -1);
    assert_int_equal(strmap_get(m, "b", 1), -1);
    strmap_destroy(m);
    strmap_destroy(NULL);
}

static void a_second_add_tells_the_first_value(void **state)
{
    (void)state;
    strmap *m = strmap_create(2);
    assert_int_equal(strmap_add(m, "k", 1, 1), 1);
    assert_int_equal(strmap_add(m, "k", 1, 2), 1);
    assert_int_equal(strmap_get(m, "k", 1), 1);
    strmap_destroy(m);
}

static void a_full_map_finds_all_its_keys_and_no_others(void **state)
{
    (void)state;
    enum { N_KEYS = 100000 };
    char(*keys)[12] = malloc(sizeof(char[N_KEYS][12]));
    strmap *m = strmap_create(N_KEYS);
    for (int i = 0; i < N_KEYS; i++) {
        int n = snprintf(keys[i], sizeof keys[i], "key %d", i);
        assert_int_equal(strmap_add(m, keys[i], (size_t)n, i), i);
    }
    for (int i = 0; i < N_KEYS; i++) {
        assert_int_equal(strmap_get(m, keys[i], strlen(keys[i])), i);
        keys[i][0] = 'K'; /* keys are borrowed: changing one makes it another key */
        assert_int_equal(strmap_get(m, keys[i], strlen(keys[i])), -1);
        keys[i][0] = 'k';
    }
    strmap_destroy(m);
    free(keys);
}

static void lengths_of_every_size_are_told_apart(void **state)
{
    (void)state;
    char zeros[100] = { 0 }; /* the same bytes, so only the length differs */
    strmap *m = strmap_create(100);
    for (int n = 0; n < 100; n++) assert_int_equal(strmap_add(m, zeros, (size_t)n, n), n);
    for (int n = 0; n < 100; n++) assert_int_equal(strmap_get(m, zeros, (size_t)n), n);
    strmap_destroy(m);
}

static void an_empty_map_has_nothing(void **state)
{
    (void)state;
    strmap *m = strmap_create(0);
    assert_int_equal(strmap_get(m, "x", 1), -1);
    strmap_destroy(m);
    assert_null(strmap_create(SIZE_MAX / 2)); /* no room is an answer, not a crash */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_gives_the_value_it_was_added_with),
        cmocka_unit_test(a_second_add_tells_the_first_value),
        cmocka_unit_test(a_full_map_finds_all_its_keys_and_no_others),
        cmocka_unit_test(lengths_of_every_size_are_told_apart),
        cmocka_unit_test(an_empty_map_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
