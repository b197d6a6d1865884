/* openai.c - the OpenAI API's endpoints: models, chat completions, completions.
 *
 * One prompt of a request is one request of the engine: a part of the job. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "server/endpoints.h"
#include "server/json_text.h"
#include "server/openai_reply.h"

enum { SALT_BYTES = 256 };

/* ---- Models ---- */

static void put_model(const server *s, buf *out)
{
    buf_append_str(out, "{\"id\":");
    json_put_text(out, s->opts.model_name, strlen(s->opts.model_name));
    buf_printf(out, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"sumi\"}", (long long)s->started_s);
}

enum MHD_Result get_models(exchange *x)
{
    buf out;
    buf_init(&out, SIZE_MAX);
    buf_append_str(&out, "{\"object\":\"list\",\"data\":[");
    put_model(x->server, &out);
    buf_append_str(&out, "]}");
    return http_reply_buf(x, 200, "application/json", &out);
}

static bool check_model(const server *s, const char *name, api_error *e)
{
    if (!name || !strcmp(name, s->opts.model_name)) return true;
    return api_fail(e, 404, "model_not_found", "model",
                    "the model '%.100s' is not here; this server has '%s'", name, s->opts.model_name);
}

enum MHD_Result get_model(exchange *x)
{
    buf out;
    api_error e;
    if (!check_model(x->server, x->rest, &e)) return http_error(x, &e);
    buf_init(&out, SIZE_MAX);
    put_model(x->server, &out);
    return http_reply_buf(x, 200, "application/json", &out);
}

/* ---- From prompts to ids ---- */

typedef struct prompt_ids {
    int32_t *ids[OPENAI_MAX_PROMPTS], n_ids[OPENAI_MAX_PROMPTS];
    int32_t n;
} prompt_ids;

static void free_ids(prompt_ids *p)
{
    for (int32_t i = 0; i < p->n; i++) sumi_free(p->ids[i]);
    p->n = 0;
}

static sumi_status chat_ids(const server *s, const openai_request *r, prompt_ids *p, sumi_error *err)
{
    char *text, *messages = json_dumps(r->messages, JSON_COMPACT);
    size_t n;
    if (!messages) return err->status = SUMI_ENOMEM;
    sumi_status st = sumi_chat_format_json(s->model, messages, NULL, true, &text, &n, err);
    free(messages);
    if (st != SUMI_OK) return st;
    st = sumi_tokenize(s->model, text, n, SUMI_TOKENIZE_SPECIAL, &p->ids[0], &p->n_ids[0], err);
    sumi_free(text);
    if (st == SUMI_OK) p->n = 1;
    return st;
}

static sumi_status text_ids(const server *s, const openai_prompt *prompt, prompt_ids *p, sumi_error *err)
{
    int32_t **ids = &p->ids[p->n], *n = &p->n_ids[p->n];
    sumi_status st = SUMI_OK;
    if (prompt->text) {
        uint32_t flags = SUMI_TOKENIZE_SPECIAL | SUMI_TOKENIZE_BOS_EOS;
        st = sumi_tokenize(s->model, prompt->text, prompt->n_bytes, flags, ids, n, err);
    } else if ((*ids = malloc((size_t)prompt->n_ids * sizeof **ids))) {
        memcpy(*ids, prompt->ids, (size_t)prompt->n_ids * sizeof **ids);
        *n = prompt->n_ids;
    } else {
        st = err->status = SUMI_ENOMEM;
    }
    if (st == SUMI_OK) p->n++;
    return st;
}

static bool make_ids(const server *s, const openai_request *r, prompt_ids *p, api_error *e)
{
    sumi_error err = { .message = "out of memory" };
    sumi_status st = SUMI_OK;
    p->n = 0;
    if (r->kind == OPENAI_CHAT) st = chat_ids(s, r, p, &err);
    for (int32_t i = 0; r->kind == OPENAI_COMPLETION && st == SUMI_OK && i < r->n_prompts; i++)
        st = text_ids(s, &r->prompts[i], p, &err);
    return st == SUMI_OK || api_fail_status(e, &err);
}

/* ---- Jobs ---- */

/* The reply, and the names that it shows. */
typedef struct openai_answer {
    openai_reply *reply;
    char id[REQUEST_ID_MAX + 16];
} openai_answer;

static void take(void *answer, const news *n, buf *out)
{
    openai_reply_take(((openai_answer *)answer)->reply, n, out);
}

