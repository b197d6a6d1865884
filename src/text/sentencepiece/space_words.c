/* space_words.c - see space_words.h. */
#include "text/sentencepiece/space_words.h"

#include <string.h>

#define SPACE_SYMBOL_END 0x81 /* last byte of U+2581, which represents a space and may also occur in a text */

void space_words_init(space_words *w, const vocab *v)
{
    *w = (space_words){ 0 };
    for (int32_t i = 0; i < v->n_tokens; i++) {
        const vocab_text *t = &v->raw[i];
        if (!t->n || !vocab_can_merge(v, i)) continue;
        const char *p = t->data + 1, *end = t->data + t->n;
        for (; (p = memchr(p, ' ', (size_t)(end - p))); p++) w->joins[(unsigned char)p[-1]] = true;
    }
    w->joins[' '] = w->joins[SPACE_SYMBOL_END] = w->joins[' '] || w->joins[SPACE_SYMBOL_END];
}

size_t space_words_end(const space_words *w, const char *text, size_t n, size_t from)
{
    for (size_t i = from + 1; i < n; i++) {
        const char *space = memchr(text + i, ' ', n - i);
        if (!space) return n;
        i = (size_t)(space - text);
        if (!w->joins[(unsigned char)text[i - 1]]) return i;
    }
    return n;
}
