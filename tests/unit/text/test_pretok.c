/* test_pretok.c - cutting by rules: by hand, and in linear time. The real rules are compared with `tokenizers` in
 * tests/golden/test_tokenizer.c. */
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
    static const char *const units[] = { "a", " ", "\n", " \n", "\t ", "1", "!", "'", " a", "'l", "  \r" };
    static const char *const rules[] = { "gpt-2", "smollm", "llama-bpe", "qwen2", "default" };
    enum { SHORT = 16000, LONG = 16 * SHORT };
    (void)state;
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
        for (int jit = 0; jit < 2; jit++) {
            pretok *p;
            assert_int_equal(pretok_create(&p, pretok_find_rule(rules[r], strlen(rules[r])), jit, NULL),
                             SUMI_OK);
            for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
                double small = time_cut(p, units[u], SHORT), large = time_cut(p, units[u], LONG);
                if (large > 100 * small + 20)
                    fail_msg("%s, '%s': %g ms, then %g ms", rules[r], units[u], small, large);
            }
            pretok_destroy(p);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pattern_cuts_the_pieces_of_the_one_before),
        cmocka_unit_test(a_pattern_does_not_see_beyond_its_piece),
        cmocka_unit_test(a_file_without_a_rule_is_cut_as_llama_cpp_does),
        cmocka_unit_test(rules_are_found_by_their_whole_name),
        cmocka_unit_test(time_grows_with_the_length_of_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
