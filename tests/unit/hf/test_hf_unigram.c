/* test_hf_unigram.c - Unigram from tokenizer.json: the steps that SentencePiece has a switch for, and what is refused.
 * tests/golden/test_sentencepiece.c compares ids. */
#include <stdio.h>
#include <stdlib.h>

#include "hf/model_source_open.h"
#include "hf_folder.h"
#include "text/tokenizer.h"

#define SPACE         "\xE2\x96\x81"
#define META          "{\"type\": \"Metaspace\", \"replacement\": \"" SPACE "\", \"prepend_scheme\": \"always\"}"
#define OLD_META      "{\"type\": \"Metaspace\", \"replacement\": \"" SPACE "\", \"add_prefix_space\": true}"
#define NO_PREFIX     "{\"type\": \"Metaspace\", \"replacement\": \"" SPACE "\", \"prepend_scheme\": \"never\"}"
#define SQUEEZE       "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \" {2,}\"}, \"content\": \" \"}"
#define MAP(text)     "{\"type\": \"Precompiled\", \"precompiled_charsmap\": " text "}"
#define SPLIT         "{\"type\": \"WhitespaceSplit\"}"
#define NORMALS(a, b) "{\"type\": \"Sequence\", \"normalizers\": [" a ", " b "]}"
#define PRES(a, b)    "{\"type\": \"Sequence\", \"pretokenizers\": [" a ", " b "]}"
#define VOCAB                                                                                           \
    "[[\"<pad>\", 0], [\"</s>\", 0.0], [\"<unk>\", 0.0], [\"" SPACE "\", -2.5], [\"a\", -3], [\"" SPACE \
    "a\", -1.5], [\"<0x41>\", -9]]"
#define MODEL "{\"type\": \"Unigram\", \"unk_id\": 2, \"vocab\": " VOCAB "}"

/* No rules: a trie of no units, and no replacements. */
#define EMPTY_MAP MAP("\"AAAAAA==\"")

enum { PAD, EOS, UNK, GAP, IN_A, A, BYTE_A };

/* A folder with a vocabulary and nothing else. */
static sumi_status open_vocabulary(const char *normal, const char *pre, const char *model, model_source **src,
                                   tokenizer **t, sumi_error *err)
{
    char json[2048];
    test_folder f = test_folder_create();
    int n = snprintf(json, sizeof json,
                     "{\"added_tokens\": [{\"id\": 0, \"content\": \"<pad>\", \"special\": true}, "
                     "{\"id\": 1, \"content\": \"</s>\", \"special\": true}, "
                     "{\"id\": 2, \"content\": \"<unk>\", \"special\": true}], \"normalizer\": %s, "
                     "\"pre_tokenizer\": %s, \"post_processor\": {\"type\": \"TemplateProcessing\", "
                     "\"single\": [{\"Sequence\": {\"id\": \"A\"}}, {\"SpecialToken\": {\"id\": \"</s>\"}}]}, "
                     "\"model\": %s}",
                     normal, pre, model);
    assert_in_range(n, 1, sizeof json - 1);
    test_folder_write(&f, "tokenizer.json", json, (size_t)n);
    *src = NULL;
    *t = NULL;
    sumi_status st = model_source_open(src, f.path, NULL, err);
    if (st == SUMI_OK) st = tokenizer_create(t, *src, err);
    if (st != SUMI_OK) model_source_close(*src);
    test_folder_remove(&f);
    return st;
}

static bool flag(const model_source *src, const char *key)
{
    bool value = false;
    assert_true(model_source_get_bool(src, key, &value));
    return value;
}

/* The switches, and the ids of "  a  a". */
static void expect(const char *normal, const char *pre, bool prefix, bool squeezes, const int32_t *want, int32_t n)
{
    model_source *src;
    tokenizer *t;
    sumi_error err;
    int32_t *ids, n_ids;
    if (open_vocabulary(normal, pre, MODEL, &src, &t, &err) != SUMI_OK) fail_msg("%s", err.message);
    assert_int_equal(flag(src, "tokenizer.ggml.add_space_prefix"), prefix);
    assert_int_equal(flag(src, "tokenizer.ggml.remove_extra_whitespaces"), squeezes);
    assert_int_equal(tokenizer_encode(t, "  a  a", 6, SUMI_TOKENIZE_BOS_EOS, &ids, &n_ids, NULL), SUMI_OK);
    assert_int_equal(n_ids, n);
    assert_memory_equal(ids, want, (size_t)n * sizeof *ids);
    free(ids);
    tokenizer_destroy(t);
    model_source_close(src);
}

