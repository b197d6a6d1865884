/* symbol_trie.h - finds all tokens that a text begins with, in one walk.
 *
 * The children of a node are adjacent, in the order of their bytes. After them come the descendants of the first child,
 * then those of the second child: depth first. So the single nodes at the end of long tokens, which are most of the nodes,
 * are adjacent. A node holds the byte that leads to it and the score of its token: a step costs at most one cache line.
 *
 *   tokens a ab abc ac b      node        0       1   2   3    4    5
 *                             byte        -       a   b   b    c    c
 *                             id          none    a   b   ab   ac   abc
 *                             children    1-2     3-4 -   5    -    -
 *
 * Immutable after symbol_trie_init(). */
#ifndef SUMI_TEXT_SENTENCEPIECE_SYMBOL_TRIE_H
#define SUMI_TEXT_SENTENCEPIECE_SYMBOL_TRIE_H

#include <string.h>

#include "text/vocab.h"

#define SYMBOL_TRIE_MAX_BYTES  512 /* of a token: the depth of a walk */
#define SYMBOL_TRIE_MAX_TOKENS 0xFFFFFF
#define SYMBOL_TRIE_FEW        8 /* children: two cache lines of nodes */

typedef struct trie_node {
    uint32_t first;     /* of its children */
    uint32_t byte_id_1; /* the byte that leads here << 24 | the token that ends here + 1 (0: no token) */
    float score;        /* of that token */
    uint32_t n_children;
} trie_node;

typedef struct symbol_trie {
    trie_node *nodes; /* [n_nodes], the first is the root */
    uint8_t *bytes;   /* [n_nodes] a second copy of the bytes that lead to the nodes, to search among many children */
    uint32_t n_nodes;
    uint32_t by_byte[256]; /* children of the root; 0: none */
} symbol_trie;

/* A trie of the raw bytes of all tokens that text may become; scores: [n_tokens]. ELIMIT: a token is longer than
 * SYMBOL_TRIE_MAX_BYTES, or there are more tokens than SYMBOL_TRIE_MAX_TOKENS; ENOMEM. t is safe to symbol_trie_deinit()
 * after a failure. Of equal tokens the last one is found. */
SUMI_MUST_USE sumi_status symbol_trie_init(symbol_trie *t, const vocab *v, const float *scores, const model_source *src,
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
