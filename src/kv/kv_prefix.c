/* kv_prefix.c - the prefix index: nodes, their hash table, and the order of eviction. See kv_prefix.h. */
#include "kv/kv_prefix.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

sumi_status kv_prefix_init(kv_prefix *p, kv_pool *pool, int32_t n_groups, const int32_t *windows, uint64_t format,
                           bool on, sumi_error *err)
{
    *p = (kv_prefix){ .pool = pool,
                      .windows = windows,
                      .n_groups = n_groups,
                      .n_nodes = on ? pool->n_blocks : 0,
                      .unused = -1,
                      .format = format,
                      .key = sip_key_draw() };
    if (!on) return SUMI_OK;
    size_t n = (size_t)p->n_nodes;
    for (p->n_buckets = 16; p->n_buckets < n; p->n_buckets *= 2) {}
    p->nodes = calloc(n, sizeof *p->nodes);
    p->blocks = calloc(n, (size_t)n_groups * sizeof *p->blocks);
    p->info = calloc(n, sizeof *p->info);
    p->heap = calloc(n, sizeof *p->heap);
    p->buckets = malloc((size_t)p->n_buckets * sizeof *p->buckets);
    if (!p->nodes || !p->blocks || !p->info || !p->heap || !p->buckets) {
        kv_prefix_deinit(p);
        return sumi_fail(err, SUMI_ENOMEM, "prefix index: out of memory for %d blocks", pool->n_blocks);
    }
    memset(p->buckets, -1, (size_t)p->n_buckets * sizeof *p->buckets);
    for (int32_t i = p->n_nodes - 1; i >= 0; i--) {
        p->info[i] = (kv_block_info){ .node = -1, .prev = -1, .next = -1, .list = -1 };
        p->nodes[i].next = p->unused;
        p->unused = i;
    }
    for (int32_t i = 0; i < KV_N_LISTS; i++) p->lists[i] = (kv_block_list){ -1, -1 };
    return SUMI_OK;
}

void kv_prefix_deinit(kv_prefix *p)
{
    free(p->nodes);
    free(p->blocks);
    free(p->info);
    free(p->heap);
    free(p->buckets);
    *p = (kv_prefix){ 0 };
}

/* ---- The lists of window blocks that may be evicted one by one ---- */

static void list_append(kv_prefix *p, int32_t list, int32_t block)
{
    kv_block_list *l = &p->lists[list];
    kv_block_info *b = &p->info[block];
    b->list = (int16_t)list;
    b->prev = l->last;
    b->next = -1;
    *(l->last >= 0 ? &p->info[l->last].next : &l->first) = block;
    l->last = block;
}

static void list_remove(kv_prefix *p, int32_t block)
{
    kv_block_info *b = &p->info[block];
    if (b->list < 0) return;
    kv_block_list *l = &p->lists[b->list];
    *(b->prev >= 0 ? &p->info[b->prev].next : &l->first) = b->next;
    *(b->next >= 0 ? &p->info[b->next].prev : &l->last) = b->prev;
    b->prev = b->next = -1;
    b->list = -1;
}

/* ---- The heap of leaves: the leaf that was released first is on top ---- */

static bool goes_before(const kv_prefix *p, int32_t a, int32_t b)
{
    return p->nodes[a].tick < p->nodes[b].tick || (p->nodes[a].tick == p->nodes[b].tick && a < b);
}

static void heap_put(kv_prefix *p, int32_t pos, int32_t node)
{
    p->heap[pos] = node;
    p->nodes[node].heap_pos = pos;
}

/* Moves the node up or down from pos to where it belongs. */
static void heap_settle(kv_prefix *p, int32_t pos, int32_t node)
{
    for (; pos > 0 && goes_before(p, node, p->heap[(pos - 1) / 2]); pos = (pos - 1) / 2)
        heap_put(p, pos, p->heap[(pos - 1) / 2]);
    for (int32_t child; (child = 2 * pos + 1) < p->n_heap; pos = child) {
        if (child + 1 < p->n_heap && goes_before(p, p->heap[child + 1], p->heap[child])) child++;
        if (!goes_before(p, p->heap[child], node)) break;
        heap_put(p, pos, p->heap[child]);
    }
    heap_put(p, pos, node);
}

