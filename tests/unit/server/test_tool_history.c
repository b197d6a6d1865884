/* test_tool_history.c - one call of a tool and its result, as each API's reference writes them, are the same chat. */
#include "server/api/tool_history.h"

#include <stdlib.h>
#include <string.h>

#include "server/api/anthropic/anthropic_request.h"
#include "server/api/ollama/ollama_request.h"
#include "server/api/openai/openai_request.h"
#include "server/api/openai/responses_request.h"
#include "test_support.h"

static text_request r;
static api_error e;

static bool parse(text_parse_fn api, const char *body)
{
    const text_limits limits = text_limits_default();
    memset(&e, 0, sizeof e);
    return api(&r, body, strlen(body), &limits, &e);
}

static void expect(text_parse_fn api, const char *body, const char *want)
{
    if (!parse(api, body)) fail_msg("%s", e.message);
    char *text = json_dumps(r.messages, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, want);
    free(text);
    assert_null(r.prefill);
    text_request_deinit(&r);
}

static void expect_refused(text_parse_fn api, const char *body, const char *message)
{
    if (parse(api, body)) fail_msg("accepted: %s", body);
    assert_int_equal(e.status, 400);
    if (!strstr(e.message, message)) fail_msg("'%s', not '%s'", e.message, message);
}

#define CALL(arguments, id) \
    "{\"function\":{\"arguments\":" arguments ",\"name\":\"f\"},\"id\":\"" id "\",\"type\":\"function\"}"
#define ASKED        "[{\"content\":\"U\",\"role\":\"user\"},"
#define ANSWERED(id) ",{\"content\":\"R\",\"role\":\"tool\",\"tool_call_id\":\"" id "\"}]"

static void openais_content_may_be_null_or_missing_beside_calls(void **state)
{
    (void)state;
    static const char *const contents[] = { "\"content\":null,", "", "\"content\":[]," };
    for (int i = 0; i < 3; i++) {
        char body[512];
        snprintf(
            body, sizeof body,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",%s\"tool_calls\":[{\"id\":"
            "\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]},{\"role\":"
            "\"tool\",\"tool_call_id\":\"c1\",\"content\":\"R\"}]}",
            contents[i]);
        expect(openai_parse_chat, body,
               ASKED "{\"content\":null,\"role\":\"assistant\",\"tool_calls\":[" CALL("\"{\\\"a\\\":1}\"",
                                                                                      "c1") "]}" ANSWERED("c1"));
    }
    expect(
        openai_parse_chat,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",\"content\":\"A\",\"reasoning_content\":"
        "\"T\",\"tool_calls\":null}]}",
        ASKED "{\"content\":\"A\",\"reasoning_content\":\"T\",\"role\":\"assistant\"}]");
}

