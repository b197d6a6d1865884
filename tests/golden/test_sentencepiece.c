/* test_sentencepiece.c - ids of small SentencePiece models, Unigram and BPE with all their settings, equal to those of
 * `sentencepiece`: for each text a hash over the ids. And back again, whole and token by token. The goldens are made
 * by make_sentencepiece.py, and the tokenizer.json files of the Unigram models by make_unigram_json.py. */
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden_hash.h"
#include "hf/model_source_open.h"
#include "hf_folder.h"
#include "text/detok.h"
#include "tiny_vocab.h"

static tiny_tokenizer open_model(const json_t *model)
{
    tiny_vocab v;
    size_t n;
    const json_t *scores = json_object_get(model, "scores"), *types = json_object_get(model, "types");
    json_t *token;
    size_t i;
    tiny_init(&v, json_string_value(json_object_get(model, "model")));
    json_array_foreach(json_object_get(model, "tokens"), i, token)
        tiny_token(&v, json_string_value(token), (int32_t)json_integer_value(json_array_get(types, i)),
                   (float)json_number_value(json_array_get(scores, i)));
    gb_bool(&v.file, "tokenizer.ggml.add_space_prefix", json_is_true(json_object_get(model, "add_space_prefix")));
    gb_bool(&v.file, "tokenizer.ggml.remove_extra_whitespaces",
            json_is_true(json_object_get(model, "remove_extra_whitespaces")));
    uint8_t *map = golden_base64(json_string_value(json_object_get(model, "charsmap")), &n);
    if (n) gb_array(&v.file, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, map, n, n);
    free(map);
    return tiny_open(&v);
}

static void print(const char *name, const json_t *text, const tokenizer *t, const int32_t *ids, int32_t n_ids)
{
    char *escaped = json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    fprintf(stderr, "%s: %s\n ", name, escaped);
    for (int32_t i = 0; i < n_ids; i++) {
        size_t n;
        const char *s = tokenizer_text(t, ids[i], &n);
        fprintf(stderr, " %d[%.*s]", ids[i], (int)n, s);
    }
    fputc('\n', stderr);
    free(escaped);
}

/* Streaming must give what decoding gives, as far as that is UTF-8. */
static void check_streaming(const tokenizer *t, const int32_t *ids, int32_t n_ids)
{
    detok d;
    buf out;
    char *whole;
    size_t n_whole;
    buf_init(&out, (size_t)1 << 20);
    detok_init(&d, t, true);
    for (int32_t i = 0; i < n_ids; i++) detok_push(&d, ids[i], &out);
    detok_flush(&d, &out);
    assert_int_equal(tokenizer_decode(t, ids, n_ids, true, &whole, &n_whole, NULL), SUMI_OK);
    assert_int_equal(out.n, n_whole);
    if (n_whole) assert_memory_equal(out.data, whole, n_whole);
    free(whole);
    buf_deinit(&out);
}

/* Where the file has a token for every byte and changes no text, decoding gives back what was encoded. U+2581 comes
 * back as the space that it stands for. */
static bool comes_back(const tokenizer *t, const char *text, size_t n, const int32_t *ids, int32_t n_ids)
{
    char *whole;
    size_t n_whole;
    if (memmem(text, n, "\xE2\x96\x81", 3)) return true;
    assert_int_equal(tokenizer_decode(t, ids, n_ids, true, &whole, &n_whole, NULL), SUMI_OK);
    bool same = n_whole == n && !memcmp(whole, text, n);
    free(whole);
    return same;
}

