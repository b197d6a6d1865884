/* test_openai_request.c - bodies of requests: what they ask of the engine, and what is refused and how. */
#include "server/openai_request.h"

#include <stdlib.h>
#include <string.h>

#include "test_support.h"

static openai_request r;
static api_error e;

static bool parse(openai_kind kind, const char *body)
{
    openai_limits limits = openai_limits_default();
    memset(&e, 0, sizeof e);
    return openai_request_parse(&r, kind, body, strlen(body), &limits, &e);
}

static void a_chat_with_all_fields_is_read(void **state)
{
    (void)state;
    assert_true(parse(
        OPENAI_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"Be brief\"},{\"role\":\"user\","
        "\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}],"
        "\"temperature\":0.5,\"top_p\":0.9,\"top_k\":-1,\"min_p\":0.1,\"n\":3,\"max_completion_tokens\":7,"
        "\"stop\":[\"x\",\"yz\"],\"seed\":-1,\"logit_bias\":{\"5\":-100,\"7\":1.5},\"logprobs\":true,"
        "\"top_logprobs\":4,\"presence_penalty\":1,\"frequency_penalty\":-2,\"stream\":true,"
        "\"stream_options\":{\"include_usage\":true},\"user\":\"u\",\"unknown\":{\"a\":[]},\"tools\":[]}"));
    assert_string_equal(r.model, "m");
    char *messages = json_dumps(r.messages, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(
        messages, "[{\"content\":\"Be brief\",\"role\":\"system\"},{\"content\":\"ab\",\"role\":\"user\"}]");
    free(messages);
    const sumi_request *p = &r.params;
    assert_true(p->sampling.temperature == 0.5f && p->sampling.top_p == 0.9f && p->sampling.min_p == 0.1f);
    assert_int_equal(p->sampling.top_k, 0);
    assert_int_equal(p->n, 3);
    assert_int_equal(p->max_tokens, 7);
    assert_int_equal(p->n_stop, 2);
    assert_string_equal(p->stop[1], "yz");
    assert_true(r.has_seed && p->sampling.seed == UINT64_MAX);
    assert_int_equal(p->sampling.n_bias, 2);
    assert_int_equal(p->sampling.bias[0].id + p->sampling.bias[1].id, 12);
    assert_true(r.logprobs && !p->sampling.skip_logprob);
    assert_int_equal(p->n_logprobs, 4);
    assert_true(r.stream && r.include_usage);
    openai_request_deinit(&r);
}

static void what_is_missing_or_null_is_the_apis_default(void **state)
{
    (void)state;
    assert_true(
        parse(OPENAI_COMPLETION, "{\"prompt\":\"Hi\",\"temperature\":null,\"stop\":null,\"suffix\":null}"));
    assert_true(r.params.sampling.temperature == 1 && r.params.sampling.top_p == 1 &&
                r.params.sampling.min_p == 0);
    assert_int_equal(r.params.max_tokens, 16);
    assert_int_equal(r.params.n, 1);
    assert_true(r.params.sampling.skip_logprob && !r.has_seed && !r.stream && !r.model);
    openai_request_deinit(&r);
    assert_true(parse(OPENAI_CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}"));
    assert_int_equal(r.params.max_tokens, -1);
    openai_request_deinit(&r);
}

static void prompts_are_texts_or_ids_or_lists_of_them(void **state)
{
    (void)state;
    assert_true(parse(OPENAI_COMPLETION, "{\"prompt\":[\"a\",\"bc\"]}"));
    assert_int_equal(r.n_prompts, 2);
    assert_int_equal(r.prompts[1].n_bytes, 2);
    openai_request_deinit(&r);
    assert_true(
        parse(OPENAI_COMPLETION, "{\"prompt\":[1,2,3],\"echo\":true,\"logprobs\":2,\"max_tokens\":0}"));
    assert_int_equal(r.n_prompts, 1);
    assert_int_equal(r.prompts[0].n_ids, 3);
    assert_int_equal(r.prompts[0].ids[2], 3);
    assert_int_equal(r.params.n_prompt_logprobs, 2);
    openai_request_deinit(&r);
    assert_true(parse(OPENAI_COMPLETION, "{\"prompt\":[[1],[2,3]]}"));
    assert_int_equal(r.n_prompts, 2);
    assert_int_equal(r.prompts[1].n_ids, 2);
    openai_request_deinit(&r);
}

static void mistakes_are_named_with_their_field(void **state)
{
    (void)state;
#define CHAT "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]"
    static const struct {
        openai_kind kind;
        const char *body, *param, *code;
    } cases[] = {
        { OPENAI_CHAT, "", NULL, "invalid_json" },
        { OPENAI_CHAT, "{", NULL, "invalid_json" },
        { OPENAI_CHAT, "[]", NULL, "invalid_json" },
        { OPENAI_CHAT, "{\"a\":\"\xff\"}", NULL, "invalid_json" },
        { OPENAI_CHAT, "{}", "messages", "missing_field" },
        { OPENAI_CHAT, "{\"messages\":[]}", "messages", "invalid_type" },
        { OPENAI_CHAT, "{\"messages\":[1]}", "messages", "invalid_type" },
        { OPENAI_CHAT, "{\"messages\":[{\"role\":\"root\",\"content\":\"\"}]}", "messages", "invalid_value" },
        { OPENAI_CHAT, "{\"messages\":[{\"role\":\"user\"}]}", "messages", "invalid_type" },
        { OPENAI_CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
          "messages", "unsupported_content" },
        { OPENAI_CHAT, "{" CHAT ",\"temperature\":3}", "temperature", "invalid_value" },
        { OPENAI_CHAT, "{" CHAT ",\"temperature\":\"hot\"}", "temperature", "invalid_type" },
        { OPENAI_CHAT, "{" CHAT ",\"n\":0}", "n", "invalid_value" },
        { OPENAI_CHAT, "{" CHAT ",\"n\":1.5}", "n", "invalid_type" },
        { OPENAI_CHAT, "{" CHAT ",\"stop\":[1]}", "stop", "invalid_type" },
        { OPENAI_CHAT, "{" CHAT ",\"stop\":\"\"}", "stop", "invalid_value" },
        { OPENAI_CHAT, "{" CHAT ",\"logit_bias\":{\"x\":1}}", "logit_bias", "invalid_value" },
        { OPENAI_CHAT, "{" CHAT ",\"logit_bias\":{\"1\":101}}", "logit_bias", "invalid_value" },
        { OPENAI_CHAT, "{" CHAT ",\"top_logprobs\":2}", "top_logprobs", "invalid_value" },
        { OPENAI_CHAT, "{" CHAT ",\"stream_options\":{}}", "stream_options", "invalid_value" },
        { OPENAI_CHAT, "{" CHAT ",\"tools\":[{}]}", "tools", "unsupported_parameter" },
        { OPENAI_CHAT, "{" CHAT ",\"response_format\":{\"type\":\"json_object\"}}", "response_format",
          "unsupported_parameter" },
        { OPENAI_CHAT, "{" CHAT ",\"max_tokens\":0}", "max_tokens", "invalid_value" },
        { OPENAI_COMPLETION, "{}", "prompt", "missing_field" },
        { OPENAI_COMPLETION, "{\"prompt\":\"\"}", "prompt", "invalid_value" },
        { OPENAI_COMPLETION, "{\"prompt\":[]}", "prompt", "invalid_value" },
        { OPENAI_COMPLETION, "{\"prompt\":[1,\"a\"]}", "prompt", "invalid_type" },
        { OPENAI_COMPLETION, "{\"prompt\":[-1]}", "prompt", "invalid_type" },
        { OPENAI_COMPLETION, "{\"prompt\":\"a\",\"suffix\":\"b\"}", "suffix", "unsupported_parameter" },
        { OPENAI_COMPLETION, "{\"prompt\":\"a\",\"n\":3,\"best_of\":2}", "best_of", "invalid_value" },
        { OPENAI_COMPLETION, "{\"prompt\":\"a\",\"best_of\":2,\"stream\":true}", "best_of", "invalid_value" },
        { OPENAI_COMPLETION, "{\"prompt\":\"a\",\"logprobs\":21}", "logprobs", "invalid_value" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (parse(cases[i].kind, cases[i].body)) fail_msg("accepted: %s", cases[i].body);
        assert_int_equal(e.status, 400);
        assert_string_equal(e.code, cases[i].code);
        if (cases[i].param) assert_string_equal(e.param, cases[i].param);
        else assert_null(e.param);
        assert_null(strchr(e.message, '\n'));
        assert_true(strlen(e.message) > 10);
    }
}

static void deep_nesting_is_refused_and_brackets_in_strings_do_not_count(void **state)
{
    (void)state;
    char body[400] = "{\"prompt\":\"", *at = body + strlen(body);
    memset(at, '[', 200);
    strcpy(at + 200, "\"}");
    assert_true(parse(OPENAI_COMPLETION, body));
    openai_request_deinit(&r);
    memset(body, '[', 200);
    body[200] = '\0';
    assert_false(parse(OPENAI_COMPLETION, body));
    assert_non_null(strstr(e.message, "nested"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chat_with_all_fields_is_read),
        cmocka_unit_test(what_is_missing_or_null_is_the_apis_default),
        cmocka_unit_test(prompts_are_texts_or_ids_or_lists_of_them),
        cmocka_unit_test(mistakes_are_named_with_their_field),
        cmocka_unit_test(deep_nesting_is_refused_and_brackets_in_strings_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