static void heap_remove(kv_prefix *p, int32_t node)
{
    int32_t pos = p->nodes[node].heap_pos, last = p->heap[--p->n_heap];
    p->nodes[node].heap_pos = -1;
    if (last != node) heap_settle(p, pos, last);
}

/* Call this after every change that may decide whether a node can be evicted. */
static void node_changed(kv_prefix *p, int32_t node)
{
    kv_node *n = &p->nodes[node];
    bool may_go = n->n_children == 0 && n->n_seqs == 0 && n->n_held == 0;
    if (may_go && n->heap_pos < 0) heap_settle(p, p->n_heap++, node);
    else if (!may_go && n->heap_pos >= 0) heap_remove(p, node);
}

/* ---- Nodes ---- */

static uint64_t hash_of(const kv_prefix *p, int32_t parent, kv_origin origin, const int32_t *ids)
{
    struct {
        uint64_t parent, format, salt, adapter;
        int32_t ids[KV_BLOCK];
    } text = { parent >= 0 ? p->nodes[parent].hash : 0, p->format, origin.salt, origin.adapter, { 0 } };
    memcpy(text.ids, ids, sizeof text.ids);
    return siphash(p->key, &text, sizeof text);
}

static int32_t *bucket_of(const kv_prefix *p, uint64_t hash)
{
    return &p->buckets[hash & (p->n_buckets - 1)];
}

int32_t kv_prefix_find(const kv_prefix *p, int32_t parent, kv_origin origin, const int32_t *ids)
{
    if (!p->n_nodes) return -1;
    uint64_t hash = hash_of(p, parent, origin, ids);
    for (int32_t i = *bucket_of(p, hash); i >= 0; i = p->nodes[i].next) {
        const kv_node *n = &p->nodes[i];
        if (n->hash == hash && n->parent == parent && n->origin.salt == origin.salt &&
            n->origin.adapter == origin.adapter && memcmp(n->ids, ids, sizeof n->ids) == 0)
            return i;
    }
    return -1;
}

int32_t kv_prefix_add(kv_prefix *p, int32_t parent, kv_origin origin, const int32_t *ids)
{
    if (p->unused < 0 && p->n_heap > 0) kv_prefix_remove(p, p->heap[0]);
    if (p->unused < 0) return -1;
    int32_t i = p->unused;
    kv_node *n = &p->nodes[i];
    p->unused = n->next;
    p->n_used++;
    *n = (kv_node){ .hash = hash_of(p, parent, origin, ids),
                    .origin = origin,
                    .parent = parent,
                    .depth = 1,
                    .heap_pos = -1,
                    .tick = p->clock };
    memcpy(n->ids, ids, sizeof n->ids);
    if (parent >= 0) {
        n->depth = p->nodes[parent].depth + 1;
        p->nodes[parent].n_children++;
        node_changed(p, parent);
    }
    int32_t *bucket = bucket_of(p, n->hash);
    n->next = *bucket;
    *bucket = i;
    for (int32_t g = 0; g < p->n_groups; g++) kv_prefix_blocks(p, i)[g] = -1;
    node_changed(p, i);
    return i;
}

/* A resting block of a window group may be evicted alone. */
static void list_if_window(kv_prefix *p, int32_t block, int32_t list)
{
    if (p->windows[p->info[block].group]) list_append(p, list, block);
}

