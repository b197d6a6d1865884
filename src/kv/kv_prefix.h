/* kv_prefix.h - the prefix index: finds blocks of tokens that were computed before.
 *
 * Idea: automatic prefix caching of vLLM (blocks named by a hash of all tokens up to their end) in the form of
 * SGLang's radix tree (Zheng et al. 2024). A node is one full block of tokens after its parent, so a path from a
 * root spells a prefix, and names the physical block that each group of layers keeps for it:
 *
 *   root(salt 0) -- node 4: ids[16] -- node 9: ids[16] -- node 2      node 9: blocks { 17, 31, -1, 40 }, one a group;
 *                                  \- node 7                                   -1: gone, a window slid past it
 *
 * A child is found by a keyed hash of (parent's hash, ids, origin, format). Parent, ids and origin of the found node are
 * compared, so a collision costs time but never gives keys of other tokens. The origin has the client's salt: sequences
 * with different salts never share blocks, so a client cannot learn from timing what another client asked.
 *
 * A block of the index that no table holds is *cached*: it keeps its content until its memory is needed. The order of
 * eviction is
 *   first   window blocks that the window of their own sequence slid past, least recently used first:
 *           only a prompt that ends near them would need them;
 *   then    leaves, least recently used first, with all of their blocks; a parent without children is a leaf;
 *   last    single window blocks of nodes that have children and so cannot be removed.
 *
 * Invariants, tested by kv_cache_check():
 *   (1) A node has the blocks of all groups that see everything; only window groups may have -1.
 *   (2) n_held == number of its blocks with refs > 0; n_cached == number of blocks of all nodes with refs == 0.
 *   (3) A node is in the heap of leaves iff it has no children, no sequence pins it and n_held == 0.
 *   (4) A cached window block is on one of the two lists; no other block is.
 *   (5) A node with a held block of a group that sees all has ancestors with such held blocks. Thus a cached block
 *       is either on a list or in a subtree that can be removed leaf by leaf: every cached block can be evicted, and
 *       n_free + n_cached blocks can be taken at any time.
 * Threads: none. No allocation after creation. Finding, adding and removing are O(1), the heap of leaves O(log n). */
#ifndef SUMI_KV_KV_PREFIX_H
#define SUMI_KV_KV_PREFIX_H

#include "base/siphash.h"
#include "kv/kv_layout.h"
#include "kv/kv_pool.h"

/* The owner of a prefix. Only sequences with equal origins share blocks. */
typedef struct kv_origin {
    uint64_t salt;    /* 0: shared by all clients */
    uint64_t adapter; /* 0: the model itself */
} kv_origin;

typedef struct kv_node {
    uint64_t hash;
    kv_origin origin;
    uint64_t tick;  /* time at which a block of the node was last released */
    int32_t parent; /* -1: the first block of a prompt */
    int32_t depth;  /* blocks from the root to this node, inclusive; 0: the node is not in use */
    int32_t n_children, n_seqs, n_held;
    int32_t next;     /* in its hash bucket, or in the list of unused nodes; -1: the last */
    int32_t heap_pos; /* -1: not in the heap */
    int32_t ids[KV_BLOCK];
} kv_node;

typedef struct kv_block_list {
    int32_t first, last; /* oldest, newest; -1: empty */
} kv_block_list;

typedef struct kv_block_info {
    int32_t node; /* -1: not in the index */
    int32_t prev, next;
    int16_t group, list; /* list: KV_LIST_*, or -1 */
} kv_block_info;

enum { KV_LIST_SLID, KV_LIST_KEPT, KV_N_LISTS };

typedef struct kv_prefix {
    kv_pool *pool;
    const int32_t *windows; /* [n_groups] as in kv_layout */
    int32_t n_groups, n_nodes;
    kv_node *nodes;      /* [n_nodes]; n_nodes == 0: the index is off, and everything below is empty */
    int32_t *blocks;     /* [n_nodes][n_groups] */
    kv_block_info *info; /* [pool->n_blocks] */
    int32_t *buckets;    /* [n_buckets], a power of two */
    uint32_t n_buckets;
    int32_t *heap; /* [n_heap] leaves, the oldest at 0 */
    int32_t n_heap, unused, n_used;
    kv_block_list lists[KV_N_LISTS];
    int32_t n_cached;
    uint64_t clock, n_evicted; /* blocks */
    uint64_t format;
    sip_key key;
} kv_prefix;

/* An index of the blocks of pool, which must outlive it. format: everything else that must be equal (KV type, model). If
 * `on` is false, the index always stays empty. */
SUMI_MUST_USE sumi_status kv_prefix_init(kv_prefix *p, kv_pool *pool, int32_t n_groups, const int32_t *windows,
                                         uint64_t format, bool on, sumi_error *err);
void kv_prefix_deinit(kv_prefix *p);

/* The node of ids [KV_BLOCK] after parent (-1: at the start); -1: there is none. */
int32_t kv_prefix_find(const kv_prefix *p, int32_t parent, kv_origin origin, const int32_t *ids);

/* Adds this node, which must not exist, without blocks. May evict a leaf to get an unused node; -1: no node is available.
 * The caller gives the node its blocks before any other call. */
int32_t kv_prefix_add(kv_prefix *p, int32_t parent, kv_origin origin, const int32_t *ids);
void kv_prefix_set_block(kv_prefix *p, int32_t node, int32_t group, int32_t block); /* a block that is in no node */
void kv_prefix_remove(kv_prefix *p, int32_t node); /* no children, no sequences; held blocks stay with their tables */

static inline int32_t *kv_prefix_blocks(const kv_prefix *p, int32_t node)
{
    return p->blocks + (size_t)node * (size_t)p->n_groups;
}

static inline int32_t kv_prefix_node_of(const kv_prefix *p, int32_t block)
{
    return p->n_nodes ? p->info[block].node : -1;
}

void kv_prefix_pin(kv_prefix *p, int32_t node); /* a sequence uses the node: it is not evicted; -1 is fine */
void kv_prefix_unpin(kv_prefix *p, int32_t node);

/* A further table holds block, or a table releases it; block may be in the index or not. slid: a window slid past it. */
void kv_prefix_hold(kv_prefix *p, int32_t block);
void kv_prefix_drop(kv_prefix *p, int32_t block, bool slid);

bool kv_prefix_evict(kv_prefix *p); /* frees one cached block or more; false: nothing is cached */

#endif
