/* test_openai_request.c - bodies of requests: what they ask of the engine, and what is refused and how. */
#include "server/api/openai/openai_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_support.h"

static text_request r;
static api_error e;

typedef enum kind { COMPLETION, CHAT } kind;

static bool parse(kind k, const char *body)
{
    text_limits limits = text_limits_default();
    memset(&e, 0, sizeof e);
    return (k == CHAT ? openai_parse_chat : openai_parse_completion)(&r, body, strlen(body), &limits, &e);
}

static void a_chat_with_all_fields_is_read(void **state)
{
    (void)state;
    assert_true(
        parse(CHAT,
              "{\"model\":\"m\",\"messages\":[{\"role\":\"developer\",\"content\":\"Be brief\"},{\"role\":\"user\","
              "\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}],"
              "\"temperature\":0.5,\"top_p\":0.9,\"top_k\":-1,\"min_p\":0.1,\"n\":3,\"max_completion_tokens\":7,"
              "\"stop\":[\"x\",\"yz\"],\"seed\":-1,\"logit_bias\":{\"5\":-100,\"7\":1.5},\"logprobs\":true,"
              "\"top_logprobs\":4,\"presence_penalty\":1,\"frequency_penalty\":-2,\"stream\":true,"
              "\"stream_options\":{\"include_usage\":true},\"user\":\"u\",\"unknown\":{\"a\":[]},\"tools\":[]}"));
    assert_string_equal(r.model, "m");
    char *messages = json_dumps(r.messages, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(messages,
                        "[{\"content\":\"Be brief\",\"role\":\"system\"},{\"content\":\"ab\",\"role\":\"user\"}]");
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
    text_request_deinit(&r);
}

/* The server's own defaults go before the API's, what a body says before both. */
static void the_server_has_defaults_of_its_own(void **state)
{
    (void)state;
    const server_defaults defaults = { .sampling = { .temperature = 0.3f, .top_k = 9, .seed = 5 },
                                       .members = SUMI_SAMPLING_TEMPERATURE | SUMI_SAMPLING_SEED,
                                       .max_tokens = 77 };
    text_limits limits = text_limits_default();
    const char *body = "{\"prompt\":\"a\"}";
    limits.defaults = &defaults;
    assert_true(openai_parse_completion(&r, body, strlen(body), &limits, &e));
    assert_true(r.params.sampling.temperature == 0.3f && r.params.sampling.top_k == 0 && r.params.sampling.seed == 5);
    assert_true(r.has_seed && r.params.max_tokens == 77);
    text_request_deinit(&r);
    body = "{\"prompt\":\"a\",\"temperature\":0.9,\"seed\":6,\"max_tokens\":2}";
    assert_true(openai_parse_completion(&r, body, strlen(body), &limits, &e));
    assert_true(r.params.sampling.temperature == 0.9f && r.params.sampling.seed == 6 && r.params.max_tokens == 2);
    text_request_deinit(&r);
}

static void what_is_missing_or_null_is_the_apis_default(void **state)
{
    (void)state;
    assert_true(parse(COMPLETION, "{\"prompt\":\"Hi\",\"temperature\":null,\"stop\":null,\"suffix\":null}"));
    assert_true(r.params.sampling.temperature == 1 && r.params.sampling.top_p == 1 && r.params.sampling.min_p == 0);
    assert_int_equal(r.params.max_tokens, 16);
    assert_int_equal(r.params.n, 1);
    assert_true(r.params.sampling.skip_logprob && !r.has_seed && !r.stream && !r.model);
    text_request_deinit(&r);
    assert_true(parse(CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}"));
    assert_int_equal(r.params.max_tokens, -1);
    text_request_deinit(&r);
}

static void prompts_are_texts_or_ids_or_lists_of_them(void **state)
{
    (void)state;
    assert_true(parse(COMPLETION, "{\"prompt\":[\"a\",\"bc\"]}"));
    assert_int_equal(r.n_prompts, 2);
    assert_int_equal(r.prompts[1].n_bytes, 2);
    text_request_deinit(&r);
    assert_true(parse(COMPLETION, "{\"prompt\":[1,2,3],\"echo\":true,\"logprobs\":2,\"max_tokens\":0}"));
    assert_int_equal(r.n_prompts, 1);
    assert_int_equal(r.prompts[0].n_ids, 3);
    assert_int_equal(r.prompts[0].ids[2], 3);
    assert_int_equal(r.params.n_prompt_logprobs, 2);
    text_request_deinit(&r);
    assert_true(parse(COMPLETION, "{\"prompt\":[[1],[2,3]]}"));
    assert_int_equal(r.n_prompts, 2);
    assert_int_equal(r.prompts[1].n_ids, 2);
    text_request_deinit(&r);
}

static void mistakes_are_named_with_their_field(void **state)
{
    (void)state;
#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]"
    static const struct {
        kind kind;
        const char *body, *param, *code;
    } cases[] = {
        { CHAT, "", NULL, "invalid_json" },
        { CHAT, "{", NULL, "invalid_json" },
        { CHAT, "[]", NULL, "invalid_json" },
        { CHAT, "{\"a\":\"\xff\"}", NULL, "invalid_json" },
        { CHAT, "{}", "messages", "missing_field" },
        { CHAT, "{\"messages\":[]}", "messages", "invalid_type" },
        { CHAT, "{\"messages\":[1]}", "messages", "invalid_type" },
        { CHAT, "{\"messages\":[{\"role\":\"root\",\"content\":\"\"}]}", "messages", "invalid_value" },
        { CHAT, "{\"messages\":[{\"role\":\"user\"}]}", "messages", "invalid_type" },
        { CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}", "messages",
          "unsupported_content" },
        { CHAT, "{" MESSAGES ",\"temperature\":3}", "temperature", "invalid_value" },
        { CHAT, "{" MESSAGES ",\"temperature\":\"hot\"}", "temperature", "invalid_type" },
        { CHAT, "{" MESSAGES ",\"n\":0}", "n", "invalid_value" },
        { CHAT, "{" MESSAGES ",\"n\":1.5}", "n", "invalid_type" },
        { CHAT, "{" MESSAGES ",\"stop\":[1]}", "stop", "invalid_type" },
        { CHAT, "{" MESSAGES ",\"stop\":\"\"}", "stop", "invalid_value" },
        { CHAT, "{" MESSAGES ",\"logit_bias\":{\"x\":1}}", "logit_bias", "invalid_value" },
        { CHAT, "{" MESSAGES ",\"logit_bias\":{\"1\":101}}", "logit_bias", "invalid_value" },
        { CHAT, "{" MESSAGES ",\"top_logprobs\":2}", "top_logprobs", "invalid_value" },
        { CHAT, "{" MESSAGES ",\"stream_options\":{}}", "stream_options", "invalid_value" },
        { CHAT, "{" MESSAGES ",\"tools\":[{}]}", "tools", "unsupported_parameter" },
        { CHAT, "{" MESSAGES ",\"response_format\":{\"type\":\"json_object\"}}", "response_format",
          "unsupported_parameter" },
        { CHAT, "{" MESSAGES ",\"max_tokens\":0}", "max_tokens", "invalid_value" },
        { COMPLETION, "{}", "prompt", "missing_field" },
        { COMPLETION, "{\"prompt\":\"\"}", "prompt", "invalid_value" },
        { COMPLETION, "{\"prompt\":[]}", "prompt", "invalid_value" },
        { COMPLETION, "{\"prompt\":[1,\"a\"]}", "prompt", "invalid_type" },
        { COMPLETION, "{\"prompt\":[-1]}", "prompt", "invalid_type" },
        { COMPLETION, "{\"prompt\":\"a\",\"suffix\":\"b\"}", "suffix", "unsupported_parameter" },
        { COMPLETION, "{\"prompt\":\"a\",\"n\":3,\"best_of\":2}", "best_of", "invalid_value" },
        { COMPLETION, "{\"prompt\":\"a\",\"best_of\":2,\"stream\":true}", "best_of", "invalid_value" },
        { COMPLETION, "{\"prompt\":\"a\",\"logprobs\":21}", "logprobs", "invalid_value" },
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
    assert_true(parse(COMPLETION, body));
    text_request_deinit(&r);
    memset(body, '[', 200);
    body[200] = '\0';
    assert_false(parse(COMPLETION, body));
    assert_non_null(strstr(e.message, "nested"));
}

static void fields_of_vllm_that_are_there_are_read(void **state)
{
    (void)state;
    assert_true(parse(CHAT,
                      "{" MESSAGES
                      ",\"stop_token_ids\":[3,4],\"include_stop_str_in_output\":true,\"skip_special_tokens\":"
                      "false,\"chat_template_kwargs\":{\"enable_thinking\":false},\"reasoning_effort\":\"low\","
                      "\"add_generation_prompt\":false,\"continue_final_message\":true,\"truncate_prompt_tokens\":-1,"
                      "\"repeat_penalty\":1.5,\"repeat_last_n\":7}"));
    assert_true(r.params.n_stop_ids == 2 && r.params.stop_ids[1] == 4 && r.params.include_stop &&
                r.params.show_special);
    assert_true(json_is_false(json_object_get(r.template_vars, "enable_thinking")));
    assert_string_equal(json_string_value(json_object_get(r.template_vars, "reasoning_effort")), "low");
    assert_true(r.no_generation_prompt && r.continue_final && r.keep_last == -1);
    assert_true(r.params.sampling.repeat_penalty == 1.5f && r.params.sampling.penalty_last_n == 7);
    text_request_deinit(&r);
    assert_true(parse(CHAT, "{" MESSAGES ",\"add_generation_prompt\":true,\"chat_template_kwargs\":{"
                            "\"add_generation_prompt\":false,\"continue_final_message\":true}}"));
    assert_true(r.no_generation_prompt && r.continue_final);
    text_request_deinit(&r);
    assert_true(parse(COMPLETION, "{\"prompt\":\"a\",\"add_special_tokens\":false,\"truncate_prompt_tokens\":2}"));
    assert_true(r.no_bos_eos && r.keep_last == 2);
    text_request_deinit(&r);
}

/* Values that change nothing, as clients send them with every request. */
static void neutral_values_of_fields_that_are_not_there_are_taken(void **state)
{
    (void)state;
    static const char *const fields[] = {
        "\"guided_json\":null",         "\"grammar\":\"\"",
        "\"structured_outputs\":{}",    "\"tool_choice\":\"auto\"",
        "\"tool_choice\":\"none\"",     "\"modalities\":[\"text\"]",
        "\"use_beam_search\":false",    "\"mirostat\":0",
        "\"mirostat_tau\":5",           "\"tfs_z\":1.0",
        "\"top_n_sigma\":-1",           "\"xtc_probability\":0",
        "\"xtc_threshold\":0.1",        "\"dry_base\":1.75",
        "\"chat_template\":null",       "\"documents\":[]",
        "\"return_token_ids\":false",   "\"response_format\":{\"type\":\"text\"}",
        "\"parallel_tool_calls\":true", "\"service_tier\":\"auto\"",
        "\"add_special_tokens\":false",
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char body[256];
        snprintf(body, sizeof body, "{" MESSAGES ",%s}", fields[i]);
        if (!parse(CHAT, body)) fail_msg("%s: %s", fields[i], e.message);
        text_request_deinit(&r);
    }
}

static void fields_that_would_change_the_answer_are_refused(void **state)
{
    (void)state;
    static const struct {
        kind kind;
        const char *field;
    } cases[] = {
        { CHAT, "\"guided_json\":{\"type\":\"object\"}" },
        { CHAT, "\"guided_choice\":[\"a\"]" },
        { CHAT, "\"grammar\":\"root ::= \\\"x\\\"\"" },
        { CHAT, "\"json_schema\":{\"type\":\"object\"}" },
        { CHAT, "\"structured_outputs\":{\"choice\":[\"a\"]}" },
        { CHAT, "\"response_format\":{\"type\":\"json_schema\"}" },
        { CHAT, "\"tool_choice\":\"required\"" },
        { CHAT, "\"tool_choice\":{\"type\":\"function\"}" },
        { CHAT, "\"modalities\":[\"text\",\"audio\"]" },
        { CHAT, "\"chat_template\":\"{{1}}\"" },
        { CHAT, "\"documents\":[{}]" },
        { CHAT, "\"add_special_tokens\":true" },
        { CHAT, "\"chat_template_kwargs\":{\"messages\":[]}" },
        { CHAT, "\"chat_template_kwargs\":{\"bos_token\":\"x\"}" },
        { CHAT, "\"echo\":true" },
        { COMPLETION, "\"use_beam_search\":true" },
        { COMPLETION, "\"mirostat\":2" },
        { COMPLETION, "\"dry_multiplier\":0.5" },
        { COMPLETION, "\"return_token_ids\":true" },
        { COMPLETION, "\"samplers\":[\"top_k\"]" },
        { COMPLETION, "\"top_n_sigma\":1" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[256], name[64];
        snprintf(body, sizeof body, "{%s,%s}", cases[i].kind == CHAT ? MESSAGES : "\"prompt\":\"a\"", cases[i].field);
        snprintf(name, sizeof name, "%.*s", (int)strcspn(cases[i].field + 1, "\""), cases[i].field + 1);
        if (parse(cases[i].kind, body)) fail_msg("accepted: %s", cases[i].field);
        assert_string_equal(e.code, "unsupported_parameter");
        assert_string_equal(e.param, name);
    }
    assert_false(parse(CHAT, "{" MESSAGES ",\"reasoning_effort\":\"foo\"}"));
    assert_string_equal(e.param, "reasoning_effort");
    assert_false(parse(CHAT, "{" MESSAGES ",\"continue_final_message\":true,\"add_generation_prompt\":true}"));
    assert_string_equal(e.param, "continue_final_message");
    assert_false(parse(COMPLETION, "{\"prompt\":\"a\",\"truncate_prompt_tokens\":0}"));
    assert_string_equal(e.param, "truncate_prompt_tokens");
    assert_false(parse(CHAT, "{" MESSAGES ",\"stop_token_ids\":[-1]}"));
    assert_string_equal(e.param, "stop_token_ids");
}

static void a_refusal_of_the_history_is_what_the_assistant_said(void **state)
{
    (void)state;
    static const char *const said[] = { "\"content\":null,\"refusal\":\"No.\"", "\"refusal\":\"No.\"",
                                        "\"content\":[{\"type\":\"refusal\",\"refusal\":\"No.\"}]",
                                        "\"content\":\"No.\",\"refusal\":null" };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        char body[256];
        snprintf(body, sizeof body,
                 "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",%s}]}", said[i]);
        if (!parse(CHAT, body)) fail_msg("%s: %s", body, e.message);
        const json_t *m = json_array_get(r.messages, 1);
        assert_string_equal(json_string_value(json_object_get(m, "content")), "No.");
        assert_int_equal(json_object_size(m), 2);
        text_request_deinit(&r);
    }
    assert_false(parse(CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":null,\"refusal\":\"No.\"}]}"));
    assert_false(parse(CHAT, "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"refusal\":null}]}"));
}

