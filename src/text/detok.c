/* detok.c - see detok.h. */
#include "text/detok.h"

#include <string.h>

#include "base/utf8.h"

void detok_init(detok *d, const tokenizer *t, bool special)
{
    *d = (detok){ .t = t, .special = special, .at_start = tokenizer_adds_space(t) };
}

void detok_continue(detok *d)
{
    d->at_start = false;
}

/* Adds one byte after the held bytes: writes at most one character or replacement before the byte itself is held. */
static void push_byte(detok *d, char byte, buf *out)
{
    uint32_t cp;
    int partial = 0;
    d->held[d->n_held++] = byte;
    while (d->n_held) {
        size_t n = utf8_decode(d->held, d->n_held, &cp);
        if (n) {
            buf_append(out, d->held, n);
        } else {
            n = utf8_invalid_bytes(d->held, d->n_held, &partial);
            if (partial) return;
            buf_append_str(out, UTF8_REPLACEMENT);
        }
        d->n_held = (uint8_t)(d->n_held - n);
        memmove(d->held, d->held + n, d->n_held);
    }
}

void detok_push(detok *d, int32_t id, buf *out)
{
    size_t n;
    const char *text = tokenizer_text(d->t, id, &n);
    bool is_special = tokenizer_is_special(d->t, id);
    if (!text || (is_special && !d->special)) return;
    if (!is_special) {
        if (d->at_start && n && text[0] == ' ') text++, n--;
        d->at_start = false;
    }
    for (size_t i = 0; i < n;) {
        size_t whole = d->n_held ? 0 : utf8_valid_prefix(text + i, n - i);
        buf_append(out, text + i, whole);
        i += whole;
        if (i < n) push_byte(d, text[i++], out);
    }
}

void detok_flush(detok *d, buf *out)
{
    if (d->n_held) buf_append_str(out, UTF8_REPLACEMENT);
    d->n_held = 0;
}
