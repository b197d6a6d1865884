/* test_openai_reply.c - news of the engine become JSON, byte for byte as the OpenAI API's reference shows it. */
#include "server/openai_reply.h"

#include <stdlib.h>
#include <string.h>

#include "server/openai_request.h"
#include "test_support.h"

static buf out;

static void *open_reply(text_parse_fn parse, const char *body)
{
    text_limits limits = text_limits_default();
    text_request r;
    text_ids ids = { .n = 0 };
    api_error e;
    reply_info info = { .model_name = "m", .id = "x", .created = 7 };
    if (!parse(&r, body, strlen(body), &limits, &e)) fail_msg("%s", e.message);
    for (; ids.n < r.n_prompts; ids.n++) {
        ids.ids[ids.n] = calloc(1, sizeof **ids.ids);
        ids.n_ids[ids.n] = 1;
    }
    void *reply = openai_reply_create(&r, &ids, &info);
    assert_non_null(reply);
    buf_init(&out, SIZE_MAX);
    return reply;
}

static void piece(void *r, int32_t part, int32_t choice, const char *text)
{
    openai_format.take(
        r,
        &(news){
            .part = part, .type = SUMI_EVENT_PIECE, .choice = choice, .text = text, .n_bytes = strlen(text) },
        &out);
}

static void choice_ends(void *r, int32_t part, int32_t choice, sumi_finish finish)
{
    openai_format.take(
        r, &(news){ .part = part, .type = SUMI_EVENT_CHOICE, .choice = choice, .finish = finish, .text = "" },
        &out);
}

static void end(void *r, int32_t part, sumi_finish finish, const char *why)
{
    openai_format.take(r,
                       &(news){ .part = part,
                                .type = SUMI_EVENT_END,
                                .finish = finish,
                                .text = why,
                                .n_prompt = 5,
                                .n_cached = 2,
                                .n_generated = 3 },
                       &out);
}

static void assert_out(void *r, const char *want)
{
    assert_string_equal(out.data ? out.data : "", want);
    buf_deinit(&out);
    openai_format.destroy(r);
}

static void a_whole_chat(void **state)
{
    (void)state;
    api_error e;
    void *r = open_reply(openai_parse_chat, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}");
    piece(r, 0, 0, "He said \"");
    piece(r, 0, 0, "\xC3\xA9\n\x01\xFF\"");
    choice_ends(r, 0, 0, SUMI_FINISH_STOP);
    end(r, 0, SUMI_FINISH_STOP, "");
    assert_true(openai_format.whole(r, &out, &e));
    assert_out(
        r,
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
    api_error e;
    void *r = open_reply(openai_parse_completion, "{\"prompt\":[\"p\",\"q\"],\"n\":2,\"echo\":true}");
    piece(r, 1, 1, "d");
    piece(r, 0, 0, "a");
    piece(r, 0, 1, "b");
    piece(r, 1, 0, "c");
    for (int32_t i = 0; i < 4; i++)
        choice_ends(r, i / 2, i % 2, i == 2 ? SUMI_FINISH_STOP : SUMI_FINISH_LENGTH);
    end(r, 1, SUMI_FINISH_LENGTH, "");
    end(r, 0, SUMI_FINISH_LENGTH, "");
    assert_true(openai_format.whole(r, &out, &e));
    assert_out(
        r, "{\"id\":\"cmpl-x\",\"object\":\"text_completion\",\"created\":7,\"model\":\"m\",\"choices\":["
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
    void *r =
        open_reply(openai_parse_chat, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stream\":true,"
                                      "\"stream_options\":{\"include_usage\":true}}");
    piece(r, 0, 0, "Hi");
    piece(r, 0, 0, ""); /* a token without text yet: nothing is sent */
    choice_ends(r, 0, 0, SUMI_FINISH_STOP);
    end(r, 0, SUMI_FINISH_STOP, "");
    assert_out(
        r, HEAD
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
        api_error e;
        void *r = open_reply(openai_parse_completion, "{\"prompt\":\"p\"}");
        end(r, 0, cases[i].finish, "it took too long");
        assert_false(openai_format.whole(r, &out, &e));
        assert_int_equal(e.status, cases[i].status);
        assert_out(r, "");
    }
    void *r = open_reply(openai_parse_completion, "{\"prompt\":\"p\",\"stream\":true}");
    end(r, 0, SUMI_FINISH_ERROR, "a logit is \"NaN\"");
    assert_out(
        r,
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
