/* kv_cache.h - the key/value cache as an engine sees it: a pool of blocks, the sequences that hold them, and the
 * index with which one prompt uses the blocks of another. It handles block numbers; bytes are moved through a kv_memory.
 *
 *              reserve + write                 commit: full            last holder goes
 *   [ free ] ------------------> [ held, own ] ---------> [ held, indexed ] ------> [ cached ]
 *      ^  ^                           |                    ^    ^                    |   |
 *      |  '---- last holder goes -----'                    |    '-- attach, swap in -'   |
 *      |                                            a fork: refs + 1                     |
 *      '------------------------------- evicted, when no block is free ------------------'
 *
 * A sequence has a table for each group of layers (kv_layout.h), [n_groups][table_stride] block numbers. In a group with a
 * window, a table entry becomes -1 when no later token sees its block. A step has two phases, so that a failed step leaves
 * its sequences unchanged:
 *
 *   kv_cache_reserve(seq, n)   blocks for n more tokens; the last block, if shared or indexed, is replaced by a copy
 *   ... the forward pass writes through kv_cache_tables() ...
 *   kv_cache_commit(seq, ids)  adds the tokens, as many as were reserved or fewer; full blocks enter the index, blocks
 *                              outside the window are freed
 *   or kv_cache_truncate(seq, kv_cache_len(seq)), which gives the reservation back
 *
 * Rules for the caller:
 *   - The keys and values of a token depend only on the tokens up to it (docs/determinism.md): two sequences that fill
 *     equal blocks may be given the same block.
 *   - kv_cache_tables() is valid until the next call that changes the sequence; commit counts as one.
 *   - kv_cache_available() blocks can be reserved at any time: cached blocks are evicted when needed.
 *   - Between reserve and commit a sequence is neither forked, attached nor swapped.
 * Threads: none. One caller at a time. No allocation after creation. Every function is O(blocks that it touches);
 * an eviction is O(log n_blocks). */
#ifndef SUMI_KV_KV_CACHE_H
#define SUMI_KV_KV_CACHE_H

#include "kv/kv_layout.h"
#include "kv/kv_memory.h"
#include "kv/kv_prefix.h"
#include "kv/kv_swap.h"

typedef struct kv_cache kv_cache;

typedef struct kv_cache_opts {
    const kv_layout *layout; /* groups and windows; not kept */
    kv_memory memory;        /* kept: it outlives the cache. Its blocks are as long as the layout's */
    int32_t n_blocks;        /* > 0, all of memory's */
    int32_t max_seqs;        /* sequences open at the same time, swapped ones included */
    int32_t max_tokens;      /* longest sequence */
    bool prefix;             /* keep the index; false: a block that no sequence holds is free at once */
    uint64_t format;         /* part of every hash: everything else that the bytes of a block depend on */
    kv_swap *swap;           /* NULL: sequences cannot be swapped out. Borrowed */
} kv_cache_opts;

SUMI_MUST_USE sumi_status kv_cache_create(kv_cache **out, const kv_cache_opts *opts, sumi_error *err);
void kv_cache_destroy(kv_cache *c); /* NULL is fine; also frees open sequences */

/* ---- Sequences ---- */

/* An empty sequence of this origin (kv_prefix.h; { 0 } shares with everyone); -1: max_seqs are open. */
int32_t kv_cache_open(kv_cache *c, kv_origin origin);
void kv_cache_close(kv_cache *c, int32_t seq); /* its blocks become cached or free; its swap slots free */
/* A new sequence with the tokens of src that shares all blocks of src; each of the two copies the last block before it
 * writes there. -1: max_seqs are open. src must not be swapped out and must have no reservation. */
int32_t kv_cache_fork(kv_cache *c, int32_t src);

kv_origin kv_cache_origin(const kv_cache *c, int32_t seq);
int32_t kv_cache_len(const kv_cache *c, int32_t seq); /* committed tokens */
/* [kv_cache_len] ids of its tokens. Ids after a truncation stay readable until a commit overwrites them. */
const int32_t *kv_cache_ids(const kv_cache *c, int32_t seq);
const int32_t *kv_cache_tables(const kv_cache *c, int32_t seq); /* [n_groups][kv_cache_table_stride()] */
int32_t kv_cache_table_stride(const kv_cache *c);

/* A number for a client's salt: equal texts give equal numbers under one key, and without the key nobody can find a text
 * with a given number. n == 0 gives 0, the shared salt. */
uint64_t kv_cache_salt(const kv_cache *c, const char *text, size_t n);
/* Replaces the random key of this cache by the key of the process whose prefixes will be loaded. */
void kv_cache_set_salt_key(kv_cache *c, sip_key key);

