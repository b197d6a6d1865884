/* kv_cache_check.c - the invariants of kv_pool.h, kv_prefix.h and kv_cache.h, tested one by one. Slow, and for
 * tests. */
#include <stdlib.h>

#include "kv/kv_cache_internal.h"

/* Counts made again from the tables. */
typedef struct tally {
    const kv_cache *c;
    int32_t *refs;     /* [n_blocks] */
    int32_t *children; /* [n_nodes] */
    int32_t *standing; /* [n_nodes] sequences that pin the node */
    bool *is_free;     /* [n_blocks] */
    int32_t n_slots;
} tally;

static const char *check_seq(tally *t, const kv_seq *s)
{
    const kv_cache *c = t->c;
    if (!s->is_swapped && s->n_blocks < kv_blocks_for(s->n_tokens))
        return "a sequence has fewer blocks than its tokens need";
    if (s->n_indexed * KV_BLOCK > s->n_tokens || (s->n_indexed == 0) != (s->node < 0))
        return "a sequence stands nowhere";
    if (s->node >= 0 && c->prefix.nodes[s->node].depth != s->n_indexed) return "a sequence stands at the wrong depth";
    if (s->node >= 0) t->standing[s->node]++;
    for (int32_t g = 0; g < c->n_groups; g++) {
        if (s->first[g] > kv_first_seen(c->windows[g], s->n_tokens) / KV_BLOCK)
            return "a block is gone that is still seen";
        if (!s->is_swapped && s->first[g] < kv_first_seen(c->windows[g], s->n_tokens) / KV_BLOCK)
            return "a block is held that no token sees";
        for (int32_t i = s->first[g]; i < s->n_blocks; i++) {
            int32_t entry = *kv_seq_entry(c, s, g, i);
            if (entry >= c->pool.n_blocks || entry == -1) return "a table names no block";
            if (entry < 0 && !s->is_swapped) return "a running sequence has a block in a slot";
            if (entry >= 0) t->refs[entry]++;
            else t->n_slots++;
        }
    }
    /* The nodes of s, from the last to the first, must have the ids and the blocks of s. */
    for (int32_t i = s->n_indexed - 1, node = s->node; i >= 0; i--, node = c->prefix.nodes[node].parent)
        for (int32_t k = 0; k < KV_BLOCK; k++)
            if (node < 0 || c->prefix.nodes[node].ids[k] != s->ids[i * KV_BLOCK + k])
                return "a node spells other tokens";
    for (int32_t i = s->n_indexed - 1, node = s->node; i >= 0; i--, node = c->prefix.nodes[node].parent)
        for (int32_t g = 0; g < c->n_groups; g++)
            if (i >= s->first[g] && *kv_seq_entry(c, s, g, i) != kv_prefix_blocks(&c->prefix, node)[g])
                return "a sequence holds another block than its node";
    return NULL;
}

static const char *check_node(tally *t, int32_t node)
{
    const kv_prefix *p = &t->c->prefix;
    const kv_node *n = &p->nodes[node];
    int32_t n_held = 0;
    bool holds_all_seeing = false;
    for (int32_t g = 0; g < p->n_groups; g++) {
        int32_t block = kv_prefix_blocks(p, node)[g];
        if (block < 0 && !p->windows[g]) return "a node lacks a block of a group that sees all";
        if (block < 0) continue;
        if (p->info[block].node != node || p->info[block].group != g) return "a block does not know its node";
        bool held = p->pool->refs[block] > 0;
        n_held += held;
        holds_all_seeing |= held && !p->windows[g];
        if ((p->info[block].list >= 0) != (!held && p->windows[g])) return "a block is on the wrong list";
    }
    if (n_held != n->n_held) return "a node counts its held blocks wrongly";
    if (n->n_children != t->children[node]) return "a node counts its children wrongly";
    if (n->n_seqs != t->standing[node]) return "a node counts its sequences wrongly";
    if ((n->heap_pos >= 0) != (!n->n_children && !n->n_seqs && !n->n_held))
        return "the heap lacks a leaf, or has another node";
    if (n->heap_pos >= 0 && p->heap[n->heap_pos] != node) return "the heap is torn";
    if (n->parent >= 0 && p->nodes[n->parent].depth != n->depth - 1) return "a node is as deep as its parent";
    if (kv_prefix_find(p, n->parent, n->origin, n->ids) != node) return "a node cannot be found";
    for (int32_t g = 0; g < p->n_groups && holds_all_seeing && n->parent >= 0; g++)
        if (!p->windows[g] && !p->pool->refs[kv_prefix_blocks(p, n->parent)[g]])
            return "a held node has a cached parent";
    return NULL;
}

