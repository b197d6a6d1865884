/* bpe.h - the merge loop that both kinds of tokenizer share.
 *
 * A word begins as a row of symbols (bytes or characters). Of all neighbours that may merge, the pair with the
 * lowest order does so, the leftmost first among equals, until none may (Sennrich, Haddow, Birch 2016). Which
 * pairs may, and in which order, is the caller's bpe_pair_fn.
 *
 * Short words scan their few pairs again after each merge. Long ones keep the pairs in a binary heap: n symbols
 * take O(n log n) steps and at most 3 n questions to bpe_pair_fn, whatever the text is.
 *
 *   symbols   [ he ]<->[ l ]<->[ lo ]       a linked list over an array: a merge grows the left one, drops the right
 *   heap      (order << 32 | index) ...     an entry counts only while the symbol at index still has this order
 *
 * Threads: a bpe belongs to one call of tokenizer_encode(). */
#ifndef SUMI_TEXT_BPE_H
#define SUMI_TEXT_BPE_H

#include "sumi.h"

#define BPE_NO_PAIR UINT32_MAX

typedef struct bpe_symbol {
    int32_t id;              /* its token; -1: it has none and merges with nothing */
    uint32_t start, n_bytes; /* where it stands in the word */
    uint32_t n_chars;        /* characters, where the caller counts them */
    int32_t prev, next;      /* index of its neighbours; -1: none */
    uint32_t order;          /* of the pair with its right neighbour, or BPE_NO_PAIR */
    int32_t merged;          /* the token that this pair makes */
} bpe_symbol;

/* The order in which the neighbours left and right merge, or BPE_NO_PAIR; *merged becomes the token they make.
 * Both have an id. */
typedef uint32_t (*bpe_pair_fn)(const void *user, const bpe_symbol *left, const bpe_symbol *right,
                                int32_t *merged);

typedef struct bpe {
    bpe_symbol *symbols; /* [cap] */
    uint64_t *heap;      /* [3 * cap_heap] */
    size_t cap, cap_heap;
    uint64_t n_questions; /* how often bpe_pair_fn was called: the measure of work in tests */
} bpe;

void bpe_init(bpe *b);
void bpe_deinit(bpe *b);

/* Makes room for n symbols, to be filled by the caller: id, start, n_bytes, n_chars. False: out of memory. */
bool bpe_reserve(bpe *b, size_t n);

/* Merges the first n symbols. What remains is the list that begins at symbols[0] and goes on by .next until -1;
 * n > 0. */
SUMI_MUST_USE sumi_status bpe_merge(bpe *b, size_t n, bpe_pair_fn pair, const void *user);

#endif
