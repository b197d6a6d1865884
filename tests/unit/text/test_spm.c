/* test_spm.c - SentencePiece vocabularies small enough to merge by hand. */
#include "test_support.h"

#include <stdlib.h>
#include <string.h>

#include "tiny_vocab.h"

#define SP "\xE2\x96\x81" /* U+2581, how the vocabulary writes a space */

enum { UNK, BOS, EOS, BYTES, A = BYTES + 256, B, C, SPACE, AB, BC, ABC, SPACE_A, TWO, THREE, NEWLINES, END_OF_TURN };

static void fill(tiny_vocab *v, bool bytes)
{
    tiny_init(v, "llama");
    tiny_token(v, "<unk>", 2, 0);
    tiny_token(v, "<s>", 3, 0);
    tiny_token(v, "</s>", 3, 0);
    if (bytes) tiny_bytes(v);
    else
        for (int i = 0; i < 256; i++) tiny_token(v, "", 5, 0);
    tiny_token(v, "a", 1, -100);
    tiny_token(v, "b", 1, -101);
    tiny_token(v, "c", 1, -102);
    tiny_token(v, SP, 1, -103);
    tiny_token(v, "ab", 1, -2);
    tiny_token(v, "bc", 1, -1); /* the better score */
    tiny_token(v, "abc", 1, -3);
    tiny_token(v, SP "a", 1, -4);
    tiny_token(v, "  ", 4, -1000); /* as converters write U+2581 U+2581 */
    tiny_token(v, "   ", 4, -1000);
    tiny_token(v, "\n\n", 4, -1000);
    tiny_token(v, "<end_of_turn>", 3, 0);
}

static tiny_tokenizer open_with(bool bytes, bool space_prefix)
{
    tiny_vocab v;
    fill(&v, bytes);
    gb_bool(&v.file, "tokenizer.ggml.add_space_prefix", space_prefix);
    tiny_tokenizer t = tiny_open(&v);
    if (t.status) fail_msg("%s", t.err.message);
    return t;
}

static void the_best_score_merges_first(void **state)
{
    tiny_tokenizer t = open_with(true, false);
    (void)state;
    TINY_CHECK(t, "abc", 0, ABC); /* a bc, then abc */
    TINY_CHECK(t, "abbc", 0, AB, BC);
    TINY_CHECK(t, "aab", 0, A, AB);
    TINY_CHECK(t, " ab", 0, SPACE, AB); /* "ab" before "space a" */
    TINY_CHECK(t, "c a", 0, C, SPACE_A);
    tiny_close(&t);
}

static void runs_of_spaces_go_before_all_other_merges(void **state)
{
    tiny_tokenizer t = open_with(true, false);
    (void)state;
    TINY_CHECK(t, "b  a", 0, B, TWO, A);
    TINY_CHECK(t, "b   a", 0, B, THREE, A);
    TINY_CHECK(t, "b    a", 0, B, TWO, TWO, A); /* pairs first, and no token for four */
    TINY_CHECK(t, "b     a", 0, B, TWO, THREE, A);
    TINY_CHECK(t, "  ", 0, TWO);
    tiny_close(&t);
}

static void characters_without_a_token_become_bytes(void **state)
{
    tiny_tokenizer t = open_with(true, false);
    (void)state;
    TINY_CHECK(t, "\xC3\xA9", 0, BYTES + 0xC3, BYTES + 0xA9);
    TINY_CHECK(t, "a\377b", 0, A, BYTES + 0xFF, B);
    TINY_CHECK(t, "\n", 0, BYTES + '\n');
    TINY_CHECK(t, "\n\n\n", 0, NEWLINES, BYTES + '\n');
    tiny_close(&t);
}

static void without_byte_tokens_a_run_of_unknown_characters_is_one_unknown_token(void **state)
{
    tiny_tokenizer t = open_with(false, false);
    (void)state;
    TINY_CHECK(t, "a\xC3\xA9zzb", 0, A, UNK, B);
    TINY_CHECK(t, "zaz", 0, UNK, A, UNK);
    tiny_close(&t);
}

