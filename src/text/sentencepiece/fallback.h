/* fallback.h - the tokens of characters for which a SentencePiece vocabulary has no symbol: the byte tokens if the file
 * has all of them, else one unknown token for a run of such characters. */
#ifndef SUMI_TEXT_SENTENCEPIECE_FALLBACK_H
#define SUMI_TEXT_SENTENCEPIECE_FALLBACK_H

#include "text/id_list.h"
#include "text/vocab.h"

/* Appends the tokens of one character, or of one invalid byte. unknown: the id of the unknown token; -1: none, and a
 * character without byte tokens gives no token. *in_unknown: the character before became the unknown token; set for this
 * character. */
void fallback_add(const vocab *v, int32_t unknown, const char *text, size_t n, bool *in_unknown, id_list *out);

#endif