static void anthropics_blocks_are_calls_and_results(void **state)
{
    (void)state;
    expect(
        anthropic_parse_messages,
        "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",\"content\":["
        "{\"type\":\"text\",\"text\":\"A\"},{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"f\",\"input\":{\"a\":1}},"
        "{\"type\":\"tool_use\",\"id\":\"c2\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":["
        "{\"type\":\"tool_result\",\"tool_use_id\":\"c1\",\"content\":[{\"type\":\"text\",\"text\":\"R\"}]},"
        "{\"type\":\"tool_result\",\"tool_use_id\":\"c2\"},{\"type\":\"text\",\"text\":\"V\"}]}]}",
        ASKED "{\"content\":\"A\",\"role\":\"assistant\",\"tool_calls\":[" CALL("{\"a\":1}", "c1") "," CALL(
            "{}",
            "c2") "]},{\"content\":\"R\",\"role\":\"tool\",\"tool_call_id\":\"c1\"},{\"content\":\"\",\"role\":\"tool\","
                  "\"tool_call_id\":\"c2\"},{\"content\":\"V\",\"role\":\"user\"}]");
}

static void anthropics_thoughts_are_the_reasoning_of_their_turn(void **state)
{
    (void)state;
    expect(anthropic_parse_messages,
           "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",\"content\":["
           "{\"type\":\"thinking\",\"thinking\":\"T\",\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"A\"},"
           "{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":["
           "{\"type\":\"tool_result\",\"tool_use_id\":\"c1\",\"content\":\"R\"}]}]}",
           ASKED "{\"content\":\"A\",\"reasoning_content\":\"T\",\"role\":\"assistant\",\"tool_calls\":[" CALL(
               "{}", "c1") "]}" ANSWERED("c1"));
    expect(
        anthropic_parse_messages,
        "{\"max_tokens\":1,\"messages\":[{\"role\":\"assistant\",\"content\":\"A\"},{\"role\":\"assistant\",\"content\":["
        "{\"type\":\"thinking\",\"thinking\":\"S\"},{\"type\":\"thinking\",\"thinking\":\"T\"}]},"
        "{\"role\":\"user\",\"content\":\"U\"}]}",
        "[{\"content\":\"A\",\"role\":\"assistant\"},{\"content\":\"\",\"reasoning_content\":\"S\\nT\",\"role\":"
        "\"assistant\"},{\"content\":\"U\",\"role\":\"user\"}]");
}

static void items_of_responses_are_calls_and_results(void **state)
{
    (void)state;
    expect(
        responses_parse,
        "{\"input\":[{\"role\":\"user\",\"content\":\"U\"},{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\","
        "\"arguments\":\"{}\"},{\"type\":\"function_call\",\"call_id\":\"c2\",\"name\":\"f\",\"arguments\":\"\"},"
        "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"R\"}]}",
        ASKED
        "{\"content\":null,\"role\":\"assistant\",\"tool_calls\":[" CALL("\"{}\"",
                                                                         "c1") "," CALL("\"\"",
                                                                                        "c2") "]}" ANSWERED("c1"));
    expect(responses_parse,
           "{\"input\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",\"content\":\"A\"},{\"type\":"
           "\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}\"}]}",
           ASKED "{\"content\":\"A\",\"role\":\"assistant\",\"tool_calls\":[" CALL("\"{}\"", "c1") "]}]");
}

static void ollamas_calls_are_numbered(void **state)
{
    (void)state;
    expect(
        ollama_parse_chat,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
        "{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}}]},{\"role\":\"tool\",\"tool_name\":\"f\",\"content\":"
        "\"R\"}]}",
        ASKED
        "{\"content\":\"\",\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"arguments\":{\"a\":1},\"name\":\"f\"},"
        "\"id\":\"call00000\"}]},{\"content\":\"R\",\"name\":\"f\",\"role\":\"tool\",\"tool_call_id\":\"call00000\","
        "\"tool_name\":\"f\"}]");
    /* The id of a result without its call's is replaced; that of a call stays. */
    expect(
        ollama_parse_chat,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
        "{\"function\":{\"name\":\"f\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"R\"}]}",
        ASKED
        "{\"content\":\"\",\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\"},\"id\":\"call00000\"}]},"
        "{\"content\":\"R\",\"role\":\"tool\",\"tool_call_id\":\"call00000\"}]");
    expect(
        ollama_parse_chat,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
        "{\"id\":\"c1\",\"function\":{\"name\":\"f\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"R\"}]}",
        ASKED
        "{\"content\":\"\",\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\"},\"id\":\"c1\"}]},"
        "{\"content\":\"R\",\"role\":\"tool\",\"tool_call_id\":\"c1\"}]");
    /* A last turn that calls is no beginning of an answer. */
    expect(
        ollama_parse_chat,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":"
        "\"f\"}}]}]}",
        ASKED
        "{\"content\":null,\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\"},\"id\":\"call00000\"}]}]");
}

static void mistakes_are_named_with_their_place(void **state)
{
    (void)state;
#define CHAT(calls) "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":" calls "}]}"
    expect_refused(openai_parse_chat, CHAT("[]"), "messages[0].content: it must be a string");
    expect_refused(openai_parse_chat,
                   "{\"messages\":[{\"role\":\"assistant\",\"content\":{\"text\":\"A\"},\"tool_calls\":[" CALL(
                       "\"{}\"", "c1") "]}]}",
                   "messages[0].content: it must be a string or a list of parts");
    expect_refused(openai_parse_chat, CHAT("[1]"), "messages[0].tool_calls[0].function.name: it must be a string");
    expect_refused(openai_parse_chat, CHAT("[{\"type\":\"custom\"}]"), "only the type \"function\"");
    expect_refused(openai_parse_chat, CHAT("[{\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]"),
                   "messages[0].tool_calls[0].function.arguments: it must be a JSON object");
    expect_refused(openai_parse_chat, CHAT("[{\"id\":1,\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]"),
                   "tool_calls[0].id: it must be a string");
    expect_refused(openai_parse_chat,
                   "{\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"function_call\":{\"name\":\"f\"}}]}",
                   "function_call: not supported");
    expect_refused(
        anthropic_parse_messages,
        "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c\",\"name\":"
        "\"f\",\"input\":{}}]}]}",
        "messages[0].content[0]: it belongs to the role assistant");
#define TURN(role, block) "{\"max_tokens\":1,\"messages\":[{\"role\":\"" role "\",\"content\":[" block "]}]}"
    expect_refused(anthropic_parse_messages, TURN("user", "{\"type\":\"thinking\",\"thinking\":\"T\"}"),
                   "messages[0].content[0]: it belongs to the role assistant");
    expect_refused(anthropic_parse_messages, TURN("assistant", "{\"type\":\"thinking\"}"),
                   "messages[0].content[0].thinking: it must be a string");
    expect_refused(anthropic_parse_messages, TURN("user", "{\"type\":\"tool_result\"}"),
                   "messages[0].content[0].tool_use_id: it must be a string");
    expect_refused(anthropic_parse_messages, TURN("assistant", "{\"type\":\"thinking\",\"thinking\":\"T\"}"),
                   "this turn cannot have blocks of the type 'thinking'");
    expect_refused(responses_parse, "{\"input\":[{\"type\":\"function_call_output\",\"output\":\"R\"}]}",
                   "input[0].call_id: it must be a string");
    /* Each API names the parts by its own words, and counts its own items. */
    expect_refused(anthropic_parse_messages, TURN("assistant", "{\"type\":\"tool_use\",\"id\":\"c\"}"),
                   "messages[0].content[0].name: it must be a string");
    expect_refused(anthropic_parse_messages,
                   TURN("assistant", "{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":[]}"),
                   "messages[0].content[0].input: it must be a JSON object");
    expect_refused(responses_parse,
                   "{\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"},"
                   "{\"type\":\"function_call\",\"call_id\":\"d\",\"name\":\"f\",\"arguments\":\"{\"}]}",
                   "input[1].arguments: it must be a JSON object");
    expect_refused(openai_parse_chat, "{\"messages\":[{\"role\":\"tool\",\"content\":\"R\",\"tool_call_id\":1}]}",
                   "messages[0].tool_call_id: it must be a string");
    expect_refused(responses_parse, "{\"input\":[{\"type\":\"reasoning\",\"summary\":[]}]}",
                   "input[0]: only items of the types");
}

/* JSON's integers have any length: a call with such an argument is no mistake. */
static void arguments_may_have_large_integers(void **state)
{
    (void)state;
    expect(
        openai_parse_chat,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",\"content\":\"A\",\"tool_calls\":[{\"id\":\"c1\","
        "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":12345678901234567890123}\"}}]}]}",
        ASKED
        "{\"content\":\"A\",\"role\":\"assistant\",\"tool_calls\":[" CALL("\"{\\\"a\\\":12345678901234567890123}\"",
                                                                          "c1") "]}]");
}

