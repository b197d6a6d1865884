/* test_char_bpe.c - vocabularies whose merges are of characters, not of bytes: ids of all texts equal to those of
 * `tokenizers` (make_char_bpe.py), for each name that means the kind. */
#include "test_support.h"

#include <stdlib.h>
#include <string.h>

#include "golden_hash.h"
#include "tiny_vocab.h"

static tiny_tokenizer open_named(const json_t *kind, const char *model, const char *pre)
{
    tiny_vocab v;
    json_t *item;
    size_t i;
    tiny_init(&v, model);
    if (pre) gb_str(&v.file, "tokenizer.ggml.pre", pre);
    gb_u32(&v.file, "tokenizer.ggml.bos_token_id", 1);
    json_array_foreach(json_object_get(kind, "tokens"), i, item)
    {
        const char *text = json_string_value(item);
        bool byte = strlen(text) == 6 && !strncmp(text, "<0x", 3);
        tiny_token(&v, text, i == 0 ? 2 : i == 1 ? 3 : byte ? 6 : 1, 0);
    }
    json_array_foreach(json_object_get(kind, "merges"), i, item)
        v.merges[v.n_merges++] = strdup(json_string_value(item));
    return tiny_open(&v);
}

static void check(const json_t *kind, const json_t *texts, const char *model, const char *pre)
{
    const char *hashes = json_string_value(json_object_get(kind, "hashes"));
    json_t *text;
    size_t i;
    int n_wrong = 0;
    tiny_tokenizer t = open_named(kind, model, pre);
    if (t.status) fail_msg("%s, %s: %s", model, pre ? pre : "-", t.err.message);
    assert_int_equal(strlen(hashes), 4 * json_array_size(texts));
    json_array_foreach(texts, i, text)
    {
        int32_t *ids, n;
        assert_int_equal(tokenizer_encode(t.tokenizer, json_string_value(text), json_string_length(text), 0, &ids, &n,
                                          NULL),
                         SUMI_OK);
        if (!golden_hash_equals(hashes, i, golden_hash((const uint32_t *)ids, (size_t)n, GOLDEN_HASH_START)) &&
            n_wrong++ < 3) {
            char *escaped = json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
            print_error("%s, %s: %s\n ", model, pre ? pre : "-", escaped);
            for (int32_t k = 0; k < n; k++) print_error(" %d", ids[k]);
            print_error("\n");
            free(escaped);
        }
        free(ids);
    }
    if (n_wrong) fail_msg("%s, %s: %d texts differ", model, pre ? pre : "-", n_wrong);
    tiny_close(&t);
}

static void merges_of_characters_give_the_ids_of_tokenizers(void **state)
{
    (void)state;
    json_t *golden = golden_load("char_bpe"), *file = golden_load("tokenizer/texts"), *kind, *name;
    const json_t *texts = json_object_get(file, "texts");
    size_t i, k;
    assert_int_equal(json_array_size(golden), 2);
    json_array_foreach(golden, i, kind) json_array_foreach(json_object_get(kind, "names"), k, name)
        check(kind, texts, json_string_value(json_array_get(name, 0)), json_string_value(json_array_get(name, 1)));
    json_decref(golden);
    json_decref(file);
}

/* llama.cpp adds BOS whatever the file says. */
static void gemma_4_begins_with_bos(void **state)
{
    (void)state;
    json_t *golden = golden_load("char_bpe"), *gemma = json_array_get(golden, 0);
    static const char *const names[] = { "gemma4", "sarvam-moe" };
    for (int i = 0; i < 2; i++) {
        int32_t *ids, n;
        tiny_tokenizer t = open_named(gemma, "gpt2", names[i]);
        assert_int_equal(tokenizer_encode(t.tokenizer, "a", 1, SUMI_TOKENIZE_BOS_EOS, &ids, &n, NULL), SUMI_OK);
        assert_int_equal(n, i == 0 ? 2 : 1);
        free(ids);
        tiny_close(&t);
    }
    json_decref(golden);
}

static void expect_lower(const json_t *kind, bool lower, const char *text, const char *same_as)
{
    int32_t *ids[2], n[2];
    tiny_vocab v;
    tiny_tokenizer t;
    json_t *item;
    size_t i;
    tiny_init(&v, "whitespace");
    gb_bool(&v.file, "tokenizer.ggml.normalizer.lowercase", lower);
    json_array_foreach(json_object_get(kind, "tokens"), i, item) tiny_token(&v, json_string_value(item), i ? 1 : 2, 0);
    json_array_foreach(json_object_get(kind, "merges"), i, item)
        v.merges[v.n_merges++] = strdup(json_string_value(item));
    t = tiny_open(&v);
    if (t.status) fail_msg("%s", t.err.message);
    assert_int_equal(tokenizer_encode(t.tokenizer, text, strlen(text), 0, &ids[0], &n[0], NULL), SUMI_OK);
    assert_int_equal(tokenizer_encode(t.tokenizer, same_as, strlen(same_as), 0, &ids[1], &n[1], NULL), SUMI_OK);
    assert_int_equal(n[0], n[1]);
    assert_int_equal(memcmp(ids[0], ids[1], (size_t)n[0] * sizeof **ids) == 0, lower);
    free(ids[0]);
    free(ids[1]);
    tiny_close(&t);
}

static void words_become_lower_case_if_the_file_says_so(void **state)
{
    (void)state;
    json_t *golden = golden_load("char_bpe"), *words = json_array_get(golden, 1);
    expect_lower(words, true, "A B", " a  b");
    expect_lower(words, false, "A B", " a  b");
    json_decref(golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_of_characters_give_the_ids_of_tokenizers),
        cmocka_unit_test(gemma_4_begins_with_bos),
        cmocka_unit_test(words_become_lower_case_if_the_file_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
