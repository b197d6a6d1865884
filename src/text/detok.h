/* detok.h - ids to text while they are generated, one at a time.
 *
 * A token may end in the middle of a character, so up to three bytes are held back until the rest of it
 * arrives. Bytes that can no longer become a character are written as U+FFFD, one for each maximal start of a
 * character, as Python and browsers decode and as the streaming APIs of other engines do: what comes out is
 * always valid UTF-8, so it can stand in JSON and be searched for stop strings. tokenizer_decode() gives the
 * raw bytes to whoever wants them. */
#ifndef SUMI_TEXT_DETOK_H
#define SUMI_TEXT_DETOK_H

#include "base/buf.h"
#include "text/tokenizer.h"

typedef struct detok {
    const tokenizer *t;
    bool special;  /* write special tokens as their names */
    bool at_start; /* no text token yet: a space that encoding adds is taken away */
    uint8_t n_held;
    char held[4]; /* the start of a character, n_held <= 3 bytes between calls */
} detok;

void detok_init(detok *d, const tokenizer *t, bool special);

/* The text goes on after other text: the space of the first token is part of it. Call after detok_init(). */
void detok_continue(detok *d);

/* Appends the characters that id completes to out (check out->status); an id outside the vocabulary gives
 * nothing. */
void detok_push(detok *d, int32_t id, buf *out);

/* The end: what is held back can no longer become a character. */
void detok_flush(detok *d, buf *out);

#endif
