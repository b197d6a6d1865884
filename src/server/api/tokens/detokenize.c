/* detokenize.c - POST /detokenize: token ids to text, with the fields of other servers.
 *
 *   {"tokens": [1, 2], "skip_special_tokens": false}   ->   {"prompt": "..", "content": ".."}
 *
 * A token of a few digits may stand for a hundred bytes, and the answer has each text twice. So the text of many tokens is
 * made while the client reads it, and an answer of any length takes the same memory. */
#include <stdlib.h>

#include "engine/sumi_model.h"
#include "server/api/json_fields.h"
#include "server/api/json_text.h"
#include "server/api/text_api.h"
#include "server/api/text_check.h"
#include "server/http/body_work.h"
#include "server/http/endpoints.h"
#include "server/http/pieces.h"
#include "text/detok.h"

/* An answer that is being made: the same text in each of the fields. */
typedef struct text_writer {
    pieces base;
    const tokenizer *t;
    int32_t *ids; /* [n] */
    int32_t n, at;
    int field;
    bool special; /* special tokens are written */
    detok detok;
    buf text; /* of the piece */
} text_writer;

static const char *const field_starts[] = { "{\"prompt\":\"", "\",\"content\":\"", "\"}" };
enum { N_FIELDS = sizeof field_starts / sizeof *field_starts - 1 };

static void free_writer(pieces *p)
{
    text_writer *w = (text_writer *)p;
    buf_deinit(&w->text);
    free(w->ids);
    free(w);
}

static bool write_piece(pieces *p, buf *out)
{
    text_writer *w = (text_writer *)p;
    if (w->field > N_FIELDS) return false;
    if (w->at == 0) {
        buf_append_str(out, field_starts[w->field]);
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
    json_put_inside(out, w->text.data, w->text.n);
    if (w->text.status != SUMI_OK) out->status = w->text.status;
    return true;
}

/* Takes ids. NULL: out of memory. */
static text_writer *create_writer(const tokenizer *t, int32_t *ids, int32_t n, bool special)
{
    text_writer *w = calloc(1, sizeof *w);
    if (!w) {
        free(ids);
        return NULL;
    }
    *w = (text_writer){
        .base = { .write = write_piece, .destroy = free_writer }, .t = t, .ids = ids, .n = n, .special = special
    };
    buf_init(&w->text, SIZE_MAX);
    return w;
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
    ok = ok && (json_is_array(list) ||
                api_fail(&d->e, 400, "missing_field", "tokens", "tokens: a list of token ids is needed"));
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
    return w ? pieces_reply(b->x, &w->base, w->n > WHOLE_IDS) : http_error(b->x, &d->e);
}

static void destroy_detokenize(body_work *b)
{
    detokenize_work *d = (detokenize_work *)b;
    if (d->writer) free_writer(&d->writer->base);
    free(d);
}

enum MHD_Result post_detokenize(exchange *x)
{
    detokenize_work *d = calloc(1, sizeof *d);
    if (!d) return body_work_start(x, NULL);
    d->base = (body_work){ .run = run_detokenize, .answer = answer_detokenize, .destroy = destroy_detokenize };
    return body_work_start(x, &d->base);
}
