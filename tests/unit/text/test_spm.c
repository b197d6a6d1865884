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
    else for (int i = 0; i < 256; i++) tiny_token(v, "", 5, 0);
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

#define CHECK(t, text, flags, ...)                                                                             \
    check_ids((t).tokenizer, text, sizeof(text) - 1, flags, (int32_t[]){ __VA_ARGS__, -1 })

static void check_ids(const tokenizer *t, const char *text, size_t n, uint32_t flags, const int32_t *want)
{
    int32_t *ids, n_ids, i = 0;
    assert_int_equal(tokenizer_encode(t, text, n, flags, &ids, &n_ids, NULL), SUMI_OK);
    for (; i < n_ids && ids[i] == want[i]; i++) continue;
    if (i != n_ids || want[i] != -1) fail_msg("'%s': token %d is %d, not %d", text, i, i < n_ids ? ids[i] : -1, want[i]);
    free(ids);
}

static void the_best_score_merges_first(void **state)
{
    tiny_tokenizer t = open_with(true, false);
    (void)state;
    CHECK(t, "abc", 0, ABC);    /* a bc, then abc */
    CHECK(t, "abbc", 0, AB, BC);
    CHECK(t, "aab", 0, A, AB);
    CHECK(t, " ab", 0, SPACE, AB); /* "ab" before "space a" */
    CHECK(t, "c a", 0, C, SPACE_A);
    tiny_close(&t);
}

static void runs_of_spaces_go_before_all_other_merges(void **state)
{
    tiny_tokenizer t = open_with(true, false);
    (void)state;
    CHECK(t, "b  a", 0, B, TWO, A);
    CHECK(t, "b   a", 0, B, THREE, A);
    CHECK(t, "b    a", 0, B, TWO, TWO, A); /* pairs first, and no token for four */
    CHECK(t, "b     a", 0, B, TWO, THREE, A);
    CHECK(t, "  ", 0, TWO);
    tiny_close(&t);
}

static void characters_without_a_token_become_bytes(void **state)
{
    tiny_tokenizer t = open_with(true, false);
    (void)state;
    CHECK(t, "\xC3\xA9", 0, BYTES + 0xC3, BYTES + 0xA9);
    CHECK(t, "a\xFF" "b", 0, A, BYTES + 0xFF, B);
    CHECK(t, "\n", 0, BYTES + '\n');
    CHECK(t, "\n\n\n", 0, NEWLINES, BYTES + '\n');
    tiny_close(&t);
}

static void without_byte_tokens_a_run_of_unknown_characters_is_one_unknown_token(void **state)
{
    tiny_tokenizer t = open_with(false, false);
    (void)state;
    CHECK(t, "a\xC3\xA9zzb", 0, A, UNK, B);
    CHECK(t, "zaz", 0, UNK, A, UNK);
    tiny_close(&t);
}

static void a_space_goes_before_the_text_and_after_special_tokens(void **state)
{
    tiny_tokenizer t = open_with(true, true);
    (void)state;
    CHECK(t, "a", 0, SPACE_A);
    CHECK(t, " a", 0, TWO, A);
    CHECK(t, "b</s>a", SUMI_TOKENIZE_SPECIAL, SPACE, B, EOS, SPACE_A);
    CHECK(t, "a", SUMI_TOKENIZE_BOS_EOS, BOS, SPACE_A); /* BOS is added where the file does not say */
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
    CHECK(t, "   b   a  ", 0, B, SPACE_A);
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
    CHECK(t, "b a", 0, id); /* b and "space a" */
    CHECK(t, "c a", 0, C, SPACE_A);
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
        cmocka_unit_test(end_tokens_are_known_by_name_and_by_the_usual_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
