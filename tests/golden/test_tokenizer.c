/* test_tokenizer.c - token ids of real vocabularies, equal to those of `tokenizers`. The goldens are made by
 * make_tokenizer.py. */
#include "format/gguf.h"
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden_hash.h"
#include "text/tokenizer.h"

static void print_ids(const char *who, const int32_t *ids, int32_t n)
{
    fprintf(stderr, "  %-8s", who);
    for (int32_t i = 0; i < n; i++) fprintf(stderr, " %d", ids[i]);
    fputc('\n', stderr);
}

/* Encodes text and compares; false, and both lists on stderr, if they differ. */
static bool ids_equal(const tokenizer *t, const char *text, size_t n, uint32_t flags, const json_t *want)
{
    int32_t *ids, n_ids, expected[4096];
    sumi_error err;
    int32_t n_expected = (int32_t)json_array_size(want);
    assert_true(n_expected <= 4096);
    for (int32_t i = 0; i < n_expected; i++) expected[i] = (int32_t)json_integer_value(json_array_get(want, (size_t)i));
    assert_int_equal(tokenizer_encode(t, text, n, flags, &ids, &n_ids, &err), SUMI_OK);
    bool same = n_ids == n_expected && memcmp(ids, expected, (size_t)n_ids * sizeof *ids) == 0;
    if (!same) {
        fprintf(stderr, "text [%.*s], %zu bytes, flags %u\n", (int)n, text, n, flags);
        print_ids("expected", expected, n_expected);
        print_ids("got", ids, n_ids);
    }
    free(ids);
    return same;
}

/* What decoding must give back: the text, but for bytes without a token, which SmolLM2 has. */
static bool round_trips(const tokenizer *t, const char *text, size_t n)
{
    int32_t *ids, n_ids;
    char *back;
    size_t n_back;
    assert_int_equal(tokenizer_encode(t, text, n, SUMI_TOKENIZE_SPECIAL, &ids, &n_ids, NULL), SUMI_OK);
    assert_int_equal(tokenizer_decode(t, ids, n_ids, true, &back, &n_back, NULL), SUMI_OK);
    bool same = n_back == n && memcmp(back, text, n) == 0;
    if (!same) fprintf(stderr, "text [%.*s] came back as [%.*s]\n", (int)n, text, (int)n_back, back);
    free(ids);
    free(back);
    return same;
}

static size_t hex_decode(const char *hex, char *out)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        sscanf(hex + 2 * i, "%2x", &byte);
        out[i] = (char)byte;
    }
    return n;
}

/* lost: bytes that the vocabulary cannot hold, or changes: texts with one of them need not come back. */
static void check_model(const char *model, const char *lost, size_t n_lost)
{
    model_source *src;
    tokenizer *t;
    sumi_error err;
    char path[64];
    snprintf(path, sizeof path, "tokenizer/%s", model);
    json_t *texts = golden_load("tokenizer/texts"), *golden = golden_load(path), *text;
    int n_wrong = 0, n_checked = 0;
    size_t i;
    if (gguf_open(&src, test_model_path(model), &err) || tokenizer_create(&t, src, &err)) fail_msg("%s", err.message);
    json_array_foreach(json_object_get(texts, "texts"), i, text)
    {
        char key[24];
        const char *s = json_string_value(text);
        size_t n = json_string_length(text);
        const json_t *special = json_array_get(json_object_get(golden, "special"), i);
        snprintf(key, sizeof key, "%zu", i);
        const json_t *plain = json_object_get(json_object_get(golden, "plain"), key);
        n_wrong += !ids_equal(t, s, n, SUMI_TOKENIZE_SPECIAL, special);
        n_wrong += !ids_equal(t, s, n, 0, plain ? plain : special);
        bool loses = false;
        for (size_t b = 0; b < n_lost; b++) loses = loses || memchr(s, lost[b], n);
        if (!loses) n_wrong += !round_trips(t, s, n);
        n_checked++;
    }
    json_array_foreach(json_object_get(texts, "invalid"), i, text)
    {
        char bytes[256];
        size_t n = hex_decode(json_string_value(text), bytes);
        n_wrong += !ids_equal(t, bytes, n, SUMI_TOKENIZE_SPECIAL,
                              json_array_get(json_object_get(golden, "invalid"), i));
        n_checked++;
    }
    tokenizer_destroy(t);
    model_source_close(src);
    json_decref(texts);
    json_decref(golden);
    assert_true(n_checked >= 300);
    if (n_wrong) fail_msg("%s: %d comparisons of %d texts differ", model, n_wrong, n_checked);
}

static void smollm2_gives_the_ids_of_tokenizers(void **state)
{
    (void)state;
    /* Its vocabulary has no token for these control characters. */
    check_model("smollm2", "\x04\x06\x13\x14\x16\x1d\xf1\xf2", 8);
}

static void gemma3_gives_the_ids_of_tokenizers(void **state)
{
    (void)state;
    check_model("gemma3-270m", "\x81", 1); /* U+2581, E2 96 81, means a space there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smollm2_gives_the_ids_of_tokenizers),
        cmocka_unit_test(gemma3_gives_the_ids_of_tokenizers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
