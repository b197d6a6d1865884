/* embeddings_reply.c - see embeddings_reply.h. */
#include "server/api/embeddings/embeddings_reply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/os/clock.h"
#include "server/api/json_text.h"

typedef struct vector {
    float *x; /* [n]; NULL: not received yet */
    int32_t n;
} vector;

typedef struct embeddings_reply {
    text_request request;
    text_ids ids;
    reply_info info;
    void (*put)(const struct embeddings_reply *r, buf *out);
    vector *vectors; /* [ids.n] */
    int64_t n_prompt;
    double start_ms, queue_ms; /* queue: of the first part */
    api_error error;           /* status != 0: one of the parts has failed */
} embeddings_reply;

static void *create(text_request *request, text_ids *ids, const reply_info *info,
                    void (*put)(const embeddings_reply *, buf *))
{
    embeddings_reply *r = calloc(1, sizeof *r);
    if (!r || !(r->vectors = calloc((size_t)ids->n + 1, sizeof *r->vectors))) {
        free(r);
        return NULL;
    }
    r->info = *info;
    r->put = put;
    r->start_ms = clock_ms();
    r->request = *request;
    r->ids = *ids;
    *request = (text_request){ 0 };
    *ids = (text_ids){ 0 };
    return r;
}

static void destroy(void *reply)
{
    embeddings_reply *r = reply;
    for (int32_t i = 0; i < r->ids.n; i++) free(r->vectors[i].x);
    free(r->vectors);
    text_ids_deinit(&r->ids);
    text_request_deinit(&r->request);
    free(r);
}

/* ---- Events ---- */

/* The first `dimensions` numbers, brought to length 1 again. */
static void shorten(vector *v, int32_t dimensions, bool raw)
{
    double squares = 0;
    if (!dimensions || dimensions >= v->n) return;
    v->n = dimensions;
    for (int32_t i = 0; i < v->n; i++) squares += (double)v->x[i] * (double)v->x[i];
    for (int32_t i = 0; i < v->n && squares > 0 && !raw; i++) v->x[i] = (float)((double)v->x[i] / sqrt(squares));
}

static void take_vector(embeddings_reply *r, const job_event *n)
{
    vector *v = &r->vectors[n->part];
    v->x = malloc((size_t)n->n_embd * sizeof *v->x);
    if (!v->x) {
        api_fail_memory(&r->error);
        return;
    }
    memcpy(v->x, n->embedding, (size_t)n->n_embd * sizeof *v->x);
    v->n = n->n_embd;
    shorten(v, r->request.dimensions, r->request.params.embed_raw);
}

static void take(void *reply, const job_event *n, buf *out)
{
    embeddings_reply *r = reply;
    (void)out;
    if (n->type == SUMI_EVENT_EMBEDDING) take_vector(r, n);
    if (n->type != SUMI_EVENT_END) return;
    if (n->finish != SUMI_FINISH_STOP && !r->error.status) api_fail_finish(&r->error, n->finish, n->limit, n->text);
    r->n_prompt = n->used.n_prompt;
    if (n->part == 0) r->queue_ms = n->usage.queue_ms;
}

static bool whole(void *reply, buf *out, api_error *e)
{
    embeddings_reply *r = reply;
    *e = r->error;
    if (r->error.status) return false;
    r->put(r, out);
    return true;
}

const answer_format embeddings_format = { .take = take, .whole = whole, .destroy = destroy };

/* ---- JSON ---- */

/* Nine digits are enough to read the same float again. */
static void put_numbers(const vector *v, buf *out)
{
    buf_append_char(out, '[');
    for (int32_t i = 0; i < v->n; i++) buf_printf(out, i ? ",%.9g" : "%.9g", (double)v->x[i]);
    buf_append_char(out, ']');
}

/* The bytes of v, little-endian, in base 64 (RFC 4648, section 4). */
static void put_base64(const vector *v, buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0, word = 0;
    int n_bits = 0;
    buf_append_char(out, '"');
    for (int32_t i = 0; i < 4 * v->n; i++) {
        if (i % 4 == 0) memcpy(&word, &v->x[i / 4], sizeof word);
        bits = bits << 8 | (word >> 8 * (i % 4) & 0xFF);
        for (n_bits += 8; n_bits >= 6; n_bits -= 6) buf_append_char(out, digits[bits >> (n_bits - 6) & 63]);
    }
    if (n_bits) buf_append_char(out, digits[bits << (6 - n_bits) & 63]);
    for (int32_t n = 4 * v->n; n % 3; n++) buf_append_char(out, '=');
    buf_append_char(out, '"');
}

static void put_openai(const embeddings_reply *r, buf *out)
{
    buf_append_str(out, "{\"object\":\"list\",\"data\":[");
    for (int32_t i = 0; i < r->ids.n; i++) {
        buf_printf(out, "%s{\"object\":\"embedding\",\"index\":%d,\"embedding\":", i ? "," : "", i);
        if (r->request.base64) put_base64(&r->vectors[i], out);
        else put_numbers(&r->vectors[i], out);
        buf_append_char(out, '}');
    }
    buf_append_str(out, "],\"model\":");
    json_put_string(out, r->info.model_name);
    buf_printf(out, ",\"usage\":{\"prompt_tokens\":%lld,\"total_tokens\":%lld}}", (long long)r->n_prompt,
               (long long)r->n_prompt);
}

static void put_ollama(const embeddings_reply *r, buf *out)
{
    buf_append_str(out, "{\"model\":");
    json_put_string(out, r->info.model_name);
    buf_append_str(out, ",\"embeddings\":[");
    for (int32_t i = 0; i < r->ids.n; i++) {
        if (i) buf_append_char(out, ',');
        put_numbers(&r->vectors[i], out);
    }
    buf_printf(out, "],\"total_duration\":%lld,\"load_duration\":%lld,\"prompt_eval_count\":%lld}",
               (long long)((clock_ms() - r->start_ms) * 1e6), (long long)(r->queue_ms * 1e6), (long long)r->n_prompt);
}

static void put_ollama_one(const embeddings_reply *r, buf *out)
{
    buf_append_str(out, "{\"embedding\":");
    put_numbers(&r->vectors[0], out); /* without a prompt there is an empty one */
    buf_append_char(out, '}');
}

void *embeddings_reply_create(text_request *request, text_ids *ids, const reply_info *info)
{
    return create(request, ids, info, put_openai);
}

void *embeddings_ollama_reply_create(text_request *request, text_ids *ids, const reply_info *info)
{
    return create(request, ids, info, put_ollama);
}

void *embeddings_ollama_one_reply_create(text_request *request, text_ids *ids, const reply_info *info)
{
    return create(request, ids, info, put_ollama_one);
}
