/* test_wordpiece.c - ids of WordPiece vocabularies, equal to those of `tokenizers`. The goldens are made by
 * make_wordpiece.py. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"
#include "test_support.h"
#include "text/tokenizer.h"

enum { MAX_IDS = 1024 };

static tokenizer *open_vocabulary(const char *name, model_source **src)
{
    char path[256];
    tokenizer *t = NULL;
    sumi_error err;
    snprintf(path, sizeof path, "tests/golden/tokenizer/wordpiece-%s.gguf", name);
    if (gguf_open(src, test_source_path(path), &err) || tokenizer_create(&t, *src, &err)) fail_msg("%s", err.message);
    return t;
}

static bool ids_equal(const tokenizer *t, const json_t *text, const json_t *want)
{
    int32_t *ids, n_ids, expected[MAX_IDS];
    size_t n = json_array_size(want);
    const uint32_t flags = SUMI_TOKENIZE_SPECIAL | SUMI_TOKENIZE_BOS_EOS;
    assert_in_range(n, 2, MAX_IDS);
    for (size_t i = 0; i < n; i++) expected[i] = (int32_t)json_integer_value(json_array_get(want, i));
    assert_int_equal(tokenizer_encode(t, json_string_value(text), json_string_length(text), flags, &ids, &n_ids, NULL),
                     SUMI_OK);
    bool same = (size_t)n_ids == n && memcmp(ids, expected, n * sizeof *ids) == 0;
    if (!same) {
        fprintf(stderr, "text [%s]\n  expected", json_string_value(text));
        for (size_t i = 0; i < n; i++) fprintf(stderr, " %d", expected[i]);
        fprintf(stderr, "\n  got     ");
        for (int32_t i = 0; i < n_ids; i++) fprintf(stderr, " %d", ids[i]);
        fputc('\n', stderr);
    }
    free(ids);
    return same;
}

static void check_vocabulary(const char *name)
{
    json_error_t error;
    model_source *src;
    int n_wrong = 0;
    size_t i;
    json_t *golden = json_load_file(test_source_path("tests/golden/tokenizer/wordpiece.json"), JSON_ALLOW_NUL, &error);
    if (!golden) fail_msg("%s", error.text);
    json_t *texts = json_object_get(golden, "texts"), *text;
    tokenizer *t = open_vocabulary(name, &src);
    json_array_foreach(texts, i, text) n_wrong += !ids_equal(t, text, json_array_get(json_object_get(golden, name), i));
    assert_true(json_array_size(texts) >= 300);
    if (n_wrong) fail_msg("%s: %d of %zu texts differ", name, n_wrong, json_array_size(texts));
    tokenizer_destroy(t);
    model_source_close(src);
    json_decref(golden);
}

static void a_vocabulary_in_lower_case_gives_the_ids_of_tokenizers(void **state)
{
    (void)state;
    check_vocabulary("uncased");
}

static void a_vocabulary_with_capitals_gives_the_ids_of_tokenizers(void **state)
{
    (void)state;
    check_vocabulary("cased");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vocabulary_in_lower_case_gives_the_ids_of_tokenizers),
        cmocka_unit_test(a_vocabulary_with_capitals_gives_the_ids_of_tokenizers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
