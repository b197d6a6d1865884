/* bpe.h - the merge loop that both kinds of BPE share.
 *
 * A word begins as a row of symbols (bytes or characters). Of all adjacent pairs that may merge, the loop merges the pair
 * with the lowest order, and of equal pairs the leftmost, until no pair may merge (Sennrich, Haddow, Birch 2016). The
 * caller's bpe_pair_fn defines which pairs may merge, and their order.
 *
 * For a short word, all pairs are scanned again after each merge. For a long word, pairs are kept in a binary heap: n
 * symbols take O(n log n) steps and at most 3 n calls of bpe_pair_fn, whatever the text is.
 *
 *   symbols   [ he ]<->[ l ]<->[ lo ]       a linked list in an array: a merge extends the left symbol, drops the right
 *   heap      (order << 32 | index) ...     an entry is valid only while the symbol at index still has this order
 *
 * Threads: a bpe belongs to one call of tokenizer_encode(). */
#ifndef SUMI_TEXT_BPE_BPE_H
#define SUMI_TEXT_BPE_BPE_H

#include "sumi.h"

#define BPE_NO_PAIR UINT32_MAX

typedef struct bpe_symbol {
    int32_t id;              /* its token; -1: it has no token and merges with nothing */
    uint32_t start, n_bytes; /* where it stands in the word */
    uint32_t n_chars;        /* characters, if the caller counts them */
    int32_t prev, next;      /* index of its neighbours; -1: none */
    uint32_t order;          /* of the pair with its right neighbour, or BPE_NO_PAIR */
    int32_t merged;          /* the token that this pair makes */
} bpe_symbol;

/* The order of the pair left, right, or BPE_NO_PAIR; *merged becomes the token of the pair. Both symbols have an id. */
typedef uint32_t (*bpe_pair_fn)(const void *user, const bpe_symbol *left, const bpe_symbol *right, int32_t *merged);

typedef struct bpe {
    bpe_symbol *symbols; /* [cap] */
    uint64_t *heap;      /* [3 * cap_heap] */
    size_t cap, cap_heap;
    uint64_t n_questions; /* calls of bpe_pair_fn: the measure of work in tests */
} bpe;

void bpe_init(bpe *b);
void bpe_deinit(bpe *b);

/* Allocates n symbols; the caller fills id, start, n_bytes, n_chars. False: out of memory. */
bool bpe_reserve(bpe *b, size_t n);

/* Merges the first n > 0 symbols. The result is the list that begins at symbols[0] and continues with .next until -1. */
SUMI_MUST_USE sumi_status bpe_merge(bpe *b, size_t n, bpe_pair_fn pair, const void *user);

#endif
