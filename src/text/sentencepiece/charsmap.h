/* charsmap.h - the normalization rules of a SentencePiece model: sequences of bytes and their replacements.
 *
 * tokenizer.ggml.precompiled_charsmap (normalizer.cc of SentencePiece, Darts-clone's double array):
 *
 *   uint32 bytes of the trie | trie: uint32 units | replacements, each with a NUL behind it
 *
 *   unit   bit 31: a value, whose low 31 bits are the offset of a replacement
 *          bits 0-7: the byte that leads here    bit 8: a value stands among the children
 *          bits 10-30: offset of the children, times 256 if bit 9 is set
 *   the child of the node at i for byte b is at i ^ offset ^ b; the value is at i ^ offset
 *
 * The bytes are foreign. A step that leads out of the array, or a replacement outside its part, ends the search. A key has
 * at most CHARSMAP_MAX_KEY bytes, so that no trie makes the cost quadratic in the text. Immutable. */
#ifndef SUMI_TEXT_SENTENCEPIECE_CHARSMAP_H
#define SUMI_TEXT_SENTENCEPIECE_CHARSMAP_H

#include "format/model_source.h"

#define CHARSMAP_MAX_KEY 256

typedef struct charsmap {
    const char *units; /* [n_units] of four bytes, maybe unaligned; in the file's bytes */
    uint32_t n_units;  /* 0: no rules */
    const char *replacements;
    size_t n_replacements; /* bytes; the last is NUL */
} charsmap;

/* A file without the key has no rules. EFORMAT: sizes that do not fit. */
SUMI_MUST_USE sumi_status charsmap_init(charsmap *m, const model_source *src, sumi_error *err);

/* The longest rule for the start of text: the number of bytes that it replaces, and the replacement (borrowed; may be
 * empty). 0: no rule. */
size_t charsmap_find(const charsmap *m, const char *text, size_t n, const char **to, size_t *n_to);

#endif
