/* detok.h - converts ids to text one at a time, while they are generated.
 *
 * A token may end in the middle of a character, so up to three bytes are held back until the rest of the character
 * arrives. Bytes that can no longer become a character are written as U+FFFD, one for each maximal start of a character,
 * as in Python, in browsers and in the streaming APIs of other engines. So the output is always valid UTF-8: it can be put
 * into JSON and searched for stop strings. tokenizer_decode() gives the raw bytes. */
#ifndef SUMI_TEXT_DETOK_H
#define SUMI_TEXT_DETOK_H

#include "base/buf.h"
#include "text/tokenizer.h"

typedef struct detok {
    const tokenizer *t;
    bool special;  /* write special tokens as their names */
    bool at_start; /* no text token yet: the space that encoding adds is removed */
    uint8_t n_held;
    char held[4]; /* the start of a character, n_held <= 3 bytes between calls */
} detok;

void detok_init(detok *d, const tokenizer *t, bool special);

/* The text continues other text, so the space of the first token is kept. Call after detok_init(). */
void detok_continue(detok *d);

/* Appends the characters that id completes to out (check out->status); an id outside the vocabulary gives
 * nothing. */
void detok_push(detok *d, int32_t id, buf *out);

/* The end of the text: bytes that are held back become U+FFFD. */
void detok_flush(detok *d, buf *out);

#endif
