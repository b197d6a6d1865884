/* text_api.c - see text_api.h. */
#include "server/api/text_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/error.h"
#include "engine/chat.h"
#include "engine/text_bound.h"
#include "server/api/chat_window.h"
#include "server/api/model_name.h"
#include "server/api/text_check.h"
#include "server/http/body_work.h"

bool text_api_check_model(const exchange *x, const char *name, api_error *e)
{
    const char *served = x->server->opts.model_name, *aliases = x->server->opts.model_aliases;
    if (!name || model_name_fits(name, served, aliases, x->api == API_OLLAMA)) return true;
    return api_fail(e, 404, "model_not_found", "model", "there is no model '%.100s'; this server serves '%s'", name,
                    served);
}

/* ---- From prompts to ids ---- */

bool text_ids_init(text_ids *p, int32_t max)
{
    *p = (text_ids){ 0 };
    if (max == 0) return true;
    p->ids = calloc((size_t)max, sizeof *p->ids);
    p->n_ids = calloc((size_t)max, sizeof *p->n_ids);
    if (p->ids && p->n_ids) return true;
    text_ids_deinit(p);
    return false;
}

void text_ids_deinit(text_ids *p)
{
    for (int32_t i = 0; i < p->n; i++) sumi_free(p->ids[i]);
    free(p->ids);
    free(p->n_ids);
    *p = (text_ids){ 0 };
}

/* The limit of a prompt's tokens, and its tokens. */
typedef struct prompt_bound {
    int32_t max;    /* tokens; 0: any number, which is cut later or only counted */
    int32_t fewest; /* > 0: a prompt is too long; it has at least this many tokens */
} prompt_bound;

/* The longest prompt: the context, or --max-prompt-tokens. */
static int32_t longest_prompt(const server *s)
{
    sumi_engine_stats stats;
    sumi_engine_get_stats(s->engine, &stats);
    int max = s->opts.max_prompt_tokens;
    return max > 0 && max < stats.n_ctx ? max : stats.n_ctx;
}

/* Tokenises text unless a glance says that it has more tokens than max, as megabytes of it have; then *fewest says how
 * many it has at least. */
static sumi_status text_to_ids(const sumi_model *model, const char *text, size_t n_bytes, uint32_t flags,
                               prompt_bound *bound, int32_t **ids, int32_t *n_ids, sumi_error *err)
{
    int64_t fewest = bound->max ? model_fewest_tokens(model, text, n_bytes) : 0;
    if (fewest <= bound->max) return sumi_tokenize(model, text, n_bytes, flags, ids, n_ids, err);
    bound->fewest = fewest < INT32_MAX ? (int32_t)fewest : INT32_MAX;
    return SUMI_ELIMIT;
}

/* Appends the text of a chat to out: that of r's messages, or of fewer. */
static sumi_status render(const sumi_model *model, const text_request *r, json_t *messages, buf *out, sumi_error *err)
{
    const chat_input chat = { .messages = messages,
                              .extra = r->template_vars,
                              .add_generation_prompt = !r->no_generation_prompt,
                              .continue_final = r->continue_final };
    char *rendered;
    size_t n;
    sumi_status st = model_format_chat(model, &chat, &rendered, &n, err);
    if (st != SUMI_OK) return st;
    buf_append(out, rendered, n);
    sumi_free(rendered);
    buf_append(out, json_string_value(r->prefill), json_string_length(r->prefill));
    return out->status == SUMI_OK ? SUMI_OK : sumi_fail(err, out->status, "out of memory");
}

/* What the library says of a request's prompts. */
static bool fail_prompts(const text_request *r, const sumi_error *why, api_error *e)
{
    api_fail_status(e, why);
    if (e->status == 400) e->param = r->source;
    return false;
}

bool text_api_render(const exchange *x, const text_request *r, buf *out, api_error *e)
{
    sumi_error err;
    return text_api_check_model(x, r->model, e) &&
           (render(x->server->model, r, r->messages, out, &err) == SUMI_OK || fail_prompts(r, &err, e));
}

/* The ids of a chat: those of r's messages, or of fewer. */
static sumi_status ids_of_messages(const sumi_model *model, const text_request *r, json_t *messages, text_ids *p,
                                   prompt_bound *bound, sumi_error *err)
{
    buf text;
    buf_init(&text, SIZE_MAX);
    sumi_status st = render(model, r, messages, &text, err);
    if (st == SUMI_OK)
        st = text_to_ids(model, text.data, text.n, SUMI_TOKENIZE_SPECIAL, bound, &p->ids[0], &p->n_ids[0], err);
    buf_deinit(&text);
    if (st == SUMI_OK) p->n = 1;
    return st;
}

