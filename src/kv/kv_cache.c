/* kv_cache.c - sequences: tables that grow, share, slide and shrink. See kv_cache.h. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "kv/kv_cache_internal.h"

/* ---- Creation ---- */

static bool alloc_seqs(kv_cache *c)
{
    size_t n = (size_t)c->max_seqs, n_groups = (size_t)c->n_groups, table = n_groups * (size_t)c->max_blocks;
    c->seqs = calloc(n, sizeof *c->seqs);
    c->unused = calloc(n, sizeof *c->unused);
    c->run = calloc(n_groups, sizeof *c->run);
    c->firsts = calloc(n, n_groups * sizeof *c->firsts);
    if (!c->seqs || !c->unused || !c->run || !c->firsts) return false;
    if (!mem_mul(n * sizeof *c->tables, table, &c->tables_bytes)) return false;
    if (!mem_mul(n * sizeof *c->ids, (size_t)c->max_tokens, &c->ids_bytes)) return false;
    if (!(c->tables = mem_map(c->tables_bytes)) || !(c->ids = mem_map(c->ids_bytes))) return false;
    for (size_t i = 0; i < n; i++) {
        c->unused[i] = c->max_seqs - 1 - (int32_t)i; /* sequence 0 is opened first */
        c->seqs[i] = (kv_seq){ .table = c->tables + i * table,
                               .first = c->firsts + i * n_groups,
                               .ids = c->ids + i * (size_t)c->max_tokens,
                               .node = -1 };
    }
    if (!c->swap) return true;
    c->block_bytes = malloc(c->memory.block_bytes);
    c->slots = calloc(table, sizeof *c->slots);
    return c->block_bytes && c->slots;
}

static bool alloc_groups(kv_cache *c, const kv_layout *l, int32_t n_blocks)
{
    size_t n = (size_t)l->n_groups;
    c->windows = calloc(n, sizeof *c->windows);
    c->inside = calloc(n, sizeof *c->inside);
    c->last_inside = calloc((size_t)n_blocks, sizeof *c->last_inside);
    if (!c->windows || !c->inside || !c->last_inside) return false;
    memcpy(c->windows, l->window, n * sizeof *c->windows);
    memcpy(c->inside, l->inside, n * sizeof *c->inside);
    for (int32_t i = 0; i < n_blocks; i++) c->last_inside[i] = -1;
    return true;
}

sumi_status kv_cache_create(kv_cache **out, const kv_cache_opts *o, sumi_error *err)
{
    const kv_layout *l = o->layout;
    assert(o->n_blocks > 0 && o->max_seqs > 0 && o->max_tokens > 0 && o->memory.block_bytes == l->block_bytes);
    sumi_status status = SUMI_ENOMEM;
    *out = NULL;
    kv_cache *c = calloc(1, sizeof *c);
    if (!c) return sumi_fail(err, status, "kv cache: out of memory");
    c->memory = o->memory;
    c->swap = o->swap;
    c->n_layers = l->n_layers;
    c->n_groups = l->n_groups;
    c->empty_bytes = l->empty_bytes;
    c->layout_hash = kv_layout_hash(l);
    c->max_seqs = o->max_seqs;
    c->max_tokens = o->max_tokens;
    c->max_blocks = kv_blocks_for(o->max_tokens);
    if (!alloc_groups(c, l, o->n_blocks) || !alloc_seqs(c)) {
        sumi_fail(err, status, "kv cache: out of memory for the tables of %d sequences of %d tokens", o->max_seqs,
                  o->max_tokens);
        goto fail;
    }
    if ((status = kv_pool_init(&c->pool, o->n_blocks, err))) goto fail;
    c->salt_key = sip_key_draw();
    status = kv_prefix_init(&c->prefix, &c->pool, l->n_groups, c->windows, o->format, o->prefix, err);
    if (status != SUMI_OK) goto fail;
    *out = c;
    return SUMI_OK;
fail:
    kv_cache_destroy(c);
    return status;
}

