/* byte_trie.h - the tokens that a text begins with, in a trie that is quickly made.
 *
 * All nodes lie in one hash table, and a node is the number of its slot: a step to a child is one look into the table,
 * however many children there are. A token that is alone below a node has no more nodes there: the rest of it is
 * compared with the text, for most nodes would be such tails. Against symbol_trie.h, which lies closer together, tokens
 * come in any order.
 *
 *   tokens "a" "abcde" "ax"      slots: | (root, a) token "a" | (that, b) tail of "abcde" | (that, x) token "ax" |
 *
 *   a slot: | parent << 8 | byte | mark |     mark >= 0: the token that ends here; -1: none does;
 *                                             less: nothing is below but the token -2 - mark, which is longer
 *
 * Open addressing with a keyed hash, at most two thirds full. */
#ifndef SUMI_TEXT_BYTE_TRIE_H
#define SUMI_TEXT_BYTE_TRIE_H

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

/* Of the tokens that keep says, [n_tokens], which have texts of at least one byte, no two the same. ENOMEM; ELIMIT, of
 * which the caller tells nobody: it would need more than BYTE_TRIE_MAX_SLOTS. t is safe to byte_trie_deinit() then. */
SUMI_MUST_USE sumi_status byte_trie_init(byte_trie *t, const vocab *v, const uint8_t *keep);
void byte_trie_deinit(byte_trie *t);

/* The slot of the child of node for byte, or the free one where it would be. */
static inline uint32_t byte_trie_find(const byte_trie *t, uint32_t node, uint8_t byte)
{
    uint32_t key = node << 8 | byte, i = (uint32_t)hash_u64(t->key, key) & t->mask;
    while (t->slots[i].key != key && t->slots[i].key != BYTE_TRIE_FREE) i = (i + 1) & t->mask;
    return i;
}

/* The tokens that the n bytes at text begin with, the shortest first: their number. found has room for n.
 * *n_steps grows by the steps that were taken. */
static inline size_t byte_trie_walk(const byte_trie *t, const char *text, size_t n, int32_t *found,
                                    uint64_t *n_steps)
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
