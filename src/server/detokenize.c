/* detokenize.c - POST /detokenize: token ids to text, with the fields of other servers.
 *
 *   {"tokens": [1, 2], "skip_special_tokens": false}   ->   {"prompt": "..", "content": ".."}
 *
 * A token of few digits may stand for a hundred bytes, and each is told twice: text of many tokens is made while the client
 * reads it, so that an answer takes the same memory however long it is. */
#include <stdlib.h>
#include <string.h>

#include "engine/model.h"
#include "server/body_work.h"
#include "server/endpoints.h"
#include "server/json_fields.h"
#include "server/json_text.h"
#include "server/text_api.h"
#include "server/text_check.h"
#include "text/detok.h"

enum {
    PIECE_IDS = 64,   /* that become text at once */
    WHOLE_IDS = 4096, /* more are told piece by piece */
    STREAM_BYTES = 16 << 10,
};

/* An answer that is being made: the same text in each of the fields. */
typedef struct text_writer {
    const tokenizer *t;
    int32_t *ids; /* [n] */
    int32_t n, at;
    int field;
    bool special; /* special tokens are written */
    detok detok;
    buf text, out; /* of the piece; what the client has not got yet, from `sent` on */
    size_t sent;
} text_writer;

static const char *const field_starts[] = { "{\"prompt\":\"", "\",\"content\":\"", "\"}" };
enum { N_FIELDS = sizeof field_starts / sizeof *field_starts - 1 };

static void free_writer(void *cls)
{
    text_writer *w = cls;
    buf_deinit(&w->text);
    buf_deinit(&w->out);
    free(w->ids);
    free(w);
}

/* Takes ids. NULL: out of memory. */
static text_writer *create_writer(const tokenizer *t, int32_t *ids, int32_t n, bool special)
{
    text_writer *w = calloc(1, sizeof *w);
    if (!w) {
        free(ids);
        return NULL;
    }
    *w = (text_writer){ .t = t, .ids = ids, .n = n, .special = special };
    buf_init(&w->text, SIZE_MAX);
    buf_init(&w->out, SIZE_MAX);
    return w;
}

/* Appends the next piece to out. False: there is none, the answer is complete. */
static bool write_piece(text_writer *w)
{
    if (w->field > N_FIELDS) return false;
    if (w->at == 0) {
        buf_append_str(&w->out, field_starts[w->field]);
        detok_init(&w->detok, w->t, w->special);
    }
    w->text.n = 0;
    int32_t end = w->n - w->at > PIECE_IDS ? w->at + PIECE_IDS : w->n;
    if (w->field == N_FIELDS) end = w->n;
    else
        while (w->at < end) detok_push(&w->detok, w->ids[w->at++], &w->text);
    if (end == w->n) {
        if (w->field < N_FIELDS) detok_flush(&w->detok, &w->text);
        w->field++;
        w->at = 0;
    }
    json_put_inside(&w->out, w->text.data, w->text.n);
    if (w->text.status != SUMI_OK) w->out.status = w->text.status;
    return true;
}

static ssize_t read_writer(void *cls, uint64_t pos, char *to, size_t max)
{
    text_writer *w = cls;
    (void)pos;
    while (w->sent == w->out.n) {
        w->sent = w->out.n = 0;
        if (!write_piece(w)) return MHD_CONTENT_READER_END_OF_STREAM;
        if (w->out.status != SUMI_OK) return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t n = w->out.n - w->sent < max ? w->out.n - w->sent : max;
    memcpy(to, w->out.data + w->sent, n);
    w->sent += n;
    return (ssize_t)n;
}

/* Takes w. */
static enum MHD_Result tell_text(exchange *x, text_writer *w)
{
    if (w->n <= WHOLE_IDS) {
        while (write_piece(w)) continue;
        enum MHD_Result result = http_reply_buf(x, 200, "application/json", &w->out);
        free_writer(w);
        return result;
    }
    struct MHD_Response *r =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BYTES, read_writer, w, free_writer);
    if (!r) free_writer(w);
    else MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    return http_send(x, 200, r);
}

typedef struct detokenize_work {
    body_work base;
    text_writer *writer; /* NULL: e says why */
    api_error e;
} detokenize_work;

static void run_detokenize(body_work *b)
{
    detokenize_work *d = (detokenize_work *)b;
    exchange *x = b->x;
    const tokenizer *t = model_tokenizer(x->server->model);
    int32_t *ids = NULL, n = 0;
    const char *name = NULL;
    bool skips = false;
    json_t *o = json_parse_object(x->body.data, x->body.n, &d->e);
    const json_t *list = field_get(o, "tokens");
    buf_deinit(&x->body);
    bool ok = o && field_string(o, "model", &name, &d->e) && text_api_check_model(x, name, &d->e) &&
              field_bool(o, "skip_special_tokens", &skips, &d->e);
    ok = ok && (json_is_array(list) || api_fail(&d->e, 400, "missing_field", "tokens",
                                                    "tokens: a list of token ids is needed"));
    ok = ok && field_ids(list, "tokens", &ids, &n, &d->e) &&
         text_check_ids("tokens", ids, n, tokenizer_n_vocab(t), &d->e);
    json_decref(o);
    if (!ok) free(ids);
    else if (!(d->writer = create_writer(t, ids, n, !skips))) api_fail_memory(&d->e);
}

static enum MHD_Result answer_detokenize(body_work *b)
{
    detokenize_work *d = (detokenize_work *)b;
    text_writer *w = d->writer;
    d->writer = NULL;
    return w ? tell_text(b->x, w) : http_error(b->x, &d->e);
}

static void destroy_detokenize(body_work *b)
{
    detokenize_work *d = (detokenize_work *)b;
    if (d->writer) free_writer(d->writer);
    free(d);
}

enum MHD_Result post_detokenize(exchange *x)
{
    detokenize_work *d = calloc(1, sizeof *d);
    if (!d) return body_work_start(x, NULL);
    d->base = (body_work){ .run = run_detokenize, .answer = answer_detokenize, .destroy = destroy_detokenize };
    return body_work_start(x, &d->base);
}
