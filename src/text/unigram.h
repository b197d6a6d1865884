/* unigram.h - SentencePiece Unigram: of all ways to write a text as tokens, the one with the best sum of scores.
 *
 * Idea: Kudo 2018 (subword regularization), section 3.2: scores are log-probabilities, and the best way is found from
 * left to right (Viterbi). T5, XLM-R, ALBERT and the encoders made from them have such vocabularies; GGUF calls them
 * "t5". For each place in a word: the best score of a way that ends there, and which token it ends with.
 *
 *   "_abc"   _ -1   _a -4   a -3   ab -5   b -3   bc -4   c -3
 *
 *   place     0    1        2            3                  4
 *   best      0   _ -1     _a -4     _|ab -6          _a|bc -8       (_|a|bc -8 is not better: the first one stays)
 *
 * A character without a token costs 10 less than the worst token and becomes its bytes or the unknown token. Sums are
 * in double precision and begin anew with each word, as in `tokenizers`.
 *
 * Before that text is normalized as the model says (Normalizer::Normalize of SentencePiece): by charsmap.h, without
 * spaces at both ends and with one in place of several if the file wants it, with a space in front. */
#ifndef SUMI_TEXT_UNIGRAM_H
#define SUMI_TEXT_UNIGRAM_H

#include "base/buf.h"
#include "text/charsmap.h"
#include "text/id_list.h"
#include "text/space_words.h"
#include "text/symbol_trie.h"
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
SUMI_MUST_USE sumi_status unigram_init(unigram *u, const vocab *v, const gguf *g, sumi_error *err);
void unigram_deinit(unigram *u);

typedef struct unigram_place {
    double score;         /* of the best way to get here */
    uint32_t start, next; /* its last token begins at start; behind it the way goes on to next */
    int32_t id;           /* that token; -1: a character without one */
    bool reached;
} unigram_place;

typedef struct unigram_work { /* belongs to one call */
    unigram_place *places;    /* [cap] */
    size_t cap;
    buf normal; /* the text as normalized, spaces as spaces */
} unigram_work;

void unigram_work_init(unigram_work *w, size_t max_normal_bytes);
void unigram_work_deinit(unigram_work *w);

/* Appends the tokens of text (any bytes), which the start of the text or a special token precedes. ENOMEM; ELIMIT:
 * normalization makes it longer than max_normal_bytes. */
SUMI_MUST_USE sumi_status unigram_encode(const unigram *u, unigram_work *work, const char *text, size_t n,
                                         id_list *out);

#endif
