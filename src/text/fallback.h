/* fallback.h - the tokens of text for which a SentencePiece vocabulary has no symbol: those of its bytes if the file
 * has them all, else the unknown token, one for a whole run. */
#ifndef SUMI_TEXT_FALLBACK_H
#define SUMI_TEXT_FALLBACK_H

#include "text/id_list.h"
#include "text/vocab.h"

/* Appends the tokens of one character, or of a byte that is none. unknown: the id, -1: there is none, and what has no
 * bytes gives nothing. *in_unknown: the text before it became the unknown token; says the same of this one. */
void fallback_add(const vocab *v, int32_t unknown, const char *text, size_t n, bool *in_unknown,
                  id_list *out);

#endif
