/* test_unigram.c - Unigram by hand, against its definition on random vocabularies, and with hostile files. Real models
 * are compared with sentencepiece in tests/golden/test_sentencepiece.c. */
#include "test_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/sentencepiece/charsmap.h"
#include "text/sentencepiece/unigram.h"
#include "tiny_vocab.h"

#define SP "\xE2\x96\x81" /* U+2581 */

static void start(tiny_vocab *v)
{
    tiny_init(v, "t5");
    tiny_token(v, "<unk>", 2, 0);
}

static tiny_tokenizer open_ok(tiny_vocab *v)
{
    tiny_tokenizer t = tiny_open(v);
    if (!t.tokenizer) fail_msg("%s", t.err.message);
    return t;
}

static void the_best_sum_of_scores_wins(void **state)
{
    tiny_vocab v;
    (void)state;
    start(&v);
    tiny_token(&v, SP, 1, -1);
    tiny_token(&v, SP "a", 1, -4);
    tiny_token(&v, "a", 1, -3);
    tiny_token(&v, "ab", 1, -5);
    tiny_token(&v, "b", 1, -3);
    tiny_token(&v, "bc", 1, -4);
    tiny_token(&v, "c", 1, -3);
    tiny_token(&v, "ca", 1, NAN); /* the worst of all */
    tiny_tokenizer t = open_ok(&v);
    TINY_CHECK(t, "abc", 0, 2, 6);
    TINY_CHECK(t, "  abc \t abc", 0, 2, 6, 1, 0, 2, 6); /* a tab is not in this vocabulary */
    TINY_CHECK(t, "xyabz", 0, 1, 0, 4, 0);              /* one unknown token for a run */
    TINY_CHECK(t, "ca", 0, 1, 7, 3);
    tiny_check_ids(&t, "", 0, 0, (const int32_t[]){ -1 });
    tiny_check_ids(&t, "   ", 3, 0, (const int32_t[]){ -1 });
    tiny_close(&t);
}

static void bytes_stand_for_unknown_characters(void **state)
{
    tiny_vocab v;
    (void)state;
    start(&v);
    tiny_bytes(&v); /* ids 1 to 256 */
    tiny_token(&v, "a", 1, -1);
    tiny_token(&v, "unused", 5, 0);
    gb_bool(&v.file, "tokenizer.ggml.add_space_prefix", false);
    gb_bool(&v.file, "tokenizer.ggml.remove_extra_whitespaces", false);
    tiny_tokenizer t = open_ok(&v);
    TINY_CHECK(t, "a\xC3\xA9", 0, 257, 1 + 0xC3, 1 + 0xA9);
    TINY_CHECK(t,
               "\xFF"
               "a ",
               0, 1 + 0xFF, 257, 1 + ' ');
    TINY_CHECK(t, "us", 0, 1 + 'u', 1 + 's');
    tiny_close(&t);
}

static void text_between_control_tokens_begins_anew(void **state)
{
    tiny_vocab v;
    (void)state;
    start(&v);
    tiny_token(&v, "</s>", 3, 0);
    tiny_token(&v, SP "a", 1, -1);
    tiny_token(&v, "<x>", 4, 0);
    gb_u32(&v.file, "tokenizer.ggml.eos_token_id", 1);
    tiny_tokenizer t = open_ok(&v);
    TINY_CHECK(t, "a</s>a", SUMI_TOKENIZE_SPECIAL | SUMI_TOKENIZE_BOS_EOS, 2, 1, 2, 1);
    TINY_CHECK(t, "a <x> a", 0, 2, 3, 2);
    tiny_close(&t);
}

/* ---- Against the definition --------------------------------------------------------------------------------- */

typedef struct way {
    const char *text;
    size_t n;
    const tiny_vocab *v;
    double best;
} way;

