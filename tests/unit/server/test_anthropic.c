/* test_anthropic.c - bodies and answers of the Anthropic API, as its reference shows them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reply_support.h"
#include "server/api/anthropic/anthropic_reply.h"
#include "server/api/anthropic/anthropic_request.h"

static text_request r;
static api_error e;

static bool parse_as(text_parse_fn parse, const char *body)
{
    const text_limits limits = text_limits_default();
    memset(&e, 0, sizeof e);
    return parse(&r, body, strlen(body), &limits, &e);
}

static bool parse(const char *body)
{
    return parse_as(anthropic_parse_messages, body);
}

static void assert_messages(const char *want)
{
    char *text = json_dumps(r.messages, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, want);
    free(text);
}

static void a_body_with_all_fields_is_read(void **state)
{
    (void)state;
    assert_true(parse("{\"model\":\"m\",\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"Be \"},"
                      "{\"type\":\"text\",\"text\":\"brief\",\"cache_control\":{\"type\":\"ephemeral\"}}],"
                      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}],"
                      "\"stop_sequences\":[\"x\",\"yz\"],\"temperature\":0.5,\"top_p\":0.9,\"top_k\":7,"
                      "\"metadata\":{\"user_id\":\"u\"},\"stream\":true,\"tools\":[],"
                      "\"tool_choice\":{\"type\":\"auto\"},\"thinking\":{\"type\":\"disabled\"},\"new\":[1]}"));
    assert_string_equal(r.model, "m");
    assert_messages("[{\"content\":\"Be brief\",\"role\":\"system\"},{\"content\":\"a\",\"role\":\"user\"}]");
    const sumi_sampling *s = &r.params.sampling;
    assert_true(s->temperature == 0.5f && s->top_p == 0.9f && s->top_k == 7 && r.stream && !r.has_seed);
    assert_int_equal(r.params.max_tokens, 9);
    assert_int_equal(r.params.n_stop, 2);
    assert_null(r.prefill);
    text_request_deinit(&r);
}

static void turns_of_one_role_are_one(void **state)
{
    (void)state;
    assert_true(parse("{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\","
                      "\"content\":\"b\"},{\"role\":\"assistant\",\"content\":\"c\"},"
                      "{\"role\":\"user\",\"content\":\"d\"}]}"));
    assert_messages("[{\"content\":\"a\\n\\nb\",\"role\":\"user\"},{\"content\":\"c\",\"role\":\"assistant\"},"
                    "{\"content\":\"d\",\"role\":\"user\"}]");
    text_request_deinit(&r);
}

static void a_last_turn_of_the_assistant_begins_the_answer(void **state)
{
    (void)state;
    assert_true(parse("{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
                      "{\"role\":\"assistant\",\"content\":\"The best is (\"}]}"));
    assert_messages("[{\"content\":\"a\",\"role\":\"user\"}]");
    assert_string_equal(json_string_value(r.prefill), "The best is (");
    text_request_deinit(&r);
}

static void counting_needs_no_max_tokens(void **state)
{
    (void)state;
    const char *body = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}";
    assert_true(parse_as(anthropic_parse_count, body));
    text_request_deinit(&r);
    assert_false(parse(body));
    assert_string_equal(e.message, "max_tokens: it is missing");
    assert_null(r.root);
}

static void mistakes_are_named_with_their_field(void **state)
{
    (void)state;
#define GOOD "\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]"
    static const struct {
        const char *body, *message;
    } cases[] = {
        { "{\"max_tokens\":1}", "messages: a list of at least one message is needed" },
        { "{\"max_tokens\":1,\"messages\":[]}", "messages: a list of at least one message is needed" },
        { "{\"max_tokens\":1,\"messages\":[{\"role\":\"tool\",\"content\":\"a\"}]}",
          "messages[0].role: it must be one of user, assistant, system" },
        { "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]}]}",
          "messages[0].content[0]: only {\"type\": \"text\", \"text\": \"...\"} is supported" },
        { "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\"}]}",
          "messages[0].content: it must be a string or a list of parts" },
        { "{" GOOD ",\"system\":[1]}", "system[0]: only {\"type\": \"text\", \"text\": \"...\"} is supported" },
        { "{" GOOD ",\"system\":1}", "system: it must be a string or a list of parts" },
        { "{" GOOD ",\"temperature\":1.5}", "temperature: 1.5 is not between 0 and 1" },
        { "{" GOOD ",\"top_k\":-1}", "top_k: -1 is not between 0 and 2147483647" },
        { "{" GOOD ",\"max_tokens\":-1}", "max_tokens: -1 is not between 0 and 2147483647" },
        { "{" GOOD ",\"stop_sequences\":\"x\"}", "stop_sequences: it must be a list of strings" },
        { "{" GOOD ",\"stop_sequences\":[\"\"]}", "stop_sequences: string 1 is empty" },
        { "{" GOOD ",\"metadata\":1}", "metadata: it must be an object" },
        { "{" GOOD ",\"metadata\":{\"user_id\":1}}", "user_id: it must be a string" },
        { "{" GOOD ",\"tools\":[{\"name\":\"a\"}]}", "tools: not supported by this server" },
        { "{" GOOD ",\"tool_choice\":{\"type\":\"any\"}}",
          "tool_choice: only the types 'auto' and 'none' are supported by this server" },
        { "{" GOOD ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}}",
          "thinking: only the type 'disabled' is supported by this server" },
        { "{" GOOD ",\"thinking\":true}", "thinking: it must be an object" },
        { "{" GOOD ",\"output_config\":{\"format\":{\"type\":\"json_schema\"}}}",
          "output_config: no format is supported by this server" },
        { "[]", "the body is not a JSON object" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (parse(cases[i].body)) fail_msg("accepted: %s", cases[i].body);
        assert_int_equal(e.status, 400);
        assert_string_equal(e.message, cases[i].message);
        assert_null(r.root);
    }
}

/* ---- Answers ---- */

