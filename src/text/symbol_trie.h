/* symbol_trie.h - all tokens that a text begins with, in one walk.
 *
 * The children of a node stand side by side in the order of their bytes; behind them come the children of the first
 * child and what follows from it, then those of the second: depth first, so that the lone nodes at the end of long
 * tokens, which most nodes are, lie one behind the other. The byte that leads to a node and the score of its token are
 * kept in it: a step costs one cache line, or none.
 *
 *   tokens a ab abc ac b      node        0       1   2   3    4    5
 *                             byte        -       a   b   b    c    c
 *                             id          none    a   b   ab   ac   abc
 *                             children    1-2     3-4 -   5    -    -
 *
 * Immutable after symbol_trie_init(). */
#ifndef SUMI_TEXT_SYMBOL_TRIE_H
#define SUMI_TEXT_SYMBOL_TRIE_H

#include <string.h>

#include "text/vocab.h"

#define SYMBOL_TRIE_MAX_BYTES  512 /* of a token: a walk goes no deeper */
#define SYMBOL_TRIE_MAX_TOKENS 0xFFFFFF
#define SYMBOL_TRIE_FEW        8 /* children: two cache lines of nodes */

typedef struct trie_node {
    uint32_t first;     /* of its children */
    uint32_t byte_id_1; /* the byte that leads here << 24 | the token that ends here + 1; 0: none does */
    float score;        /* of that token */
    uint32_t n_children;
} trie_node;

typedef struct symbol_trie {
    trie_node *nodes; /* [n_nodes], the first is the root */
    uint8_t *bytes; /* [n_nodes] the bytes that lead to the nodes once more, to search among many children */
    uint32_t n_nodes;
    uint32_t by_byte[256]; /* children of the root; 0: none */
} symbol_trie;

/* Of the raw bytes of tokens that text may become; scores: [n_tokens]. ELIMIT: a longer token than
 * SYMBOL_TRIE_MAX_BYTES, or more tokens than SYMBOL_TRIE_MAX_TOKENS; ENOMEM. t is safe
 * to symbol_trie_deinit() after a failure. Of equal tokens the last is found. */
SUMI_MUST_USE sumi_status symbol_trie_init(symbol_trie *t, const vocab *v, const float *scores, const gguf *g,
                                           sumi_error *err);
void symbol_trie_deinit(symbol_trie *t);

/* The child of node for byte, or 0. The root is node 0. */
static inline uint32_t symbol_trie_step(const symbol_trie *t, uint32_t node, uint8_t byte)
{
    if (node == 0) return t->by_byte[byte];
    uint32_t first = t->nodes[node].first, n = t->nodes[node].n_children;
    if (n > SYMBOL_TRIE_FEW) {
        const uint8_t *found = memchr(t->bytes + first, byte, n);
        return found ? (uint32_t)(found - t->bytes) : 0;
    }
    for (uint32_t child = first; child < first + n; child++)
        if (t->nodes[child].byte_id_1 >> 24 == byte) return child;
    return 0;
}

/* The token that ends at node, or -1. */
static inline int32_t symbol_trie_id(const symbol_trie *t, uint32_t node)
{
    return (int32_t)(t->nodes[node].byte_id_1 & 0xFFFFFF) - 1;
}

#endif
