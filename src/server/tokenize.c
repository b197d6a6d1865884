/* tokenize.c - POST /tokenize and /apply-template: text or a chat to token ids, and a chat to text.
 *
 *   /tokenize        {"prompt": "Hello"} or {"content": "Hello"}, "parse_special": true  ->  {"tokens": [..], "count": 1, ...}
 *                    {"messages": [...], "add_generation_prompt": true, ...}                  ->  the same
 *   /apply-template  {"messages": [...]}                                                      ->  {"prompt": "..."}
 *
 * The fields are those of vLLM and of llama.cpp's server; a chat has those of /v1/chat/completions. */
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "engine/model.h"
#include "server/body_work.h"
#include "server/endpoints.h"
#include "server/json_fields.h"
#include "server/json_text.h"
#include "server/known_fields.h"
#include "server/openai_request.h"
#include "server/text_api.h"

typedef struct tokenize_work {
    body_work base;
    buf out; /* the answer, if ok */
    api_error e;
    bool ok;
} tokenize_work;

/* What is told of each token besides its id. */
typedef struct told {
    bool pieces;  /* llama.cpp: "tokens" are {"id": 1, "piece": "a"} */
    bool strings; /* vLLM: "token_strs": ["a"] */
} told;

/* A piece that is no text by itself, such as half of a character, is a list of its bytes. */
static void put_piece(const char *text, size_t n, buf *out)
{
    uint32_t code = 0;
    for (size_t i = 0; i < n && code != UINT32_MAX;) i += printable_utf8(text + i, n - i, &code);
    if (code != UINT32_MAX) json_put_text(out, text, n);
    else
        for (size_t i = 0; i < n; i++) buf_printf(out, "%s%u%s", i ? "," : "[", (unsigned char)text[i], i + 1 < n ? "" : "]");
}

static void put_token(const sumi_model *m, int32_t id, bool whole, buf *out)
{
    char *text;
    size_t n;
    if (sumi_detokenize(m, &id, 1, true, &text, &n, NULL) != SUMI_OK) {
        out->status = SUMI_ENOMEM;
        return;
    }
    if (whole) buf_printf(out, "{\"id\":%d,\"piece\":", id);
    if (whole) put_piece(text, n, out);
    else json_put_text(out, text, n);
    if (whole) buf_append_char(out, '}');
    sumi_free(text);
}

static void put_ids(const exchange *x, const int32_t *ids, int32_t n, const told *t, buf *out)
{
    sumi_engine_stats stats;
    sumi_engine_get_stats(x->server->engine, &stats);
    buf_append_str(out, "{\"tokens\":[");
    for (int32_t i = 0; i < n; i++) {
        if (i) buf_append_char(out, ',');
        if (t->pieces) put_token(x->server->model, ids[i], true, out);
        else buf_printf(out, "%d", ids[i]);
    }
    buf_printf(out, "],\"count\":%d,\"max_model_len\":%d", n, stats.n_ctx);
    if (t->strings) buf_append_str(out, ",\"token_strs\":[");
    for (int32_t i = 0; t->strings && i < n; i++) {
        if (i) buf_append_char(out, ',');
        put_token(x->server->model, ids[i], false, out);
    }
    buf_append_str(out, t->strings ? "]}" : "}");
}

static bool tokenize_text(const exchange *x, const json_t *o, int32_t **ids, int32_t *n, api_error *e)
{
    const json_t *text = NULL;
    bool special = true, parse_special = true;
    const char *name = NULL;
    sumi_error err;
    if (!field_string(o, "model", &name, e) || !field_text(o, "content", &text, e) ||
        !field_text(o, "prompt", &text, e) ||
        !field_bool(o, "add_special_tokens", &special, e) || !field_bool(o, "add_special", &special, e) ||
        !field_bool(o, "parse_special", &parse_special, e))
        return false;
    if (!text_api_check_model(x, name, e)) return false;
    if (!text) return api_fail(e, 400, "missing_field", "prompt", "prompt: it is missing");
    uint32_t flags = (parse_special ? SUMI_TOKENIZE_SPECIAL : 0u) | (special ? SUMI_TOKENIZE_BOS_EOS : 0u);
    return sumi_tokenize(x->server->model, json_string_value(text), json_string_length(text), flags, ids, n, &err) == SUMI_OK ||
           api_fail_status(e, &err);
}