/* Turns and items that become several messages, or one message of several items, do not move the places of the others. */
static void places_are_those_of_the_clients_own_list(void **state)
{
    (void)state;
#define USED    "{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{}}"
#define GAVE    "{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":\"R\"}"
#define CALLED  "{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"}"
#define RETURNS "{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":"
#define HISTORY                                                                                                        \
    "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"U\"},{\"role\":\"assistant\",\"content\":[" USED \
    "," USED "]},{\"role\":\"user\",\"content\":[" GAVE "," GAVE ","
    expect_refused(anthropic_parse_messages, HISTORY "{\"type\":\"image\"}]}]}", "messages[2].content[2]: only {");
    expect_refused(anthropic_parse_messages,
                   HISTORY
                   "{\"type\":\"text\",\"text\":\"V\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]}]}",
                   "messages[3].content[0]: only {");
    expect_refused(anthropic_parse_messages,
                   HISTORY "{\"type\":\"text\",\"text\":\"V\"}]},{\"role\":\"elephant\",\"content\":\"\"}]}",
                   "messages[3].role: ");
    expect_refused(anthropic_parse_messages,
                   TURN("user",
                        GAVE ",{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":[{\"type\":\"image\"}]}"),
                   "messages[0].content[1].content[0]: only {");
    expect_refused(anthropic_parse_messages,
                   TURN("user", "{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":1}"),
                   "messages[0].content[0].content: it must be a string or a list");
    expect_refused(responses_parse,
                   "{\"input\":[{\"role\":\"user\",\"content\":\"U\"}," CALLED "," CALLED "," RETURNS "\"R\"}," RETURNS
                   "\"R\"},{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}]}",
                   "input[5].content[0]: only {");
    expect_refused(responses_parse, "{\"input\":[" CALLED "," CALLED "," RETURNS "[{\"type\":\"input_image\"}]}]}",
                   "input[2].output[0]: only {");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openais_content_may_be_null_or_missing_beside_calls),
        cmocka_unit_test(anthropics_blocks_are_calls_and_results),
        cmocka_unit_test(anthropics_thoughts_are_the_reasoning_of_their_turn),
        cmocka_unit_test(items_of_responses_are_calls_and_results),
        cmocka_unit_test(arguments_may_have_large_integers),
        cmocka_unit_test(places_are_those_of_the_clients_own_list),
        cmocka_unit_test(ollamas_calls_are_numbered),
        cmocka_unit_test(mistakes_are_named_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
