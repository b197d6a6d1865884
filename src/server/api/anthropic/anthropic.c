/* anthropic.c - the endpoints of the Anthropic API: messages, and how many tokens they would be. */
#include <stdlib.h>

#include "server/api/anthropic/anthropic_reply.h"
#include "server/api/anthropic/anthropic_request.h"
#include "server/api/text_api.h"
#include "server/http/body_work.h"
#include "server/http/endpoints.h"

enum MHD_Result post_messages(exchange *x)
{
    static const text_api api = { anthropic_parse_messages, anthropic_reply_create, &anthropic_format, NULL, false };
    return text_api_post(x, &api);
}

typedef struct count_work {
    body_work base;
    api_error e;
    int32_t n_tokens; /* -1: e says why not */
} count_work;

static void run_count(body_work *b)
{
    count_work *c = (count_work *)b;
    const text_limits limits = text_api_limits(b->x);
    text_request r;
    text_ids ids = { 0 };
    c->n_tokens = -1;
    if (!anthropic_parse_count(&r, b->x->body.data, b->x->body.n, &limits, &c->e)) return;
    if (text_api_tokenize(b->x, &r, false, &ids, &c->e)) c->n_tokens = ids.n_ids[0];
    text_ids_deinit(&ids);
    text_request_deinit(&r);
}

static enum MHD_Result answer_count(body_work *b)
{
    const count_work *c = (count_work *)b;
    buf out;
    if (c->n_tokens < 0) return http_error(b->x, &c->e);
    buf_init(&out, 64);
    buf_printf(&out, "{\"input_tokens\":%d}", c->n_tokens);
    return http_reply_buf(b->x, 200, "application/json", &out);
}

static void destroy_count(body_work *b)
{
    free(b);
}

enum MHD_Result post_count_tokens(exchange *x)
{
    count_work *c = calloc(1, sizeof *c);
    if (c) c->base = (body_work){ .run = run_count, .answer = answer_count, .destroy = destroy_count };
    return body_work_start(x, c ? &c->base : NULL);
}