static bool whole(void *answer, buf *out, api_error *e)
{
    return openai_reply_whole(((openai_answer *)answer)->reply, out, e);
}

static void destroy(void *answer)
{
    openai_reply_destroy(((openai_answer *)answer)->reply);
    free(answer);
}

static const answer_format format = { .stream_type = "text/event-stream; charset=utf-8",
                                      .heartbeat = ": keep-alive\n\n",
                                      .take = take,
                                      .whole = whole,
                                      .destroy = destroy };

static openai_answer *create_answer(exchange *x, openai_request *r, prompt_ids *p)
{
    openai_answer *a = calloc(1, sizeof *a);
    if (!a) return NULL;
    snprintf(a->id, sizeof a->id, "%s-%s", r->kind == OPENAI_CHAT ? "chatcmpl" : "cmpl", x->id);
    openai_reply_info info = { .model = x->server->model,
                               .model_name = x->server->opts.model_name,
                               .id = a->id,
                               .created = (int64_t)time(NULL) };
    a->reply = openai_reply_create(r, p->ids, p->n_ids, &info);
    if (a->reply) return a;
    free(a);
    return NULL;
}

/* What the server adds to each request: whose it is, its time limits, and a seed if the client named none. A salt that a
 * key's holder sends becomes one of that key's own: it must not reach the prefixes of another. salt: room for it. */
static bool complete_params(const exchange *x, const openai_request *r, sumi_request *p,
                            char salt[SALT_BYTES], api_error *e)
{
    const server_opts *o = &x->server->opts;
    uint64_t seed;
    *p = r->params;
    p->queue_ms = o->queue_ms;
    p->first_token_ms = o->first_token_ms;
    p->total_ms = o->total_ms;
    if (!r->has_seed && getrandom(&seed, sizeof seed, 0) == sizeof seed) p->sampling.seed = seed;
    if (!x->key) return true;
    p->client = x->key->name;
    p->priority = x->key->priority;
    p->weight = x->key->share;
    if (!p->cache_salt) return true;
    p->cache_salt = salt;
    return snprintf(salt, SALT_BYTES, "%s/%s", x->key->name, r->params.cache_salt) < SALT_BYTES ||
           api_fail(e, 400, "invalid_value", "cache_salt", "cache_salt: it is too long");
}

/* Takes p. Strings and lists of the request live in the reply while they are submitted. */
static enum MHD_Result submit(exchange *x, openai_request *r, prompt_ids *p)
{
    sumi_request params;
    api_error e;
    int32_t n = p->n;
    char salt[SALT_BYTES];
    bool stream = r->stream, ok = true;
    if (!complete_params(x, r, &params, salt, &e)) {
        free_ids(p);
        return http_error(x, &e);
    }
    openai_answer *a = create_answer(x, r, p);
    job *j = a ? job_create(x->conn, x->server->engine, &x->server->metrics, &format, a, n, stream) : NULL;
    if (!j) {
        if (!a) free_ids(p);
        api_fail(&e, 500, "out_of_memory", NULL, "out of memory");
        return http_error(x, &e);
    }
    for (int32_t i = 0; ok && i < n; i++) {
        params.ids = p->ids[i]; /* the reply's now, and still there */
        params.n_ids = p->n_ids[i];
        ok = job_submit(j, i, &params, &e);
    }
    if (ok) return http_answer_with(x, j);
    job_leave(j);
    return http_error(x, &e);
}

static enum MHD_Result post(exchange *x, openai_kind kind)
{
    const openai_limits limits = openai_limits_default();
    openai_request r;
    prompt_ids p = { .n = 0 };
    api_error e;
    if (!openai_request_parse(&r, kind, x->body.data, x->body.n, &limits, &e)) return http_error(x, &e);
    buf_deinit(&x->body);
    bool ok =
        check_model(x->server, r.model, &e) && make_ids(x->server, &r, &p, &e) && http_enter_limits(x, &e);
    enum MHD_Result result;
    if (ok) {
        result = submit(x, &r, &p);
    } else {
        free_ids(&p);
        result = http_error(x, &e);
    }
    openai_request_deinit(&r); /* empty if the reply took it */
    return result;
}

enum MHD_Result post_chat_completions(exchange *x)
{
    return post(x, OPENAI_CHAT);
}

enum MHD_Result post_completions(exchange *x)
{
    return post(x, OPENAI_COMPLETION);
}