/* The number of texts whose ids are not those of the model. */
static int check_ids(const char *name, const json_t *model, const tokenizer *t, bool keeps_texts)
{
    json_t *texts = golden_load("tokenizer/texts"), *text;
    const char *hashes = json_string_value(json_object_get(model, "hashes"));
    size_t i;
    int n_wrong = 0;
    assert_true(json_array_size(json_object_get(texts, "texts")) >= 300);
    json_array_foreach(json_object_get(texts, "texts"), i, text)
    {
        int32_t *ids, n_ids;
        const char *s = json_string_value(text);
        assert_int_equal(tokenizer_encode(t, s, json_string_length(text), 0, &ids, &n_ids, NULL), SUMI_OK);
        if (!golden_hash_equals(hashes, i, golden_hash((const uint32_t *)ids, (size_t)n_ids, GOLDEN_HASH_START))) {
            print(name, text, t, ids, n_ids);
            n_wrong++;
        }
        if (keeps_texts && !comes_back(t, s, json_string_length(text), ids, n_ids)) {
            fprintf(stderr, "does not come back:\n");
            print(name, text, t, ids, n_ids);
            n_wrong++;
        }
        check_streaming(t, ids, n_ids);
        free(ids);
    }
    json_decref(texts);
    return n_wrong;
}

static json_t *load_model(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "sentencepiece/%s", name);
    return golden_load(path);
}

static int check_model(const char *name, bool keeps_texts)
{
    json_t *model = load_model(name);
    tiny_tokenizer t = open_model(model);
    if (!t.tokenizer) fail_msg("%s: %s", name, t.err.message);
    int n_wrong = check_ids(name, model, t.tokenizer, keeps_texts);
    tiny_close(&t);
    json_decref(model);
    return n_wrong;
}

/* Each token has its spelling, and its kind as far as users see it, in both forms. */
static void compare_tokens(const tokenizer *a, const tokenizer *b)
{
    size_t n, m;
    assert_int_equal(tokenizer_n_vocab(a), tokenizer_n_vocab(b));
    for (int32_t id = 0; id < tokenizer_n_vocab(a); id++) {
        const char *s = tokenizer_text(a, id, &n), *t = tokenizer_text(b, id, &m);
        if (n != m || memcmp(s, t, n)) fail_msg("token %d: '%.*s', not '%.*s'", id, (int)n, s, (int)m, t);
        assert_int_equal(tokenizer_is_special(a, id), tokenizer_is_special(b, id));
    }
}

static int check_json(const char *name, bool keeps_texts)
{
    char path[128];
    sumi_error err;
    model_source *src;
    tokenizer *t = NULL;
    json_t *model = load_model(name);
    tiny_tokenizer other = open_model(model);
    test_folder f = test_folder_create();
    snprintf(path, sizeof path, "tests/golden/hf/tokenizer-%s.json", name);
    test_folder_copy(&f, "tokenizer.json", path);
    if (model_source_open(&src, f.path, NULL, &err) || tokenizer_create(&t, src, &err)) fail_msg("%s", err.message);
    compare_tokens(t, other.tokenizer);
    int n_wrong = check_ids(name, model, t, keeps_texts);
    tokenizer_destroy(t);
    model_source_close(src);
    test_folder_remove(&f);
    tiny_close(&other);
    json_decref(model);
    return n_wrong;
}

static void unigram_models_give_the_ids_of_sentencepiece(void **state)
{
    (void)state;
    assert_int_equal(check_model("unigram-nfkc", false), 0);
    assert_int_equal(check_model("unigram-spaces", false), 0);
    assert_int_equal(check_model("unigram-bytes", true), 0);
}

static void unigram_models_give_them_from_tokenizer_json_too(void **state)
{
    (void)state;
    assert_int_equal(check_json("unigram-nfkc", false), 0);
    assert_int_equal(check_json("unigram-spaces", false), 0);
    assert_int_equal(check_json("unigram-bytes", true), 0);
}

static void bpe_models_give_the_ids_of_sentencepiece(void **state)
{
    (void)state;
    assert_int_equal(check_model("bpe-bytes", true), 0);
    assert_int_equal(check_model("bpe-symbols", true), 0);
    assert_int_equal(check_model("bpe-squeezed", false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unigram_models_give_the_ids_of_sentencepiece),
        cmocka_unit_test(unigram_models_give_them_from_tokenizer_json_too),
        cmocka_unit_test(bpe_models_give_the_ids_of_sentencepiece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
