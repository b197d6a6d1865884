/* unigram.h - SentencePiece Unigram: of all segmentations of a text into tokens, the one with the best sum of scores.
 *
 * Idea: Kudo 2018 (subword regularization), section 3.2: scores are log-probabilities, and the best segmentation is found
 * from left to right (Viterbi). T5, XLM-R, ALBERT and encoders derived from them have such vocabularies; GGUF calls them
 * "t5". For each position in a word, the search stores the best score of a segmentation that ends there, and its last token.
 *
 *   "_abc"   _ -1   _a -4   a -3   ab -5   b -3   bc -4   c -3
 *
 *   place     0    1        2            3                  4
 *   best      0   _ -1     _a -4     _|ab -6          _a|bc -8       (_|a|bc -8 is not better: the first one stays)
 *
 * A character without a token has a score of 10 below the worst token; it becomes its byte tokens or the unknown token.
 * Sums are in double precision and start again with each word, as in `tokenizers`.
 *
 * Before this, the text is normalized as the model requires (Normalizer::Normalize of SentencePiece): by charsmap.h; if the
 * file says so, spaces at both ends are removed and several spaces become one; then a space is added in front. */
#ifndef SUMI_TEXT_SENTENCEPIECE_UNIGRAM_H
#define SUMI_TEXT_SENTENCEPIECE_UNIGRAM_H

#include "base/buf.h"
#include "text/id_list.h"
#include "text/sentencepiece/charsmap.h"
#include "text/sentencepiece/space_words.h"
#include "text/sentencepiece/symbol_trie.h"
#include "text/word_cache.h"

typedef struct unigram {
    const vocab *v;
    symbol_trie trie;
    charsmap map;
    space_words words;
    double unknown_score;
    int32_t unknown; /* -1: none */
    bool add_space_prefix, remove_extra_whitespaces;
} unigram;

/* Reads tokenizer.ggml.scores and the charsmap. v is borrowed. EFORMAT, ELIMIT, ENOMEM; u is safe to unigram_deinit()
 * after a failure. The caller sets unknown, add_space_prefix and remove_extra_whitespaces. */
SUMI_MUST_USE sumi_status unigram_init(unigram *u, const vocab *v, const model_source *src, sumi_error *err);
void unigram_deinit(unigram *u);

typedef struct unigram_place {
    double score;         /* of the best way to get here */
    uint32_t start, next; /* its last token begins at start; next is the following position on the best path */
    int32_t id;           /* this token; -1: a character without a token */
    bool reached;
} unigram_place;

typedef struct unigram_work { /* belongs to one call */
    unigram_place *places;    /* [cap] */
    size_t cap;
    buf normal; /* the text as normalized, spaces as spaces */
} unigram_work;

void unigram_work_init(unigram_work *w, size_t max_normal_bytes);
void unigram_work_deinit(unigram_work *w);

/* Appends the tokens of text (any bytes), which is at the start or after a special token. ENOMEM; ELIMIT: the normalized
 * text is longer than max_normal_bytes. */
SUMI_MUST_USE sumi_status unigram_encode(const unigram *u, unigram_work *work, const char *text, size_t n,
                                         id_list *out);

#endif
