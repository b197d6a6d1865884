/* kv_cache_prefix.c - sequences and the prefix index: full blocks enter the index, and a new sequence begins with blocks
 * of the index. See kv_cache.h and kv_prefix.h. */
#include <string.h>

#include "kv/kv_cache_internal.h"

/* Block i of s is full and has the tokens of node. If the node has a block already, computed by another sequence at the
 * same time or loaded from disk, s takes this block and frees its own; otherwise the node gets the block of s. So a
 * sequence always holds the blocks of its nodes, and no block in a cached subtree has a holder (kv_prefix.h, (5)). */
static void join_node(kv_cache *c, kv_seq *s, int32_t i, int32_t node)
{
    for (int32_t g = 0; g < c->n_groups; g++) {
        int32_t *entry = kv_seq_entry(c, s, g, i), theirs = kv_prefix_blocks(&c->prefix, node)[g];
        if (*entry < 0 || *entry == theirs) continue;
        if (theirs < 0) {
            kv_prefix_set_block(&c->prefix, node, g, *entry);
            continue;
        }
        kv_prefix_hold(&c->prefix, theirs);
        kv_prefix_drop(&c->prefix, *entry, false);
        *entry = theirs;
    }
}

void kv_cache_index(kv_cache *c, kv_seq *s)
{
    while (s->indexing && s->n_indexed < s->n_tokens / KV_BLOCK) {
        const int32_t *ids = s->ids + (size_t)s->n_indexed * KV_BLOCK;
        int32_t node = kv_prefix_find(&c->prefix, s->node, s->origin, ids);
        if (node < 0) node = kv_prefix_add(&c->prefix, s->node, s->origin, ids);
        if (node < 0) {
            s->indexing = false;
            return;
        }
        kv_prefix_pin(&c->prefix, node);
        join_node(c, s, s->n_indexed++, node);
        kv_prefix_unpin(&c->prefix, s->node);
        s->node = node;
    }
}

/* The number of blocks at the beginning of ids for which the index has all blocks that the next token sees. *last: the
 * node of the last of them. run[g] counts how many nodes up to here have a block of group g. */
static int32_t longest_match(kv_cache *c, kv_origin origin, const int32_t *ids, int32_t n_ids, int32_t *last)
{
    int32_t best = 0, node = -1;
    *last = -1;
    memset(c->run, 0, (size_t)c->n_groups * sizeof *c->run);
    if (n_ids > c->max_tokens) n_ids = c->max_tokens;
    for (int32_t n = 1; n <= (n_ids - 1) / KV_BLOCK; n++) {
        node = kv_prefix_find(&c->prefix, node, origin, ids + (size_t)(n - 1) * KV_BLOCK);
        if (node < 0) break;
        bool all = true;
        for (int32_t g = 0; g < c->n_groups; g++) {
            c->run[g] = kv_prefix_blocks(&c->prefix, node)[g] >= 0 ? c->run[g] + 1 : 0;
            all &= c->run[g] >= n - kv_first_seen(c->windows[g], n * KV_BLOCK) / KV_BLOCK;
        }
        if (!all) continue;
        best = n;
        *last = node;
    }
    return best;
}

int32_t kv_cache_match(kv_cache *c, kv_origin origin, const int32_t *ids, int32_t n_ids)
{
    int32_t last;
    return longest_match(c, origin, ids, n_ids, &last) * KV_BLOCK;
}

int32_t kv_cache_attach(kv_cache *c, int32_t seq, const int32_t *ids, int32_t n_ids)
{
    kv_seq *s = kv_cache_seq(c, seq);
    assert(s->n_tokens == 0 && s->n_blocks == 0 && !s->is_swapped && n_ids >= 0);
    int32_t node, n = longest_match(c, s->origin, ids, n_ids, &node);
    c->lookup_tokens += (uint64_t)n_ids;
    c->hit_tokens += (uint64_t)n * KV_BLOCK;
    if (n == 0) return 0;
    memcpy(s->ids, ids, (size_t)n * KV_BLOCK * sizeof *ids);
    s->n_tokens = n * KV_BLOCK;
    s->n_blocks = s->n_indexed = n;
    s->node = node;
    kv_prefix_pin(&c->prefix, node);
    for (int32_t g = 0; g < c->n_groups; g++) s->first[g] = kv_first_seen(c->windows[g], s->n_tokens) / KV_BLOCK;
    for (int32_t i = n - 1; i >= 0; i--, node = c->prefix.nodes[node].parent)
        for (int32_t g = 0; g < c->n_groups; g++) {
            int32_t block = i >= s->first[g] ? kv_prefix_blocks(&c->prefix, node)[g] : -1;
            *kv_seq_entry(c, s, g, i) = block;
            if (block >= 0) kv_prefix_hold(&c->prefix, block);
        }
    return s->n_tokens;
}
