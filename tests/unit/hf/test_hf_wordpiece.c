/* test_hf_wordpiece.c - WordPiece from tokenizer.json: the same vocabulary as from a GGUF file, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hf/model_source_open.h"
#include "hf_folder.h"
#include "text/tokenizer.h"

#define NORMAL                                                                              \
    "{\"type\": \"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true, " \
    "\"strip_accents\": null, \"lowercase\": true}"
#define PRE "{\"type\": \"BertPreTokenizer\"}"
#define MODEL                                                                                              \
    "{\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"##\", "          \
    "\"max_input_chars_per_word\": 100, \"vocab\": {\"[UNK]\": 0, \"[CLS]\": 1, \"[SEP]\": 2, \"un\": 3, " \
    "\"##able\": 4, \"able\": 5, \"e\": 6}}"

enum { UNK, CLS, SEP, UN, IN_ABLE, ABLE, E };

/* A folder with a vocabulary and nothing else. */
static sumi_status open_vocabulary(const char *normal, const char *pre, const char *model, model_source **src,
                                   tokenizer **t, sumi_error *err)
{
    char json[2048];
    test_folder f = test_folder_create();
    int n =
        snprintf(json, sizeof json,
                 "{\"added_tokens\": [{\"id\": 0, \"content\": \"[UNK]\", \"special\": true}, "
                 "{\"id\": 1, \"content\": \"[CLS]\", \"special\": true}, "
                 "{\"id\": 2, \"content\": \"[SEP]\", \"special\": true}], \"normalizer\": %s, "
                 "\"pre_tokenizer\": %s, \"post_processor\": {\"type\": \"BertProcessing\", \"sep\": [\"[SEP]\", 2], "
                 "\"cls\": [\"[CLS]\", 1]}, \"model\": %s}",
                 normal, pre, model);
    assert_in_range(n, 1, sizeof json - 1);
    test_folder_write(&f, "tokenizer.json", json, (size_t)n);
    *src = NULL;
    *t = NULL;
    sumi_status st = model_source_open(src, f.path, NULL, err);
    if (st == SUMI_OK) st = tokenizer_create(t, *src, err);
    test_folder_remove(&f);
    return st;
}

static void expect_ids(const tokenizer *t, const char *text, const int32_t *want, int32_t n)
{
    int32_t *ids, n_ids;
    assert_int_equal(tokenizer_encode(t, text, strlen(text), SUMI_TOKENIZE_BOS_EOS, &ids, &n_ids, NULL), SUMI_OK);
    assert_int_equal(n_ids, n);
    assert_memory_equal(ids, want, (size_t)n * sizeof *ids);
    free(ids);
}

static void words_and_switches_are_those_of_the_json(void **state)
{
    (void)state;
    model_source *src;
    tokenizer *t;
    sumi_error err;
    if (open_vocabulary(NORMAL, PRE, MODEL, &src, &t, &err) != SUMI_OK) fail_msg("%s", err.message);
    expect_ids(t, "Unable able \xC3\x89!", (const int32_t[]){ CLS, UN, IN_ABLE, ABLE, E, UNK, SEP }, 7);
    tokenizer_destroy(t);
    model_source_close(src);
    const char *cased = "{\"type\": \"BertNormalizer\", \"lowercase\": false}";
    if (open_vocabulary(cased, PRE, MODEL, &src, &t, &err) != SUMI_OK) fail_msg("%s", err.message);
    expect_ids(t, "Unable able", (const int32_t[]){ CLS, UNK, ABLE, SEP }, 4);
    tokenizer_destroy(t);
    model_source_close(src);
}

static void expect_refused(const char *normal, const char *pre, const char *model, const char *part)
{
    model_source *src;
    tokenizer *t;
    sumi_error err;
    test_expect_error(open_vocabulary(normal, pre, model, &src, &t, &err), SUMI_EUNSUPPORTED, &err, part);
}

static void other_ways_of_cutting_are_named(void **state)
{
    (void)state;
    expect_refused("{\"type\": \"NFC\"}", PRE, MODEL, "'NFC'");
    expect_refused("null", PRE, MODEL, "normalizer");
    expect_refused("{\"type\": \"BertNormalizer\", \"handle_chinese_chars\": false}", PRE, MODEL, "normalizer");
    expect_refused(NORMAL, "{\"type\": \"Whitespace\"}", MODEL, "'Whitespace'");
    expect_refused(NORMAL, PRE,
                   "{\"type\": \"WordPiece\", \"continuing_subword_prefix\": \"@@\", \"vocab\": {\"a\": 0}}",
                   "another prefix");
    expect_refused(NORMAL, PRE,
                   "{\"type\": \"WordPiece\", \"continuing_subword_prefix\": \"##\", \"max_input_chars_per_word\": 50, "
                   "\"vocab\": {\"a\": 0}}",
                   "another limit");
    expect_refused(NORMAL, PRE, "{\"type\": \"WordLevel\", \"vocab\": {\"a\": 0}}", "'WordLevel'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_switches_are_those_of_the_json),
        cmocka_unit_test(other_ways_of_cutting_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
