/* test_pretok.c - cutting by rules: by hand, and in linear time. The real rules are compared with `tokenizers` in
 * tests/golden/test_pretok.c. */
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text/pretok.h"

static bool write_piece(void *user, const char *piece, size_t n)
{
    char *out = user;
    snprintf(out + strlen(out), 256 - strlen(out), "[%.*s]", (int)n, piece);
    return true;
}

static void cut(const pretok_rule *rule, const char *text, char out[256])
{
    for (int jit = 0; jit < 2; jit++) {
        pretok *p;
        char pieces[256] = "";
        assert_int_equal(pretok_create(&p, rule, jit, NULL), SUMI_OK);
        pretok_work *w = pretok_work_create(p);
        assert_int_equal(pretok_split(p, w, text, strlen(text), write_piece, pieces), SUMI_OK);
        pretok_work_destroy(w);
        pretok_destroy(p);
        if (jit) assert_string_equal(pieces, out);
        strcpy(out, pieces);
    }
}

static void each_pattern_cuts_the_pieces_of_the_one_before(void **state)
{
    static const pretok_rule rule = { .names = { "test" }, .patterns = { "[0-9]+", "x", ".." } };
    char out[256];
    (void)state;
    cut(&rule, "abcxd1234", out);
    assert_string_equal(out, "[ab][c][x][d][12][34]");
    cut(&rule, "", out);
    assert_string_equal(out, "");
    cut(&rule, "1", out);
    assert_string_equal(out, "[1]");
}

static void a_pattern_does_not_see_beyond_its_piece(void **state)
{
    static const pretok_rule rule = { .names = { "test" }, .patterns = { "[0-9]", "a(?!\\d)|a" } };
    static const pretok_rule at_end = { .names = { "test" }, .patterns = { "[0-9]", " +(?!\\S)| +" } };
    char out[256];
    (void)state;
    cut(&rule, "aa1", out);
    assert_string_equal(out, "[a][a][1]");
    cut(&at_end, "   1", out);
    assert_string_equal(out, "[   ][1]"); /* the digit is no longer after the spaces */
}

static void a_file_without_a_rule_is_cut_as_llama_cpp_does(void **state)
{
    char out[256];
    (void)state;
    cut(pretok_find_rule("default", 7), "ab, 12345 c!\n", out);
    assert_string_equal(out, "[ab][,][ ][123][45][ c][!][\n]");
}

static void rules_are_found_by_their_whole_name(void **state)
{
    (void)state;
    assert_non_null(pretok_find_rule("qwen2", 5));
    assert_null(pretok_find_rule("qwen2", 4));
    assert_null(pretok_find_rule("qwen22", 6));
    assert_null(pretok_find_rule("", 0));
    assert_ptr_equal(pretok_find_rule("llama-bpe", 9), pretok_find_rule("llama3", 6));
}

static bool count_piece(void *user, const char *piece, size_t n)
{
    (void)piece;
    *(size_t *)user += n;
    return true;
}

/* Milliseconds that this thread has computed: what else the machine does is not in it. */
static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* The shortest of three times for n bytes made of copies of unit, in milliseconds. */
static double time_cut(const pretok *p, const char *unit, size_t n)
{
    char *text = malloc(n);
    pretok_work *w = pretok_work_create(p);
    double best = 1e9;
    n -= n % strlen(unit);
    for (size_t i = 0; i < n; i++) text[i] = unit[i % strlen(unit)];
    for (int i = 0; i < 3; i++) {
        size_t seen = 0;
        double start = cpu_ms();
        assert_int_equal(pretok_split(p, w, text, n, count_piece, &seen), SUMI_OK);
        double ms = cpu_ms() - start;
        assert_int_equal(seen, n);
        if (ms < best) best = ms;
    }
    pretok_work_destroy(w);
    free(text);
    return best;
}

static void time_grows_with_the_length_of_the_text(void **state)
{
    /* 16 times the text may take 100 times as long, for caches have an end; its square would take 256 times. */
    static const char *const units[] = { "a",        "A",        "1",           "!",  "'",    " ",  "\n",
                                         " \n",      "\t ",      " a",          "'l", "  \r", "aA", "\xE4\xB8\xAD",
                                         "\xCC\x81", "\xC2\xBD", "\xE3\x80\x80" };
    enum { SHORT = 3000 };
    const pretok_rule *rule;
    (void)state;
    for (size_t r = 0; (rule = pretok_rule_at(r)); r++)
        for (int jit = 0; jit < 2; jit++) {
            pretok *p;
            assert_int_equal(pretok_create(&p, rule, jit, NULL), SUMI_OK);
            for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
                size_t n = jit ? SHORT : SHORT / 3;
                double small = time_cut(p, units[u], n), large = time_cut(p, units[u], 16 * n);
                if (large > 100 * small + 20)
                    fail_msg("%s, '%s': %g ms, then %g ms", rule->names[0], units[u], small, large);
            }
            pretok_destroy(p);
        }
}

/* ---- Seams -------------------------------------------------------------------------------------------------- */

typedef struct cuts {
    const char *text;
    size_t at[256], n;
} cuts;

