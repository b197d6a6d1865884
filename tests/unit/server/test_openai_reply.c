/* test_openai_reply.c - events of the engine become JSON, byte for byte as the OpenAI API's reference shows it. */
#include "server/api/openai/openai_reply.h"

#include "reply_support.h"
#include "server/api/openai/openai_request.h"

static test_reply open_reply(text_parse_fn parse, const char *body)
{
    return reply_open(parse, openai_reply_create, &openai_format, body);
}

static void a_whole_chat(void **state)
{
    (void)state;
    test_reply r = open_reply(openai_parse_chat, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}");
    reply_piece(&r, 0, 0, "He said \"");
    reply_piece(&r, 0, 0, "\xC3\xA9\n\x01\xFF\"");
    reply_choice_ends(&r, 0, 0, SUMI_FINISH_STOP, NULL);
    reply_ends(&r, 0, SUMI_FINISH_STOP, "");
    assert_whole(&r,
                 "{\"id\":\"chatcmpl-x\",\"object\":\"chat.completion\",\"created\":7,\"model\":\"m\",\"choices\":[{"
                 "\"index\":"
                 "0,"
                 "\"message\":{\"role\":\"assistant\",\"content\":\"He said \\\"\xC3\xA9\\n\\u0001\xEF\xBF\xBD\\\"\","
                 "\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,"
                 "\"completion_tokens\":3,\"total_tokens\":8,\"prompt_tokens_details\":{\"cached_tokens\":2}}}");
}

static void choices_of_several_prompts_are_numbered_through(void **state)
{
    (void)state;
    test_reply r = open_reply(openai_parse_completion, "{\"prompt\":[\"p\",\"q\"],\"n\":2,\"echo\":true}");
    reply_piece(&r, 1, 1, "d");
    reply_piece(&r, 0, 0, "a");
    reply_piece(&r, 0, 1, "b");
    reply_piece(&r, 1, 0, "c");
    for (int32_t i = 0; i < 4; i++)
        reply_choice_ends(&r, i / 2, i % 2, i == 2 ? SUMI_FINISH_STOP : SUMI_FINISH_LENGTH, NULL);
    reply_ends(&r, 1, SUMI_FINISH_LENGTH, "");
    reply_ends(&r, 0, SUMI_FINISH_LENGTH, "");
    assert_whole(&r, "{\"id\":\"cmpl-x\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\",\"choices\":["
                     "{\"index\":0,\"text\":\"pa\",\"logprobs\":null,\"finish_reason\":\"length\"},"
                     "{\"index\":1,\"text\":\"pb\",\"logprobs\":null,\"finish_reason\":\"length\"},"
                     "{\"index\":2,\"text\":\"qc\",\"logprobs\":null,\"finish_reason\":\"stop\"},"
                     "{\"index\":3,\"text\":\"qd\",\"logprobs\":null,\"finish_reason\":\"length\"}],\"usage\":{"
                     "\"prompt_tokens\":10,"
                     "\"completion_tokens\":6,\"total_tokens\":16,\"prompt_tokens_details\":{\"cached_tokens\":4}}}");
}

#define HEAD                                                                                                 \
    "data: "                                                                                                 \
    "{\"id\":\"chatcmpl-x\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\",\"choices\":" \
    "["

static void a_stream_of_chunks(void **state)
{
    (void)state;
    test_reply r = open_reply(openai_parse_chat,
                              "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stream\":true,"
                              "\"stream_options\":{\"include_usage\":true}}");
    reply_piece(&r, 0, 0, "Hi");
    reply_piece(&r, 0, 0, ""); /* a token without text yet: nothing is sent */
    reply_choice_ends(&r, 0, 0, SUMI_FINISH_STOP, NULL);
    reply_ends(&r, 0, SUMI_FINISH_STOP, "");
    assert_streamed(&r, HEAD
                    "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_"
                    "reason\":null}],"
                    "\"usage\":null}\n\n" HEAD "{\"index\":0,\"delta\":{\"content\":\"Hi\"},\"logprobs\":null,\"finish_"
                    "reason\":null}],\"usage\":null}\n\n" HEAD
                    "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}\n\n" HEAD
                    "],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":3,\"total_tokens\":8,"
                    "\"prompt_tokens_details\":{\"cached_tokens\":2}}}\n\n"
                    "data: [DONE]\n\n");
}

static void a_request_that_failed_is_an_error(void **state)
{
    (void)state;
    static const struct {
        sumi_finish finish;
        int status;
    } cases[] = { { SUMI_FINISH_DEADLINE, 504 },
                  { SUMI_FINISH_ERROR, 500 },
                  { SUMI_FINISH_CANCELLED, 503 },
                  { SUMI_FINISH_REFUSED, 503 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_reply r = open_reply(openai_parse_completion, "{\"prompt\":\"p\"}");
        reply_ends(&r, 0, cases[i].finish, "it took too long");
        assert_failed(&r, cases[i].status);
    }
    test_reply r = open_reply(openai_parse_completion, "{\"prompt\":\"p\",\"stream\":true}");
    reply_ends(&r, 0, SUMI_FINISH_ERROR, "a logit is \"NaN\"");
    assert_streamed(&r,
                    "data: {\"error\":{\"message\":\"a logit is \\\"NaN\\\"\",\"type\":\"server_error\",\"param\":null,"
                    "\"code\":\"internal_error\"}}\n\ndata: [DONE]\n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_chat),
        cmocka_unit_test(choices_of_several_prompts_are_numbered_through),
        cmocka_unit_test(a_stream_of_chunks),
        cmocka_unit_test(a_request_that_failed_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
