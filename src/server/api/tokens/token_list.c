/* token_list.c - see token_list.h. */
#include "server/api/tokens/token_list.h"

#include <stdlib.h>

#include "base/printable.h"
#include "server/api/json_text.h"

enum { PART_TOKENS, PART_STRINGS, PART_NONE };

/* A piece that is no text by itself, such as half of a character, is a list of its bytes. */
static void put_piece(const char *text, size_t n, buf *out)
{
    uint32_t code = 0;
    for (size_t i = 0; i < n && code != UINT32_MAX;) i += printable_utf8(text + i, n - i, &code);
    if (code != UINT32_MAX) {
        json_put_text(out, text, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s%u%s", i ? "," : "[", (unsigned char)text[i], i + 1 < n ? "" : "]");
}

/* The text of a token: alone, or with its id. */
static void put_text(const token_list *l, int32_t id, bool alone, buf *out)
{
    char *text;
    size_t n;
    if (sumi_detokenize(l->model, &id, 1, true, &text, &n, NULL) != SUMI_OK) {
        out->status = SUMI_ENOMEM;
        return;
    }
    if (alone) {
        json_put_text(out, text, n);
    } else {
        buf_printf(out, "{\"id\":%d,\"piece\":", id);
        put_piece(text, n, out);
        buf_append_char(out, '}');
    }
    sumi_free(text);
}

static void put_token(const token_list *l, int32_t id, buf *out)
{
    if (l->part == PART_STRINGS) put_text(l, id, true, out);
    else if (l->pieces) put_text(l, id, false, out);
    else buf_printf(out, "%d", id);
}

/* Begins a part, or ends the answer. */
static void go_to(token_list *l, int part, buf *out)
{
    l->part = part;
    l->at = 0;
    if (part == PART_STRINGS) buf_append_str(out, ",\"token_strs\":[");
    else if (part == PART_NONE) buf_append_char(out, '}');
}

static bool write_piece(pieces *p, buf *out)
{
    token_list *l = (token_list *)p;
    if (l->part == PART_NONE) return false;
    if (l->part == PART_TOKENS && l->at == 0) buf_append_str(out, "{\"tokens\":[");
    int32_t end = l->n - l->at > PIECE_IDS ? l->at + PIECE_IDS : l->n;
    for (; l->at < end; l->at++) {
        if (l->at) buf_append_char(out, ',');
        put_token(l, l->ids[l->at], out);
    }
    if (end < l->n) return true;
    buf_append_char(out, ']');
    if (l->part == PART_TOKENS) buf_printf(out, ",\"count\":%d,\"max_model_len\":%d", l->n, l->n_ctx);
    go_to(l, l->part == PART_TOKENS && l->strings ? PART_STRINGS : PART_NONE, out);
    return true;
}

static void destroy(pieces *p)
{
    sumi_free(((token_list *)p)->ids);
    free(p);
}

token_list *token_list_create(const sumi_model *model, int32_t n_ctx)
{
    token_list *l = calloc(1, sizeof *l);
    if (l) *l = (token_list){ .base = { .write = write_piece, .destroy = destroy }, .model = model, .n_ctx = n_ctx };
    return l;
}

enum MHD_Result token_list_reply(exchange *x, token_list *l)
{
    return pieces_reply(x, &l->base, l->n > WHOLE_IDS);
}
