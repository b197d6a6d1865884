/* test_keys.c - key files, and the limits of a key. */
#include "server/ops/keys.h"

#include <string.h>

#include "test_support.h"

/* FIPS 180-4's own example: SHA-256 of "abc". */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
/* of "", from the same tables */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static keys *parse(const char *text, sumi_error *err)
{
    keys *k;
    return keys_parse(&k, text, strlen(text), "keys", err) == SUMI_OK ? k : NULL;
}

static void a_key_is_found_by_what_hashes_to_it(void **state)
{
    (void)state;
    keys *k = parse("# who\n\n bob\t" ABC "  rpm=60 tpm=1000 concurrent=2 share=5 priority=-3\r\nann " EMPTY
                    " scope=status\n",
                    NULL);
    assert_non_null(k);
    assert_int_equal(keys_count(k), 2);
    api_key *bob = keys_find(k, "abc");
    assert_non_null(bob);
    assert_string_equal(bob->name, "bob");
    assert_int_equal(bob->limits->requests_per_min, 60);
    assert_int_equal(bob->limits->tokens_per_min, 1000);
    assert_int_equal(bob->limits->max_concurrent, 2);
    assert_int_equal(bob->share, 5);
    assert_int_equal(bob->priority, -3);
    assert_false(bob->status_only);
    assert_string_equal(keys_find(k, "")->name, "ann");
    assert_true(keys_find(k, "")->status_only);
    assert_null(keys_find(k, "abd"));
    keys_unref(k);
}

static void wrong_lines_are_named(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "# nothing\n",
                                       "\nbob abc",
                                       "\nbob",
                                       "\nb/b " ABC,
                                       "\nbob " ABC " rpm=0",
                                       "\nbob " ABC " rpm=1x",
                                       "\nbob " ABC " speed=1",
                                       "\nbob " ABC " scope=none",
                                       "bob " ABC "\nbob " EMPTY };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sumi_error err;
        if (parse(bad[i], &err)) fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.status, SUMI_EFORMAT);
        if (i >= 2) assert_non_null(strstr(err.message, "line 2"));
    }
}

static void requests_come_back_with_time(void **state)
{
    (void)state;
    key_limits l = { .requests_per_min = 2 };
    api_error e;
    key_limits_init(&l);
    assert_true(key_limits_enter(&l, 1000, &e));
    assert_true(key_limits_enter(&l, 1000, &e));
    assert_false(key_limits_enter(&l, 1000, &e));
    assert_int_equal(e.status, 429);
    assert_int_equal(e.retry_after, 30);
    assert_false(key_limits_enter(&l, 30900, &e));
    assert_true(key_limits_enter(&l, 31100, &e));
    key_limits_deinit(&l);
}

static void a_key_that_was_idle_has_the_limit_of_one_minute(void **state)
{
    (void)state;
    const double idle_ms = 1000 * 60000.0;
    key_limits l = { .requests_per_min = 2, .tokens_per_min = 60 };
    api_error e;
    key_limits_init(&l);
    assert_true(key_limits_enter(&l, 1000, &e));
    for (int i = 0; i < 2; i++) assert_true(key_limits_count(&l, idle_ms, &e));
    assert_false(key_limits_count(&l, idle_ms, &e));
    for (int i = 0; i < 2; i++) assert_true(key_limits_enter(&l, idle_ms, &e));
    assert_false(key_limits_enter(&l, idle_ms, &e));
    assert_non_null(strstr(e.message, "requests a minute"));
    key_limits_leave(&l, (key_charge){ 0 }, 60);
    assert_false(key_limits_enter(&l, idle_ms, &e));
    assert_non_null(strstr(e.message, "tokens a minute"));
    key_limits_deinit(&l);
}

static void tokens_are_paid_afterwards(void **state)
{
    (void)state;
    key_limits l = { .tokens_per_min = 60 };
    api_error e;
    key_limits_init(&l);
    assert_true(key_limits_enter(&l, 1000, &e));
    key_limits_leave(&l, (key_charge){ 0 }, 90);
    assert_false(key_limits_enter(&l, 1000, &e));
    assert_int_equal(e.retry_after, 31);
    assert_true(key_limits_enter(&l, 32100, &e));
    key_limits_deinit(&l);
}

static void only_so_many_run_at_once(void **state)
{
    (void)state;
    key_limits l = { .max_concurrent = 1 };
    api_error e;
    key_limits_init(&l);
    assert_true(key_limits_enter(&l, 1, &e));
    assert_false(key_limits_enter(&l, 1, &e));
    key_limits_leave(&l, (key_charge){ 0 }, 0);
    assert_true(key_limits_enter(&l, 1, &e));
    key_limits_deinit(&l);
}