static test_reply open_reply(const char *more)
{
    char body[256];
    snprintf(body, sizeof body,
             "{\"max_tokens\":3,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],"
             "\"stop_sequences\":[\"END\"]%s}",
             more);
    return reply_open(anthropic_parse_messages, anthropic_reply_create, &anthropic_format, body);
}

#define USAGE(input, cached, output)                                                                               \
    ",\"usage\":{\"input_tokens\":" input ",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":" cached \
    ",\"output_tokens\":" output "}"

static void a_whole_message(void **state)
{
    (void)state;
    test_reply t = open_reply("");
    reply_piece(&t, 0, 0, "He said \"");
    reply_piece(&t, 0, 0, "no\"");
    reply_choice_ends(&t, 0, 0, SUMI_FINISH_STOP, "END");
    reply_ends(&t, 0, SUMI_FINISH_STOP, "");
    assert_whole(&t, "{\"id\":\"msg_x\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":["
                     "{\"type\":\"text\",\"text\":\"He said \\\"no\\\"\"}],\"stop_reason\":\"stop_sequence\","
                     "\"stop_sequence\":\"END\"" USAGE("3", "2", "3") "}");
}

static void the_stop_reason_tells_what_ended_it(void **state)
{
    (void)state;
    static const struct {
        sumi_finish finish;
        const char *more, *reason;
    } cases[] = { { SUMI_FINISH_STOP, "", "end_turn" },
                  { SUMI_FINISH_LENGTH, "", "max_tokens" },
                  { SUMI_FINISH_LENGTH, ",\"max_tokens\":4", "model_context_window_exceeded" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[400];
        snprintf(want, sizeof want,
                 "{\"id\":\"msg_x\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":["
                 "{\"type\":\"text\",\"text\":\"\"}],\"stop_reason\":\"%s\",\"stop_sequence\":null" USAGE("3", "2",
                                                                                                          "3") "}",
                 cases[i].reason);
        test_reply t = open_reply(cases[i].more);
        reply_choice_ends(&t, 0, 0, cases[i].finish, NULL);
        reply_ends(&t, 0, cases[i].finish, "");
        assert_whole(&t, want);
    }
}

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define START                                                                                            \
    EVENT("message_start", ",\"message\":{\"id\":\"msg_x\",\"type\":\"message\",\"role\":\"assistant\"," \
                           "\"model\":\"m\",\"content\":["                                               \
                           "],\"stop_reason\":null,\"stop_sequence\":null" USAGE("5", "0", "0") "}")     \
    EVENT("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")     \
    EVENT("ping", "")

static void a_stream_of_events(void **state)
{
    (void)state;
    test_reply t = open_reply(",\"stream\":true");
    reply_piece(&t, 0, 0, "Hi");
    reply_piece(&t, 0, 0, "");
    reply_choice_ends(&t, 0, 0, SUMI_FINISH_STOP, NULL);
    reply_ends(&t, 0, SUMI_FINISH_STOP, "");
    assert_streamed(&t, START EVENT("content_block_delta",
                                    ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi\"}")
                            EVENT("content_block_stop", ",\"index\":0")
                                EVENT("message_delta",
                                      ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}" USAGE("3", "2",
                                                                                                               "3"))
                                    EVENT("message_stop", ""));
}

static void a_request_that_failed_is_an_error(void **state)
{
    (void)state;
    test_reply t = open_reply("");
    reply_ends(&t, 0, SUMI_FINISH_DEADLINE, "it took too long");
    assert_failed(&t, 504);
    t = open_reply(",\"stream\":true");
    reply_ends(&t, 0, SUMI_FINISH_ERROR, "a logit is NaN");
    assert_streamed(&t, START "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\","
                              "\"message\":\"a logit is NaN\"},\"request_id\":\"x\"}\n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_with_all_fields_is_read),
        cmocka_unit_test(turns_of_one_role_are_one),
        cmocka_unit_test(a_last_turn_of_the_assistant_begins_the_answer),
        cmocka_unit_test(counting_needs_no_max_tokens),
        cmocka_unit_test(mistakes_are_named_with_their_field),
        cmocka_unit_test(a_whole_message),
        cmocka_unit_test(the_stop_reason_tells_what_ended_it),
        cmocka_unit_test(a_stream_of_events),
        cmocka_unit_test(a_request_that_failed_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
