/* kv_cache_swap.c - swaps sequences out and in: their blocks are written to slots of the swap region and read back. See
 * kv_cache.h.
 *
 * Out: a block that other tables hold stays in memory, and the swapped sequence keeps its reference. All other blocks are
 * written to slots; blocks of the index also stay in memory, cached, until their memory is needed. In: blocks that the
 * index still has are taken from there at no cost; the rest are read. */
#include "base/error.h"
#include "kv/kv_cache_internal.h"

typedef struct counts {
    int32_t n_alone, n_shared; /* blocks that no other table holds, and blocks that others hold, too */
    int32_t n_read, n_found,
        n_found_cached; /* slots to read; slots whose block the index has; of these, blocks without a holder */
} counts;

/* The node of block i, given the node of block i - 1 (-2: the chain has ended before); -2: there is none. */
static int32_t next_node(const kv_cache *c, const kv_seq *s, int32_t node, int32_t i)
{
    if (node == -2 || !c->prefix.n_nodes || (i + 1) * KV_BLOCK > s->n_tokens) return -2;
    node = kv_prefix_find(&c->prefix, node, s->origin, s->ids + (size_t)i * KV_BLOCK);
    return node < 0 ? -2 : node;
}

static int32_t block_of(const kv_cache *c, int32_t node, int32_t group)
{
    return node == -2 ? -1 : kv_prefix_blocks(&c->prefix, node)[group];
}

static counts count(const kv_cache *c, const kv_seq *s)
{
    counts n = { 0 };
    for (int32_t i = 0, node = -1; i < kv_blocks_for(s->n_tokens); i++) { /* reserved blocks hold no tokens */
        node = s->is_swapped ? next_node(c, s, node, i) : -2;
        for (int32_t g = 0; g < c->n_groups; g++) {
            if (i < s->first[g]) continue;
            int32_t entry = *kv_seq_entry(c, s, g, i), found = block_of(c, node, g);
            if (entry >= 0) {
                n.n_alone += c->pool.refs[entry] == 1;
                n.n_shared += c->pool.refs[entry] > 1;
            } else if (found >= 0) {
                n.n_found++;
                n.n_found_cached += c->pool.refs[found] == 0;
            } else {
                n.n_read++;
            }
        }
    }
    return n;
}

kv_swap_cost kv_cache_swap_cost(const kv_cache *c, int32_t seq)
{
    const kv_seq *s = kv_cache_seq(c, seq);
    counts n = count(c, s);
    kv_swap_cost cost = { .block_bytes = c->memory.block_bytes, .n_shared = n.n_shared };
    if (s->is_swapped) {
        cost.n_shared += n.n_alone; /* the sequences that shared it have been closed since */
        cost.n_in = n.n_read;
        cost.n_cached = n.n_found;
        cost.n_take = n.n_read + n.n_found_cached;
    } else {
        cost.n_out = n.n_alone;
    }
    return cost;
}

/* ---- Out ---- */

/* Writes the blocks that only this sequence holds; slots[g][i] is the slot, -1 for the other blocks. */
static sumi_status write_blocks(kv_cache *c, const kv_seq *s, int32_t *slots, sumi_error *err)
{
    sumi_status status = SUMI_OK;
    for (int32_t g = 0; g < c->n_groups; g++)
        for (int32_t i = s->first[g]; i < s->n_blocks; i++) {
            int32_t block = *kv_seq_entry(c, s, g, i), *slot = slots + (size_t)g * (size_t)c->max_blocks + i;
            *slot = -1;
            if (status != SUMI_OK || c->pool.refs[block] > 1) continue;
            *slot = kv_swap_take(c->swap);
            c->memory.read(c->memory.self, block, c->block_bytes);
            status = kv_swap_write(c->swap, *slot, c->block_bytes, err);
        }
    return status;
}