static void counting_has_a_bucket_of_its_own(void **state)
{
    (void)state;
    key_limits l = { .requests_per_min = 2, .max_concurrent = 1 }, none = { .max_concurrent = 1 };
    api_error e;
    key_limits_init(&l);
    key_limits_init(&none);
    assert_true(key_limits_enter(&l, 1000, &e));
    for (int i = 0; i < 2; i++) assert_true(key_limits_count(&l, 1000, &e));
    assert_false(key_limits_count(&l, 1000, &e));
    assert_int_equal(e.status, 429);
    assert_int_equal(e.retry_after, 30);
    key_limits_leave(&l, (key_charge){ 0 }, 0);
    assert_true(key_limits_enter(&l, 1000, &e));
    assert_true(key_limits_count(&l, 31100, &e));
    for (int i = 0; i < 100; i++) assert_true(key_limits_count(&none, 1000, &e));
    key_limits_deinit(&l);
    key_limits_deinit(&none);
}

static void tokens_are_taken_before_and_what_is_left_comes_back(void **state)
{
    (void)state;
    key_limits l = { .tokens_per_min = 200 };
    const key_charge one = { .n_tokens = 340 };
    api_error e;
    key_limits_init(&l);
    assert_true(key_limits_enter(&l, 1000, &e));
    assert_true(key_limits_enter(&l, 1000, &e)); /* they have come together: */
    assert_true(key_limits_charge(&l, 1000, one, &e));
    assert_false(key_limits_charge(&l, 1000, one, &e)); /* the second finds nothing left */
    assert_int_equal(e.status, 429);
    key_limits_leave(&l, (key_charge){ 0 }, 0);
    assert_false(key_limits_enter(&l, 1000, &e));
    key_limits_leave(&l, one, 30); /* it was shorter than it could have been */
    assert_true(key_limits_enter(&l, 1000, &e));
    assert_true(key_limits_charge(&l, 1000, (key_charge){ .n_tokens = 170 }, &e));
    assert_false(key_limits_enter(&l, 1000, &e));
    assert_int_equal(e.retry_after, 1);
    key_limits_deinit(&l);
}

static void each_answer_counts(void **state)
{
    (void)state;
    key_limits l = { .requests_per_min = 10, .max_concurrent = 4 };
    const key_charge four = { .n_more = 3 }, five = { .n_more = 4 };
    api_error e;
    key_limits_init(&l);
    assert_true(key_limits_enter(&l, 1000, &e));
    assert_false(key_limits_charge(&l, 1000, five, &e));
    assert_true(key_limits_charge(&l, 1000, four, &e));
    assert_false(key_limits_enter(&l, 1000, &e));
    key_limits_leave(&l, four, 0);
    assert_true(key_limits_enter(&l, 1000, &e));
    assert_true(key_limits_charge(&l, 1000, four, &e));
    key_limits_leave(&l, four, 0);
    assert_true(key_limits_enter(&l, 1000, &e));
    assert_false(key_limits_charge(&l, 1000, four, &e)); /* 4 + 4 + 1 of 10 are gone */
    assert_non_null(strstr(e.message, "requests a minute"));
    key_limits_deinit(&l);
}

static void a_reload_forgets_neither_buckets_nor_who_runs(void **state)
{
    (void)state;
    sumi_error err;
    api_error e;
    keys *old = parse("ann " ABC " rpm=2 concurrent=2\nbob " EMPTY, &err);
    api_key *ann = keys_find(old, "abc"), *bob = keys_find(old, "");
    assert_true(key_limits_enter(ann->limits, 1000, &e));
    assert_true(key_limits_enter(ann->limits, 1000, &e));
    keys *fresh = parse("ann " ABC " rpm=3 concurrent=2", &err);
    keys_take_over(fresh, old);
    assert_ptr_equal(keys_find(fresh, "abc")->limits, ann->limits);
    assert_false(key_limits_enter(ann->limits, 1000, &e));
    assert_non_null(strstr(e.message, "2 requests at once"));
    assert_false(atomic_load(&ann->limits->revoked));
    assert_true(atomic_load(&bob->limits->revoked)); /* it is in the file no more */
    key_limits_leave(ann->limits, (key_charge){ 0 }, 0);
    key_limits_leave(ann->limits, (key_charge){ 0 }, 0);
    keys_unref(old);
    ann = keys_find(fresh, "abc");
    assert_false(key_limits_enter(ann->limits, 1000, &e)); /* both requests of this minute are gone */
    assert_true(key_limits_enter(ann->limits, 21100, &e));
    keys *changed = parse("ann " EMPTY, &err);
    keys_take_over(changed, fresh); /* another key under the old name */
    assert_true(atomic_load(&ann->limits->revoked));
    keys_unref(fresh);
    keys_unref(changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_by_what_hashes_to_it),
        cmocka_unit_test(wrong_lines_are_named),
        cmocka_unit_test(requests_come_back_with_time),
        cmocka_unit_test(a_key_that_was_idle_has_the_limit_of_one_minute),
        cmocka_unit_test(tokens_are_paid_afterwards),
        cmocka_unit_test(only_so_many_run_at_once),
        cmocka_unit_test(counting_has_a_bucket_of_its_own),
        cmocka_unit_test(tokens_are_taken_before_and_what_is_left_comes_back),
        cmocka_unit_test(each_answer_counts),
        cmocka_unit_test(a_reload_forgets_neither_buckets_nor_who_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