void kv_prefix_set_block(kv_prefix *p, int32_t node, int32_t group, int32_t block)
{
    assert(p->info[block].node < 0 && kv_prefix_blocks(p, node)[group] < 0);
    kv_prefix_blocks(p, node)[group] = block;
    p->info[block].node = node;
    p->info[block].group = (int16_t)group;
    if (p->pool->refs[block]) {
        p->nodes[node].n_held++;
        node_changed(p, node);
    } else {
        p->n_cached++;
        list_if_window(p, block, KV_LIST_KEPT);
    }
}

/* Takes a block out of its node; a cached one becomes free. */
static void forget_block(kv_prefix *p, int32_t block)
{
    kv_block_info *b = &p->info[block];
    kv_prefix_blocks(p, b->node)[b->group] = -1;
    bool held = p->pool->refs[block] > 0;
    p->nodes[b->node].n_held -= held;
    list_remove(p, block);
    b->node = -1;
    if (held) return;
    p->n_cached--;
    kv_pool_give(p->pool, block);
}

static void unlink_from_bucket(kv_prefix *p, int32_t node)
{
    int32_t *link = bucket_of(p, p->nodes[node].hash);
    while (*link != node) link = &p->nodes[*link].next;
    *link = p->nodes[node].next;
}

void kv_prefix_remove(kv_prefix *p, int32_t node)
{
    kv_node *n = &p->nodes[node];
    assert(n->depth && n->n_children == 0 && n->n_seqs == 0);
    for (int32_t g = 0; g < p->n_groups; g++)
        if (kv_prefix_blocks(p, node)[g] >= 0) forget_block(p, kv_prefix_blocks(p, node)[g]);
    if (n->heap_pos >= 0) heap_remove(p, node);
    unlink_from_bucket(p, node);
    int32_t parent = n->parent;
    *n = (kv_node){ .heap_pos = -1, .next = p->unused };
    p->unused = node;
    p->n_used--;
    if (parent < 0) return;
    p->nodes[parent].n_children--;
    node_changed(p, parent);
}

void kv_prefix_pin(kv_prefix *p, int32_t node)
{
    if (node < 0) return;
    p->nodes[node].n_seqs++;
    node_changed(p, node);
}

void kv_prefix_unpin(kv_prefix *p, int32_t node)
{
    if (node < 0) return;
    p->nodes[node].n_seqs--;
    node_changed(p, node);
}

/* ---- Blocks ---- */

void kv_prefix_hold(kv_prefix *p, int32_t block)
{
    int32_t node = kv_prefix_node_of(p, block);
    if (node >= 0 && p->pool->refs[block] == 0) {
        p->n_cached--;
        list_remove(p, block);
        p->nodes[node].n_held++;
        node_changed(p, node);
    }
    kv_pool_ref(p->pool, block);
}

void kv_prefix_drop(kv_prefix *p, int32_t block, bool slid)
{
    if (kv_pool_unref(p->pool, block) > 0) return;
    int32_t node = kv_prefix_node_of(p, block);
    if (node < 0) {
        kv_pool_give(p->pool, block);
        return;
    }
    p->n_cached++;
    list_if_window(p, block, slid ? KV_LIST_SLID : KV_LIST_KEPT);
    p->nodes[node].n_held--;
    p->nodes[node].tick = p->clock;
    node_changed(p, node);
}

static bool evict_from_list(kv_prefix *p, int32_t list)
{
    int32_t block = p->lists[list].first;
    if (block < 0) return false;
    forget_block(p, block);
    return true;
}

bool kv_prefix_evict(kv_prefix *p)
{
    int32_t before = p->pool->n_free;
    if (!p->n_nodes) return false;
    if (!evict_from_list(p, KV_LIST_SLID)) {
        /* A leaf may have no blocks, because windows slid past all of them: removing it frees nothing. */
        while (p->n_heap > 0 && p->pool->n_free == before) kv_prefix_remove(p, p->heap[0]);
        if (p->pool->n_free == before) evict_from_list(p, KV_LIST_KEPT);
    }
    p->n_evicted += (uint64_t)(p->pool->n_free - before);
    return p->pool->n_free > before;
}