static void a_space_goes_before_the_text_and_after_special_tokens(void **state)
{
    tiny_tokenizer t = open_with(true, true);
    (void)state;
    TINY_CHECK(t, "a", 0, SPACE_A);
    TINY_CHECK(t, " a", 0, TWO, A);
    TINY_CHECK(t, "b</s>a", SUMI_TOKENIZE_SPECIAL, SPACE, B, EOS, SPACE_A);
    TINY_CHECK(t, "a", SUMI_TOKENIZE_BOS_EOS, BOS, SPACE_A); /* BOS is added where the file does not say */
    tiny_close(&t);
}

static void decoding_takes_the_added_space_away(void **state)
{
    tiny_tokenizer with = open_with(true, true), without = open_with(true, false);
    int32_t ids[] = { BOS, SPACE_A, SPACE_A, TWO };
    char *text;
    size_t n;
    (void)state;
    assert_int_equal(tokenizer_decode(with.tokenizer, ids, 4, false, &text, &n, NULL), SUMI_OK);
    assert_string_equal(text, "a a  ");
    free(text);
    assert_int_equal(tokenizer_decode(without.tokenizer, ids, 4, false, &text, &n, NULL), SUMI_OK);
    assert_string_equal(text, " a a  ");
    free(text);
    tiny_close(&with);
    tiny_close(&without);
}

static void extra_white_space_goes_where_the_file_says_so(void **state)
{
    tiny_vocab v;
    (void)state;
    fill(&v, true);
    gb_bool(&v.file, "tokenizer.ggml.remove_extra_whitespaces", true);
    gb_bool(&v.file, "tokenizer.ggml.add_space_prefix", false);
    tiny_tokenizer t = tiny_open(&v);
    TINY_CHECK(t, "   b   a  ", 0, B, SPACE_A);
    tiny_close(&t);
}

static void a_token_with_an_inner_space_is_found(void **state)
{
    tiny_vocab v;
    (void)state;
    fill(&v, true);
    gb_bool(&v.file, "tokenizer.ggml.add_space_prefix", false);
    int32_t id = tiny_token(&v, "b" SP "a", 1, -5); /* words can no longer be merged one by one */
    tiny_tokenizer t = tiny_open(&v);
    TINY_CHECK(t, "b a", 0, id); /* b and "space a" */
    TINY_CHECK(t, "c a", 0, C, SPACE_A);
    tiny_close(&t);
}

static void end_tokens_are_known_by_name_and_by_the_usual_ids(void **state)
{
    tiny_tokenizer t = open_with(true, true);
    (void)state;
    assert_int_equal(tokenizer_bos(t.tokenizer), BOS); /* the file names neither: SentencePiece's places */
    assert_int_equal(tokenizer_eos(t.tokenizer), EOS);
    assert_true(tokenizer_is_end(t.tokenizer, EOS));
    assert_true(tokenizer_is_end(t.tokenizer, END_OF_TURN));
    assert_false(tokenizer_is_end(t.tokenizer, BOS));
    assert_true(tokenizer_is_special(t.tokenizer, UNK));
    assert_false(tokenizer_is_special(t.tokenizer, NEWLINES));
    tiny_close(&t);
}

/* ---- Against the definition, on random vocabularies ---- */

enum { N_CHARS = 3, N_STRINGS = 10, MAX_TEXT = 60 };

typedef struct toy { /* tokens over a, b and the space, token 0 to 2 are these; all scores differ */
    char text[N_CHARS + N_STRINGS][8];
    float score[N_CHARS + N_STRINGS];
    int32_t n;
} toy;

static int32_t toy_find(const toy *y, const char *text, size_t n)
{
    for (int32_t i = 0; i < y->n; i++)
        if (strlen(y->text[i]) == n && !memcmp(y->text[i], text, n)) return i;
    return -1;
}

