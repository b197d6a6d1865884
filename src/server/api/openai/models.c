/* models.c - GET /v1/models and /v1/models/NAME: the model, with the fields of OpenAI's API and of Anthropic's. */
#include "server/api/json_text.h"
#include "server/api/text_api.h"
#include "server/http/endpoints.h"

static void put_name(const server *s, buf *out)
{
    json_put_string(out, s->opts.model_name);
}

/* max_model_len: how many tokens a request may have, under vLLM's name; unknown while the model is being loaded. */
static void put_model(const server *s, buf *out)
{
    buf_append_str(out, "{\"id\":");
    put_name(s, out);
    buf_printf(out,
               ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"sumi\",\"type\":\"model\","
               "\"lifecycle\":\"active\"",
               (long long)s->started_s);
    buf_append_str(out, ",\"display_name\":");
    put_name(s, out);
    buf_append_str(out, ",\"created_at\":");
    json_put_time(out, s->started_s);
    if (atomic_load(&s->state) != SERVER_LOADING) {
        sumi_engine_stats stats;
        sumi_engine_get_stats(s->engine, &stats);
        buf_printf(out, ",\"max_model_len\":%d", stats.n_ctx);
    }
    buf_append_char(out, '}');
}

enum MHD_Result get_models(exchange *x)
{
    const server *s = x->server;
    buf out;
    buf_init(&out, SIZE_MAX);
    buf_append_str(&out, "{\"object\":\"list\",\"data\":[");
    put_model(s, &out);
    buf_append_str(&out, "],\"has_more\":false,\"first_id\":");
    put_name(s, &out);
    buf_append_str(&out, ",\"last_id\":");
    put_name(s, &out);
    buf_append_char(&out, '}');
    return http_reply_buf(x, 200, "application/json", &out);
}

enum MHD_Result get_model(exchange *x)
{
    buf out;
    api_error e;
    if (!text_api_check_model(x, x->rest, &e)) return http_error(x, &e);
    buf_init(&out, SIZE_MAX);
    put_model(x->server, &out);
    return http_reply_buf(x, 200, "application/json", &out);
}