static bool tokenize_chat(const exchange *x, const text_request *r, int32_t **ids, int32_t *n, api_error *e)
{
    sumi_error err;
    buf text;
    buf_init(&text, SIZE_MAX);
    bool ok = text_api_render(x, r, &text, e);
    if (ok && sumi_tokenize(x->server->model, text.data, text.n, SUMI_TOKENIZE_SPECIAL, ids, n, &err) != SUMI_OK)
        ok = api_fail_status(e, &err);
    buf_deinit(&text);
    return ok;
}

/* The ids of what the body asks for, a chat or a text. */
static bool tokenize(exchange *x, int32_t **ids, int32_t *n, told *t, api_error *e)
{
    const text_limits limits = text_api_limits(x);
    text_request r = { 0 };
    json_t *o = json_parse_object(x->body.data, x->body.n, e);
    bool is_chat = field_get(o, "messages") != NULL;
    bool ok = o && known_fields_check(o, FIELDS_TOKENIZE, e) && field_bool(o, "with_pieces", &t->pieces, e) &&
              field_bool(o, "return_token_strs", &t->strings, e);
    ok = ok && (!is_chat || openai_parse_chat(&r, x->body.data, x->body.n, &limits, e));
    buf_deinit(&x->body);
    ok = ok && (is_chat ? tokenize_chat(x, &r, ids, n, e) : tokenize_text(x, o, ids, n, e));
    json_decref(o);
    text_request_deinit(&r);
    return ok;
}

static void run_tokenize(body_work *b)
{
    tokenize_work *t = (tokenize_work *)b;
    int32_t *ids = NULL, n = 0;
    told more = { 0 };
    t->ok = tokenize(b->x, &ids, &n, &more, &t->e);
    if (t->ok) put_ids(b->x, ids, n, &more, &t->out);
    sumi_free(ids);
}

static void run_template(body_work *b)
{
    tokenize_work *t = (tokenize_work *)b;
    exchange *x = b->x;
    const text_limits limits = text_api_limits(x);
    text_request r = { 0 };
    buf text;
    buf_init(&text, SIZE_MAX);
    t->ok = openai_parse_chat(&r, x->body.data, x->body.n, &limits, &t->e) && text_api_render(x, &r, &text, &t->e);
    if (t->ok) {
        buf_append_str(&t->out, "{\"prompt\":");
        json_put_text(&t->out, text.data, text.n);
        buf_append_char(&t->out, '}');
    }
    buf_deinit(&text);
    text_request_deinit(&r);
}

static enum MHD_Result answer(body_work *b)
{
    tokenize_work *t = (tokenize_work *)b;
    return t->ok ? http_reply_buf(b->x, 200, "application/json", &t->out) : http_error(b->x, &t->e);
}

static void destroy(body_work *b)
{
    buf_deinit(&((tokenize_work *)b)->out);
    free(b);
}

static enum MHD_Result start(exchange *x, void (*run)(body_work *b))
{
    tokenize_work *t = calloc(1, sizeof *t);
    if (!t) return body_work_start(x, NULL);
    t->base = (body_work){ .run = run, .answer = answer, .destroy = destroy };
    buf_init(&t->out, SIZE_MAX);
    return body_work_start(x, &t->base);
}

enum MHD_Result post_tokenize(exchange *x)
{
    return start(x, run_tokenize);
}

enum MHD_Result post_apply_template(exchange *x)
{
    return start(x, run_template);
}