/* Tries every way to write text from i on. */
static void try_all(way *w, size_t i, double sum)
{
    if (i == w->n && sum > w->best) w->best = sum;
    for (size_t k = 1; k < w->v->n_tokens; k++) {
        size_t n = strlen(w->v->tokens[k]);
        if (n <= w->n - i && !memcmp(w->v->tokens[k], w->text + i, n)) try_all(w, i + n, sum + (double)w->v->scores[k]);
    }
}

/* A token of 2 to 5 of the letters a to c that v does not have yet. */
static void add_random_token(tiny_vocab *v, test_rng *rng)
{
    char token[6] = "";
    for (int32_t n = test_rng_range(rng, 2, 5); n > 0; n--) token[n - 1] = (char)test_rng_range(rng, 'a', 'c');
    for (size_t i = 0; i < v->n_tokens; i++)
        if (!strcmp(v->tokens[i], token)) return;
    tiny_token(v, token, 1, -(float)test_rng_range(rng, 1, 20));
}

static void no_way_is_better_than_the_one_found(void **state)
{
    test_rng rng = test_rng_init(3);
    (void)state;
    for (int round = 0; round < 60; round++) {
        tiny_vocab v;
        start(&v);
        gb_bool(&v.file, "tokenizer.ggml.add_space_prefix", false);
        for (char c = 'a'; c <= 'c'; c++) tiny_token(&v, (char[]){ c, 0 }, 1, -(float)test_rng_range(&rng, 5, 9));
        for (int k = 0; k < 12; k++) add_random_token(&v, &rng);
        char text[12];
        for (size_t i = 0; i < sizeof text; i++) text[i] = (char)test_rng_range(&rng, 'a', 'c');
        float scores[32];
        memcpy(scores, v.scores, sizeof scores);
        way w = { text, sizeof text, &v, -INFINITY };
        try_all(&w, 0, 0);
        tiny_tokenizer t = open_ok(&v);
        int32_t *ids, n_ids;
        assert_int_equal(tokenizer_encode(t.tokenizer, text, sizeof text, 0, &ids, &n_ids, NULL), SUMI_OK);
        double sum = 0; /* whole numbers: exact */
        for (int32_t i = 0; i < n_ids; i++) sum += (double)scores[ids[i]];
        if (sum != w.best) fail_msg("round %d: %g, not %g", round, sum, w.best);
        free(ids);
        tiny_close(&t);
    }
}

/* ---- Charsmaps ---------------------------------------------------------------------------------------------- */

/* "A" becomes "bc": the root's children are at 0, the one for 'A' at 0x41, its value at 0x40. */
enum { N_UNITS = 0x42, VALUE = 0x40 };

typedef struct map_file {
    uint32_t n_trie; /* bytes */
    uint32_t units[N_UNITS];
    char replacements[4];
} map_file;

static map_file simple_map(void)
{
    map_file m = { .n_trie = 4 * N_UNITS, .replacements = "bc" };
    m.units['A'] = 'A' | 0x100 | ('A' ^ VALUE) << 10;
    m.units[VALUE] = 0x80000000u;
    return m;
}

static tiny_tokenizer open_map(const void *map, size_t n)
{
    tiny_vocab v;
    start(&v);
    tiny_bytes(&v);
    gb_array(&v.file, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, map, n, n);
    gb_bool(&v.file, "tokenizer.ggml.add_space_prefix", false);
    return tiny_open(&v);
}

static void check_map(const map_file *m, const char *text, const char *want)
{
    tiny_tokenizer t = open_map(m, sizeof *m);
    int32_t *ids, n_ids;
    char *back;
    size_t n_back;
    if (!t.tokenizer) fail_msg("%s", t.err.message);
    assert_int_equal(tokenizer_encode(t.tokenizer, text, strlen(text), 0, &ids, &n_ids, NULL), SUMI_OK);
    assert_int_equal(tokenizer_decode(t.tokenizer, ids, n_ids, true, &back, &n_back, NULL), SUMI_OK);
    assert_string_equal(back, want);
    free(ids);
    free(back);
    tiny_close(&t);
}