void kv_cache_destroy(kv_cache *c)
{
    if (!c) return;
    for (int32_t i = 0; c->seqs && i < c->max_seqs; i++)
        if (c->seqs[i].is_open) kv_cache_close(c, i); /* its slots go back to the swap region, which is borrowed */
    kv_prefix_deinit(&c->prefix);
    kv_pool_deinit(&c->pool);
    mem_unmap(c->tables, c->tables_bytes);
    mem_unmap(c->ids, c->ids_bytes);
    free(c->seqs);
    free(c->unused);
    free(c->windows);
    free(c->inside);
    free(c->last_inside);
    free(c->run);
    free(c->firsts);
    free(c->block_bytes);
    free(c->slots);
    free(c);
}

/* ---- Sequences ---- */

int32_t kv_cache_open(kv_cache *c, kv_origin origin)
{
    if (c->n_seqs == c->max_seqs) return -1;
    int32_t seq = c->unused[c->max_seqs - ++c->n_seqs];
    kv_seq *s = &c->seqs[seq];
    assert(!s->is_open && s->n_blocks == 0 && s->node < 0);
    s->is_open = true;
    s->indexing = c->prefix.n_nodes > 0;
    s->origin = origin;
    return seq;
}

void kv_cache_close(kv_cache *c, int32_t seq)
{
    kv_cache_truncate(c, seq, 0);
    kv_cache_seq(c, seq)->is_open = false;
    c->unused[c->max_seqs - c->n_seqs--] = seq;
}

int32_t kv_cache_fork(kv_cache *c, int32_t src)
{
    const kv_seq *from = kv_cache_seq(c, src);
    assert(!from->is_swapped);
    int32_t seq = kv_cache_open(c, from->origin);
    if (seq < 0) return -1;
    kv_seq *s = &c->seqs[seq];
    s->n_tokens = from->n_tokens;
    s->n_blocks = kv_blocks_for(from->n_tokens);
    s->node = from->node;
    s->n_indexed = from->n_indexed;
    s->indexing = from->indexing;
    memcpy(s->ids, from->ids, (size_t)s->n_tokens * sizeof *s->ids);
    memcpy(s->first, from->first, (size_t)c->n_groups * sizeof *s->first);
    for (int32_t g = 0; g < c->n_groups; g++)
        for (int32_t i = 0; i < s->n_blocks; i++) {
            int32_t block = *kv_seq_entry(c, s, g, i) = *kv_seq_entry(c, from, g, i);
            if (block >= 0) kv_prefix_hold(&c->prefix, block);
        }
    kv_prefix_pin(&c->prefix, s->node);
    return seq;
}

kv_origin kv_cache_origin(const kv_cache *c, int32_t seq)
{
    return kv_cache_seq(c, seq)->origin;
}

int32_t kv_cache_len(const kv_cache *c, int32_t seq)
{
    return kv_cache_seq(c, seq)->n_tokens;
}

const int32_t *kv_cache_ids(const kv_cache *c, int32_t seq)
{
    return kv_cache_seq(c, seq)->ids;
}

const int32_t *kv_cache_tables(const kv_cache *c, int32_t seq)
{
    const kv_seq *s = kv_cache_seq(c, seq);
    assert(!s->is_swapped);
    return s->table;
}

int32_t kv_cache_table_stride(const kv_cache *c)
{
    return c->max_blocks;
}

bool kv_cache_is_swapped(const kv_cache *c, int32_t seq)
{
    return kv_cache_seq(c, seq)->is_swapped;
}

uint64_t kv_cache_salt(const kv_cache *c, const char *text, size_t n)
{
    if (!n) return 0;
    uint64_t salt = siphash(c->salt_key, text, n);
    return salt ? salt : 1;
}

void kv_cache_set_salt_key(kv_cache *c, sip_key key)
{
    c->salt_key = key;
}

/* ---- Growing ---- */

int32_t kv_cache_available(const kv_cache *c)
{
    return c->pool.n_free + c->prefix.n_cached;
}

