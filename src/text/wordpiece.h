/* wordpiece.h - WordPiece, the vocabularies of BERT: words are cut into the longest pieces that are tokens.
 *
 * Ideas: Wu et al. 2016, section 4.1; normalizer and cuts are those of BERT (Devlin et al. 2019), in the order of the
 * library `tokenizers`:
 *
 *   clean        control characters, U+FFFD and invalid bytes are removed; all white space becomes spaces
 *   Han          characters of the CJK ideograph blocks become words of their own
 *   accents      form D without nonspacing marks, if the file says so; without a key, together with lower case
 *   lower case   if the file says so; without a key, if the vocabulary has no capital A
 *   words        end at spaces; a punctuation character is a word of its own
 *   pieces       from the left, the longest token that the rest of the word begins with. If there is no such token, or if
 *                the word has more than 100 characters, the whole word is one unknown token
 *
 * GGUF marks a token at the beginning of a word with U+2581; vocab.txt marks a token inside a word with "##":
 *
 *   "Unaffable!"  ->  unaffable | !  ->  [U+2581 un] [aff] [able] [U+2581 !]
 *
 * Categories of characters are utf8proc's. `tokenizers` has those of Unicode 8: in newer scripts it does not know which
 * characters are punctuation or marks. */
#ifndef SUMI_TEXT_WORDPIECE_H
#define SUMI_TEXT_WORDPIECE_H

#include "base/buf.h"
#include "text/id_list.h"
#include "text/vocab.h"
#include "text/word_cache.h"

typedef struct wordpiece {
    const vocab *v;
    int32_t unknown;
    bool lower, strip_accents;
} wordpiece;

/* Reads tokenizer.ggml.normalizer.*; unknown: the token of unknown words, >= 0. v is borrowed. Nothing to free. */
void wordpiece_init(wordpiece *w, const vocab *v, const model_source *src, int32_t unknown);

/* Cleans and normalises a text before it is cut into words. *out is never NULL on success; free with free(). ENOMEM. */
SUMI_MUST_USE sumi_status wordpiece_normalize(const wordpiece *w, const char *text, size_t n, char **out,
                                              size_t *n_out);

typedef struct wordpiece_work { /* belongs to one call */
    buf clean, word;
    word_cache *cache;
} wordpiece_work;

/* Appends the tokens of text (any bytes) to out. ENOMEM. */
SUMI_MUST_USE sumi_status wordpiece_encode(const wordpiece *w, wordpiece_work *work, const char *text, size_t n,
                                           id_list *out);

#endif