/* The same without the oldest n turns. *fits: it has no more than max tokens; otherwise *p is empty. */
static sumi_status try_without(const sumi_model *model, const text_request *r, int32_t n, int32_t max, text_ids *p,
                               bool *fits, sumi_error *err)
{
    prompt_bound bound = { .max = max };
    json_t *messages = chat_without_oldest(r->messages, n);
    sumi_status st = messages ? ids_of_messages(model, r, messages, p, &bound, err) : (err->status = SUMI_ENOMEM);
    json_decref(messages);
    *fits = st == SUMI_OK && p->n_ids[0] <= max;
    if (st == SUMI_OK && !*fits) {
        sumi_free(p->ids[0]);
        p->n = 0;
    }
    return bound.fewest ? SUMI_OK : st;
}

/* Drops as few of the oldest turns as needed to leave room for the requested answer, or for a quarter of the context. *p
 * is empty if the last turn alone is too long. */
static sumi_status drop_oldest(const sumi_model *model, const text_request *r, text_ids *p, int32_t longest,
                               sumi_error *err)
{
    int32_t answer = r->params.max_tokens, low = 1, last = chat_n_turns(r->messages) - 1, high = last;
    int32_t reserved = answer < 0 || answer > longest / 2 ? longest / 4 : answer;
    bool fits = false;
    sumi_status st = SUMI_OK;
    while (low < high && st == SUMI_OK) { /* fewer turns are fewer tokens */
        int32_t middle = low + (high - low) / 2;
        st = try_without(model, r, middle, longest - reserved, p, &fits, err);
        if (fits) sumi_free(p->ids[0]);
        p->n = 0;
        if (fits) high = middle;
        else low = middle + 1;
    }
    if (st == SUMI_OK && last > 0)
        st = try_without(model, r, high, high < last ? longest - reserved : longest, p, &fits, err);
    return st;
}

static sumi_status chat_ids(const sumi_model *model, const text_request *r, text_ids *p, prompt_bound *bound,
                            sumi_error *err)
{
    sumi_status st = ids_of_messages(model, r, r->messages, p, bound, err);
    bool too_long = bound->max && (bound->fewest || (st == SUMI_OK && p->n_ids[0] > bound->max));
    if (!r->drop_oldest || !too_long) return st;
    text_ids shorter;
    if (!text_ids_init(&shorter, 1)) return err->status = SUMI_ENOMEM;
    sumi_status dropped = drop_oldest(model, r, &shorter, bound->max, err);
    if (dropped != SUMI_OK || shorter.n == 0) { /* the whole one says why it does not fit */
        text_ids_deinit(&shorter);
        return dropped != SUMI_OK ? dropped : st;
    }
    text_ids_deinit(p);
    *p = shorter;
    bound->fewest = 0;
    return SUMI_OK;
}

static sumi_status prompt_ids(const sumi_model *model, const text_prompt *prompt, bool no_bos_eos, text_ids *p,
                              prompt_bound *bound, sumi_error *err)
{
    int32_t **ids = &p->ids[p->n], *n = &p->n_ids[p->n];
    sumi_status st = SUMI_OK;
    if (prompt->text) {
        uint32_t flags = SUMI_TOKENIZE_SPECIAL | (no_bos_eos ? 0 : SUMI_TOKENIZE_BOS_EOS);
        st = text_to_ids(model, prompt->text, prompt->n_bytes, flags, bound, ids, n, err);
    } else if ((*ids = malloc((size_t)prompt->n_ids * sizeof **ids))) {
        memcpy(*ids, prompt->ids, (size_t)prompt->n_ids * sizeof **ids);
        *n = prompt->n_ids;
    } else {
        st = err->status = SUMI_ENOMEM;
    }
    if (st == SUMI_OK) p->n++;
    return st;
}

/* Of each prompt, its last n tokens; n 0: all. */
static void keep_last(int32_t n, text_ids *p)
{
    for (int32_t i = 0; n > 0 && i < p->n; i++) {
        int32_t extra = p->n_ids[i] - n;
        if (extra <= 0) continue;
        memmove(p->ids[i], p->ids[i] + extra, (size_t)n * sizeof *p->ids[i]);
        p->n_ids[i] = n;
    }
}

