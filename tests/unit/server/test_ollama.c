/* test_ollama.c - bodies and answers of Ollama's API, as its documentation shows them. */
#include <stdlib.h>
#include <string.h>

#include "reply_support.h"
#include "server/api/ollama/ollama_reply.h"
#include "server/api/ollama/ollama_request.h"

static text_request r;
static api_error e;

static bool parse(text_parse_fn fn, const char *body)
{
    const text_limits limits = text_limits_default();
    memset(&e, 0, sizeof e);
    return fn(&r, body, strlen(body), &limits, &e);
}

static void assert_messages(const char *want)
{
    char *text = json_dumps(r.messages, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, want);
    free(text);
}

static void a_chat_with_all_fields_is_read(void **state)
{
    (void)state;
    assert_true(parse(ollama_parse_chat,
                      "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\","
                      "\"content\":\"a\",\"images\":[]}],\"stream\":false,\"keep_alive\":\"5m\",\"format\":\"\","
                      "\"think\":false,\"tools\":[],\"options\":{\"temperature\":0.5,\"top_k\":7,\"top_p\":0.6,"
                      "\"min_p\":0.1,\"typical_p\":0.7,\"seed\":42,\"num_predict\":9,\"stop\":[\"x\"],"
                      "\"repeat_penalty\":1.3,\"repeat_last_n\":-1,\"presence_penalty\":1,\"frequency_penalty\":2,"
                      "\"num_ctx\":1024,\"mirostat\":0}}"));
    assert_messages("[{\"content\":\"s\",\"role\":\"system\"},{\"content\":\"a\",\"role\":\"user\"}]");
    const sumi_sampling *s = &r.params.sampling;
    assert_true(s->temperature == 0.5f && s->top_p == 0.6f && s->min_p == 0.1f && s->typical_p == 0.7f);
    assert_true(s->repeat_penalty == 1.3f && s->presence_penalty == 1 && s->frequency_penalty == 2);
    assert_int_equal(s->top_k, 7);
    assert_int_equal(s->penalty_last_n, -1);
    assert_int_equal(r.params.max_tokens, 9);
    assert_string_equal(r.params.stop[0], "x");
    assert_true(r.has_seed && s->seed == 42 && !r.stream);
    text_request_deinit(&r);
}

static void what_is_missing_has_ollamas_defaults(void **state)
{
    (void)state;
    assert_true(parse(ollama_parse_generate,
                      "{\"model\":\"m\",\"prompt\":\"a\",\"options\":{\"seed\":-1,\"num_predict\":-2,\"top_k\":0}}"));
    const sumi_sampling *s = &r.params.sampling;
    assert_true(s->temperature == 0.8f && s->top_p == 0.9f && s->repeat_penalty == 1.1f && s->min_p == 0);
    assert_int_equal(s->top_k, 0);
    assert_int_equal(s->penalty_last_n, 64);
    assert_int_equal(r.params.max_tokens, -1);
    assert_true(r.stream && !r.has_seed);
    text_request_deinit(&r);
}

static void prompts_are_chats_unless_raw(void **state)
{
    (void)state;
    assert_true(parse(ollama_parse_generate, "{\"model\":\"m\",\"system\":\"s\",\"prompt\":\"a\"}"));
    assert_messages("[{\"content\":\"s\",\"role\":\"system\"},{\"content\":\"a\",\"role\":\"user\"}]");
    assert_string_equal(r.prompts[0].text, "a"); /* for models without a template */
    text_request_deinit(&r);
    assert_true(parse(ollama_parse_generate, "{\"model\":\"m\",\"prompt\":\"a b\",\"raw\":true}"));
    assert_null(r.messages);
    assert_int_equal(r.n_prompts, 1);
    assert_string_equal(r.prompts[0].text, "a b");
    assert_int_equal(r.prompts[0].n_bytes, 3);
    text_request_deinit(&r);
}

