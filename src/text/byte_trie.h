/* byte_trie.h - the tokens that a text begins with, in a trie that is cheap to make.
 *
 * All nodes lie in one hash table, and a node is the number of its slot: a step to a child is one look into the table,
 * however many children there are. Against symbol_trie.h, which lies closer together: tokens come in any order, and a
 * token that begins with one that is there costs only what it adds.
 *
 *   slots: | parent << 8 | byte, token | ...        n_slots is a power of two; no key is BYTE_TRIE_FREE
 *
 * Open addressing with a keyed hash, sized once, at most two thirds full. */
#ifndef SUMI_TEXT_BYTE_TRIE_H
#define SUMI_TEXT_BYTE_TRIE_H

#include <stdbool.h>

#include "text/keyed_hash.h"

#define BYTE_TRIE_FREE      UINT32_MAX
#define BYTE_TRIE_ROOT      0xFFFFFEu
#define BYTE_TRIE_NONE      0xFFFFFFu       /* no node */
#define BYTE_TRIE_MAX_NODES (0x800000u / 3) /* so that the numbers of slots take 23 bits */

typedef struct byte_trie_slot {
    uint32_t key;
    int32_t id; /* of the token that ends here, or -1 */
} byte_trie_slot;

typedef struct byte_trie {
    byte_trie_slot *slots; /* NULL: empty */
    uint32_t mask;
    hash_key key;
} byte_trie;

/* With room for max_nodes <= BYTE_TRIE_MAX_NODES. False: out of memory. */
bool byte_trie_init(byte_trie *t, hash_key key, size_t max_nodes);
void byte_trie_deinit(byte_trie *t);

/* Adds the token `id`: the bytes that lead to node, and n more. Returns the node where it ends. */
uint32_t byte_trie_add(byte_trie *t, uint32_t node, const char *bytes, size_t n, int32_t id);

/* The slot of the child of node for byte, or the free one where it would be. */
static inline uint32_t byte_trie_find(const byte_trie *t, uint32_t node, uint8_t byte)
{
    uint32_t key = node << 8 | byte, i = (uint32_t)hash_u64(t->key, key) & t->mask;
    while (t->slots[i].key != key && t->slots[i].key != BYTE_TRIE_FREE) i = (i + 1) & t->mask;
    return i;
}

/* The child of node for byte, or BYTE_TRIE_NONE. */
static inline uint32_t byte_trie_step(const byte_trie *t, uint32_t node, uint8_t byte)
{
    uint32_t i = byte_trie_find(t, node, byte);
    return t->slots[i].key == BYTE_TRIE_FREE ? BYTE_TRIE_NONE : i;
}

#endif
