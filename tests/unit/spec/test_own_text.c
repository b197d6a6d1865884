/* test_own_text.c - guesses from a text's own repetitions, against a search through the whole text. */
#include "spec/own_text.h"

#include <stdlib.h>
#include <string.h>

#include "test_support.h"

#define MAX_TEXT 400

enum { GUESS = 8 };

/* Tokens before `end`, and ids[end], that are the same as at the end of the text. */
static int32_t same_before(const int32_t *ids, int32_t n, int32_t end)
{
    int32_t len = 0;
    while (len <= end && ids[end - len] == ids[n - 1 - len]) len++;
    return len;
}

static bool goes_on_as_after(const int32_t *ids, int32_t n, int32_t end, const int32_t guess[GUESS])
{
    for (int32_t i = 0; i < GUESS; i++) {
        int32_t at = end + 1 + i;
        if (guess[i] != (at < n ? ids[at] : guess[at - n])) return false;
    }
    return true;
}

/* The guess follows a place where the longest end that occurred before ended; newest: the last such place. */
static void check_guess(const own_text *t, const int32_t *ids, int32_t n, bool newest)
{
    int32_t guess[GUESS], longest = 0, last = -1, n_right = 0;
    for (int32_t end = 0; end < n - 1; end++) {
        int32_t len = same_before(ids, n, end);
        if (len > 0 && len >= longest) longest = len, last = end;
    }
    assert_int_equal(own_text_len(t), n);
    assert_int_equal(own_text_match(t), longest);
    assert_int_equal(own_text_guess(t, guess, GUESS), longest ? GUESS : 0);
    if (!longest) return;
    for (int32_t end = 0; end < n - 1; end++)
        n_right += same_before(ids, n, end) == longest && goes_on_as_after(ids, n, end, guess);
    assert_true(n_right > 0);
    if (newest) assert_true(goes_on_as_after(ids, n, last, guess));
}

/* Random texts over few symbols repeat at all lengths; texts with copied parts repeat long. */
static void guesses_are_those_of_a_search(void **state)
{
    (void)state;
    test_rng rng = test_rng_init(1);
    int32_t ids[MAX_TEXT];
    for (int round = 0; round < 200; round++) {
        int32_t n_symbols = test_rng_range(&rng, 1, 1 << test_rng_range(&rng, 0, 8)),
                n = test_rng_range(&rng, 1, MAX_TEXT);
        bool few = n_symbols <
                   32; /* then, and where a part is copied over its own end, the newest place may not be known */
        own_text *t = own_text_create();
        assert_non_null(t);
        int32_t from = 0, copied = 0;
        for (int32_t i = 0; i < n; i++) {
            if (copied == 0 && i > 0 && test_rng_range(&rng, 0, 30) == 0) {
                from = test_rng_range(&rng, 0, i - 1);
                copied = test_rng_range(&rng, 1, few ? 60 : i - from < 25 ? i - from : 25);
            }
            ids[i] = copied > 0 ? ids[from++] : test_rng_range(&rng, 0, n_symbols - 1) * 1000;
            copied -= copied > 0;
            assert_true(own_text_add(t, ids[i]));
            check_guess(t, ids, i + 1, !few);
        }
        own_text_destroy(t);
    }
}

static void an_empty_text_has_no_guess(void **state)
{
    (void)state;
    own_text *t = own_text_create();
    int32_t guess[4];
    assert_int_equal(own_text_match(t), 0);
    assert_int_equal(own_text_guess(t, guess, 4), 0);
    own_text_destroy(t);
}

/* A text that goes round is guessed as long as somebody wants. */
static void a_loop_is_continued(void **state)
{
    (void)state;
    own_text *t = own_text_create();
    int32_t guess[100];
    for (int32_t i = 0; i < 12; i++) assert_true(own_text_add(t, i % 3));
    assert_int_equal(own_text_match(t), 9);
    assert_int_equal(own_text_guess(t, guess, 100), 100);
    for (int32_t i = 0; i < 100; i++) assert_int_equal(guess[i], i % 3);
    own_text_destroy(t);
}

/* Numbers of words in a language fall as 1 / rank (Zipf). */
static void memory_stays_in_its_bound(void **state)
{
    (void)state;
    test_rng rng = test_rng_init(1);
    enum { N = 32768 };
    const struct {
        const char *what;
        int32_t kind;
        size_t most;
    } texts[] = {
        { "words", 0, 72 },
        { "one symbol", 1, 40 },
        { "all different", 2, 60 },
        { "two symbols", 3, 80 },
    };
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        own_text *t = own_text_create();
        for (int32_t i = 0; i < N; i++) {
            double u = (double)test_rng_range(&rng, 1, 1 << 20) / (1 << 20);
            int32_t word = (int32_t)(1 / u) % 50000;
            int32_t id = texts[k].kind == 0 ? word : texts[k].kind == 1 ? 7 : texts[k].kind == 2 ? i : word % 2;
            assert_true(own_text_add(t, id));
        }
        print_message("  %s: %zu bytes a token\n", texts[k].what, own_text_bytes(t) / N);
        assert_true(own_text_bytes(t) / N <= texts[k].most);
        own_text_destroy(t);
    }
}

/* A token that half a million different ones follow: going through them each time that it comes would take hours. */
static void a_frequent_token_costs_no_more_than_others(void **state)
{
    (void)state;
    enum { N = 1000000 };
    own_text *t = own_text_create();
    for (int32_t i = 0; i < N; i++) {
        assert_true(own_text_add(t, i % 2 ? 7 : 10 + i));
        assert_int_equal(own_text_match(t), i % 2 && i > 1);
    }
    print_message("  %zu bytes a token\n", own_text_bytes(t) / N);
    assert_true(own_text_bytes(t) / N <= 72);
    own_text_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guesses_are_those_of_a_search),
        cmocka_unit_test(an_empty_text_has_no_guess),
        cmocka_unit_test(a_loop_is_continued),
        cmocka_unit_test(memory_stays_in_its_bound),
        cmocka_unit_test(a_frequent_token_costs_no_more_than_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