static const char *check_blocks(const tally *t)
{
    const kv_pool *pool = &t->c->pool;
    const kv_prefix *p = &t->c->prefix;
    int32_t n_held = 0, n_shared = 0, n_cached = 0;
    for (int32_t i = 0; i < pool->n_free; i++) {
        if (t->is_free[pool->free[i]]) return "a block is twice on the free list";
        t->is_free[pool->free[i]] = true;
    }
    for (int32_t b = 0; b < pool->n_blocks; b++) {
        bool indexed = kv_prefix_node_of(p, b) >= 0;
        if (pool->refs[b] != t->refs[b]) return "a block is held by more or fewer tables than it counts";
        if (t->is_free[b] && (pool->refs[b] || indexed)) return "a block in use is on the free list";
        if (!t->is_free[b] && !pool->refs[b] && !indexed) return "a block is lost";
        if (indexed && kv_prefix_blocks(p, p->info[b].node)[p->info[b].group] != b)
            return "a node does not know its block";
        n_held += pool->refs[b] > 0;
        n_shared += pool->refs[b] > 1;
        n_cached += indexed && pool->refs[b] == 0;
    }
    if (n_held != pool->n_held || n_shared != pool->n_shared) return "the pool counts its held blocks wrongly";
    if (n_cached != p->n_cached) return "the index counts its cached blocks wrongly";
    return NULL;
}

static const char *check_all(tally *t)
{
    const kv_cache *c = t->c;
    const char *broken = NULL;
    int32_t n_open = 0, n_swapped = 0, n_used = 0;
    for (int32_t i = 0; i < c->max_seqs && !broken; i++) {
        n_open += c->seqs[i].is_open;
        n_swapped += c->seqs[i].is_swapped;
        if (c->seqs[i].is_open) broken = check_seq(t, &c->seqs[i]);
    }
    for (int32_t i = 0; i < c->prefix.n_nodes; i++) {
        const kv_node *n = &c->prefix.nodes[i];
        n_used += n->depth > 0;
        if (n->depth > 0 && n->parent >= 0) t->children[n->parent]++;
    }
    for (int32_t i = 0; i < c->prefix.n_nodes && !broken; i++)
        if (c->prefix.nodes[i].depth > 0) broken = check_node(t, i);
    if (!broken) broken = check_blocks(t);
    if (broken) return broken;
    if (n_open != c->n_seqs || n_swapped != c->n_swapped) return "the cache counts its sequences wrongly";
    if (n_used != c->prefix.n_used) return "the index counts its nodes wrongly";
    if (c->swap && t->n_slots != kv_swap_n_slots(c->swap) - kv_swap_n_free(c->swap)) return "a swap slot is lost";
    return NULL;
}

const char *kv_cache_check(const kv_cache *c)
{
    tally t = { .c = c };
    size_t n_nodes = (size_t)c->prefix.n_nodes + 1, n_blocks = (size_t)c->pool.n_blocks;
    t.refs = calloc(n_blocks, sizeof *t.refs);
    t.is_free = calloc(n_blocks, sizeof *t.is_free);
    t.children = calloc(n_nodes, sizeof *t.children);
    t.standing = calloc(n_nodes, sizeof *t.standing);
    bool all = t.refs && t.is_free && t.children && t.standing;
    const char *broken = all ? check_all(&t) : "out of memory for the check";
    free(t.refs);
    free(t.is_free);
    free(t.children);
    free(t.standing);
    return broken;
}
