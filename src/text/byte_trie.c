/* byte_trie.c - see byte_trie.h. */
#include "text/byte_trie.h"

#include <assert.h>
#include <stdlib.h>

bool byte_trie_init(byte_trie *t, hash_key key, size_t max_nodes)
{
    uint32_t n_slots = 512;
    assert(max_nodes <= BYTE_TRIE_MAX_NODES);
    while (n_slots < max_nodes + max_nodes / 2) n_slots *= 2;
    *t = (byte_trie){ .slots = malloc(n_slots * sizeof *t->slots), .mask = n_slots - 1, .key = key };
    if (t->slots) memset(t->slots, 0xFF, n_slots * sizeof *t->slots); /* all free, without tokens */
    return t->slots;
}

void byte_trie_deinit(byte_trie *t)
{
    free(t->slots);
    t->slots = NULL;
}

uint32_t byte_trie_add(byte_trie *t, uint32_t node, const char *bytes, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t child = byte_trie_find(t, node, (uint8_t)bytes[i]);
        t->slots[child].key = node << 8 | (uint8_t)bytes[i];
        node = child;
    }
    t->slots[node].id = id;
    return node;
}