bool text_api_tokenize(const exchange *x, const text_request *r, bool bounded, text_ids *ids, api_error *e)
{
    prompt_bound bound = { .max = bounded && !r->cut && !r->keep_last ? longest_prompt(x->server) : 0 };
    sumi_error err = { .message = "out of memory" };
    sumi_status st = SUMI_OK;
    const sumi_model *model = x->server->model;
    sumi_model_info info;
    *ids = (text_ids){ 0 };
    if (!text_api_check_model(x, r->model, e)) return false;
    sumi_model_get_info(model, &info);
    bool chat = r->messages && (info.has_chat_template || !r->prompts);
    if (chat && !info.has_chat_template)
        return api_fail(e, 400, "no_chat_template", r->source,
                        "this model has no usable chat template: let the model continue a text");
    if (!text_ids_init(ids, r->n_prompts)) return api_fail_memory(e);
    if (chat) st = chat_ids(model, r, ids, &bound, &err);
    for (int32_t i = 0; !chat && st == SUMI_OK && i < r->n_prompts; i++)
        st = prompt_ids(model, &r->prompts[i], r->no_bos_eos, ids, &bound, &err);
    if (st == SUMI_OK) keep_last(r->keep_last < 0 ? longest_prompt(x->server) : r->keep_last, ids);
    if (st == SUMI_OK) return true;
    text_ids_deinit(ids);
    if (bound.fewest) return api_fail_context(e, r->source, bound.fewest, bound.max);
    return fail_prompts(r, &err, e);
}

/* ---- Jobs ---- */

/* Combines a client's cache_salt with its key, so that it cannot reach the prefixes of another key. salt: memory for it. */
static bool own_salt(const exchange *x, sumi_request *p, char salt[JOB_SALT_BYTES], api_error *e)
{
    const char *owner = x->key ? x->key->name : "", *slash = x->key ? "/" : "", *sent = p->cache_salt;
    if (!sent) return true;
    p->cache_salt = salt;
    return snprintf(salt, JOB_SALT_BYTES, "%s%s%s", owner, slash, sent) < JOB_SALT_BYTES ||
           api_fail(e, 400, "invalid_value", "cache_salt", "cache_salt: it is too long");
}

/* Adds the client, the time limits, and a seed if the request has none. */
static bool complete_params(const exchange *x, const text_request *r, sumi_request *p, char salt[JOB_SALT_BYTES],
                            api_error *e)
{
    const server_opts *o = &x->server->opts;
    uint64_t seed;
    *p = r->params;
    p->queue_ms = o->queue_ms;
    p->first_token_ms = o->first_token_ms;
    p->total_ms = o->total_ms;
    if (!r->has_seed && getrandom(&seed, sizeof seed, 0) == sizeof seed) p->sampling.seed = seed;
    if (x->key) {
        p->client = x->key->name;
        p->priority = x->key->priority;
        p->weight = x->key->share;
    }
    return own_salt(x, p, salt, e);
}

static job *create_job(exchange *x, const text_api *api, text_request *r, text_ids *ids)
{
    const reply_info info = {
        .model = x->server->model, .model_name = x->server->opts.model_name, .id = x->id, .created = (int64_t)time(NULL)
    };
    int32_t n = ids->n;
    bool stream = r->stream;
    void *reply = api->create_reply(r, ids, &info);
    if (!reply) return NULL;
    return job_create(x->conn, x->server->engine, &x->server->metrics, api->format, reply, n, stream);
}

/* Prompts of one connection that the engine has at once: enough for a full batch, and never the whole queue. */
static int32_t window_of(const server_opts *o)
{
    int32_t half = o->max_queue > 0 ? o->max_queue / 2 : TEXT_MAX_PROMPTS;
    return half < 1 ? 1 : half < TEXT_MAX_PROMPTS ? half : TEXT_MAX_PROMPTS;
}

/* Takes r and ids. The strings and lists that params leads to live in the reply, or as long as the connection. */
static enum MHD_Result submit(exchange *x, const text_api *api, text_request *r, text_ids *ids)
{
    sumi_request params;
    api_error e;
    char salt[JOB_SALT_BYTES];
    const text_ids prompts = *ids; /* the same arrays, which become the reply's */
    const char *source = r->source;
    bool ok = complete_params(x, r, &params, salt, &e);
    job *j = ok ? create_job(x, api, r, ids) : NULL;
    if (ok && !j) ok = api_fail_memory(&e);
    if (ok && job_start(j, &params, &prompts, window_of(&x->server->opts), &e)) return http_answer_with(x, j);
    if (j) job_leave(j);
    if (e.status == 400 && !e.param) e.param = text_blamed_field(&params, source);
    return http_error(x, &e);
}

