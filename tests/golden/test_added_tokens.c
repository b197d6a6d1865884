/* test_added_tokens.c - special tokens with every combination of flags in random texts: ids equal to those of `tokenizers`
 * for the same tokenizer.json (make_added_tokens.py), and the same with the flags in a GGUF file's keys. */
#include "format/gguf.h"
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hf/tokenizer/hf_tokenizer.h"
#include "text/tokenizer.h"

static json_t *golden;

static int load(void **state)
{
    json_error_t why;
    (void)state;
    golden = json_load_file(test_source_path("tests/golden/added_tokens.json"), 0, &why);
    if (!golden) fail_msg("line %d: %s", why.line, why.text);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    json_decref(golden);
    return 0;
}

static void print(const char *name, const json_t *text, const json_t *want, const int32_t *ids, int32_t n)
{
    char *escaped = json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    fprintf(stderr, "%s: %s\n  want", name, escaped);
    for (size_t i = 0; i < json_array_size(want); i++)
        fprintf(stderr, " %d", (int)json_integer_value(json_array_get(want, i)));
    fprintf(stderr, "\n  ids ");
    for (int32_t i = 0; i < n; i++) fprintf(stderr, " %d", ids[i]);
    fputc('\n', stderr);
    free(escaped);
}

/* Whether the ids of one text are right. */
static bool check(const char *name, const tokenizer *t, const json_t *text, const json_t *want)
{
    int32_t *ids, n;
    bool same;
    assert_int_equal(tokenizer_encode(t, json_string_value(text), json_string_length(text), SUMI_TOKENIZE_SPECIAL, &ids,
                                      &n, NULL),
                     SUMI_OK);
    same = (size_t)n == json_array_size(want);
    for (int32_t i = 0; same && i < n; i++) same = ids[i] == json_integer_value(json_array_get(want, (size_t)i));
    if (!same) print(name, text, want, ids, n);
    free(ids);
    return same;
}

static void check_case(const json_t *one)
{
    const char *name = json_string_value(json_object_get(one, "name"));
    hf_folder folder = { .path = (char *)(uintptr_t) "folder", .tokenizer = json_object_get(one, "tokenizer") };
    json_t *pair;
    size_t i, n;
    int n_wrong = 0;
    gguf_head head;
    sumi_error err;
    model_source *src;
    tokenizer *t;
    gguf_head_init(&head, 32);
    if (hf_tokenizer_write(&folder, 0, &head, &err) != SUMI_OK) fail_msg("%s: %s", name, err.message);
    uint8_t *bytes = gguf_head_take(&head, &n);
    assert_non_null(bytes);
    assert_int_equal(gguf_open_memory(&src, bytes, n, "head", NULL), SUMI_OK);
    if (tokenizer_create(&t, src, &err) != SUMI_OK) fail_msg("%s: %s", name, err.message);
    json_array_foreach(json_object_get(one, "texts"), i, pair)
        n_wrong += !check(name, t, json_array_get(pair, 0), json_array_get(pair, 1));
    if (n_wrong) fail_msg("%s: %d of %zu texts differ", name, n_wrong, json_array_size(json_object_get(one, "texts")));
    tokenizer_destroy(t);
    model_source_close(src);
    free(bytes);
}

static void special_tokens_are_found_as_their_flags_say(void **state)
{
    (void)state;
    json_t *one;
    size_t i;
    assert_int_equal(json_array_size(golden), 7);
    json_array_foreach(golden, i, one) check_case(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_tokens_are_found_as_their_flags_say),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