static bool note_piece(void *user, const char *piece, size_t n)
{
    cuts *c = user;
    c->at[c->n++] = (size_t)(piece - c->text) + n;
    return true;
}

static void a_word_and_the_space_before_it_are_between_seams(void **state)
{
    static const char text[] = "one  two, three\n   four 5 six";
    static const size_t want[] = { 3, 4, 9, 15, 18, 23, 25, sizeof text - 1 };
    (void)state;
    for (size_t i = 0, at = 0; i < sizeof want / sizeof *want; i++) {
        at = pretok_seam(text, sizeof text - 1, at);
        assert_int_equal(at, want[i]);
    }
}

/* Up to 48 characters that rules know apart, many of them white space and letters. */
static size_t random_text(test_rng *rng, char out[256])
{
    static const char *const units[] = { "a",
                                         "b",
                                         "s",
                                         "t",
                                         "A",
                                         "Z",
                                         " ",
                                         " ",
                                         " ",
                                         " ",
                                         "  ",
                                         "\n",
                                         "\r\n",
                                         "\t",
                                         "1",
                                         "234",
                                         "'",
                                         "'s",
                                         ".",
                                         ",",
                                         "(",
                                         "/",
                                         "<",
                                         "_",
                                         "\xC3\xA9",
                                         "\xCC\x81",
                                         "\xE4\xB8\xAD",
                                         "\xE3\x81\x8B",
                                         "\xC2\xBD",
                                         "\xE3\x80\x80",
                                         "\xE2\x80\xA6" };
    size_t n = 0;
    for (int32_t i = test_rng_range(rng, 1, 48); i > 0; i--) {
        const char *unit = units[test_rng_range(rng, 0, (int32_t)(sizeof units / sizeof *units) - 1)];
        memcpy(out + n, unit, strlen(unit));
        n += strlen(unit);
    }
    return n;
}

static void cut_between_seams(const pretok *p, pretok_work *w, const char *text, size_t n, cuts *out)
{
    *out = (cuts){ .text = text };
    for (size_t i = 0, end; i < n; i = end) {
        end = pretok_seam(text, n, i);
        assert_int_equal(pretok_split(p, w, text + i, end - i, note_piece, out), SUMI_OK);
    }
}

/* How many of 1,500 random texts are cut otherwise if they are first cut at seams. */
static int count_seam_errors(const pretok_rule *rule)
{
    test_rng rng = test_rng_init(7);
    pretok *p;
    int n_wrong = 0;
    assert_int_equal(pretok_create(&p, rule, true, NULL), SUMI_OK);
    pretok_work *w = pretok_work_create(p);
    for (int i = 0; i < 1500; i++) {
        char text[256];
        size_t n = random_text(&rng, text);
        cuts whole = { .text = text }, parts;
        assert_int_equal(pretok_split(p, w, text, n, note_piece, &whole), SUMI_OK);
        cut_between_seams(p, w, text, n, &parts);
        bool same = whole.n == parts.n && !memcmp(whole.at, parts.at, whole.n * sizeof *whole.at);
        if (!same && !rule->seamless) fprintf(stderr, "%s: [%.*s]\n", rule->names[0], (int)n, text);
        n_wrong += !same;
    }
    pretok_work_destroy(w);
    pretok_destroy(p);
    return n_wrong;
}

static void seams_change_no_cut(void **state)
{
    const pretok_rule *rule;
    (void)state;
    for (size_t r = 0; (rule = pretok_rule_at(r)); r++) {
        int n_wrong = count_seam_errors(rule);
        if (rule->seamless && !n_wrong) fail_msg("'%s' could have seams", rule->names[0]);
        if (!rule->seamless && n_wrong) fail_msg("'%s': %d texts", rule->names[0], n_wrong);
    }
}

/* ---- Threes ------------------------------------------------------------------------------------------------- */

static void threes_are_counted_from_the_right(void **state)
{
    static const pretok_rule isolated = { .names = { "test" }, .patterns = { "" }, .threes = { THREES_ISOLATED } };
    static const pretok_rule before = { .names = { "test" }, .patterns = { "" }, .threes = { THREES_CUT } };
    char out[256];
    (void)state;
    cut(&isolated, "a1234567 12x 123456", out);
    assert_string_equal(out, "[a][1][234][567][ 12x ][123][456]");
    cut(&before, "a1234567 12x 123456", out);
    assert_string_equal(out, "[a1][234][567 12x ][123][456]");
    cut(&isolated,
        "\xD9\xA1"
        "12345",
        out); /* an Arabic one counts */
    assert_string_equal(out, "[\xD9\xA1"
                             "12][345]");
    cut(&before, "12", out);
    assert_string_equal(out, "[12]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pattern_cuts_the_pieces_of_the_one_before),
        cmocka_unit_test(a_pattern_does_not_see_beyond_its_piece),
        cmocka_unit_test(a_file_without_a_rule_is_cut_as_llama_cpp_does),
        cmocka_unit_test(rules_are_found_by_their_whole_name),
        cmocka_unit_test(time_grows_with_the_length_of_the_text),
        cmocka_unit_test(a_word_and_the_space_before_it_are_between_seams),
        cmocka_unit_test(seams_change_no_cut),
        cmocka_unit_test(threes_are_counted_from_the_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
