/* anthropic.c - the endpoints of the Anthropic API: messages, and how many tokens they would be. */
#include "server/anthropic_reply.h"
#include "server/anthropic_request.h"
#include "server/endpoints.h"
#include "server/text_api.h"

enum MHD_Result post_messages(exchange *x)
{
    static const text_api api = { anthropic_parse_messages, anthropic_reply_create, &anthropic_format, NULL,
                                  false };
    return text_api_post(x, &api);
}

enum MHD_Result post_count_tokens(exchange *x)
{
    const text_limits limits = text_api_limits(x);
    text_request r;
    text_ids ids = { 0 };
    api_error e;
    buf out;
    if (!anthropic_parse_count(&r, x->body.data, x->body.n, &limits, &e)) return http_error(x, &e);
    bool ok = text_api_tokenize(x, &r, &ids, &e);
    text_request_deinit(&r);
    if (!ok) return http_error(x, &e);
    buf_init(&out, 64);
    buf_printf(&out, "{\"input_tokens\":%d}", ids.n_ids[0]);
    text_ids_deinit(&ids);
    return http_reply_buf(x, 200, "application/json", &out);
}
