/* spm.h - SentencePiece BPE: merges characters by the scores of the tokens that they form.
 *
 * Idea: Kudo & Richardson 2018. Spaces are written U+2581 and are part of the words; there is no pre-tokenizer. Two
 * neighbours may merge if their joined text is a token; the pair with the best score merges first. A character that is no
 * token becomes the tokens of its bytes ("<0xE2>", ...) if the file has them, else a run of such characters becomes one
 * unknown token.
 *
 *   "a  cat"  ->  a U+2581 U+2581 c a t  ->  [a] [U+2581] [U+2581 cat]
 *
 * Scores order the merges, with two more rules. Both come from the tokenizer.json that Hugging Face makes of such
 * vocabularies, which defines the tokens that a model gets in practice:
 *   - User-defined tokens (runs of spaces) come before all others, by id: converters overwrite their scores.
 *   - Of two pairs that form the same token, the pair with the longer left part merges first.
 *
 * A text is cut into words (space_words.h), which are merged and cached one by one. */
#ifndef SUMI_TEXT_SENTENCEPIECE_SPM_H
#define SUMI_TEXT_SENTENCEPIECE_SPM_H

#include "base/buf.h"
#include "text/bpe/bpe.h"
#include "text/bpe/pair_table.h"
#include "text/sentencepiece/space_words.h"
#include "text/vocab.h"
#include "text/word_cache.h"

typedef struct spm {
    const vocab *v;
    uint32_t *rank;     /* [n_tokens] place in the order of merges; NULL: `pairs` has it */
    pair_table pairs;   /* of a vocabulary that lists its merges */
    int32_t ascii[128]; /* the token of a single character; -1: none */
    int32_t unknown;    /* -1: none */
    space_words words;
    bool add_space_prefix, remove_extra_whitespaces;
} spm;

/* Reads tokenizer.ggml.merges if the vocabulary lists merges, else tokenizer.ggml.scores; without both, ids are the order.
 * flags: of added_tokens.h, or NULL. v is borrowed. EFORMAT, ENOMEM; s is safe to spm_deinit() after a failure. The caller
 * sets unknown, add_space_prefix and remove_extra_whitespaces. */
SUMI_MUST_USE sumi_status spm_init(spm *s, const vocab *v, const model_source *src, const uint8_t *flags,
                                   sumi_error *err);
void spm_deinit(spm *s);

typedef struct spm_work { /* belongs to one call */
    bpe merge;
    buf word; /* the present word, with its spaces written U+2581 */
    word_cache *cache;
} spm_work;

/* Appends the tokens of text (any bytes) to out. at_start: the text is at the start or after a special token, so that the
 * file's add_space_prefix applies. ENOMEM. */
SUMI_MUST_USE sumi_status spm_encode(const spm *s, spm_work *work, const char *text, size_t n, bool at_start,
                                     id_list *out);

#endif
