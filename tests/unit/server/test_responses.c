/* test_responses.c - bodies and answers of OpenAI's responses API, as its reference shows them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reply_support.h"
#include "server/api/openai/responses_reply.h"
#include "server/api/openai/responses_request.h"

static text_request r;
static api_error e;

static bool parse(const char *body)
{
    const text_limits limits = text_limits_default();
    memset(&e, 0, sizeof e);
    return responses_parse(&r, body, strlen(body), &limits, &e);
}

static void assert_messages(const char *body, const char *want)
{
    if (!parse(body)) fail_msg("%s", e.message);
    char *text = json_dumps(r.messages, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, want);
    free(text);
    text_request_deinit(&r);
}

static void input_is_a_text_or_messages(void **state)
{
    (void)state;
    assert_messages("{\"input\":\"a\"}", "[{\"content\":\"a\",\"role\":\"user\"}]");
    assert_messages("{\"instructions\":\"b\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":["
                    "{\"type\":\"input_text\",\"text\":\"c\"}]},{\"role\":\"assistant\",\"content\":["
                    "{\"type\":\"output_text\",\"text\":\"d\",\"annotations\":[]}]},"
                    "{\"role\":\"developer\",\"content\":\"e\"}]}",
                    "[{\"content\":\"b\",\"role\":\"system\"},{\"content\":\"c\",\"role\":\"user\"},"
                    "{\"content\":\"d\",\"role\":\"assistant\"},{\"content\":\"e\",\"role\":\"system\"}]");
}

static void settings_are_read_and_what_has_no_effect_is_ignored(void **state)
{
    (void)state;
    assert_true(parse("{\"input\":\"a\",\"max_output_tokens\":7,\"temperature\":0.5,\"top_p\":0.9,"
                      "\"stream\":true,\"store\":true,\"tools\":[],\"tool_choice\":\"auto\","
                      "\"text\":{\"format\":{\"type\":\"text\"},\"verbosity\":\"low\"},\"reasoning\":{},"
                      "\"include\":[\"reasoning.encrypted_content\"],\"previous_response_id\":null,"
                      "\"truncation\":\"disabled\",\"background\":false,\"metadata\":{\"a\":\"b\"},\"new\":1}"));
    assert_int_equal(r.params.max_tokens, 7);
    assert_true(r.params.sampling.temperature == 0.5f && r.params.sampling.top_p == 0.9f && r.stream);
    text_request_deinit(&r);
}

static void mistakes_are_named_with_their_field(void **state)
{
    (void)state;
#define GOOD "\"input\":\"a\""
    static const struct {
        const char *body, *param, *code;
    } cases[] = {
        { "{}", "input", "missing_field" },
        { "{\"input\":1}", "input", "invalid_type" },
        { "{\"input\":[]}", "input", "invalid_type" },
        { "{\"input\":[1]}", "input", "invalid_type" },
        { "{\"input\":[{\"type\":\"computer_call_output\",\"call_id\":\"c\"}]}", "input", "unsupported_content" },
        { "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}]}", "input",
          "unsupported_content" },
        { "{\"input\":[{\"role\":\"tool\",\"content\":\"a\"}]}", "input", "invalid_value" },
        { "{" GOOD ",\"instructions\":[]}", "instructions", "invalid_type" },
        { "{" GOOD ",\"max_output_tokens\":0}", "max_output_tokens", "invalid_value" },
        { "{" GOOD ",\"temperature\":2.5}", "temperature", "invalid_value" },
        { "{" GOOD ",\"store\":1}", "store", "invalid_type" },
        { "{" GOOD ",\"metadata\":[]}", "metadata", "invalid_type" },
        { "{" GOOD ",\"previous_response_id\":\"resp_1\"}", "previous_response_id", "unsupported_parameter" },
        { "{" GOOD ",\"conversation\":\"c\"}", "conversation", "unsupported_parameter" },
        { "{" GOOD ",\"background\":true}", "background", "unsupported_parameter" },
        { "{" GOOD ",\"tools\":[{\"type\":\"function\"}]}", "tools", "unsupported_parameter" },
        { "{" GOOD ",\"tool_choice\":\"required\"}", "tool_choice", "unsupported_parameter" },
        { "{" GOOD ",\"text\":{\"format\":{\"type\":\"json_object\"}}}", "text", "unsupported_parameter" },
        { "{" GOOD ",\"text\":1}", "text", "invalid_type" },
        { "{" GOOD ",\"reasoning\":{\"effort\":\"high\"}}", "reasoning", "unsupported_parameter" },
        { "{" GOOD ",\"truncation\":\"auto\"}", "truncation", "unsupported_parameter" },
        { "{" GOOD ",\"include\":[\"message.output_text.logprobs\"]}", "include", "unsupported_parameter" },
        { "{" GOOD ",\"include\":[1]}", "include", "invalid_type" },
        { "{" GOOD ",\"top_logprobs\":2}", "top_logprobs", "unsupported_parameter" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (parse(cases[i].body)) fail_msg("accepted: %s", cases[i].body);
        assert_int_equal(e.status, 400);
        assert_string_equal(e.param, cases[i].param);
        assert_string_equal(e.code, cases[i].code);
        assert_true(strlen(e.message) > 10 && !strchr(e.message, '\n'));
        assert_null(r.root);
    }
}

/* ---- Answers ---- */

