/* test_api_error.c - each API tells a refusal in its own object. */
#include "server/api/api_error.h"

#include <stdio.h>

#include "test_support.h"

static void assert_json(const api_error *e, api_kind api, const char *want)
{
    buf out;
    buf_init(&out, SIZE_MAX);
    api_error_json(e, api, "req-1", &out);
    assert_string_equal(out.data, want);
    buf_deinit(&out);
}

static void each_api_has_its_own_object(void **state)
{
    (void)state;
    api_error e;
    assert_false(api_fail(&e, 404, "model_not_found", "model", "no \"%s\"\n", "m"));
    assert_json(&e, API_OPENAI,
                "{\"error\":{\"message\":\"no \\\"m\\\"?\",\"type\":\"invalid_request_error\",\"param\":"
                "\"model\",\"code\":\"model_not_found\"}}");
    assert_json(&e, API_ANTHROPIC,
                "{\"type\":\"error\",\"error\":{\"type\":\"not_found_error\",\"message\":\"no "
                "\\\"m\\\"?\"},\"request_id\":\"req-1\"}");
    assert_json(&e, API_OLLAMA, "{\"error\":\"no \\\"m\\\"?\"}");
}

static void the_type_tells_anthropics_clients_what_to_do(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *type;
    } cases[] = { { 400, "invalid_request_error" },
                  { 401, "authentication_error" },
                  { 403, "permission_error" },
                  { 405, "invalid_request_error" },
                  { 413, "request_too_large" },
                  { 429, "rate_limit_error" },
                  { 500, "api_error" },
                  { 503, "overloaded_error" },
                  { 504, "timeout_error" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[256];
        api_error e;
        api_fail(&e, cases[i].status, NULL, NULL, "why");
        snprintf(want, sizeof want,
                 "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":\"why\"},\"request_id\":\"req-1\"}",
                 cases[i].type);
        assert_json(&e, API_ANTHROPIC, want);
    }
}

static void each_time_limit_has_its_code_whatever_the_message_says(void **state)
{
    (void)state;
    static const struct {
        sumi_time_limit limit;
        int status;
        const char *code;
    } cases[] = { { SUMI_LIMIT_QUEUE, 503, "queue_timeout" },
                  { SUMI_LIMIT_FIRST_TOKEN, 504, "first_token_timeout" },
                  { SUMI_LIMIT_TOTAL, 504, "request_timeout" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        api_error e;
        assert_false(api_fail_finish(&e, SUMI_FINISH_DEADLINE, cases[i].limit, "first token in the queue"));
        assert_int_equal(e.status, cases[i].status);
        assert_string_equal(e.code, cases[i].code);
    }
}

/* The words are those that LiteLLM's exception mapping and Anthropic's own clients search for. */
static void a_prompt_that_is_too_long_is_told_in_each_apis_words(void **state)
{
    (void)state;
    api_error e;
    assert_false(api_fail_context(&e, "input", 5000, 4096));
    assert_int_equal(e.status, 400);
    assert_json(&e, API_OPENAI,
                "{\"error\":{\"message\":\"This model's maximum context length is 4096 tokens. However, your prompt "
                "has 5000 tokens. Please reduce its length, or start the server with a larger --ctx.\",\"type\":"
                "\"invalid_request_error\",\"param\":\"input\",\"code\":\"context_length_exceeded\","
                "\"n_prompt_tokens\":5000,\"n_ctx\":4096}}");
    assert_json(&e, API_ANTHROPIC,
                "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too "
                "long: 5000 tokens > 4096 maximum\"},\"request_id\":\"req-1\"}");
    assert_json(&e, API_OLLAMA,
                "{\"error\":\"the input length exceeds the context length: the prompt has 5000 tokens, the context "
                "holds 4096\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_api_has_its_own_object),
        cmocka_unit_test(the_type_tells_anthropics_clients_what_to_do),
        cmocka_unit_test(a_prompt_that_is_too_long_is_told_in_each_apis_words),
        cmocka_unit_test(each_time_limit_has_its_code_whatever_the_message_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
