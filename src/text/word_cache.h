/* word_cache.h - a cache of the words of one call and their tokens, because most words of a text occur again. A stretch of
 * text that is not yet cut into words is cached, too, under its own kind: the same bytes may be one word in one place and
 * two words in another.
 *
 * The cache stores the position of a word in the text and of its tokens in the output, so nothing is copied. A word has
 * two possible slots; a new word takes the free slot or replaces the second, so no text makes a lookup slow.
 *
 *   slots: | tag of the hash | word in text | tokens in output | n_bytes | kind | n_ids | ...    n_bytes == 0: empty */
#ifndef SUMI_TEXT_WORD_CACHE_H
#define SUMI_TEXT_WORD_CACHE_H

#include "base/keyed_hash.h"
#include "text/id_list.h"

#define WORD_CACHE_MAX_BYTES 64 /* longer words are rare and not cached */

typedef enum word_kind { WORD_WHOLE, WORD_STRETCH } word_kind;

typedef struct word_slot {
    uint32_t tag, at_text, at_ids;
    uint8_t n_bytes, kind;
    uint16_t n_ids;
} word_slot;

typedef struct word_cache {
    word_slot *slots; /* NULL: no memory, or the text is too short; all lookups fail */
    uint64_t mask;
    hash_key key;
    const char *text; /* at_text is an offset from here; words in other memory are not cached */
    size_t n_text;
} word_cache;

void word_cache_init(word_cache *c, hash_key key, const char *text, size_t n_text);
void word_cache_deinit(word_cache *c);

/* If the word is in the cache: appends its tokens to ids and returns true. */
bool word_cache_get(const word_cache *c, word_kind kind, const char *word, size_t n_bytes, id_list *ids);

/* Caches the tokens of word: those of ids from `first` to the end. */
void word_cache_put(word_cache *c, word_kind kind, const char *word, size_t n_bytes, const id_list *ids, size_t first);

#endif
