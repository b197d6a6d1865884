/* openai_logprobs.c - see openai_logprobs.h. */
#include "server/api/openai/openai_logprobs.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"
#include "server/api/json_text.h"
#include "server/api/text_request.h"

void logprob_lists_init(logprob_lists *l)
{
    *l = (logprob_lists){ 0 };
    buf_init(&l->tokens, SIZE_MAX);
    buf_init(&l->values, SIZE_MAX);
    buf_init(&l->top, SIZE_MAX);
    buf_init(&l->offsets, SIZE_MAX);
}

void logprob_lists_deinit(logprob_lists *l)
{
    buf_deinit(&l->tokens);
    buf_deinit(&l->values);
    buf_deinit(&l->top);
    buf_deinit(&l->offsets);
}

void logprob_lists_clear(logprob_lists *l)
{
    l->tokens.n = l->values.n = l->top.n = l->offsets.n = 0;
    l->n = 0;
}

/* The bytes of one token. NULL, and out has failed: no memory. Free with sumi_free(). */
static char *bytes_of(const sumi_model *model, int32_t id, size_t *n, buf *out)
{
    char *text;
    *n = 0;
    sumi_status status = sumi_detokenize(model, &id, 1, true, &text, n, NULL);
    if (status != SUMI_OK) out->status = status;
    return status == SUMI_OK ? text : NULL;
}

static void comma(buf *out)
{
    if (out->n) buf_append_char(out, ',');
}

/* "token":"a","logprob":-0.1,"bytes":[97] */
static void put_fields(buf *out, const sumi_model *model, const sumi_choice *c)
{
    size_t n;
    char *text = bytes_of(model, c->id, &n, out);
    buf_append_str(out, "\"token\":");
    json_put_text(out, text ? text : "", n);
    buf_append_str(out, ",\"logprob\":");
    json_put_number(out, (double)c->logprob);
    buf_append_str(out, ",\"bytes\":[");
    for (size_t i = 0; i < n; i++) buf_printf(out, i ? ",%u" : "%u", (unsigned char)text[i]);
    buf_append_char(out, ']');
    sumi_free(text);
}

void logprobs_add_chat(logprob_lists *l, const sumi_model *model, const sumi_choice *token, const sumi_choice *top,
                       int32_t n_top)
{
    buf *out = &l->tokens;
    comma(out);
    buf_append_char(out, '{');
    put_fields(out, model, token);
    buf_append_str(out, ",\"top_logprobs\":[");
    for (int32_t i = 0; i < n_top && top[i].id >= 0; i++) {
        buf_append_str(out, i ? ",{" : "{");
        put_fields(out, model, &top[i]);
        buf_append_char(out, '}');
    }
    buf_append_str(out, "]}");
    l->n++;
}

static int32_t n_characters(const char *text, size_t n)
{
    int32_t count = 0;
    for (size_t i = 0; i < n; i++) count += (text[i] & 0xC0) != 0x80; /* every byte that begins one */
    return count;
}

/* Whether text [n] is valid UTF-8 and so can be a JSON string. */
static bool is_utf8(const char *text, size_t n)
{
    uint32_t cp;
    for (size_t i = 0, n_char; i < n; i += n_char)
        if (!(n_char = utf8_decode(text + i, n - i, &cp))) return false;
    return true;
}

/* A token's text as completions name it. Part of a character is "bytes:\\xf0\\x9f" as OpenAI's API spells it, so that two
 * parts do not become the same string; under spelled any text is. */
static void put_name(buf *out, const char *text, size_t n, bool spelled)
{
    buf name;
    if (!spelled && is_utf8(text, n)) {
        json_put_text(out, text, n);
        return;
    }
    buf_init(&name, SIZE_MAX);
    buf_append_str(&name, "bytes:");
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (spelled || c < 0x20 || c > 0x7E) buf_printf(&name, "\\x%02x", c);
        else buf_append_char(&name, (char)c);
    }
    if (name.status != SUMI_OK) out->status = name.status;
    json_put_text(out, name.data ? name.data : "", name.n);
    buf_deinit(&name);
}

typedef struct spelling {
    char *text;
    size_t n;
} spelling;

static bool is_among(const spelling *all, int32_t n, const spelling *s)
{
    for (int32_t i = 0; i < n; i++)
        if (all[i].n == s->n && !memcmp(all[i].text, s->text, s->n)) return true;
    return false;
}

