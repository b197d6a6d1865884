/* openai.c - the endpoints of the OpenAI API that generate text: chat completions, completions, responses. */
#include "server/api/openai/openai_reply.h"
#include "server/api/openai/openai_request.h"
#include "server/api/openai/responses_reply.h"
#include "server/api/openai/responses_request.h"
#include "server/api/text_api.h"
#include "server/http/endpoints.h"

enum MHD_Result post_chat_completions(exchange *x)
{
    static const text_api api = { openai_parse_chat, openai_reply_create, &openai_format, NULL, false };
    return text_api_post(x, &api);
}

enum MHD_Result post_completions(exchange *x)
{
    static const text_api api = { openai_parse_completion, openai_reply_create, &openai_format, NULL, false };
    return text_api_post(x, &api);
}

enum MHD_Result post_responses(exchange *x)
{
    static const text_api api = { responses_parse, responses_reply_create, &responses_format, NULL, false };
    return text_api_post(x, &api);
}
