/* own_text.h - guesses from a text itself: where the end of the text has occurred before, it may go on as it did there.
 *
 *   a b c d x y a b c            the longest end that occurred before: a b c, 3 tokens
 *   `---'                        after it came d x y ...: the guess
 *
 * The text is in a suffix automaton (Blumer et al., "The smallest automaton recognizing the subwords of a text", 1985),
 * which grows by a token in amortised constant time and always knows the longest such end. Each of its states stands for the
 * parts of the text that occur at the same places, and holds where they occurred last. Text, states and transitions take
 * 30 to 75 bytes a token.
 *
 * Not for threads. */
#ifndef SUMI_SPEC_OWN_TEXT_H
#define SUMI_SPEC_OWN_TEXT_H

#include <stddef.h>

#include "sumi.h"

typedef struct own_text own_text;

own_text *own_text_create(void);       /* NULL: out of memory */
void own_text_destroy(own_text *text); /* NULL is fine */

/* Adds a token at the end. False: out of memory; the text is as before, and takes no more tokens. */
SUMI_MUST_USE bool own_text_add(own_text *text, int32_t id);

int32_t own_text_len(const own_text *text);

/* Tokens of the longest end of the text that occurred before; 0: its last token is new. */
int32_t own_text_match(const own_text *text);

/* Writes up to max tokens that followed that end where it occurred last, and returns how many. Where these reach the end of
 * the text, they repeat: the text is going round. 0: there is no such end. */
int32_t own_text_guess(const own_text *text, int32_t *ids, int32_t max);

size_t own_text_bytes(const own_text *text); /* of memory */

#endif
