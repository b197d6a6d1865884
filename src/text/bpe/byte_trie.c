/* byte_trie.c - see byte_trie.h. */
#include "text/bpe/byte_trie.h"

#include <stdlib.h>
#include <string.h>

void byte_trie_deinit(byte_trie *t)
{
    free(t->slots);
    t->slots = NULL;
}

/* The child of node for byte, made if missing; *is_new: it was made. */
static byte_trie_slot *child_of(byte_trie *t, uint32_t *node, uint8_t byte, bool *is_new)
{
    uint32_t i = byte_trie_find(t, *node, byte);
    byte_trie_slot *s = &t->slots[i];
    *is_new = s->key == BYTE_TRIE_FREE;
    if (*is_new) *s = (byte_trie_slot){ *node << 8 | byte, -1 };
    t->n_used += *is_new;
    *node = i;
    return s;
}

/* The mark of a leaf for token id after `depth` of its bytes. */
static int32_t leaf_mark(const byte_trie *t, int32_t id, uint32_t depth)
{
    return t->texts[id].n == depth ? id : -2 - id;
}

/* False: the table is too full. */
static bool add(byte_trie *t, int32_t id)
{
    const vocab_text *text = &t->texts[id];
    uint32_t node = BYTE_TRIE_ROOT;
    for (uint32_t depth = 1; depth <= text->n; depth++) {
        bool is_new;
        if (t->n_used > t->mask - t->mask / 3) return false;
        byte_trie_slot *s = child_of(t, &node, (uint8_t)text->data[depth - 1], &is_new);
        if (is_new) {
            s->mark = leaf_mark(t, id, depth);
            return true;
        }
        if (s->mark < -1) { /* its token is no longer the only one below: it moves one level deeper */
            int32_t tail = -2 - s->mark;
            uint32_t below = node;
            child_of(t, &below, (uint8_t)t->texts[tail].data[depth], &is_new)->mark = leaf_mark(t, tail, depth + 1);
            s->mark = -1;
        }
        if (depth == text->n) s->mark = id;
    }
    return true;
}

sumi_status byte_trie_init(byte_trie *t, const vocab *v, const uint8_t *keep)
{
    uint32_t n_slots = 512;
    while (n_slots < 2 * (uint64_t)v->n_tokens && n_slots < BYTE_TRIE_MAX_SLOTS) n_slots *= 2;
    for (; n_slots <= BYTE_TRIE_MAX_SLOTS; n_slots *= 2) { /* how many nodes there will be shows while they are added */
        *t = (byte_trie){ v->raw, malloc(n_slots * sizeof *t->slots), n_slots - 1, 0, v->key };
        if (!t->slots) return SUMI_ENOMEM;
        memset(t->slots, 0xFF, n_slots * sizeof *t->slots);
        int32_t id = 0;
        while (id < v->n_tokens && (!keep[id] || add(t, id))) id++;
        if (id == v->n_tokens) return SUMI_OK;
        byte_trie_deinit(t);
    }
    return SUMI_ELIMIT;
}
