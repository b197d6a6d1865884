/* tokens.c - POST /tokenize and /detokenize: text to token ids and back, with the fields of other servers.
 *
 *   {"prompt": "Hello"} or {"content": "Hello"}, "add_special_tokens": true   ->   {"tokens": [..], "count": 1, ...}
 *   {"tokens": [1, 2]}                                                        ->   {"prompt": "..", "content": ".."} */
#include <stdlib.h>

#include "server/endpoints.h"
#include "server/json_fields.h"
#include "server/json_text.h"

static enum MHD_Result tell_ids(exchange *x, const int32_t *ids, int32_t n)
{
    buf out;
    buf_init(&out, SIZE_MAX);
    buf_append_str(&out, "{\"tokens\":[");
    for (int32_t i = 0; i < n; i++) buf_printf(&out, i ? ",%d" : "%d", ids[i]);
    sumi_engine_stats stats;
    sumi_engine_get_stats(x->server->engine, &stats);
    buf_printf(&out, "],\"count\":%d,\"max_model_len\":%d}", n, stats.n_ctx);
    return http_reply_buf(x, 200, "application/json", &out);
}

static bool tokenize(exchange *x, const json_t *o, int32_t **ids, int32_t *n, api_error *e)
{
    const char *text = NULL;
    bool special = true;
    sumi_error err;
    const char *name = field_get(o, "prompt") ? "prompt" : "content";
    if (!field_string(o, "content", &text, e) || !field_string(o, "prompt", &text, e) ||
        !field_bool(o, "add_special_tokens", &special, e) || !field_bool(o, "add_special", &special, e))
        return false;
    if (!text) return api_fail(e, 400, "missing_field", "prompt", "prompt: it is missing");
    uint32_t flags = SUMI_TOKENIZE_SPECIAL | (special ? SUMI_TOKENIZE_BOS_EOS : 0u);
    size_t n_bytes = json_string_length(field_get(o, name));
    return sumi_tokenize(x->server->model, text, n_bytes, flags, ids, n, &err) == SUMI_OK ||
           api_fail_status(e, &err);
}

enum MHD_Result post_tokenize(exchange *x)
{
    api_error e;
    int32_t *ids = NULL, n = 0;
    json_t *o = json_parse_object(x->body.data, x->body.n, &e);
    bool ok = o && tokenize(x, o, &ids, &n, &e);
    json_decref(o);
    enum MHD_Result result = ok ? tell_ids(x, ids, n) : http_error(x, &e);
    sumi_free(ids);
    return result;
}

static bool detokenize(exchange *x, const json_t *o, char **text, size_t *n_bytes, api_error *e)
{
    const json_t *list = field_get(o, "tokens");
    int32_t *ids, n;
    sumi_error err;
    if (!json_is_array(list))
        return api_fail(e, 400, "missing_field", "tokens", "tokens: a list of token ids is needed");
    bool ok = field_ids(list, "tokens", &ids, &n, e);
    if (ok && sumi_detokenize(x->server->model, ids, n, true, text, n_bytes, &err) != SUMI_OK)
        ok = api_fail_status(e, &err);
    free(ids);
    return ok;
}

enum MHD_Result post_detokenize(exchange *x)
{
    api_error e;
    char *text = NULL;
    size_t n = 0;
    json_t *o = json_parse_object(x->body.data, x->body.n, &e);
    bool ok = o && detokenize(x, o, &text, &n, &e);
    json_decref(o);
    if (!ok) return http_error(x, &e);
    buf out;
    buf_init(&out, SIZE_MAX);
    buf_append_str(&out, "{\"prompt\":");
    json_put_text(&out, text, n);
    buf_append_str(&out, ",\"content\":");
    json_put_text(&out, text, n);
    buf_append_char(&out, '}');
    sumi_free(text);
    return http_reply_buf(x, 200, "application/json", &out);
}