static toy random_toy(test_rng *r)
{
    toy y = { .text = { "a", "b", " " }, .score = { -100, -101, -102 }, .n = N_CHARS };
    while (y.n < N_CHARS + N_STRINGS) {
        char s[8] = { 0 };
        int32_t n = test_rng_range(r, 2, 5);
        for (int32_t i = 0; i < n; i++) s[i] = "ab "[test_rng_u32(r) % 3];
        if (toy_find(&y, s, (size_t)n) >= 0) continue;
        strcpy(y.text[y.n], s);
        y.score[y.n] = -(float)test_rng_range(r, 0, 6) - (float)y.n / 64;
        y.n++;
    }
    return y;
}

/* Looks at every pair for every merge: best score, then the longer left part, then the leftmost. */
static int32_t merge_by_definition(const toy *y, const char *text, size_t n, int32_t *ids)
{
    size_t at[MAX_TEXT + 1], n_parts = n; /* part k is text[at[k]] to text[at[k + 1] - 1] */
    for (size_t i = 0; i <= n; i++) at[i] = i;
    for (;;) {
        size_t best = n_parts;
        int32_t best_id = -1;
        for (size_t k = 0; k + 1 < n_parts; k++) {
            int32_t id = toy_find(y, text + at[k], at[k + 2] - at[k]);
            if (id < 0) continue;
            bool longer = id == best_id && at[k + 1] - at[k] > at[best + 1] - at[best];
            if (best_id >= 0 && y->score[id] <= y->score[best_id] && !longer) continue;
            best = k;
            best_id = id;
        }
        if (best_id < 0) break;
        for (size_t k = best + 1; k < n_parts; k++) at[k] = at[k + 1];
        n_parts--;
    }
    for (size_t k = 0; k < n_parts; k++) ids[k] = toy_find(y, text + at[k], at[k + 1] - at[k]);
    return (int32_t)n_parts;
}

static tiny_tokenizer open_toy(const toy *y)
{
    tiny_vocab v;
    tiny_init(&v, "llama");
    for (int32_t i = 0; i < y->n; i++) {
        char symbol[32] = "";
        for (const char *c = y->text[i]; *c; c++) strcat(symbol, *c == ' ' ? SP : *c == 'a' ? "a" : "b");
        tiny_token(&v, symbol, 1, y->score[i]);
    }
    gb_bool(&v.file, "tokenizer.ggml.add_space_prefix", false);
    return tiny_open(&v);
}

static void merging_word_by_word_is_merging_the_whole_text(void **state)
{
    test_rng r = test_rng_init(11);
    (void)state;
    for (int vocab = 0; vocab < 300; vocab++) {
        toy y = random_toy(&r);
        tiny_tokenizer t = open_toy(&y);
        assert_int_equal(t.status, SUMI_OK);
        for (int round = 0; round < 30; round++) {
            char text[MAX_TEXT];
            int32_t want[MAX_TEXT], *ids, n_ids;
            size_t n = (size_t)test_rng_range(&r, 1, MAX_TEXT);
            for (size_t i = 0; i < n; i++) text[i] = "aab  "[test_rng_u32(&r) % 5];
            int32_t n_want = merge_by_definition(&y, text, n, want);
            assert_int_equal(tokenizer_encode(t.tokenizer, text, n, 0, &ids, &n_ids, NULL), SUMI_OK);
            if (n_ids != n_want || memcmp(ids, want, (size_t)n_ids * sizeof *ids))
                fail_msg("vocabulary %d, text '%.*s'", vocab, (int)n, text);
            free(ids);
        }
        tiny_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_score_merges_first),
        cmocka_unit_test(runs_of_spaces_go_before_all_other_merges),
        cmocka_unit_test(characters_without_a_token_become_bytes),
        cmocka_unit_test(without_byte_tokens_a_run_of_unknown_characters_is_one_unknown_token),
        cmocka_unit_test(a_space_goes_before_the_text_and_after_special_tokens),
        cmocka_unit_test(decoding_takes_the_added_space_away),
        cmocka_unit_test(extra_white_space_goes_where_the_file_says_so),
        cmocka_unit_test(a_token_with_an_inner_space_is_found),
        cmocka_unit_test(merging_word_by_word_is_merging_the_whole_text),
        cmocka_unit_test(end_tokens_are_known_by_name_and_by_the_usual_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
