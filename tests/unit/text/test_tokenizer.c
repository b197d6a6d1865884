/* test_tokenizer.c - byte-level vocabularies small enough to merge by hand. Token b is the byte b; others
 * follow. */
#include "test_support.h"

#include <stdlib.h>
#include <string.h>

#include "tiny_vocab.h"

enum { AB = 256, BC, ABC, SPACE_A, END, TAG, TAG_LONG, EOT };

static void fill(tiny_vocab *v, const char *pre)
{
    tiny_init(v, "gpt2");
    tiny_bytes(v);
    assert_int_equal(tiny_merge(v, "a b"), AB); /* rank 0 */
    assert_int_equal(tiny_merge(v, "b c"), BC);
    assert_int_equal(tiny_merge(v, "a bc"), ABC); /* rank 2: reached only where "a b" is not */
    assert_int_equal(tiny_merge(v, "\xC4\xA0 a"), SPACE_A);
    assert_int_equal(tiny_token(v, "<end>", 3, 0), END);
    assert_int_equal(tiny_token(v, "<t>", 4, 0), TAG);
    assert_int_equal(tiny_token(v, "<t>x", 4, 0), TAG_LONG);
    assert_int_equal(tiny_token(v, "<|eot_id|>", 3, 0), EOT);
    gb_u32(&v->file, "tokenizer.ggml.bos_token_id", END);
    gb_u32(&v->file, "tokenizer.ggml.eos_token_id", END);
    if (pre) gb_str(&v->file, "tokenizer.ggml.pre", pre);
}

static tiny_tokenizer open_with(const char *pre)
{
    tiny_vocab v;
    fill(&v, pre);
    tiny_tokenizer t = tiny_open(&v);
    if (t.status) fail_msg("%s", t.err.message);
    return t;
}

static void merges_go_by_rank_and_then_from_the_left(void **state)
{
    tiny_tokenizer t = open_with("gpt-2");
    (void)state;
    TINY_CHECK(t, "abc", 0, AB, 'c');
    TINY_CHECK(t, "bc", 0, BC);
    TINY_CHECK(t, "ababc", 0, AB, AB, 'c');
    TINY_CHECK(t, "x abc", 0, 'x', ' ', AB, 'c'); /* "a b" goes before "space a" */
    TINY_CHECK(t, "x a", 0, 'x', SPACE_A);
    tiny_close(&t);
}

static void llama3_takes_a_piece_that_is_a_token_whole(void **state)
{
    tiny_tokenizer t = open_with("llama-bpe");
    (void)state;
    TINY_CHECK(t, "abc", 0, ABC); /* by merging it would be AB, c */
    TINY_CHECK(t, "abca", 0, AB, 'c', 'a');
    tiny_close(&t);
}

static void special_tokens_are_found_only_where_asked_for(void **state)
{
    tiny_tokenizer t = open_with("gpt-2");
    (void)state;
    TINY_CHECK(t, "<end>", SUMI_TOKENIZE_SPECIAL, END);
    TINY_CHECK(t, "<end>", 0, '<', 'e', 'n', 'd', '>');
    TINY_CHECK(t, "ab<end>ab", SUMI_TOKENIZE_SPECIAL, AB, END, AB);
    TINY_CHECK(t, "a<end", SUMI_TOKENIZE_SPECIAL, 'a', '<', 'e', 'n', 'd');
    TINY_CHECK(t, "<<end>", SUMI_TOKENIZE_SPECIAL, '<', END);
    tiny_close(&t);
}

static void user_defined_tokens_are_always_found_the_longest_first(void **state)
{
    tiny_tokenizer t = open_with("gpt-2");
    (void)state;
    TINY_CHECK(t, "<t>a", 0, TAG, 'a');
    TINY_CHECK(t, "<t>x", 0, TAG_LONG);
    TINY_CHECK(t, "<t><t>xx", SUMI_TOKENIZE_SPECIAL, TAG, TAG_LONG, 'x');
    TINY_CHECK(t, "<t><end>", 0, TAG, '<', 'e', 'n', 'd', '>');
    tiny_close(&t);
}

