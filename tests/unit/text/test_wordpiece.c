/* test_wordpiece.c - a WordPiece vocabulary small enough to cut words by hand. */
#include "test_support.h"

#include <stdlib.h>
#include <string.h>

#include "tiny_vocab.h"

#define SP "\xE2\x96\x81" /* U+2581, how the vocabulary writes the begin of a word */

enum { PAD, UNK, CLS, SEP, UN, AFF, ABLE, A, IN_A, B, IN_B, DOT, IN_DOT, BAR, E, HAN, CAFE, N_TOKENS };

static void fill(tiny_vocab *v)
{
    static const char *const tokens[N_TOKENS] = {
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", SP "un",           "aff",     "able", SP "a", "a", SP "b", "b",
        SP ".",  ".",     SP,      SP "e",  SP "\xE4\xB8\xAD", SP "cafe",
    };
    tiny_init(v, "bert");
    for (int i = 0; i < N_TOKENS; i++) tiny_token(v, tokens[i], i <= SEP ? 3 : 1, 0);
}

static tiny_tokenizer open_plain(void)
{
    tiny_vocab v;
    fill(&v);
    tiny_tokenizer t = tiny_open(&v);
    if (t.status) fail_msg("%s", t.err.message);
    return t;
}

static void words_are_cut_into_the_longest_tokens(void **state)
{
    (void)state;
    tiny_tokenizer t = open_plain();
    TINY_CHECK(t, "unaffable", 0, UN, AFF, ABLE);
    TINY_CHECK(t, "un aff able", 0, UN, UNK, UNK); /* these go on with words, and begin none */
    TINY_CHECK(t, "a b ab ba", 0, A, B, A, IN_B, B, IN_A);
    TINY_CHECK(t, "abc", 0, UNK); /* the whole word, not its end */
    TINY_CHECK(t, "a.b..", 0, A, DOT, B, DOT, DOT);
    TINY_CHECK(t, "", 0, -1);
    TINY_CHECK(t, " \n\t", 0, -1);
    tiny_close(&t);
}

static void text_is_cleaned_lowered_and_loses_its_accents(void **state)
{
    (void)state;
    tiny_tokenizer t = open_plain();
    TINY_CHECK(t, "UNAFFABLE A", 0, UN, AFF, ABLE, A);
    TINY_CHECK(t, "Caf\xC3\xA9 cafe\xCC\x81 \xC3\x81", 0, CAFE, CAFE, A);
    TINY_CHECK(t,
               "a\xE4\xB8\xAD"
               "b",
               0, A, HAN, B);
    TINY_CHECK(t,
               "a\x01"
               "b\x7f",
               0, A, IN_B);
    TINY_CHECK(t, "a\0b", 0, A, IN_B);
    TINY_CHECK(t,
               "a\xC2\xA0"
               "b\xE3\x80\x80"
               "a",
               0, A, B, A); /* no-break space, ideographic space */
    TINY_CHECK(t,
               "a\xC2\xAD\xEF\xBF\xBD"
               "b",
               0, A, IN_B); /* a soft hyphen and U+FFFD vanish */
    tiny_close(&t);
}

static void bytes_that_are_no_characters_vanish(void **state)
{
    (void)state;
    tiny_tokenizer t = open_plain();
    TINY_CHECK(t,
               "a\xFF"
               "b",
               0, A, IN_B);
    TINY_CHECK(t, "\xC3 a \xE4\xB8", 0, A);
    TINY_CHECK(t, "\xFF\xFE", 0, -1);
    tiny_close(&t);
}

static void a_word_of_more_than_100_characters_is_unknown(void **state)
{
    (void)state;
    char text[102];
    int32_t want[102];
    tiny_tokenizer t = open_plain();
    memset(text, 'a', sizeof text);
    want[0] = A;
    for (int i = 1; i < 100; i++) want[i] = IN_A;
    want[100] = -1;
    tiny_check_ids(&t, text, 100, 0, want);
    tiny_check_ids(&t, text, 101, 0, (const int32_t[]){ UNK, -1 });
    tiny_close(&t);
}

/* The mark of the file is a character that texts may have. */
static void the_mark_of_a_word_is_no_word(void **state)
{
    (void)state;
    tiny_tokenizer t = open_plain();
    TINY_CHECK(t, SP, 0, UNK);
    TINY_CHECK(t, "a" SP "b", 0, A, BAR, IN_B); /* not a word "b" inside a word */
    tiny_close(&t);
}

