/* symbol_trie.h - all tokens that a text begins with, in one walk.
 *
 * Built from the sorted tokens breadth first, so that the children of a node stand side by side in the order of their
 * bytes, and those of the next node follow: a node needs only to know where its children begin.
 *
 *   tokens a ab abc ac b      nodes    0       1   2   3    4    5
 *                             label    -       a   b   b    c    c
 *                             id       -1      a   b   ab   ac   abc
 *                             first    1       3   5   5    6    6    and one more node for the end
 *
 * Immutable after symbol_trie_init(). */
#ifndef SUMI_TEXT_SYMBOL_TRIE_H
#define SUMI_TEXT_SYMBOL_TRIE_H

#include "text/vocab.h"

#define SYMBOL_TRIE_MAX_BYTES 512 /* of a token: a walk goes no deeper */

typedef struct trie_node {
    uint32_t first; /* its children: from here to the first of the next node */
    int32_t id;     /* the token that ends here; -1: none */
} trie_node;

typedef struct symbol_trie {
    trie_node *nodes; /* [n_nodes + 1] */
    uint8_t *labels;  /* [n_nodes] */
    uint32_t n_nodes;
    uint32_t by_byte[256]; /* children of the root; 0: none */
} symbol_trie;

/* Of the raw bytes of tokens that text may become. ELIMIT: a longer token than SYMBOL_TRIE_MAX_BYTES; ENOMEM. t is safe
 * to symbol_trie_deinit() after a failure. Of equal tokens the last is found. */
SUMI_MUST_USE sumi_status symbol_trie_init(symbol_trie *t, const vocab *v, const gguf *g, sumi_error *err);
void symbol_trie_deinit(symbol_trie *t);

/* The child of node for byte, or 0. The root is node 0. */
static inline uint32_t symbol_trie_step(const symbol_trie *t, uint32_t node, uint8_t byte)
{
    if (node == 0) return t->by_byte[byte];
    uint32_t low = t->nodes[node].first, high = t->nodes[node + 1].first;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->labels[middle] == byte) return middle;
        if (t->labels[middle] < byte) low = middle + 1;
        else high = middle;
    }
    return 0;
}

#endif