static void bos_and_eos_come_as_the_file_says(void **state)
{
    static const struct {
        const char *pre;
        int add_bos, add_eos; /* -1: not in the file */
        bool bos, eos;
    } cases[] = {
        { "gpt-2", -1, -1, false, false }, { "gpt-2", 1, -1, true, false },      { "gpt-2", 1, 1, true, true },
        { "gpt-2", 0, 1, false, true },    { "llama-bpe", -1, -1, true, false }, { "llama-bpe", 0, 0, false, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tiny_vocab v;
        fill(&v, cases[i].pre);
        if (cases[i].add_bos >= 0) gb_bool(&v.file, "tokenizer.ggml.add_bos_token", cases[i].add_bos);
        if (cases[i].add_eos >= 0) gb_bool(&v.file, "tokenizer.ggml.add_eos_token", cases[i].add_eos);
        tiny_tokenizer t = tiny_open(&v);
        int32_t want[4], n = 0;
        if (cases[i].bos) want[n++] = END;
        want[n++] = 'x';
        if (cases[i].eos) want[n++] = END;
        want[n] = -1;
        tiny_check_ids(&t, "x", 1, SUMI_TOKENIZE_BOS_EOS, want);
        TINY_CHECK(t, "x", 0, 'x');
        tiny_close(&t);
    }
}

static void an_empty_text_has_no_tokens(void **state)
{
    tiny_tokenizer t = open_with("gpt-2");
    int32_t *ids, n_ids;
    char *text;
    size_t n;
    (void)state;
    assert_int_equal(tokenizer_encode(t.tokenizer, "", 0, SUMI_TOKENIZE_SPECIAL, &ids, &n_ids, NULL), SUMI_OK);
    assert_non_null(ids);
    assert_int_equal(n_ids, 0);
    assert_int_equal(tokenizer_decode(t.tokenizer, ids, 0, true, &text, &n, NULL), SUMI_OK);
    assert_string_equal(text, "");
    free(text);
    free(ids);
    tiny_close(&t);
}

static void a_control_token_never_comes_out_of_merges(void **state)
{
    tiny_vocab v;
    (void)state;
    tiny_init(&v, "gpt2");
    tiny_bytes(&v);
    tiny_token(&v, "ab", 3, 0);
    tiny_merge(&v, "a b");
    gb_str(&v.file, "tokenizer.ggml.pre", "llama-bpe");
    tiny_tokenizer t = tiny_open(&v);
    TINY_CHECK(t, "ab", 0, 'a', 'b');
    TINY_CHECK(t, "ab", SUMI_TOKENIZE_SPECIAL, AB);
    tiny_close(&t);
}

static void of_two_equal_tokens_the_last_is_found(void **state)
{
    tiny_vocab v;
    (void)state;
    tiny_init(&v, "gpt2");
    tiny_bytes(&v);
    tiny_merge(&v, "a b");
    tiny_token(&v, "ab", 1, 0);
    tiny_tokenizer t = tiny_open(&v);
    TINY_CHECK(t, "ab", 0, 257);
    tiny_close(&t);
}

static void a_byte_without_a_token_gives_nothing(void **state)
{
    tiny_vocab v;
    (void)state;
    tiny_init(&v, "gpt2");
    tiny_token(&v, "a", 1, 0);
    tiny_token(&v, "b", 1, 0);
    tiny_merge(&v, "a b");
    tiny_tokenizer t = tiny_open(&v);
    TINY_CHECK(t, "ab", 0, 2);
    TINY_CHECK(t, "a!b", 0, 0, 1); /* three pieces */
    TINY_CHECK(t, "xaxbx", 0, 2);  /* one piece, closed up before merging */
    tiny_close(&t);
}

static void tokens_know_what_they_are(void **state)
{
    tiny_tokenizer t = open_with("gpt-2");
    size_t n;
    (void)state;
    assert_int_equal(tokenizer_n_vocab(t.tokenizer), EOT + 1);
    assert_int_equal(tokenizer_bos(t.tokenizer), END);
    assert_int_equal(tokenizer_eos(t.tokenizer), END);
    for (int32_t id = -2; id <= EOT + 2; id++) {
        assert_int_equal(tokenizer_is_special(t.tokenizer, id), id == END || id == EOT);
        assert_int_equal(tokenizer_is_end(t.tokenizer, id), id == END || id == EOT);
        assert_int_equal(tokenizer_text(t.tokenizer, id, &n) != NULL, id >= 0 && id <= EOT);
    }
    assert_memory_equal(tokenizer_text(t.tokenizer, SPACE_A, &n), " a", 2);
    assert_int_equal(n, 2);
    assert_memory_equal(tokenizer_text(t.tokenizer, 0xFF, &n), "\xFF", 1);
    assert_int_equal(n, 1);
    tiny_close(&t);
}

static void lists_of_the_file_and_known_names_end_an_answer(void **state)
{
    const int32_t list[] = { AB, -1, SPACE_A };
    tiny_vocab v;
    (void)state;
    fill(&v, "gpt-2");
    int32_t named = tiny_token(&v, "<|file_sep|>", 3, 0), text = tiny_token(&v, "</s>", 4, 0);
    int32_t message = tiny_token(&v, "<|end|>", 3, 0), turn = tiny_token(&v, "<|return|>", 3, 0);
    int32_t call = tiny_token(&v, "<|call|>", 3, 0);
    gb_array(&v.file, "tokenizer.ggml.eos_token_ids", GGUF_I32, list, 3, sizeof list);
    gb_u32(&v.file, "tokenizer.ggml.eom_token_id", BC);
    gb_u32(&v.file, "tokenizer.ggml.fim_pad_token_id", 'x');
    tiny_tokenizer t = tiny_open(&v);
    if (t.status) fail_msg("%s", t.err.message);
    const int32_t ends[] = { 'x', AB, BC, SPACE_A, END, EOT, named, turn, call };
    for (int32_t id = 0, i = 0; id < tokenizer_n_vocab(t.tokenizer); id++) {
        bool want = i < (int32_t)(sizeof ends / sizeof *ends) && ends[i] == id;
        if (tokenizer_is_end(t.tokenizer, id) != want) fail_msg("token %d: wrong, as an end", id);
        i += want;
    }
    assert_false(tokenizer_is_end(t.tokenizer, text));    /* no control token */
    assert_false(tokenizer_is_end(t.tokenizer, message)); /* gpt-oss: others end its turns */
    tiny_close(&t);
}

static void expect_bad_list(gguf_type type, const void *list, uint64_t n, size_t n_bytes, sumi_status status,
                            const char *part)
{
    tiny_vocab v;
    fill(&v, "gpt-2");
    gb_array(&v.file, "tokenizer.ggml.eos_token_ids", type, list, n, n_bytes);
    tiny_tokenizer t = tiny_open(&v);
    test_expect_error(t.status, status, &t.err, part);
    tiny_close(&t);
}

static void lists_of_ids_that_cannot_be_are_refused(void **state)
{
    static const uint8_t many[TINY_MAX];
    (void)state;
    expect_bad_list(GGUF_I32, (const int32_t[]){ 1, 264 }, 2, 8, SUMI_EFORMAT, "eos_token_ids is 264, outside");
    expect_bad_list(GGUF_I32, (const int32_t[]){ -2 }, 1, 4, SUMI_EFORMAT, "eos_token_ids is -2, outside");
    expect_bad_list(GGUF_U64, (const uint64_t[]){ UINT64_MAX - 5 }, 1, 8, SUMI_EFORMAT, "outside");
    expect_bad_list(GGUF_F32, (const float[]){ 1 }, 1, 4, SUMI_EFORMAT, "not an array of integers");
    expect_bad_list(GGUF_U8, many, TINY_MAX, TINY_MAX, SUMI_ELIMIT, "2048 tokens; at most 1024");
}

/* Files in which llama.cpp knows by name that special tokens take white space around them. */
static void named_families_take_white_space_around_special_tokens(void **state)
{
    enum { MASK = EOT + 1, BERT_MASK, UNKNOWN, TEXT_END };
    static const struct {
        const char *key, *value;
        bool before_mask, before_bert_mask, behind;
    } cases[] = {
        { "general.name", "Phi-3 Mini 4k Instruct", false, false, true },
        { "general.name", "My phi3 tune", false, false, true },
        { "general.name", "Phi 4", false, false, false },
        { "general.name", "Modern-BERT large", false, true, false },
        { "general.architecture", "nomic-bert-moe", true, false, false },
        { "general.architecture", "llama", false, false, false },
        { "tokenizer.ggml.pre", "jina-v2-code", true, false, false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tiny_vocab v;
        fill(&v, NULL);
        tiny_token(&v, "<mask>", 3, 0);
        tiny_token(&v, "[MASK]", 3, 0);
        tiny_token(&v, "<unk>", 2, 0);
        tiny_token(&v, "<|endoftext|>", 3, 0);
        gb_str(&v.file, cases[i].key, cases[i].value);
        if (strcmp(cases[i].key, "tokenizer.ggml.pre")) gb_str(&v.file, "tokenizer.ggml.pre", "gpt-2");
        tiny_tokenizer t = tiny_open(&v);
        if (t.status) fail_msg("%s: %s", cases[i].value, t.err.message);
        if (cases[i].before_mask) TINY_CHECK(t, "b \n<mask> b", SUMI_TOKENIZE_SPECIAL, 'b', MASK, ' ', 'b');
        if (cases[i].before_bert_mask) TINY_CHECK(t, "b  [MASK] b", SUMI_TOKENIZE_SPECIAL, 'b', BERT_MASK, ' ', 'b');
        if (cases[i].behind) {
            TINY_CHECK(t, "b <end>\n\xC2\xA0 b<t> b", SUMI_TOKENIZE_SPECIAL, 'b', ' ', END, 'b', TAG, 'b');
            TINY_CHECK(t, "<unk> <|endoftext|> b", SUMI_TOKENIZE_SPECIAL, UNKNOWN, ' ', TEXT_END, ' ', 'b');
        } else {
            TINY_CHECK(t, " <end> b", SUMI_TOKENIZE_SPECIAL, ' ', END, ' ', 'b');
        }
        tiny_close(&t);
    }
}

static void expect_bad_flags(const int32_t *ids, uint64_t n_ids, uint64_t n_flags, const char *part)
{
    static const uint8_t flags[4];
    tiny_vocab v;
    fill(&v, "gpt-2");
    gb_array(&v.file, "sumi.tokenizer.added_tokens", GGUF_I32, ids, n_ids, 4 * n_ids);
    if (n_flags) gb_array(&v.file, "sumi.tokenizer.added_flags", GGUF_U8, flags, n_flags, n_flags);
    tiny_tokenizer t = tiny_open(&v);
    test_expect_error(t.status, SUMI_EFORMAT, &t.err, part);
    tiny_close(&t);
}

static void flags_that_cannot_be_are_refused(void **state)
{
    (void)state;
    expect_bad_flags((const int32_t[]){ END, TAG }, 2, 1, "not lists of equal length");
    expect_bad_flags((const int32_t[]){ END }, 1, 0, "not lists of equal length");
    expect_bad_flags((const int32_t[]){ EOT + 1 }, 1, 1, "has 264, outside");
    expect_bad_flags((const int32_t[]){ -1 }, 1, 1, "has -1, outside");
}

/* A token of a hostile file that is half a character: what it leaves is no UTF-8, which patterns must not see. */
static void a_normalized_token_may_cut_a_character(void **state)
{
    const uint8_t flag = 8;
    const int32_t id = EOT + 1;
    tiny_vocab v;
    (void)state;
    fill(&v, "gpt-2");
    assert_int_equal(tiny_token(&v, "\x96", 3, 0), id);
    gb_array(&v.file, "sumi.tokenizer.added_tokens", GGUF_I32, &id, 1, 4);
    gb_array(&v.file, "sumi.tokenizer.added_flags", GGUF_U8, &flag, 1, 1);
    tiny_tokenizer t = tiny_open(&v);
    if (t.status) fail_msg("%s", t.err.message);
    TINY_CHECK(t, "x\xE2\x96\x81y", SUMI_TOKENIZE_SPECIAL, 'x', 0xE2, id, 0x81, 'y');
    tiny_close(&t);
}

/* White space that is given back again and again would cost the square of the text. */
static void white_space_around_tokens_takes_linear_time(void **state)
{
    enum { N = 1 << 20 };
    const uint8_t flags[] = { 3, 4 };
    tiny_vocab v;
    int32_t *ids, n;
    (void)state;
    fill(&v, "gpt-2");
    gb_array(&v.file, "sumi.tokenizer.added_tokens", GGUF_I32, (const int32_t[]){ END, TAG }, 2, 8);
    gb_array(&v.file, "sumi.tokenizer.added_flags", GGUF_U8, flags, 2, 2);
    tiny_tokenizer t = tiny_open(&v);
    if (t.status) fail_msg("%s", t.err.message);
    char *text = malloc(N);
    memset(text, ' ', N);
    memcpy(text + N / 2, "<end>", 5);
    for (size_t i = N - 3 * 1000; i < N; i += 3) memcpy(text + i, "<t>", 3); /* the first and the last stand alone */
    assert_int_equal(tokenizer_encode(t.tokenizer, text, N, SUMI_TOKENIZE_SPECIAL, &ids, &n, NULL), SUMI_OK);
    assert_int_equal(ids[0], END);
    assert_int_equal(n, 1001);
    free(ids);
    free(text);
    tiny_close(&t);
}

/* Each of them takes all that is behind it, as in `tokenizers`, and is found nevertheless. */
static void tokens_of_white_space_take_linear_time(void **state)
{
    enum { N = 1 << 20 };
    const int32_t id = EOT + 1;
    const uint8_t flag = 2;
    tiny_vocab v;
    int32_t *ids, n;
    (void)state;
    fill(&v, "gpt-2");
    assert_int_equal(tiny_token(&v, "\n", 4, 0), id);
    gb_array(&v.file, "sumi.tokenizer.added_tokens", GGUF_I32, &id, 1, 4);
    gb_array(&v.file, "sumi.tokenizer.added_flags", GGUF_U8, &flag, 1, 1);
    tiny_tokenizer t = tiny_open(&v);
    if (t.status) fail_msg("%s", t.err.message);
    TINY_CHECK(t, "x\n \n y", 0, 'x', id, id, 'y'); /* tokenizers 0.23.3 agrees */
    char *text = malloc(N);
    memset(text, '\n', N);
    assert_int_equal(tokenizer_encode(t.tokenizer, text, N, 0, &ids, &n, NULL), SUMI_OK);
    assert_int_equal(n, N);
    free(ids);
    free(text);
    tiny_close(&t);
}

/* It would begin behind what the one before has taken: nothing is left of it. tokenizers 0.23.3 agrees. */
static void a_token_of_which_nothing_is_left_is_dropped(void **state)
{
    const uint8_t flags[] = { 2, 1 };
    const int32_t id = EOT + 1;
    tiny_vocab v;
    (void)state;
    fill(&v, "gpt-2");
    assert_int_equal(tiny_token(&v, "\n\n", 4, 0), id);
    gb_array(&v.file, "sumi.tokenizer.added_tokens", GGUF_I32, (const int32_t[]){ TAG, id }, 2, 8);
    gb_array(&v.file, "sumi.tokenizer.added_flags", GGUF_U8, flags, 2, 2);
    tiny_tokenizer t = tiny_open(&v);
    if (t.status) fail_msg("%s", t.err.message);
    TINY_CHECK(t, "<t>\n\nb", SUMI_TOKENIZE_SPECIAL, TAG, 'b');
    TINY_CHECK(t, "x \n\nb", SUMI_TOKENIZE_SPECIAL, 'x', id, 'b');
    tiny_close(&t);
}

static void what_stands_around_a_text_may_be_listed(void **state)
{
    const int32_t before[] = { TAG, END }, after[] = { EOT, TAG, TAG };
    tiny_vocab v;
    int32_t first, n_text;
    (void)state;
    fill(&v, "gpt-2");
    gb_bool(&v.file, "tokenizer.ggml.add_bos_token", true);
    gb_array(&v.file, "sumi.tokenizer.before_text", GGUF_I32, before, 2, sizeof before);
    gb_array(&v.file, "sumi.tokenizer.after_text", GGUF_I32, after, 3, sizeof after);
    tiny_tokenizer t = tiny_open(&v);
    if (t.status) fail_msg("%s", t.err.message);
    TINY_CHECK(t, "ab", SUMI_TOKENIZE_BOS_EOS, TAG, END, AB, EOT, TAG, TAG);
    TINY_CHECK(t, "ab", 0, AB);
    tokenizer_find_text(t.tokenizer, (const int32_t[]){ TAG, END, AB, EOT, TAG, TAG }, 6, &first, &n_text);
    assert_int_equal(first, 2);
    assert_int_equal(n_text, 1);
    tokenizer_find_text(t.tokenizer, (const int32_t[]){ TAG, AB, TAG, TAG }, 4, &first, &n_text); /* neither is whole */
    assert_int_equal(first, 0);
    assert_int_equal(n_text, 4);
    tiny_close(&t);
}

static void decoding_writes_special_tokens_on_request_and_refuses_wrong_ids(void **state)
{
    tiny_tokenizer t = open_with("gpt-2");
    int32_t ids[] = { END, ABC, TAG, 0xFF };
    char *text;
    size_t n;
    sumi_error err;
    (void)state;
    assert_int_equal(tokenizer_decode(t.tokenizer, ids, 4, true, &text, &n, &err), SUMI_OK);
    assert_string_equal(text, "<end>abc<t>\xFF");
    free(text);
    assert_int_equal(tokenizer_decode(t.tokenizer, ids, 4, false, &text, &n, &err), SUMI_OK);
    assert_string_equal(text, "abc<t>\xFF");
    assert_int_equal(n, 7);
    free(text);
    ids[2] = EOT + 1;
    assert_int_equal(tokenizer_decode(t.tokenizer, ids, 4, true, &text, &n, &err), SUMI_EINVAL);
    assert_null(text);
    assert_string_equal(err.message, "token 264 (number 3 of 4) is outside the vocabulary of 264 tokens");
    tiny_close(&t);
}

static void any_bytes_come_back(void **state)
{
    static const char *const rules[] = { "gpt-2", "smollm", "llama-bpe", "default" };
    test_rng r = test_rng_init(7);
    (void)state;
    for (int round = 0; round < 2000; round++) {
        static tiny_tokenizer t[4];
        if (round < 4) t[round] = open_with(rules[round]);
        char bytes[300], *back;
        size_t n = (size_t)test_rng_range(&r, 0, sizeof bytes), n_back;
        for (size_t i = 0; i < n; i++) /* half of the rounds mostly letters and spaces, so that merges apply */
            bytes[i] = round & 8 ? "abc <t>\n1"[test_rng_u32(&r) % 9] : (char)test_rng_u32(&r);
        int32_t *ids, n_ids;
        const tokenizer *tok = t[round % 4].tokenizer;
        assert_int_equal(tokenizer_encode(tok, bytes, n, SUMI_TOKENIZE_SPECIAL, &ids, &n_ids, NULL), SUMI_OK);
        assert_int_equal(tokenizer_decode(tok, ids, n_ids, true, &back, &n_back, NULL), SUMI_OK);
        assert_int_equal(n_back, n);
        assert_memory_equal(back, bytes, n);
        free(ids);
        free(back);
        if (round >= 1996) tiny_close(&t[round % 4]);
    }
}

static void a_repeated_line_has_repeated_tokens(void **state)
{
    /* The first copy is merged, the others come out of the word cache. A line break ends a piece on both sides
     * here. */
    static const char line[] = "abc ab xabc  \t abcabc, a-b_c 12!\n";
    enum { COPIES = 200 };
    tiny_tokenizer t = open_with("gpt-2");
    size_t n = sizeof line - 1;
    char *text = malloc(n * COPIES);
    int32_t *once, *often, n_once, n_often;
    (void)state;
    for (size_t i = 0; i < COPIES; i++) memcpy(text + i * n, line, n);
    assert_int_equal(tokenizer_encode(t.tokenizer, line, n, 0, &once, &n_once, NULL), SUMI_OK);
    assert_int_equal(tokenizer_encode(t.tokenizer, text, n * COPIES, 0, &often, &n_often, NULL), SUMI_OK);
    assert_int_equal(n_often, COPIES * n_once);
    for (int32_t i = 0; i < n_often; i++) assert_int_equal(often[i], once[i % n_once]);
    free(once);
    free(often);
    free(text);
    tiny_close(&t);
}

/* Nothing that fits may be refused by what a glance says. */
static void a_text_never_has_fewer_tokens_than_a_glance_says(void **state)
{
    (void)state;
    enum { MAX = 300 };
    static const char *const pieces[] = {
        "abc",          "<t>x",         "<end>",        " a",   "\t\n  ",           "\xC2\xA0",
        "\xE3\x80\x80", "\xE2\x80\x83", "\xEF\xBC\xA1", "\xC2", "\xF0\x9F\x99\x82", "\xFF"
    };
    static const char *const rules[] = { "gpt-2", "qwen2", "llama-bpe" }; /* one of them normalizes */
    test_rng r = test_rng_init(11);
    for (size_t k = 0; k < sizeof rules / sizeof *rules; k++) {
        tiny_tokenizer t = open_with(rules[k]);
        int64_t most = 0;
        for (int i = 0; i < 500; i++) {
            char text[MAX * 5 + 1] = ""; /* the longest piece has five bytes */
            int32_t *ids, n_ids, n = test_rng_range(&r, 0, MAX - 1), kinds = (int32_t)(sizeof pieces / sizeof *pieces);
            kinds = test_rng_range(&r, 1, kinds);
            for (int32_t j = 0; j < n; j++) strcat(text, pieces[test_rng_range(&r, 0, kinds - 1)]);
            int64_t fewest = tokenizer_fewest_tokens(t.tokenizer, text, strlen(text));
            assert_int_equal(tokenizer_encode(t.tokenizer, text, strlen(text), SUMI_TOKENIZE_SPECIAL, &ids, &n_ids,
                                              NULL),
                             SUMI_OK);
            free(ids);
            if (fewest > n_ids) fail_msg("%s, text %d: %lld > %d", rules[k], i, (long long)fewest, n_ids);
            if (fewest > most) most = fewest;
        }
        assert_true(most > 10); /* and it does say something */
        tiny_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_go_by_rank_and_then_from_the_left),
        cmocka_unit_test(llama3_takes_a_piece_that_is_a_token_whole),
        cmocka_unit_test(special_tokens_are_found_only_where_asked_for),
        cmocka_unit_test(user_defined_tokens_are_always_found_the_longest_first),
        cmocka_unit_test(bos_and_eos_come_as_the_file_says),
        cmocka_unit_test(an_empty_text_has_no_tokens),
        cmocka_unit_test(a_control_token_never_comes_out_of_merges),
        cmocka_unit_test(of_two_equal_tokens_the_last_is_found),
        cmocka_unit_test(a_byte_without_a_token_gives_nothing),
        cmocka_unit_test(tokens_know_what_they_are),
        cmocka_unit_test(lists_of_the_file_and_known_names_end_an_answer),
        cmocka_unit_test(lists_of_ids_that_cannot_be_are_refused),
        cmocka_unit_test(named_families_take_white_space_around_special_tokens),
        cmocka_unit_test(flags_that_cannot_be_are_refused),
        cmocka_unit_test(a_normalized_token_may_cut_a_character),
        cmocka_unit_test(white_space_around_tokens_takes_linear_time),
        cmocka_unit_test(tokens_of_white_space_take_linear_time),
        cmocka_unit_test(a_token_of_which_nothing_is_left_is_dropped),
        cmocka_unit_test(what_stands_around_a_text_may_be_listed),
        cmocka_unit_test(decoding_writes_special_tokens_on_request_and_refuses_wrong_ids),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(a_repeated_line_has_repeated_tokens),
        cmocka_unit_test(a_text_never_has_fewer_tokens_than_a_glance_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