int32_t kv_cache_take(kv_cache *c, int32_t group)
{
    if (c->pool.n_free == 0 && !kv_prefix_evict(&c->prefix)) return -1;
    int32_t block = kv_pool_take(&c->pool);
    int16_t *last = &c->last_inside[block], now = c->inside[group];
    if (*last >= 0 && *last != now) c->memory.clear(c->memory.self, block);
    *last = now;
    return block;
}

/* What a reservation asks for. */
typedef struct demand {
    int32_t n_new;    /* blocks at the end */
    int32_t last;     /* the last block, if it is partly filled and not private; -1: none */
    int32_t n_copies; /* groups in which `last` is replaced by a copy */
    int32_t unindex;  /* instead of copying: the node to remove from the index, with its descendants; -1: none */
} demand;

static bool is_private(const kv_cache *c, int32_t block)
{
    return c->pool.refs[block] == 1 && kv_prefix_node_of(&c->prefix, block) < 0;
}

static demand demand_of(const kv_cache *c, const kv_seq *s, int32_t n_tokens)
{
    int32_t end = kv_blocks_for(s->n_tokens + n_tokens);
    demand d = { .n_new = end > s->n_blocks ? (end - s->n_blocks) * c->n_groups : 0, .last = -1, .unindex = -1 };
    bool shared = false;
    if (n_tokens == 0 || s->n_tokens % KV_BLOCK == 0) return d;
    int32_t last = s->n_tokens / KV_BLOCK, node = -1;
    for (int32_t g = 0; g < c->n_groups; g++) {
        int32_t block = *kv_seq_entry(c, s, g, last);
        d.n_copies += !is_private(c, block);
        shared |= c->pool.refs[block] > 1;
        if (kv_prefix_node_of(&c->prefix, block) >= 0) node = kv_prefix_node_of(&c->prefix, block);
    }
    if (d.n_copies == 0) return d;
    d.last = last;
    if (shared || node < 0 || c->prefix.nodes[node].n_seqs) return d;
    /* Only the index references the block. The node's descendants are dropped only if no block is available for a copy.
     * No sequence references them: a sequence that holds a descendant also holds the node's own blocks in the groups
     * that see everything. */
    bool full = d.n_new + d.n_copies > kv_cache_available(c), alone = c->windows[0] == 0 || c->n_seqs == 1;
    if (c->prefix.nodes[node].n_children && !(full && alone)) return d;
    d.unindex = node;
    d.n_copies = 0;
    return d;
}

int32_t kv_cache_need(const kv_cache *c, int32_t seq, int32_t n_tokens)
{
    demand d = demand_of(c, kv_cache_seq(c, seq), n_tokens);
    return d.n_new + d.n_copies;
}

/* False: no block is available for a copy. */
static bool own_last_block(kv_cache *c, kv_seq *s, demand d)
{
    if (d.unindex >= 0) {
        while (c->prefix.nodes[d.unindex].n_children && kv_prefix_evict(&c->prefix)) {}
        kv_prefix_remove(&c->prefix, d.unindex);
    }
    for (int32_t g = 0; g < c->n_groups && d.n_copies; g++) {
        int32_t *entry = kv_seq_entry(c, s, g, d.last), block = *entry;
        if (is_private(c, block)) continue;
        int32_t copy = kv_cache_take(c, g);
        if (copy < 0) return false;
        *entry = copy;
        c->memory.copy(c->memory.self, copy, block);
        kv_prefix_drop(&c->prefix, block, false);
        c->n_copied++;
    }
    return true;
}

static void drop_entry(kv_cache *c, int32_t entry)
{
    if (entry >= 0) kv_prefix_drop(&c->prefix, entry, false);
    else if (entry <= KV_IN_SLOT(0)) kv_swap_give(c->swap, KV_IN_SLOT(entry));
}

