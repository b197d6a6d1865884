/* test_stop.c - the stop matcher against a search of the whole text. */
#include "sample/stop.h"

#include <stdlib.h>
#include <string.h>

#include "test_support.h"

static stop_matcher *create(const char *const *strings, int32_t n)
{
    stop_matcher *m;
    sumi_error err;
    if (stop_create(&m, strings, n, &err) != SUMI_OK) fail_msg("%s", err.message);
    return m;
}

static void bytes_are_held_back_only_while_they_may_begin_a_stop_string(void **state)
{
    (void)state;
    stop_matcher *m = create((const char *[]){ "\n\nUser:" }, 1);
    static const struct {
        const char *in, *out;
    } pieces[] = {
        { "Yes.\n", "Yes." }, { "\nUs", "" }, { "ually", "\n\nUsually" },
        { "\n\n", "" },       { "\n", "\n" }, { "User", "" },
    };
    buf out;
    buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        out.n = 0;
        assert_false(stop_push(m, pieces[i].in, strlen(pieces[i].in), &out));
        assert_int_equal(out.n, strlen(pieces[i].out));
        assert_memory_equal(out.data ? out.data : "", pieces[i].out, out.n);
    }
    out.n = 0;
    assert_true(stop_push(m, ": more", 6, &out));
    assert_true(stop_push(m, "nothing", 7, &out));
    stop_flush(m, &out);
    assert_int_equal(out.n, 0);
    buf_deinit(&out);
    stop_destroy(m);
}

/* The definition: the first place where a string is complete, and the longest string that ends there. */
static size_t find_end(const char *text, size_t n, char strings[][8], int32_t n_strings, bool *found)
{
    for (size_t end = 1; end <= n; end++) {
        size_t longest = 0;
        for (int32_t i = 0; i < n_strings; i++) {
            size_t len = strlen(strings[i]);
            if (len <= end && len > longest && !memcmp(text + end - len, strings[i], len)) longest = len;
        }
        *found = longest > 0;
        if (longest > 0) return end - longest;
    }
    *found = false;
    return n;
}

static void random_texts_end_where_a_search_of_the_whole_says(void **state)
{
    (void)state;
    test_rng r = test_rng_init(3);
    int n_found = 0;
    for (int round = 0; round < 20000; round++) {
        char strings[3][8], text[64];
        const char *pointers[3];
        int32_t n_strings = test_rng_range(&r, 1, 3), n = test_rng_range(&r, 0, 60);
        for (int32_t i = 0; i < n_strings; i++) {
            int32_t len = test_rng_range(&r, 1, 7);
            for (int32_t k = 0; k < len; k++) strings[i][k] = (char)('a' + test_rng_range(&r, 0, 1));
            strings[i][len] = '\0';
            pointers[i] = strings[i];
        }
        for (int32_t k = 0; k < n; k++) text[k] = (char)('a' + test_rng_range(&r, 0, round % 2 + 1));
        bool want_found, found = false;
        size_t want = find_end(text, (size_t)n, strings, n_strings, &want_found);
        stop_matcher *m = create(pointers, n_strings);
        buf out;
        buf_init(&out, 1000);
        for (int32_t at = 0; at < n && !found;) {
            int32_t piece = test_rng_range(&r, 0, n - at < 9 ? n - at : 9);
            found = stop_push(m, text + at, (size_t)piece, &out);
            at += piece;
            /* never a byte too many, and never a byte held back that cannot matter any more */
            assert_true(out.n <= want && out.n + 7 >= (size_t)at * !found);
        }
        stop_flush(m, &out);
        assert_int_equal(found, want_found);
        assert_int_equal(out.n, want);
        assert_memory_equal(out.n ? out.data : "", text, want);
        n_found += found;
        buf_deinit(&out);
        stop_destroy(m);
    }
    assert_in_range(n_found, 5000, 19000);
}

static void bad_stop_strings_are_named(void **state)
{
    (void)state;
    static char large[STOP_MAX_BYTES + 2];
    memset(large, 'x', sizeof large - 1);
    const char *bad[] = { "", large, "\x80", "a\xc3", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xc0\xaf" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        stop_matcher *m;
        sumi_error err;
        assert_int_equal(stop_create(&m, (const char *[]){ "ok \xe2\x82\xac", bad[i] }, 2, &err), SUMI_EINVAL);
        assert_null(m);
        assert_non_null(strstr(err.message, "stop string 2"));
    }
    stop_matcher *m;
    const char *many[STOP_MAX_STRINGS + 1] = { 0 };
    assert_int_equal(stop_create(&m, many, STOP_MAX_STRINGS + 1, NULL), SUMI_EINVAL);
}

static void without_stop_strings_everything_passes(void **state)
{
    (void)state;
    stop_matcher *m = create(NULL, 0);
    buf out;
    buf_init(&out, 100);
    assert_false(stop_push(m, "abc", 3, &out));
    stop_flush(m, &out);
    assert_string_equal(out.data, "abc");
    buf_deinit(&out);
    stop_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_held_back_only_while_they_may_begin_a_stop_string),
        cmocka_unit_test(random_texts_end_where_a_search_of_the_whole_says),
        cmocka_unit_test(bad_stop_strings_are_named),
        cmocka_unit_test(without_stop_strings_everything_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