static void a_prompts_alternatives_are_as_many_as_the_larger_field_wants(void **state)
{
    (void)state;
    assert_true(parse(CHAT, "{" MESSAGES ",\"prompt_logprobs\":3}"));
    assert_true(r.prompt_logprobs);
    assert_int_equal(r.params.n_prompt_logprobs, 3);
    text_request_deinit(&r);
    assert_true(parse(COMPLETION, "{\"prompt\":\"a\",\"echo\":true,\"logprobs\":5,\"prompt_logprobs\":0}"));
    assert_true(r.prompt_logprobs);
    assert_int_equal(r.n_prompt_top, 0);
    assert_int_equal(r.params.n_prompt_logprobs, 5);
    text_request_deinit(&r);
    assert_true(parse(COMPLETION, "{\"prompt\":\"a\",\"prompt_logprobs\":null}"));
    assert_false(r.prompt_logprobs);
    assert_int_equal(r.params.n_prompt_logprobs, -1);
    text_request_deinit(&r);
    static const char *const bad[] = { "21", "-1", "true", "1,\"stream\":true" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char body[128];
        snprintf(body, sizeof body, "{\"prompt\":\"a\",\"prompt_logprobs\":%s}", bad[i]);
        if (parse(COMPLETION, body)) fail_msg("accepted: %s", body);
        assert_string_equal(e.param, "prompt_logprobs");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_has_defaults_of_its_own),
        cmocka_unit_test(fields_of_vllm_that_are_there_are_read),
        cmocka_unit_test(neutral_values_of_fields_that_are_not_there_are_taken),
        cmocka_unit_test(fields_that_would_change_the_answer_are_refused),
        cmocka_unit_test(a_refusal_of_the_history_is_what_the_assistant_said),
        cmocka_unit_test(a_prompts_alternatives_are_as_many_as_the_larger_field_wants),
        cmocka_unit_test(a_chat_with_all_fields_is_read),
        cmocka_unit_test(what_is_missing_or_null_is_the_apis_default),
        cmocka_unit_test(prompts_are_texts_or_ids_or_lists_of_them),
        cmocka_unit_test(mistakes_are_named_with_their_field),
        cmocka_unit_test(deep_nesting_is_refused_and_brackets_in_strings_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
