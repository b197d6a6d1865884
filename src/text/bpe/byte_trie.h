/* byte_trie.h - finds the tokens that a text begins with, in a trie that is built fast.
 *
 * All nodes are in one hash table, and a node is the number of its slot: a step to a child is one lookup, for any number of
 * children. If only one token is below a node, no further nodes exist for it: the tail of the token is compared with the
 * text, because most nodes would be such tails. symbol_trie.h is more compact; here tokens may be added in any order.
 *
 *   tokens "a" "abcde" "ax"      slots: | (root, a) token "a" | (that, b) tail of "abcde" | (that, x) token "ax" |
 *
 *   a slot: | parent << 8 | byte | mark |     mark >= 0: the token that ends here; -1: none does;
 *                                             less: nothing is below but the token -2 - mark, which is longer
 *
 * Open addressing with a keyed hash, at most two thirds full. */
#ifndef SUMI_TEXT_BPE_BYTE_TRIE_H
#define SUMI_TEXT_BPE_BYTE_TRIE_H

#include "text/vocab.h"

#define BYTE_TRIE_FREE      UINT32_MAX
#define BYTE_TRIE_ROOT      0xFFFFFEu
#define BYTE_TRIE_MAX_SLOTS (1u << 23)

typedef struct byte_trie_slot {
    uint32_t key;
    int32_t mark;
} byte_trie_slot;

typedef struct byte_trie {
    const vocab_text *texts; /* [n_tokens] borrowed */
    byte_trie_slot *slots;
    uint32_t mask, n_used;
    hash_key key;
} byte_trie;

/* A trie of the tokens for which keep [n_tokens] is set; their texts have at least one byte and differ. ENOMEM; ELIMIT:
 * the trie would need more than BYTE_TRIE_MAX_SLOTS (the caller then works without a trie). t is safe to
 * byte_trie_deinit() after a failure. */
SUMI_MUST_USE sumi_status byte_trie_init(byte_trie *t, const vocab *v, const uint8_t *keep);
void byte_trie_deinit(byte_trie *t);

/* The slot of the child of node for byte, or the free slot for it. */
static inline uint32_t byte_trie_find(const byte_trie *t, uint32_t node, uint8_t byte)
{
    uint32_t key = node << 8 | byte, i = (uint32_t)hash_u64(t->key, key) & t->mask;
    while (t->slots[i].key != key && t->slots[i].key != BYTE_TRIE_FREE) i = (i + 1) & t->mask;
    return i;
}

/* Finds the tokens that the n bytes at text begin with, the shortest first, and returns their number. found has room for
 * n. The number of steps is added to *n_steps. */
static inline size_t byte_trie_walk(const byte_trie *t, const char *text, size_t n, int32_t *found, uint64_t *n_steps)
{
    uint32_t node = BYTE_TRIE_ROOT;
    size_t n_found = 0, i = 0;
    for (; i < n; i++) {
        node = byte_trie_find(t, node, (uint8_t)text[i]);
        if (t->slots[node].key == BYTE_TRIE_FREE) break;
        int32_t mark = t->slots[node].mark;
        if (mark < -1) {
            const vocab_text *tail = &t->texts[-2 - mark];
            if (tail->n <= n && !memcmp(tail->data + i + 1, text + i + 1, tail->n - i - 1))
                found[n_found++] = -2 - mark;
            break;
        }
        found[n_found] = mark;
        n_found += mark >= 0;
    }
    *n_steps += i;
    return n_found;
}

#endif