static void texts_stand_between_cls_and_sep(void **state)
{
    (void)state;
    tiny_tokenizer t = open_plain();
    TINY_CHECK(t, "a", SUMI_TOKENIZE_BOS_EOS, CLS, A, SEP);
    TINY_CHECK(t, "", SUMI_TOKENIZE_BOS_EOS, CLS, SEP);
    TINY_CHECK(t, "a[SEP]b", SUMI_TOKENIZE_SPECIAL, A, SEP, B);
    TINY_CHECK(t, "[SEP]", 0, UNK, UNK, UNK); /* text that is not trusted is text */
    assert_int_equal(tokenizer_bos(t.tokenizer), CLS);
    assert_int_equal(tokenizer_eos(t.tokenizer), SEP);
    tiny_close(&t);
    tiny_vocab v;
    fill(&v);
    gb_u32(&v.file, "tokenizer.ggml.cls_token_id", A);
    gb_u32(&v.file, "tokenizer.ggml.seperator_token_id", B);
    gb_bool(&v.file, "tokenizer.ggml.add_eos_token", false);
    t = tiny_open(&v);
    TINY_CHECK(t, "e", SUMI_TOKENIZE_BOS_EOS, A, E);
    assert_int_equal(tokenizer_eos(t.tokenizer), B);
    tiny_close(&t);
}

static void case_and_accents_are_kept_if_the_file_says_so_or_has_capitals(void **state)
{
    (void)state;
    tiny_vocab v;
    fill(&v);
    gb_bool(&v.file, "tokenizer.ggml.normalizer.lowercase", false);
    tiny_tokenizer t = tiny_open(&v);
    TINY_CHECK(t, "a A caf\xC3\xA9", 0, A, UNK, UNK);
    tiny_close(&t);
    fill(&v);
    int32_t capital = tiny_token(&v, SP "A", 1, 0);
    t = tiny_open(&v);
    TINY_CHECK(t, "a A caf\xC3\xA9", 0, A, capital, UNK);
    tiny_close(&t);
    fill(&v);
    tiny_token(&v, SP "A", 1, 0);
    gb_bool(&v.file, "tokenizer.ggml.normalizer.lowercase", true);
    gb_bool(&v.file, "tokenizer.ggml.normalizer.strip_accents", false);
    t = tiny_open(&v);
    TINY_CHECK(t, "A CAF\xC3\x89", 0, A, UNK);
    tiny_close(&t);
}

static void decoding_writes_spaces_between_words(void **state)
{
    (void)state;
    const int32_t ids[] = { CLS, UN, AFF, ABLE, A, DOT, SEP };
    char *text;
    size_t n;
    tiny_tokenizer t = open_plain();
    assert_int_equal(tokenizer_decode(t.tokenizer, ids, 7, false, &text, &n, NULL), SUMI_OK);
    assert_string_equal(text, "unaffable a .");
    free(text);
    tiny_close(&t);
}

static void a_vocabulary_without_a_token_for_unknown_words_is_refused(void **state)
{
    (void)state;
    tiny_vocab v;
    tiny_init(&v, "bert");
    tiny_token(&v, SP "a", 1, 0);
    tiny_tokenizer t = tiny_open(&v);
    assert_int_equal(t.status, SUMI_EFORMAT);
    assert_non_null(strstr(t.err.message, "unknown words"));
    tiny_close(&t);
}

/* A megabyte of each; what took the square of it would not end. */
static void long_words_and_runs_of_anything_are_encoded(void **state)
{
    static const char *const pieces[] = { "a", "a.", "\xC3\xA9", "\xCC\x81", "\xE4\xB8\xAD", "\xFF", "a " };
    enum { N = 1 << 20 };
    (void)state;
    char *text = malloc(N);
    tiny_tokenizer t = open_plain();
    assert_non_null(text);
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        int32_t *ids, n_ids;
        size_t len = strlen(pieces[p]), n = N / len * len;
        for (size_t i = 0; i < n; i += len) memcpy(text + i, pieces[p], len);
        assert_int_equal(tokenizer_encode(t.tokenizer, text, n, 0, &ids, &n_ids, NULL), SUMI_OK);
        assert_true(n_ids <= N);
        free(ids);
    }
    free(text);
    tiny_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cut_into_the_longest_tokens),
        cmocka_unit_test(text_is_cleaned_lowered_and_loses_its_accents),
        cmocka_unit_test(bytes_that_are_no_characters_vanish),
        cmocka_unit_test(a_word_of_more_than_100_characters_is_unknown),
        cmocka_unit_test(the_mark_of_a_word_is_no_word),
        cmocka_unit_test(texts_stand_between_cls_and_sep),
        cmocka_unit_test(case_and_accents_are_kept_if_the_file_says_so_or_has_capitals),
        cmocka_unit_test(decoding_writes_spaces_between_words),
        cmocka_unit_test(a_vocabulary_without_a_token_for_unknown_words_is_refused),
        cmocka_unit_test(long_words_and_runs_of_anything_are_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