static void put_pair(buf *out, const spelling *s, float logprob, bool in_bytes)
{
    if (out->data[out->n - 1] != '{') buf_append_char(out, ',');
    put_name(out, s->text, s->n, in_bytes);
    buf_append_char(out, ':');
    json_put_number(out, (double)logprob);
}

/* {"a":-0.1,...}: the alternatives, and the chosen token, whose bytes are main, if it is not one of them. A token with the
 * text of main or of a better alternative (this happens with single bytes) is spelled in bytes, so that its key differs. */
static void put_top(buf *out, const sumi_model *model, const sumi_choice *token, spelling main, const sumi_choice *top,
                    int32_t n_top)
{
    spelling all[1 + TEXT_MAX_TOP_LOGPROBS] = { main };
    int32_t n = 1;
    bool seen = false;
    assert(n_top <= TEXT_MAX_TOP_LOGPROBS);
    buf_append_char(out, '{');
    for (int32_t i = 0; i < n_top && top[i].id >= 0 && out->status == SUMI_OK; i++) {
        bool is_main = top[i].id == token->id;
        spelling *s = &all[is_main ? 0 : n];
        seen |= is_main;
        if (!is_main && !(s->text = bytes_of(model, top[i].id, &s->n, out))) break;
        put_pair(out, s, top[i].logprob, !is_main && is_among(all, n, s));
        n += !is_main;
    }
    if (!seen && out->status == SUMI_OK) put_pair(out, &main, token->logprob, false);
    while (n > 1) sumi_free(all[--n].text);
    buf_append_char(out, '}');
}

void logprobs_add_completion(logprob_lists *l, const sumi_model *model, const sumi_choice *token, bool known,
                             const sumi_choice *top, int32_t n_top)
{
    size_t n;
    char *text = bytes_of(model, token->id, &n, &l->tokens);
    comma(&l->tokens);
    put_name(&l->tokens, text ? text : "", n, false);
    comma(&l->values);
    comma(&l->top);
    if (known) {
        json_put_number(&l->values, (double)token->logprob);
        put_top(&l->top, model, token, (spelling){ text ? text : "", n }, top, n_top);
    } else {
        buf_append_str(&l->values, "null");
        buf_append_str(&l->top, "null");
    }
    comma(&l->offsets);
    buf_printf(&l->offsets, "%d", l->offset);
    l->offset += n_characters(text ? text : "", n);
    l->n++;
    sumi_free(text);
}

/* "1":{"logprob":-0.1,"rank":2,"decoded_token":"a"} */
static void put_ranked(buf *out, const sumi_model *model, const sumi_choice *c, int32_t rank)
{
    size_t n;
    char *text = bytes_of(model, c->id, &n, out);
    buf_printf(out, "\"%d\":{\"logprob\":", c->id);
    json_put_number(out, (double)c->logprob);
    buf_printf(out, ",\"rank\":%d,\"decoded_token\":", rank);
    json_put_text(out, text ? text : "", n);
    buf_append_char(out, '}');
    sumi_free(text);
}

void logprobs_put_prompt(const sumi_model *model, const sumi_choice *token, int32_t rank, const sumi_choice *top,
                         int32_t n_top, buf *out)
{
    buf_append_char(out, '{');
    put_ranked(out, model, token, rank);
    for (int32_t i = 0; i < n_top && top[i].id >= 0; i++) {
        if (top[i].id == token->id) continue;
        buf_append_char(out, ',');
        put_ranked(out, model, &top[i], i + 1);
    }
    buf_append_char(out, '}');
}

static void put_list(buf *out, const char *name, const buf *list)
{
    if (list->status != SUMI_OK) out->status = list->status;
    buf_printf(out, "\"%s\":[", name);
    buf_append(out, list->data ? list->data : "", list->n);
    buf_append_char(out, ']');
}

void logprobs_put_chat(const logprob_lists *l, buf *out)
{
    buf_append_char(out, '{');
    put_list(out, "content", &l->tokens);
    buf_append_str(out, ",\"refusal\":null}");
}

void logprobs_put_completion(const logprob_lists *l, buf *out)
{
    buf_append_char(out, '{');
    put_list(out, "tokens", &l->tokens);
    buf_append_char(out, ',');
    put_list(out, "token_logprobs", &l->values);
    buf_append_char(out, ',');
    put_list(out, "top_logprobs", &l->top);
    buf_append_char(out, ',');
    put_list(out, "text_offset", &l->offsets);
    buf_append_char(out, '}');
}