static test_reply open_reply(const char *body)
{
    return reply_open(responses_parse, responses_reply_create, &responses_format, body);
}

#define RESPONSE(status, error, details, output, max, usage)                                        \
    "{\"id\":\"resp_x\",\"object\":\"response\",\"created_at\":7,\"status\":\"" status              \
    "\",\"model\":\"m\",\"error\":" error ",\"incomplete_details\":" details ",\"output\":[" output \
    "],\"instructions\":null,\"max_output_tokens\":" max ",\"temperature\":0.7,\"top_p\":1,"        \
    "\"metadata\":{},\"user\":null,\"parallel_tool_calls\":true,\"previous_response_id\":null,"     \
    "\"store\":false,\"background\":false,\"reasoning\":{\"effort\":null,\"summary\":null},"        \
    "\"text\":{\"format\":{\"type\":\"text\"}},\"tool_choice\":\"auto\",\"tools\":[],"              \
    "\"truncation\":\"disabled\",\"usage\":" usage "}"
#define PART(text) "{\"type\":\"output_text\",\"text\":\"" text "\",\"annotations\":[],\"logprobs\":[]}"
#define ITEM(status, part) \
    "{\"id\":\"msg_x\",\"type\":\"message\",\"status\":\"" status "\",\"role\":\"assistant\",\"content\":[" part "]}"
#define USAGE                                                                                      \
    "{\"input_tokens\":5,\"input_tokens_details\":{\"cached_tokens\":2,\"cache_write_tokens\":0}," \
    "\"output_tokens\":3,\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":8}"

static void a_whole_response(void **state)
{
    (void)state;
    test_reply t = open_reply("{\"input\":\"a\",\"temperature\":0.7}");
    reply_piece(&t, 0, 0, "Hi");
    reply_choice_ends(&t, 0, 0, SUMI_FINISH_STOP, NULL);
    reply_ends(&t, 0, SUMI_FINISH_STOP, "");
    assert_whole(&t, RESPONSE("completed", "null", "null", ITEM("completed", PART("Hi")), "null", USAGE));
}

static void one_that_ran_out_of_tokens_is_incomplete(void **state)
{
    (void)state;
    test_reply t = open_reply("{\"input\":\"a\",\"temperature\":0.7,\"max_output_tokens\":3}");
    reply_piece(&t, 0, 0, "Hi");
    reply_choice_ends(&t, 0, 0, SUMI_FINISH_LENGTH, NULL);
    reply_ends(&t, 0, SUMI_FINISH_LENGTH, "");
    assert_whole(&t, RESPONSE("incomplete", "null", "{\"reason\":\"max_output_tokens\"}",
                              ITEM("incomplete", PART("Hi")), "3", USAGE));
}

