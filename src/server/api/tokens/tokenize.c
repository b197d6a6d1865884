/* tokenize.c - POST /tokenize and /apply-template: text or a chat to token ids, and a chat to text.
 *
 *   /tokenize        {"prompt": "Hello"} or {"content": "Hello"}, "parse_special": true  ->  {"tokens": [..], "count": 1, ...}
 *                    {"messages": [...], "add_generation_prompt": true, ...}                  ->  the same
 *   /apply-template  {"messages": [...]}                                                      ->  {"prompt": "..."}
 *
 * The fields are those of vLLM and of llama.cpp's server; a chat has those of /v1/chat/completions. */
#include <stdlib.h>
#include <string.h>

#include "engine/sumi_model.h"
#include "server/api/json_fields.h"
#include "server/api/json_text.h"
#include "server/api/known_fields.h"
#include "server/api/openai/openai_request.h"
#include "server/api/text_api.h"
#include "server/api/tokens/token_list.h"
#include "server/http/body_work.h"
#include "server/http/endpoints.h"

typedef struct tokenize_work {
    body_work base;
    token_list *list; /* the answer, if ok; NULL: it is in out */
    buf out;
    api_error e;
    bool ok;
} tokenize_work;

static bool tokenize_text(const exchange *x, const json_t *o, token_list *l, api_error *e)
{
    const json_t *text = NULL;
    bool special = true, parse_special = true;
    const char *name = NULL;
    sumi_error err;
    if (!field_string(o, "model", &name, e) || !field_text(o, "content", &text, e) ||
        !field_text(o, "prompt", &text, e) || !field_bool(o, "add_special_tokens", &special, e) ||
        !field_bool(o, "add_special", &special, e) || !field_bool(o, "parse_special", &parse_special, e))
        return false;
    if (!text_api_check_model(x, name, e)) return false;
    if (!text) return api_fail(e, 400, "missing_field", "prompt", "prompt: it is missing");
    uint32_t flags = (parse_special ? SUMI_TOKENIZE_SPECIAL : 0u) | (special ? SUMI_TOKENIZE_BOS_EOS : 0u);
    sumi_status st = sumi_tokenize(x->server->model, json_string_value(text), json_string_length(text), flags, &l->ids,
                                   &l->n, &err);
    return st == SUMI_OK || api_fail_status(e, &err);
}

static bool tokenize_chat(const exchange *x, const text_request *r, token_list *l, api_error *e)
{
    sumi_error err;
    buf text;
    buf_init(&text, SIZE_MAX);
    bool ok = text_api_render(x, r, &text, e);
    if (ok &&
        sumi_tokenize(x->server->model, text.data, text.n, SUMI_TOKENIZE_SPECIAL, &l->ids, &l->n, &err) != SUMI_OK)
        ok = api_fail_status(e, &err);
    buf_deinit(&text);
    return ok;
}

/* The ids of the body's chat or text, and the other facts about each id. */
static bool tokenize(exchange *x, token_list *l, api_error *e)
{
    const text_limits limits = text_api_limits(x);
    text_request r = { 0 };
    json_t *o = json_parse_object(x->body.data, x->body.n, e);
    bool is_chat = field_get(o, "messages") != NULL;
    bool ok = o && known_fields_check(o, FIELDS_TOKENIZE, e) && field_bool(o, "with_pieces", &l->pieces, e) &&
              field_bool(o, "return_token_strs", &l->strings, e);
    ok = ok && (!is_chat || openai_parse_chat(&r, x->body.data, x->body.n, &limits, e));
    buf_deinit(&x->body);
    ok = ok && (is_chat ? tokenize_chat(x, &r, l, e) : tokenize_text(x, o, l, e));
    json_decref(o);
    text_request_deinit(&r);
    return ok;
}

static void run_tokenize(body_work *b)
{
    tokenize_work *t = (tokenize_work *)b;
    sumi_engine_stats stats;
    sumi_engine_get_stats(b->x->server->engine, &stats);
    t->list = token_list_create(b->x->server->model, stats.n_ctx);
    t->ok = t->list ? tokenize(b->x, t->list, &t->e) : api_fail_memory(&t->e);
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
    token_list *l = t->list;
    if (!t->ok) return http_error(b->x, &t->e);
    if (!l) return http_reply_buf(b->x, 200, "application/json", &t->out);
    t->list = NULL;
    return token_list_reply(b->x, l);
}

static void destroy(body_work *b)
{
    tokenize_work *t = (tokenize_work *)b;
    if (t->list) t->list->base.destroy(&t->list->base);
    buf_deinit(&t->out);
    free(t);
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