static void steps_become_switches(void **state)
{
    static const int32_t squeezed[] = { A, A, EOS }, prefixed[] = { GAP, GAP, A, GAP, A, EOS },
                         plain[] = { GAP, A, GAP, A, EOS };
    (void)state;
    expect(NORMALS(EMPTY_MAP, SQUEEZE), META, true, true, squeezed, 3);
    expect(NORMALS(SQUEEZE, "{\"type\": \"Strip\"}"), OLD_META, true, true, squeezed, 3);
    expect(EMPTY_MAP, PRES(SPLIT, META), true, true, squeezed, 3);
    expect("null", META, true, false, prefixed, 6);
    expect("null", NO_PREFIX, false, false, plain, 5);
    expect("{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"" SPACE "\"}", "null", false,
           false, plain, 5);
}

static void unknown_and_bytes_are_those_of_the_model(void **state)
{
    model_source *src;
    tokenizer *t;
    sumi_error err;
    int32_t *ids, n_ids;
    int32_t unknown = 0;
    (void)state;
    const char *model = "{\"type\": \"Unigram\", \"unk_id\": 2, \"byte_fallback\": true, \"vocab\": " VOCAB "}";
    if (open_vocabulary("null", NO_PREFIX, model, &src, &t, &err) != SUMI_OK) fail_msg("%s", err.message);
    assert_true(model_source_get_i32(src, "tokenizer.ggml.unknown_token_id", &unknown));
    assert_int_equal(unknown, UNK);
    assert_int_equal(tokenizer_encode(t, "AB", 2, 0, &ids, &n_ids, NULL), SUMI_OK);
    assert_int_equal(n_ids, 2);
    assert_memory_equal(ids, ((int32_t[]){ BYTE_A, UNK }), sizeof(int32_t[2]));
    free(ids);
    tokenizer_destroy(t);
    model_source_close(src);
}

static void expect_failure(const char *normal, const char *pre, const char *model, sumi_status status, const char *part)
{
    model_source *src;
    tokenizer *t;
    sumi_error err;
    test_expect_error(open_vocabulary(normal, pre, model, &src, &t, &err), status, &err, part);
}

static void other_steps_are_refused_by_name(void **state)
{
    (void)state;
    const sumi_status no = SUMI_EUNSUPPORTED;
    expect_failure("{\"type\": \"NFKC\"}", META, MODEL, no, "'NFKC'");
    expect_failure(NORMALS(EMPTY_MAP, "{\"type\": \"Lowercase\"}"), META, MODEL, no, "'Lowercase'");
    expect_failure("{\"type\": \"Replace\", \"pattern\": {\"String\": \"``\"}, \"content\": \"'\"}", META, MODEL, no,
                   "'Replace'");
    expect_failure("null", PRES(META, "{\"type\": \"Digits\"}"), MODEL, no, "'Digits'");
    expect_failure("null", "{\"type\": \"Metaspace\", \"replacement\": \"_\"}", MODEL, no, "'Metaspace'");
    expect_failure("null", "null", MODEL, no, "do not become U+2581");
    expect_failure(SQUEEZE, NO_PREFIX, MODEL, no, "puts none in front");
    expect_failure("{\"type\": \"Strip\"}", META, MODEL, no, "strips");
    expect_failure("null", PRES(SPLIT, META), MODEL, no, "without a Precompiled");
}

static void malformed_vocabularies_are_refused(void **state)
{
    (void)state;
    const sumi_status bad = SUMI_EFORMAT;
    expect_failure(MAP("\"AAAAAA=\""), META, MODEL, bad, "not base64");
    expect_failure(MAP("\"AAAA====\""), META, MODEL, bad, "not base64");
    expect_failure(MAP("\"AA=A\""), META, MODEL, bad, "not base64");
    expect_failure(MAP("\"AA-A\""), META, MODEL, bad, "not base64");
    expect_failure(MAP("\"////\""), META, MODEL, bad, "precompiled_charsmap");
    expect_failure(MAP("7"), META, MODEL, SUMI_EUNSUPPORTED, "'Precompiled'");
    expect_failure("null", META, "{\"type\": \"Unigram\", \"vocab\": {\"a\": 0}}", bad, "no list");
    expect_failure("null", META, "{\"type\": \"Unigram\", \"vocab\": [[\"a\", 0], [\"b\"]]}", bad, "token 1");
    expect_failure("null", META, "{\"type\": \"Unigram\", \"unk_id\": 9, \"vocab\": [[\"a\", 0]]}", bad, "unk_id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_become_switches),
        cmocka_unit_test(unknown_and_bytes_are_those_of_the_model),
        cmocka_unit_test(other_steps_are_refused_by_name),
        cmocka_unit_test(malformed_vocabularies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
