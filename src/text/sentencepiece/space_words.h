/* space_words.h - cuts a SentencePiece text into words that may be tokenised one by one.
 *
 * Very few tokens have a space after another character: of Gemma's 262,144 tokens only runs of spaces and "> </". So no
 * token can cross the front of a space unless some token has the byte before the space at such a place. At all other
 * spaces the text is cut into words. The cuts do not change the ids; they save time, because words can be cached. */
#ifndef SUMI_TEXT_SENTENCEPIECE_SPACE_WORDS_H
#define SUMI_TEXT_SENTENCEPIECE_SPACE_WORDS_H

#include "text/vocab.h"

typedef struct space_words {
    bool joins[256]; /* some token has this byte before a space */
} space_words;

void space_words_init(space_words *w, const vocab *v);

/* The end of the word that begins at `from`: before the next space that no token joins to the byte before it. */
size_t space_words_end(const space_words *w, const char *text, size_t n, size_t from);

#endif
