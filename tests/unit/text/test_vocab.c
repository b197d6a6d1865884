/* test_vocab.c - vocabularies that are wrong: each is refused in one line that names the thing, or made the
 * best of. */
#include "format/gguf.h"
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tiny_vocab.h"

static void start(tiny_vocab *v, const char *model)
{
    tiny_init(v, model);
    tiny_bytes(v);
}

/* Opens v, which must fail with this status and a line that has `text` in it. */
static void refused(tiny_vocab *v, sumi_status status, const char *text)
{
    tiny_tokenizer t = tiny_open(v);
    assert_null(t.tokenizer);
    if (t.status != status || !strstr(t.err.message, text) || strncmp(t.err.message, "tiny: ", 6))
        fail_msg("status %d, '%s'; expected '%s'", t.status, t.err.message, text);
    tiny_close(&t);
}

static void another_model_or_pre_tokenizer_is_named(void **state)
{
    tiny_vocab v;
    (void)state;
    static const char *const others[] = { "rwkv", "plamo2", "none", "no_vocab", "" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char want[64];
        start(&v, others[i]);
        snprintf(want, sizeof want, "tokenizer model '%s' is not supported", others[i]);
        refused(&v, SUMI_EUNSUPPORTED, want);
    }
    start(&v, "gpt2");
    gb_str(&v.file, "tokenizer.ggml.pre", "klingon");
    refused(&v, SUMI_EUNSUPPORTED, "pre-tokenizer 'klingon' is not supported");
}

static void missing_parts_are_named(void **state)
{
    gguf_builder b;
    (void)state;
    for (int i = 0; i < 3; i++) {
        static const char *const missing[] = { "tokenizer.ggml.model", "tokenizer.ggml.tokens",
                                               "tokenizer.ggml.merges" };
        model_source *src;
        tokenizer *t;
        sumi_error err;
        size_t n;
        gb_init(&b);
        gb_str(&b, "general.architecture", "llama");
        if (i > 0) gb_str(&b, "tokenizer.ggml.model", "gpt2");
        if (i > 1) gb_str_array(&b, "tokenizer.ggml.tokens", (const char *[]){ "a" }, 1);
        uint8_t *file = gb_finish(&b, &n);
        assert_int_equal(gguf_open_memory(&src, file, n, "tiny", NULL), SUMI_OK);
        assert_int_equal(tokenizer_create(&t, src, &err), SUMI_EFORMAT);
        assert_non_null(strstr(err.message, missing[i]));
        model_source_close(src);
        free(file);
    }
}

static void ids_outside_the_vocabulary_are_refused_and_minus_one_means_none(void **state)
{
    static const char *const keys[] = { "bos_token_id", "eos_token_id", "unknown_token_id", "eot_token_id",
                                        "eom_token_id" };
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char key[64];
        tiny_vocab v;
        snprintf(key, sizeof key, "tokenizer.ggml.%s", keys[i]);
        start(&v, "gpt2");
        gb_u32(&v.file, key, 256);
        refused(&v, SUMI_EFORMAT, "256, outside the vocabulary of 256 tokens");
        start(&v, "gpt2");
        gb_u32(&v.file, key, UINT32_MAX);
        tiny_tokenizer t = tiny_open(&v);
        assert_int_equal(t.status, SUMI_OK);
        assert_int_equal(tokenizer_bos(t.tokenizer), -1);
        assert_int_equal(tokenizer_eos(t.tokenizer), -1);
        tiny_close(&t);
    }
}

static void wrong_kinds_are_refused(void **state)
{
    tiny_vocab v;
    (void)state;
    start(&v, "gpt2");
    v.kinds[7] = 9;
    refused(&v, SUMI_EFORMAT, "token 7 has type 9");
    start(&v, "gpt2");
    v.kinds[0] = -1;
    refused(&v, SUMI_EFORMAT, "token 0 has type -1");
}

