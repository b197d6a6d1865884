/* kv_cache_internal.h - the inside of a kv_cache, for the files kv_cache*.c and kv_disk.c only.
 *
 *   table of group g   | -1 ... -1 | block, block, ... | garbage |        entries below first[g]: the window slid past them,
 *                       0           first[g]            n_blocks           entries from n_blocks on: undefined
 *   In a sequence that is swapped out an entry may be KV_IN_SLOT(s): its bytes are in slot s of the swap region. */
#ifndef SUMI_KV_KV_CACHE_INTERNAL_H
#define SUMI_KV_KV_CACHE_INTERNAL_H

#include <assert.h>

#include "kv/kv_cache.h"

#define KV_IN_SLOT(slot) (-2 - (slot)) /* its own inverse */

typedef struct kv_seq {
    int32_t *table; /* [n_groups][max_blocks] */
    int32_t *first; /* [n_groups] */
    int32_t *ids;   /* [n_tokens] of [max_tokens] */
    int32_t n_tokens, n_blocks;
    int32_t node, n_indexed; /* the node of block n_indexed - 1, which s pins; -1 and 0: none */
    kv_origin origin;
    bool is_open, is_swapped;
    bool indexing; /* false: there was no node for a block, so later blocks of s cannot enter the index */
} kv_seq;

struct kv_cache {
    kv_pool pool;
    kv_prefix prefix;
    kv_memory memory;
    kv_swap *swap;
    sip_key salt_key;
    int32_t n_layers, n_groups, max_seqs, max_tokens, max_blocks;
    size_t empty_bytes; /* bytes that belong to no layer, in one block of each group */
    uint64_t layout_hash;
    int32_t n_seqs, n_swapped;
    kv_seq *seqs;          /* [max_seqs] */
    int32_t *unused;       /* [max_seqs], the first max_seqs - n_seqs are numbers that can be opened */
    int32_t *windows;      /* [n_groups] */
    int16_t *inside;       /* [n_groups] as in kv_layout */
    int16_t *last_inside;  /* [n_blocks] `inside` of the group that took the block last; -1: none did */
    int32_t *run;          /* [n_groups] scratch */
    int32_t *firsts;       /* [max_seqs][n_groups] memory of kv_seq.first */
    int32_t *tables, *ids; /* memory of kv_seq.table and kv_seq.ids: pages are touched as sequences grow */
    size_t tables_bytes, ids_bytes;
    /* scratch: one block that is written to or read from the swap region; NULL without a region */
    uint8_t *block_bytes;
    int32_t *slots; /* [n_groups][max_blocks] scratch: the slots to which a table is written; NULL without a region */
    uint64_t lookup_tokens, hit_tokens, n_copied, n_swapped_out, n_swapped_in;
};

static inline kv_seq *kv_cache_seq(const kv_cache *c, int32_t seq)
{
    assert(seq >= 0 && seq < c->max_seqs && c->seqs[seq].is_open);
    return &c->seqs[seq];
}

static inline int32_t *kv_seq_entry(const kv_cache *c, const kv_seq *s, int32_t group, int32_t i)
{
    return s->table + (size_t)group * (size_t)c->max_blocks + i;
}

/* A block with one reference for the group, after an eviction if needed. A block that had another format is cleared:
 * attention multiplies slots that were never written with 0, and in this format their bytes could mean infinity. -1: no
 * block is available. If kv_cache_available() counted one, the index is broken. */
int32_t kv_cache_take(kv_cache *c, int32_t group);
void kv_cache_index(kv_cache *c, kv_seq *s); /* adds the full blocks of s to the index */

#endif