/* Releases the last blocks of s, so that n remain. */
static void drop_last_blocks(kv_cache *c, kv_seq *s, int32_t n)
{
    for (; s->n_blocks > n; s->n_blocks--)
        for (int32_t g = 0; g < c->n_groups; g++)
            if (s->n_blocks > s->first[g]) drop_entry(c, *kv_seq_entry(c, s, g, s->n_blocks - 1));
}

/* One more block in each group. */
static bool add_blocks(kv_cache *c, kv_seq *s)
{
    for (int32_t g = 0; g < c->n_groups; g++) {
        int32_t block = *kv_seq_entry(c, s, g, s->n_blocks) = kv_cache_take(c, g);
        if (block >= 0) continue;
        while (g-- > 0) drop_entry(c, *kv_seq_entry(c, s, g, s->n_blocks));
        return false;
    }
    s->n_blocks++;
    return true;
}

bool kv_cache_reserve(kv_cache *c, int32_t seq, int32_t n_tokens)
{
    kv_seq *s = kv_cache_seq(c, seq);
    assert(!s->is_swapped && n_tokens >= 0 && n_tokens <= c->max_tokens - s->n_tokens);
    demand d = demand_of(c, s, n_tokens);
    if (d.n_new + d.n_copies > kv_cache_available(c)) return false;
    c->prefix.clock++;
    int32_t before = s->n_blocks;
    if (d.last >= 0 && !own_last_block(c, s, d)) return false;
    for (; d.n_new > 0; d.n_new -= c->n_groups)
        if (!add_blocks(c, s)) {
            drop_last_blocks(c, s, before);
            return false;
        }
    return true;
}

/* Releases the blocks that no token from n_tokens on sees. */
static void slide(kv_cache *c, kv_seq *s)
{
    for (int32_t g = 0; g < c->n_groups; g++)
        for (int32_t end = kv_first_seen(c->windows[g], s->n_tokens) / KV_BLOCK; s->first[g] < end; s->first[g]++) {
            int32_t *entry = kv_seq_entry(c, s, g, s->first[g]);
            kv_prefix_drop(&c->prefix, *entry, true);
            *entry = -1;
        }
}

void kv_cache_commit(kv_cache *c, int32_t seq, const int32_t *ids, int32_t n_tokens)
{
    kv_seq *s = kv_cache_seq(c, seq);
    assert(!s->is_swapped && kv_blocks_for(s->n_tokens + n_tokens) <= s->n_blocks);
    /* memmove(): ids may point into s->ids, to ids from before a truncation. */
    memmove(s->ids + s->n_tokens, ids, (size_t)n_tokens * sizeof *ids);
    s->n_tokens += n_tokens;
    c->prefix.clock++;
    kv_cache_index(c, s);
    slide(c, s);
}

/* ---- Shrinking ---- */

/* After a truncation to n_tokens, the next token may see blocks that a window has slid past. Takes these blocks back
 * from the index. False: the index lacks some of them, and nothing has changed. s->node is still the node from before
 * the truncation. */
static bool slide_back(kv_cache *c, kv_seq *s, int32_t n_tokens)
{
    int32_t lowest = s->n_blocks, node = s->node;
    for (int32_t g = 0; g < c->n_groups; g++) {
        int32_t from = kv_first_seen(c->windows[g], n_tokens) / KV_BLOCK, to = s->first[g];
        c->run[g] = from;
        if (to > s->n_blocks) to = s->n_blocks;
        if (from >= to) continue;
        if (to > s->n_indexed) return false;
        lowest = from < lowest ? from : lowest;
    }
    for (int32_t i = s->n_indexed - 1; i >= lowest; i--, node = c->prefix.nodes[node].parent)
        for (int32_t g = 0; g < c->n_groups && i < s->n_blocks; g++)
            if (i >= c->run[g] && i < s->first[g] && kv_prefix_blocks(&c->prefix, node)[g] < 0) return false;
    node = s->node;
    for (int32_t i = s->n_indexed - 1; i >= lowest; i--, node = c->prefix.nodes[node].parent)
        for (int32_t g = 0; g < c->n_groups && i < s->n_blocks; g++) {
            if (i < c->run[g] || i >= s->first[g]) continue;
            int32_t block = *kv_seq_entry(c, s, g, i) = kv_prefix_blocks(&c->prefix, node)[g];
            kv_prefix_hold(&c->prefix, block);
        }
    for (int32_t g = 0; g < c->n_groups; g++) s->first[g] = c->run[g] < s->first[g] ? c->run[g] : s->first[g];
    return true;
}