static void a_charsmap_replaces_its_keys(void **state)
{
    map_file m = simple_map();
    (void)state;
    check_map(&m, "AxA", "bcxbc");
    memset(m.replacements, 0, 4); /* by nothing */
    check_map(&m, "AxA", "x");
}

static void what_leads_out_of_a_charsmap_matches_nothing(void **state)
{
    (void)state;
    map_file m = simple_map();
    m.units[VALUE] = 0x80000000u | 4; /* behind the last replacement */
    check_map(&m, "AxA", "AxA");
    m.units['A'] = 'A' | 0x100 | 0xFFFFFC00u; /* a value far behind the last unit */
    check_map(&m, "AxA", "AxA");
    m.units[0] = 0xFFFFFE00u; /* all children are */
    check_map(&m, "AxA", "AxA");
    map_file circle = simple_map();
    circle.units['A'] = 'A' | 'A' << 10; /* back to the root, without a value */
    check_map(&circle, "AAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAA");
}

static void a_key_has_a_limit(void **state)
{
    char text[4 * CHARSMAP_MAX_KEY];
    const char *to;
    size_t n_to;
    map_file m = simple_map();
    (void)state;
    m.units['A'] = 'A' | 0x100 | 'A' << 10; /* any number of "A": the root is also the value */
    m.units[0] = 0;
    charsmap map = { (const char *)m.units, N_UNITS, m.replacements, sizeof m.replacements };
    memset(text, 'A', sizeof text);
    assert_int_equal(charsmap_find(&map, text, sizeof text, &to, &n_to), CHARSMAP_MAX_KEY);
    assert_string_equal(to, "bc");
}

static void a_charsmap_of_wrong_sizes_is_refused(void **state)
{
    static const struct {
        uint32_t n_trie;
        size_t n;
        const char *message;
    } cases[] = {
        { 4, 3, "holds a trie of" },
        { 5, sizeof(map_file), "holds a trie of 5 bytes" },
        { 0xFFFFFFFC, sizeof(map_file), "holds a trie of 4294967292 bytes" },
        { 4 * N_UNITS, sizeof(map_file) - 4, "do not end with a NUL byte" },
        { 4 * N_UNITS, sizeof(map_file) - 3, "do not end with a NUL byte" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        map_file m = simple_map();
        m.n_trie = cases[i].n_trie;
        tiny_tokenizer t = open_map(&m, cases[i].n);
        assert_null(t.tokenizer);
        assert_int_equal(t.status, SUMI_EFORMAT);
        if (!strstr(t.err.message, cases[i].message)) fail_msg("%zu: %s", i, t.err.message);
        tiny_close(&t);
    }
}

static void a_token_that_is_too_long_is_refused(void **state)
{
    tiny_vocab v;
    char token[SYMBOL_TRIE_MAX_BYTES + 2];
    (void)state;
    memset(token, 'a', sizeof token);
    token[sizeof token - 1] = '\0';
    start(&v);
    tiny_token(&v, token, 1, -1);
    tiny_tokenizer t = tiny_open(&v);
    assert_int_equal(t.status, SUMI_ELIMIT);
    assert_non_null(strstr(t.err.message, "token 1 has 513 bytes"));
    tiny_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_sum_of_scores_wins),
        cmocka_unit_test(bytes_stand_for_unknown_characters),
        cmocka_unit_test(text_between_control_tokens_begins_anew),
        cmocka_unit_test(no_way_is_better_than_the_one_found),
        cmocka_unit_test(a_charsmap_replaces_its_keys),
        cmocka_unit_test(what_leads_out_of_a_charsmap_matches_nothing),
        cmocka_unit_test(a_key_has_a_limit),
        cmocka_unit_test(a_charsmap_of_wrong_sizes_is_refused),
        cmocka_unit_test(a_token_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