static void without_a_prompt_nothing_is_to_be_answered(void **state)
{
    (void)state;
    assert_true(parse(ollama_parse_generate, "{\"model\":\"m\"}"));
    assert_int_equal(r.n_prompts, 0);
    text_request_deinit(&r);
    assert_true(parse(ollama_parse_chat, "{\"model\":\"m\",\"messages\":[]}"));
    assert_int_equal(r.n_prompts, 0);
    text_request_deinit(&r);
}

static void a_last_message_of_the_assistant_begins_the_answer(void **state)
{
    (void)state;
    assert_true(parse(ollama_parse_chat, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
                                         "{\"role\":\"assistant\",\"content\":\"b\"}]}"));
    assert_messages("[{\"content\":\"a\",\"role\":\"user\"}]");
    assert_string_equal(json_string_value(r.prefill), "b");
    text_request_deinit(&r);
}

static void roles_are_read_in_lower_case_and_content_may_be_missing(void **state)
{
    (void)state;
    assert_true(parse(ollama_parse_chat, "{\"model\":\"m\",\"messages\":[{\"role\":\"System\",\"content\":\"s\"},"
                                         "{\"role\":\"user\"},{\"role\":\"ASSISTANT\",\"content\":null},"
                                         "{\"role\":\"USER\",\"content\":\"a\"}]}"));
    assert_messages("[{\"content\":\"s\",\"role\":\"system\"},{\"content\":\"\",\"role\":\"user\"},"
                    "{\"content\":\"\",\"role\":\"assistant\"},{\"content\":\"a\",\"role\":\"user\"}]");
    text_request_deinit(&r);
    assert_false(parse(ollama_parse_chat, "{\"model\":\"m\",\"messages\":[{\"content\":\"a\"}]}"));
    assert_false(parse(ollama_parse_chat, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":5}]}"));
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *body, *message;
    } cases[] = {
        { "{\"model\":1}", "model: it must be a string" },
        { "{\"model\":\"m\",\"messages\":{}}", "messages: a list of at least one message is needed" },
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"root\",\"content\":\"a\"}]}",
          "messages[0].role: it must be one of user, assistant, system, tool" },
        { "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"images\":[\"aGk=\"]}]}",
          "images: not supported by this server" },
        { "{\"model\":\"m\",\"tools\":[{}]}", "tools: not supported by this server" },
        { "{\"model\":\"m\",\"format\":\"json\"}", "format: not supported by this server" },
        { "{\"model\":\"m\",\"think\":\"high\"}", "think: not supported by this server" },
        { "{\"model\":\"m\",\"template\":\"t\"}", "template: not supported by this server" },
        { "{\"model\":\"m\",\"stream\":1}", "stream: it must be true or false" },
        { "{\"model\":\"m\",\"options\":[]}", "options: it must be an object" },
        { "{\"model\":\"m\",\"options\":{\"temperature\":-1}}", "temperature: -1 is not between 0 and 100" },
        { "{\"model\":\"m\",\"options\":{\"seed\":1.5}}", "seed: it must be a whole number" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (parse(ollama_parse_chat, cases[i].body)) fail_msg("accepted: %s", cases[i].body);
        assert_int_equal(e.status, 400);
        assert_string_equal(e.message, cases[i].message);
        assert_null(r.root);
    }
    assert_false(parse(ollama_parse_generate, "{\"model\":\"m\",\"prompt\":[1]}"));
    assert_string_equal(e.message, "prompt: it must be a string");
    assert_false(parse(ollama_parse_generate, "{\"model\":\"m\",\"prompt\":\"a\",\"suffix\":\"b\"}"));
    assert_string_equal(e.message, "suffix: not supported by this server");
}

/* ---- Answers ---- */