static void settings_are_said_again(void **state)
{
    (void)state;
    test_reply t = open_reply("{\"input\":\"a\",\"instructions\":\"b\",\"metadata\":{\"k\":\"v\"},\"user\":\"u\"}");
    api_error why;
    reply_ends(&t, 0, SUMI_FINISH_STOP, "");
    assert_true(t.format->whole(t.reply, &t.out, &why));
    assert_non_null(strstr(t.out.data, ",\"instructions\":\"b\","));
    assert_non_null(strstr(t.out.data, ",\"metadata\":{\"k\":\"v\"},\"user\":\"u\","));
    buf_deinit(&t.out);
    t.format->destroy(t.reply);
}

#define EVENT(number, type, rest)                                                                            \
    "event: response." type "\ndata: {\"type\":\"response." type "\",\"sequence_number\":" number rest "}\n" \
    "\n"
#define STARTED RESPONSE("in_progress", "null", "null", "", "null", "null")
#define AT      ",\"item_id\":\"msg_x\",\"output_index\":0,\"content_index\":0"
#define START                                                                                \
    EVENT("0", "created", ",\"response\":" STARTED)                                          \
    EVENT("1", "in_progress", ",\"response\":" STARTED)                                      \
    EVENT("2", "output_item.added", ",\"output_index\":0,\"item\":" ITEM("in_progress", "")) \
    EVENT("3", "content_part.added", AT ",\"part\":" PART(""))

static void a_stream_of_events(void **state)
{
    (void)state;
    test_reply t = open_reply("{\"input\":\"a\",\"temperature\":0.7,\"stream\":true}");
    reply_piece(&t, 0, 0, "Hi");
    reply_piece(&t, 0, 0, "");
    reply_piece(&t, 0, 0, "!");
    reply_choice_ends(&t, 0, 0, SUMI_FINISH_STOP, NULL);
    reply_ends(&t, 0, SUMI_FINISH_STOP, "");
    assert_streamed(&t, START EVENT("4", "output_text.delta", AT ",\"logprobs\":[],\"delta\":\"Hi\"")
                            EVENT("5", "output_text.delta", AT ",\"logprobs\":[],\"delta\":\"!\"")
                                EVENT("6", "output_text.done", AT ",\"logprobs\":[],\"text\":\"Hi!\"")
                                    EVENT("7", "content_part.done", AT ",\"part\":" PART("Hi!"))
                                        EVENT("8", "output_item.done",
                                              ",\"output_index\":0,\"item\":" ITEM("completed", PART("Hi!")))
                                            EVENT("9", "completed",
                                                  ",\"response\":" RESPONSE("completed", "null", "null",
                                                                            ITEM("completed", PART("Hi!")), "null",
                                                                            USAGE)));
}

static void a_stream_that_failed_says_so(void **state)
{
    (void)state;
    test_reply t = open_reply("{\"input\":\"a\",\"temperature\":0.7,\"stream\":true}");
    reply_ends(&t, 0, SUMI_FINISH_ERROR, "a logit is NaN");
    assert_streamed(&t,
                    START EVENT("4", "failed",
                                ",\"response\":" RESPONSE("failed",
                                                          "{\"code\":\"server_error\",\"message\":\"a logit is NaN\"}",
                                                          "null", ITEM("incomplete", PART("")), "null", "null")));
    t = open_reply("{\"input\":\"a\"}");
    reply_ends(&t, 0, SUMI_FINISH_ERROR, "a logit is NaN");
    assert_failed(&t, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_is_a_text_or_messages),
        cmocka_unit_test(settings_are_read_and_what_has_no_effect_is_ignored),
        cmocka_unit_test(mistakes_are_named_with_their_field),
        cmocka_unit_test(a_whole_response),
        cmocka_unit_test(one_that_ran_out_of_tokens_is_incomplete),
        cmocka_unit_test(settings_are_said_again),
        cmocka_unit_test(a_stream_of_events),
        cmocka_unit_test(a_stream_that_failed_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