/* Chats and completions need a model that generates text. */
static bool check_kind(const exchange *x, const text_api *api, api_error *e)
{
    sumi_model_info info;
    sumi_model_get_info(x->server->model, &info);
    if (api->embeds || info.has_logits) return true;
    return api_fail(e, 400, "unsupported_value", "model",
                    "the model '%s' %s: it makes embeddings and no text; use /v1/embeddings",
                    x->server->opts.model_name, info.is_encoder ? "is an encoder" : "has no output head");
}

/* A prompt may be as long as the context, or as --max-prompt-tokens allows. */
static bool check_lengths(const exchange *x, const text_request *r, const text_ids *ids, api_error *e)
{
    int32_t max = longest_prompt(x->server);
    for (int32_t i = 0; i < ids->n; i++)
        if (ids->n_ids[i] > max) return api_fail_context(e, r->source, ids->n_ids[i], max);
    return true;
}

static bool check_fields(const exchange *x, const text_request *r, api_error *e)
{
    sumi_model_info info;
    sumi_engine_stats stats;
    sumi_model_get_info(x->server->model, &info);
    sumi_engine_get_stats(x->server->engine, &stats);
    return text_check(r, &info, &stats, e);
}

text_limits text_api_limits(const exchange *x)
{
    text_limits limits = text_limits_default();
    limits.max_choices = x->server->opts.max_choices;
    limits.max_stop = x->server->opts.max_stop;
    limits.defaults = &x->server->opts.defaults;
    return limits;
}

/* A request in progress: the work of the pool's thread on a body. */
typedef struct text_work {
    body_work base;
    const text_api *api;
    text_request r;
    text_ids ids;
    api_error e; /* unless ok: why there is no answer */
    bool ok;
} text_work;

/* An answer that would have more tokens than the server allows ends there with "length". */
static void cap_tokens(sumi_request *p, int32_t most)
{
    if (p->max_tokens < 0 || p->max_tokens > most) p->max_tokens = most;
    if (p->min_tokens > most) p->min_tokens = most;
}

static void run(body_work *b)
{
    text_work *t = (text_work *)b;
    exchange *x = b->x;
    const text_api *api = t->api;
    const text_limits limits = text_api_limits(x);
    if (!api->parse(&t->r, x->body.data, x->body.n, &limits, &t->e)) return;
    buf_deinit(&x->body);
    int32_t most = x->server->opts.max_answer_tokens;
    if (most > 0 && !api->embeds) cap_tokens(&t->r.params, most);
    t->ok = check_kind(x, api, &t->e) && text_api_tokenize(x, &t->r, true, &t->ids, &t->e) &&
            check_fields(x, &t->r, &t->e) && (!api->check || api->check(x, &t->r, &t->ids, &t->e)) &&
            check_lengths(x, &t->r, &t->ids, &t->e);
}

/* The most that the request can use. The texts of embeddings have no answers: they are one request, and their tokens
 * count. */
static key_charge charge_of(const exchange *x, const text_work *t)
{
    const sumi_request *p = &t->r.params;
    int32_t width = p->best_of > p->n ? p->best_of : p->n;
    sumi_engine_stats stats;
    key_charge c = { 0 };
    if (t->ids.n == 0) return c;
    sumi_engine_get_stats(x->server->engine, &stats);
    if (width < 1) width = 1;
    if (!t->api->embeds) c.n_more = t->ids.n * width - 1;
    for (int32_t i = 0; i < t->ids.n; i++) {
        int32_t n = t->ids.n_ids[i], most = stats.n_ctx > n ? stats.n_ctx - n : 0;
        int32_t longest = p->max_tokens >= 0 && p->max_tokens < most ? p->max_tokens : most;
        c.n_tokens += n + (t->api->embeds ? 0 : (int64_t)width * longest);
    }
    return c;
}

static enum MHD_Result answer(body_work *b)
{
    text_work *t = (text_work *)b;
    bool ok = t->ok && http_charge(b->x, charge_of(b->x, t), &t->e);
    return ok ? submit(b->x, t->api, &t->r, &t->ids) : http_error(b->x, &t->e);
}

static void destroy(body_work *b)
{
    text_work *t = (text_work *)b;
    text_ids_deinit(&t->ids); /* both are empty if a reply took them */
    text_request_deinit(&t->r);
    free(t);
}

enum MHD_Result text_api_post(exchange *x, const text_api *api)
{
    text_work *t = calloc(1, sizeof *t);
    if (t) {
        t->base = (body_work){ .run = run, .answer = answer, .destroy = destroy };
        t->api = api;
    }
    return body_work_start(x, t ? &t->base : NULL);
}
