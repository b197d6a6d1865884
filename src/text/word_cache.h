/* word_cache.h - the words of one call and the tokens they became, for most words of a text come again. A stretch
 * of text that is still to be cut into words is kept beside them, under its own kind: the same bytes may stand for
 * one word in one place and for two in another.
 *
 * Words are kept by where they stand in the text, tokens by where they stand in the output: nothing is copied.
 * A word has two possible slots; a new word takes the free one or drives out the second, so no text makes a
 * lookup long.
 *
 *   slots: | tag of the hash | word in text | tokens in output | n_bytes | kind | n_ids | ...    n_bytes == 0: empty */
#ifndef SUMI_TEXT_WORD_CACHE_H
#define SUMI_TEXT_WORD_CACHE_H

#include "text/id_list.h"
#include "text/keyed_hash.h"

#define WORD_CACHE_MAX_BYTES 64 /* longer words are rare and stay out */

typedef enum word_kind { WORD_WHOLE, WORD_STRETCH } word_kind;

typedef struct word_slot {
    uint32_t tag, at_text, at_ids;
    uint8_t n_bytes, kind;
    uint16_t n_ids;
} word_slot;

typedef struct word_cache {
    word_slot *slots; /* NULL: no memory or too short a text, all lookups fail */
    uint64_t mask;
    hash_key key;
    const char *text; /* where at_text counts from; words of other memory are not cached */
    size_t n_text;
} word_cache;

void word_cache_init(word_cache *c, hash_key key, const char *text, size_t n_text);
void word_cache_deinit(word_cache *c);

/* If the word was seen: appends its tokens to ids and returns true. */
bool word_cache_get(const word_cache *c, word_kind kind, const char *word, size_t n_bytes, id_list *ids);

/* Remembers that word became the tokens of ids from `first` to its end. */
void word_cache_put(word_cache *c, word_kind kind, const char *word, size_t n_bytes, const id_list *ids,
                    size_t first);

#endif