/* A file with one more array of the same key is refused by the reader, so these write all arrays themselves. */
static sumi_status open_arrays(size_t n_kinds, gguf_type kind_type, size_t n_scores, sumi_error *err)
{
    gguf_builder b;
    model_source *src;
    tokenizer *t;
    size_t n;
    int32_t kinds[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    float scores[8] = { 0 };
    gb_init(&b);
    gb_str(&b, "tokenizer.ggml.model", "llama");
    gb_str_array(&b, "tokenizer.ggml.tokens", (const char *[]){ "a", "b", "ab" }, 3);
    gb_array(&b, "tokenizer.ggml.token_type", kind_type, kinds, n_kinds, n_kinds * 4);
    gb_array(&b, "tokenizer.ggml.scores", GGUF_F32, scores, n_scores, n_scores * 4);
    uint8_t *file = gb_finish(&b, &n);
    assert_int_equal(gguf_open_memory(&src, file, n, "tiny", NULL), SUMI_OK);
    sumi_status status = tokenizer_create(&t, src, err);
    tokenizer_destroy(t);
    model_source_close(src);
    free(file);
    return status;
}

static void arrays_must_have_the_length_and_type_that_tokens_have(void **state)
{
    sumi_error err;
    (void)state;
    assert_int_equal(open_arrays(3, GGUF_I32, 3, &err), SUMI_OK);
    assert_int_equal(open_arrays(2, GGUF_I32, 3, &err), SUMI_EFORMAT);
    assert_string_equal(err.message, "tiny: tokenizer.ggml.token_type is not an array of 3 32-bit integers");
    assert_int_equal(open_arrays(4, GGUF_I32, 3, &err), SUMI_EFORMAT);
    assert_int_equal(open_arrays(3, GGUF_F32, 3, &err), SUMI_EFORMAT);
    assert_int_equal(open_arrays(3, GGUF_I32, 2, &err), SUMI_EFORMAT);
    assert_string_equal(err.message, "tiny: tokenizer.ggml.scores is not an array of 3 float32 values");
}

static void a_merge_without_two_parts_is_refused_and_one_of_unknown_parts_ignored(void **state)
{
    static const char *const bad[] = { "ab", " ", "a ", " a", "" };
    tiny_vocab v;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        start(&v, "gpt2");
        v.merges[v.n_merges++] = strdup(bad[i]);
        refused(&v, SUMI_EFORMAT, "merge 0 is not two parts");
    }
    start(&v, "gpt2");
    v.merges[v.n_merges++] = strdup("a zz");
    v.merges[v.n_merges++] = strdup("a b"); /* no token "ab" */
    tiny_tokenizer t = tiny_open(&v);
    int32_t *ids, n_ids;
    assert_int_equal(t.status, SUMI_OK);
    assert_int_equal(tokenizer_encode(t.tokenizer, "ab", 2, 0, &ids, &n_ids, NULL), SUMI_OK);
    assert_int_equal(n_ids, 2);
    free(ids);
    tiny_close(&t);
}

static void empty_and_doubled_tokens_do_no_harm(void **state)
{
    tiny_vocab v;
    (void)state;
    start(&v, "gpt2");
    for (int kind = 1; kind <= 6; kind++) {
        tiny_token(&v, "", kind, 0);
        tiny_token(&v, "<x>", kind, 0);
        tiny_token(&v, "<x>", kind, 0);
    }
    tiny_tokenizer t = tiny_open(&v);
    int32_t *ids, n_ids;
    assert_int_equal(t.status, SUMI_OK);
    assert_int_equal(tokenizer_encode(t.tokenizer, "<x>", 3, SUMI_TOKENIZE_SPECIAL, &ids, &n_ids, NULL), SUMI_OK);
    assert_int_equal(n_ids, 1);
    free(ids);
    tiny_close(&t);
}

static void special_tokens_have_a_longest_length(void **state)
{
    tiny_vocab v;
    char *name = malloc(1026);
    (void)state;
    memset(name, 'x', 1025);
    name[1025] = '\0';
    start(&v, "gpt2");
    tiny_token(&v, name, 3, 0);
    refused(&v, SUMI_ELIMIT, "special token 256 has 1025 bytes");
    name[1024] = '\0';
    start(&v, "gpt2");
    tiny_token(&v, name, 3, 0);
    tiny_tokenizer t = tiny_open(&v);
    assert_int_equal(t.status, SUMI_OK);
    tiny_close(&t);
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_model_or_pre_tokenizer_is_named),
        cmocka_unit_test(missing_parts_are_named),
        cmocka_unit_test(ids_outside_the_vocabulary_are_refused_and_minus_one_means_none),
        cmocka_unit_test(wrong_kinds_are_refused),
        cmocka_unit_test(arrays_must_have_the_length_and_type_that_tokens_have),
        cmocka_unit_test(a_merge_without_two_parts_is_refused_and_one_of_unknown_parts_ignored),
        cmocka_unit_test(empty_and_doubled_tokens_do_no_harm),
        cmocka_unit_test(special_tokens_have_a_longest_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