static void step_back_to(kv_cache *c, kv_seq *s, int32_t n_indexed)
{
    int32_t node = s->node;
    if (s->n_indexed <= n_indexed) return;
    for (; s->n_indexed > n_indexed; s->n_indexed--) node = c->prefix.nodes[node].parent;
    kv_prefix_pin(&c->prefix, node);
    kv_prefix_unpin(&c->prefix, s->node);
    s->node = node;
}

int32_t kv_cache_truncate(kv_cache *c, int32_t seq, int32_t n_tokens)
{
    kv_seq *s = kv_cache_seq(c, seq);
    assert(n_tokens >= 0 && n_tokens <= s->n_tokens && (!s->is_swapped || n_tokens == 0));
    c->prefix.clock++;
    drop_last_blocks(c, s, kv_blocks_for(n_tokens));
    if (!slide_back(c, s, n_tokens)) return kv_cache_truncate(c, seq, 0);
    step_back_to(c, s, n_tokens / KV_BLOCK);
    s->n_tokens = n_tokens;
    s->indexing |= c->prefix.n_nodes > 0 && s->n_indexed == n_tokens / KV_BLOCK;
    c->n_swapped -= s->is_swapped;
    s->is_swapped = false;
    return n_tokens;
}

/* ---- The whole ---- */

void kv_cache_drop_cached(kv_cache *c)
{
    while (kv_prefix_evict(&c->prefix)) {}
}

/* Bytes of the slots of s that hold no token. A block with several holders counts for each of them in part. */
static size_t empty_slots(const kv_cache *c, const kv_seq *s)
{
    size_t slot_bytes = c->memory.block_bytes / KV_BLOCK, bytes = 0;
    for (int32_t i = s->n_tokens / KV_BLOCK; i < s->n_blocks; i++) {
        int32_t used = s->n_tokens > i * KV_BLOCK ? s->n_tokens - i * KV_BLOCK : 0;
        for (int32_t g = 0; g < c->n_groups; g++) {
            int32_t block = *kv_seq_entry(c, s, g, i);
            if (block >= 0) bytes += slot_bytes * (size_t)(KV_BLOCK - used) / (size_t)c->pool.refs[block];
        }
    }
    return bytes;
}

void kv_cache_get_stats(const kv_cache *c, kv_cache_stats *stats)
{
    *stats = (kv_cache_stats){ .n_blocks = c->pool.n_blocks,
                               .n_free = c->pool.n_free,
                               .n_held = c->pool.n_held,
                               .n_shared = c->pool.n_shared,
                               .n_cached = c->prefix.n_cached,
                               .n_seqs = c->n_seqs,
                               .n_swapped = c->n_swapped,
                               .lookup_tokens = c->lookup_tokens,
                               .hit_tokens = c->hit_tokens,
                               .n_evicted = c->prefix.n_evicted,
                               .n_copied = c->n_copied,
                               .n_swapped_out = c->n_swapped_out,
                               .n_swapped_in = c->n_swapped_in,
                               .block_bytes = c->memory.block_bytes };
    /* Groups of each kind hold about equally many blocks, so every held block counts with the mean of empty bytes. */
    stats->waste_bytes = (size_t)stats->n_held * c->empty_bytes / (size_t)c->n_groups;
    for (int32_t i = 0; i < c->max_seqs; i++)
        if (c->seqs[i].is_open) stats->waste_bytes += empty_slots(c, &c->seqs[i]);
}