/* swap: puts the slots into the table. Otherwise gives them back to the region. */
static void settle_slots(kv_cache *c, kv_seq *s, const int32_t *slots, bool swap)
{
    for (int32_t g = 0; g < c->n_groups; g++)
        for (int32_t i = s->first[g]; i < s->n_blocks; i++) {
            int32_t slot = slots[(size_t)g * (size_t)c->max_blocks + (size_t)i], *entry = kv_seq_entry(c, s, g, i);
            if (slot < 0) continue;
            if (!swap) {
                kv_swap_give(c->swap, slot);
                continue;
            }
            kv_prefix_drop(&c->prefix, *entry, false);
            *entry = KV_IN_SLOT(slot);
            c->n_swapped_out++;
        }
}

sumi_status kv_cache_swap_out(kv_cache *c, int32_t seq, sumi_error *err)
{
    kv_seq *s = kv_cache_seq(c, seq);
    assert(c->swap && !s->is_swapped);
    int32_t n = count(c, s).n_alone;
    if (n > kv_swap_n_free(c->swap))
        return sumi_fail(err, SUMI_ELIMIT, "swap: no room for %d blocks (%d of %d slots are free)", n,
                         kv_swap_n_free(c->swap), kv_swap_n_slots(c->swap));
    kv_cache_truncate(c, seq, s->n_tokens); /* gives the reservation back */
    sumi_status status = write_blocks(c, s, c->slots, err);
    settle_slots(c, s, c->slots, status == SUMI_OK);
    if (status != SUMI_OK) return status;
    kv_prefix_unpin(&c->prefix, s->node);
    s->node = -1;
    s->n_indexed = 0;
    s->is_swapped = true;
    c->n_swapped++;
    return SUMI_OK;
}

/* ---- In ---- */

static void take_found(kv_cache *c, kv_seq *s)
{
    for (int32_t i = 0, node = -1; i < s->n_blocks; i++) {
        node = next_node(c, s, node, i);
        for (int32_t g = 0; g < c->n_groups; g++) {
            int32_t *entry = kv_seq_entry(c, s, g, i), found = block_of(c, node, g);
            if (i < s->first[g] || *entry >= 0 || found < 0) continue;
            kv_prefix_hold(&c->prefix, found);
            kv_swap_give(c->swap, KV_IN_SLOT(*entry));
            *entry = found;
        }
    }
}

static sumi_status read_blocks(kv_cache *c, kv_seq *s, sumi_error *err)
{
    for (int32_t g = 0; g < c->n_groups; g++)
        for (int32_t i = s->first[g]; i < s->n_blocks; i++) {
            int32_t *entry = kv_seq_entry(c, s, g, i);
            if (*entry >= 0) continue;
            sumi_status status = kv_swap_read(c->swap, KV_IN_SLOT(*entry), c->block_bytes, err);
            if (status != SUMI_OK) return status;
            int32_t slot = KV_IN_SLOT(*entry), block = kv_cache_take(c, g);
            if (block < 0) return sumi_fail(err, SUMI_ELIMIT, "kv cache: no block can be evicted for a swapped one");
            *entry = block;
            c->memory.write(c->memory.self, *entry, c->block_bytes);
            kv_swap_give(c->swap, slot);
            c->n_swapped_in++;
        }
    return SUMI_OK;
}

sumi_status kv_cache_swap_in(kv_cache *c, int32_t seq, sumi_error *err)
{
    kv_seq *s = kv_cache_seq(c, seq);
    assert(c->swap && s->is_swapped);
    counts n = count(c, s);
    int32_t available = kv_cache_available(c) - n.n_found_cached;
    if (n.n_read > available)
        return sumi_fail(err, SUMI_ELIMIT, "kv cache: no room for %d swapped blocks (%d of %d are available)", n.n_read,
                         available, c->pool.n_blocks);
    c->prefix.clock++;
    take_found(c, s);
    sumi_status status = read_blocks(c, s, err);
    if (status != SUMI_OK) return status;
    s->is_swapped = false;
    c->n_swapped--;
    s->indexing = c->prefix.n_nodes > 0;
    kv_cache_index(c, s);
    return SUMI_OK;
}