#define HEAD "{\"model\":\"m\",\"created_at\":\"1970-01-01T00:00:07Z\","
#define NUMBERS                                                                     \
    "\"total_duration\":6000000,\"load_duration\":1000000,\"prompt_eval_count\":5," \
    "\"prompt_eval_duration\":2000000,\"eval_count\":3,\"eval_duration\":3000000}"

static test_reply open_chat(const char *body)
{
    return reply_open(ollama_parse_chat, ollama_chat_reply_create, &ollama_format, body);
}

static test_reply open_generate(const char *body)
{
    return reply_open(ollama_parse_generate, ollama_generate_reply_create, &ollama_format, body);
}

static void a_whole_chat(void **state)
{
    (void)state;
    test_reply t = open_chat("{\"model\":\"m\",\"stream\":false,"
                             "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}");
    reply_piece(&t, 0, 0, "H");
    reply_piece(&t, 0, 0, "i");
    reply_choice_ends(&t, 0, 0, SUMI_FINISH_STOP, NULL);
    reply_ends(&t, 0, SUMI_FINISH_STOP, "");
    assert_whole(&t, HEAD "\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":true,"
                          "\"done_reason\":\"stop\"," NUMBERS);
}

static void streams_have_an_object_on_each_line(void **state)
{
    (void)state;
    test_reply t = open_chat("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}");
    reply_piece(&t, 0, 0, "Hi\n");
    reply_piece(&t, 0, 0, "");
    reply_choice_ends(&t, 0, 0, SUMI_FINISH_LENGTH, NULL);
    reply_ends(&t, 0, SUMI_FINISH_LENGTH, "");
    assert_streamed(&t, HEAD "\"message\":{\"role\":\"assistant\",\"content\":\"Hi\\n\"},\"done\":false}\n" HEAD
                             "\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_"
                             "reason\":\"length\"," NUMBERS "\n");
    t = open_generate("{\"model\":\"m\",\"prompt\":\"a\"}");
    reply_piece(&t, 0, 0, "Hi");
    reply_choice_ends(&t, 0, 0, SUMI_FINISH_STOP, NULL);
    reply_ends(&t, 0, SUMI_FINISH_STOP, "");
    assert_streamed(&t, HEAD "\"response\":\"Hi\",\"done\":false}\n" HEAD
                             "\"response\":\"\",\"done\":true,\"done_reason\":\"stop\"," NUMBERS "\n");
}

static void loading_is_answered_at_once(void **state)
{
    (void)state;
    test_reply t = open_generate("{\"model\":\"m\"}");
    assert_streamed(&t, HEAD "\"response\":\"\",\"done\":true,\"done_reason\":\"load\"}\n");
    t = open_chat("{\"model\":\"m\",\"stream\":false}");
    assert_whole(&t, HEAD "\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,"
                          "\"done_reason\":\"load\"}");
}

static void a_request_that_failed_is_an_error(void **state)
{
    (void)state;
    test_reply t = open_generate("{\"model\":\"m\",\"prompt\":\"a\",\"stream\":false}");
    reply_ends(&t, 0, SUMI_FINISH_REFUSED, "");
    assert_failed(&t, 503);
    t = open_generate("{\"model\":\"m\",\"prompt\":\"a\"}");
    reply_ends(&t, 0, SUMI_FINISH_ERROR, "a logit is NaN");
    assert_streamed(&t, "{\"error\":\"a logit is NaN\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chat_with_all_fields_is_read),
        cmocka_unit_test(what_is_missing_has_ollamas_defaults),
        cmocka_unit_test(prompts_are_chats_unless_raw),
        cmocka_unit_test(without_a_prompt_nothing_is_to_be_answered),
        cmocka_unit_test(a_last_message_of_the_assistant_begins_the_answer),
        cmocka_unit_test(roles_are_read_in_lower_case_and_content_may_be_missing),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(a_whole_chat),
        cmocka_unit_test(streams_have_an_object_on_each_line),
        cmocka_unit_test(loading_is_answered_at_once),
        cmocka_unit_test(a_request_that_failed_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