/* ---- Prefixes ---- */

/* The number of tokens at the beginning of ids that are in the index for this origin: a multiple of KV_BLOCK below n_ids,
 * because the last token is always computed. Changes nothing. */
int32_t kv_cache_match(kv_cache *c, kv_origin origin, const int32_t *ids, int32_t n_ids);
/* Gives the blocks of these n tokens to an empty sequence and returns n: kv_cache_len() is now n, and the caller computes
 * ids[n ...]. Takes no free block; cached blocks become held. Counts in the statistics. */
int32_t kv_cache_attach(kv_cache *c, int32_t seq, const int32_t *ids, int32_t n_ids);

/* ---- Steps ---- */

/* Blocks that kv_cache_reserve() of n_tokens would take now. */
int32_t kv_cache_need(const kv_cache *c, int32_t seq, int32_t n_tokens);
int32_t kv_cache_available(const kv_cache *c); /* free and cached ones */
/* Reserves blocks for n_tokens more tokens. False: not enough blocks are available, and nothing has changed. The length
 * with these tokens must not exceed max_tokens. */
SUMI_MUST_USE bool kv_cache_reserve(kv_cache *c, int32_t seq, int32_t n_tokens);
void kv_cache_commit(kv_cache *c, int32_t seq, const int32_t *ids, int32_t n_tokens); /* at most what was reserved */
/* Removes the tokens after n_tokens <= kv_cache_len(), and reservations. Returns the new length: n_tokens, or 0 if a
 * window has slid past blocks that the token at n_tokens would see (then kv_cache_attach() may find a part). */
int32_t kv_cache_truncate(kv_cache *c, int32_t seq, int32_t n_tokens);

/* ---- Swapping: moves a waiting sequence out of memory ---- */

/* The cost of swapping, to be compared with computing the tokens again: blocks to move, each block_bytes long. */
typedef struct kv_swap_cost {
    int32_t n_out;    /* blocks that kv_cache_swap_out() would write: those that no other sequence holds */
    int32_t n_shared; /* blocks that stay in memory because other sequences hold them, too */
    int32_t n_in;     /* swapped: blocks that kv_cache_swap_in() would have to take and read */
    int32_t n_cached; /* swapped: blocks that are still in memory, in the index */
    /* swapped: blocks of kv_cache_available() that swapping in uses: n_in, and cached blocks that become held */
    int32_t n_take;
    size_t block_bytes;
} kv_swap_cost;

kv_swap_cost kv_cache_swap_cost(const kv_cache *c, int32_t seq);
/* Writes the blocks that only seq holds to the swap region and frees them (indexed blocks stay cached until their memory
 * is needed). seq keeps its tokens and its number; afterwards it can only be swapped in, truncated to 0 or closed.
 * SUMI_ELIMIT: the region is full; SUMI_EIO. After a failure nothing has changed. */
SUMI_MUST_USE sumi_status kv_cache_swap_out(kv_cache *c, int32_t seq, sumi_error *err);
/* Reads the blocks of seq back. SUMI_ELIMIT: not enough blocks are available; SUMI_EIO: the region cannot be read. After a
 * failure seq is still swapped out. */
SUMI_MUST_USE sumi_status kv_cache_swap_in(kv_cache *c, int32_t seq, sumi_error *err);
bool kv_cache_is_swapped(const kv_cache *c, int32_t seq);

/* ---- The whole ---- */

void kv_cache_drop_cached(kv_cache *c); /* removes all blocks from the index that no sequence holds */

typedef struct kv_cache_stats {
    int32_t n_blocks, n_free;
    int32_t n_held;            /* blocks that tables name, each counted once */
    int32_t n_shared;          /* of these: blocks that several tables name */
    int32_t n_cached;          /* blocks of the index that no table names. n_blocks == n_free + n_held + n_cached */
    int32_t n_seqs, n_swapped; /* open, and of these swapped out */
    uint64_t lookup_tokens, hit_tokens;                        /* of kv_cache_attach() */
    uint64_t n_evicted, n_copied, n_swapped_out, n_swapped_in; /* blocks since the start */
    size_t block_bytes;
    size_t waste_bytes; /* unused bytes of held blocks: slots without a token, and bytes without a layer */
} kv_cache_stats;

void kv_cache_get_stats(const kv_cache *c, kv_cache_stats *stats); /* O(max_seqs) */

/* Checks all invariants. NULL, or the name of a broken invariant. For tests; allocates. */
const char *kv_cache_check(const kv_cache *c);

#endif
