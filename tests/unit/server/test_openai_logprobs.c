/* test_openai_logprobs.c - names of tokens in completions: no two alternatives share a key. */
#include "server/api/openai/openai_logprobs.h"

#include <jansson.h>
#include <math.h>

#include "test_support.h"
#include "tiny_vocab.h"

static json_t *completion_of(const sumi_model *m, const sumi_choice *token, const sumi_choice *top, int32_t n_top)
{
    logprob_lists l;
    buf out;
    logprob_lists_init(&l);
    buf_init(&out, SIZE_MAX);
    logprobs_add_completion(&l, m, token, true, top, n_top);
    logprobs_put_completion(&l, &out);
    json_t *o = json_loadb(out.data, out.n, JSON_REJECT_DUPLICATES, NULL);
    if (!o) fail_msg("%s", out.data);
    buf_deinit(&out);
    logprob_lists_deinit(&l);
    return o;
}

static void assert_logprob(const json_t *o, const char *name, double want)
{
    const json_t *top = json_array_get(json_object_get(o, "top_logprobs"), 0), *v = json_object_get(top, name);
    if (!v) fail_msg("no %s", name);
    assert_true(json_number_value(v) == want);
}

/* Token i is byte i. */
static sumi_model *model_of_bytes(void)
{
    tiny_vocab v;
    tiny_init(&v, "gpt2");
    tiny_bytes(&v);
    gb_str(&v.file, "tokenizer.ggml.pre", "gpt-2");
    return tiny_model(&v);
}

static void parts_of_a_character_have_keys_of_their_own(void **state)
{
    (void)state;
    sumi_model *m = model_of_bytes();
    const sumi_choice top[] = { { 0xF0, -0.5f }, { 0xE2, -1 }, { 'a', -2 } };
    json_t *o = completion_of(m, &top[0], top, 3);
    assert_string_equal(json_string_value(json_array_get(json_object_get(o, "tokens"), 0)), "bytes:\\xf0");
    assert_int_equal(json_object_size(json_array_get(json_object_get(o, "top_logprobs"), 0)), 3);
    assert_logprob(o, "bytes:\\xf0", -0.5);
    assert_logprob(o, "bytes:\\xe2", -1);
    assert_logprob(o, "a", -2);
    json_decref(o);
    sumi_model_close(m);
}

/* SentencePiece vocabularies have "a" and the byte 0x61. */
static void a_byte_does_not_hide_the_letter_that_it_is(void **state)
{
    (void)state;
    tiny_vocab v;
    tiny_init(&v, "llama");
    tiny_bytes(&v);
    const sumi_choice byte = { 'a', -3 }, letter = { tiny_token(&v, "a", 1, 0), -1 };
    sumi_model *m = tiny_model(&v);
    json_t *o = completion_of(m, &letter, (const sumi_choice[]){ letter, byte }, 2);
    assert_logprob(o, "a", -1);
    assert_logprob(o, "bytes:\\x61", -3);
    json_decref(o);
    o = completion_of(m, &byte, (const sumi_choice[]){ letter }, 1);
    assert_logprob(o, "a", -3);
    assert_logprob(o, "bytes:\\x61", -1);
    json_decref(o);
    const sumi_choice other = { 'b', -0.5f };
    o = completion_of(m, &other, (const sumi_choice[]){ other, letter, byte }, 3);
    assert_logprob(o, "a", -1);
    assert_logprob(o, "bytes:\\x61", -3);
    json_decref(o);
    sumi_model_close(m);
}

/* Byte for byte what vLLM's Logprob objects become in JSON: the prompt's own token is told once, wherever it stands. */
static void a_prompts_token_is_told_with_its_rank_before_the_others(void **state)
{
    (void)state;
    sumi_model *m = model_of_bytes();
    const sumi_choice top[] = { { 'a', -0.5f }, { 'b', -1 }, { -1, 0 } }, other = { 0xF0, -9 };
    buf out;
    buf_init(&out, SIZE_MAX);
    logprobs_put_prompt(m, &top[1], 2, top, 3, &out);
    logprobs_put_prompt(m, &other, 77, top, 1, &out);
    buf_append_char(&out, '\0');
    assert_string_equal(out.data, "{\"98\":{\"logprob\":-1,\"rank\":2,\"decoded_token\":\"b\"},"
                                  "\"97\":{\"logprob\":-0.5,\"rank\":1,\"decoded_token\":\"a\"}}"
                                  "{\"240\":{\"logprob\":-9,\"rank\":77,\"decoded_token\":\"\xEF\xBF\xBD\"},"
                                  "\"97\":{\"logprob\":-0.5,\"rank\":1,\"decoded_token\":\"a\"}}");
    buf_deinit(&out);
    sumi_model_close(m);
}

/* JSON has no infinity; a token that a mask or a bias excludes has the log-probability -9999, as in vLLM. */
static void an_infinite_logprob_is_a_number(void **state)
{
    (void)state;
    sumi_model *m = model_of_bytes();
    const sumi_choice token = { 'a', -0.5f }, top[] = { token, { 'b', -INFINITY } };
    json_t *o = completion_of(m, &token, top, 2);
    assert_logprob(o, "b", -9999);
    json_decref(o);
    sumi_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_a_character_have_keys_of_their_own),
        cmocka_unit_test(a_prompts_token_is_told_with_its_rank_before_the_others),
        cmocka_unit_test(a_byte_does_not_hide_the_letter_that_it_is),
        cmocka_unit_test(an_infinite_logprob_is_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
