/* space_words.h - the words of a SentencePiece text, which may be tokenised one by one.
 *
 * Hardly a token has a space after something else: of Gemma's 262,144 there are runs of spaces and "> </". So no
 * token can cross the front of a space unless the byte before it is one that some token has there. There the text
 * falls into words, and this changes nothing but the time: words can be remembered. */
#ifndef SUMI_TEXT_SPACE_WORDS_H
#define SUMI_TEXT_SPACE_WORDS_H

#include "text/vocab.h"

typedef struct space_words {
    bool joins[256]; /* some token has this byte before a space */
} space_words;

void space_words_init(space_words *w, const vocab *v);

/* Where the word that begins at `from` ends: before the next space that no token joins to the byte before it. */
size_t space_words_end(const space_words *w, const char *text, size_t n, size_t from);

#endif
