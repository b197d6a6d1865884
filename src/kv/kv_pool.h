/* kv_pool.h - block numbers: which are in use, and by how many tables.
 *
 * Only numbers: the memory of the blocks belongs to the backend (kv_layout.h has the places). A block is
 *
 *   free      refs == 0, on the free list
 *   held      refs > 0: that many block tables name it
 *   resting   refs == 0, but not on the free list: the prefix index keeps it (kv_prefix.h), or the caller will free it
 *
 * Invariants, tested by kv_cache_check():
 *   (1) refs[b] == number of block tables that hold b.
 *   (2) No block is on the free list twice, or there with refs > 0.
 * Threads: none. One caller at a time. */
#ifndef SUMI_KV_KV_POOL_H
#define SUMI_KV_KV_POOL_H

#include "sumi.h"

typedef struct kv_pool {
    int32_t n_blocks, n_free;
    int32_t n_held, n_shared; /* blocks with refs > 0, and with refs > 1 */
    int32_t *refs;            /* [n_blocks] */
    int32_t *free;            /* [n_blocks], the first n_free are free block numbers */
} kv_pool;

SUMI_MUST_USE sumi_status kv_pool_init(kv_pool *p, int32_t n_blocks, sumi_error *err); /* n_blocks > 0 */
void kv_pool_deinit(kv_pool *p);

int32_t kv_pool_take(kv_pool *p);                 /* a free block with one reference; -1: none is left */
void kv_pool_ref(kv_pool *p, int32_t block);      /* one more holder; a resting block becomes held */
int32_t kv_pool_unref(kv_pool *p, int32_t block); /* one holder less; returns how many are left. At 0 the block rests */
void kv_pool_give(kv_pool *p, int32_t block);     /* a resting block becomes free */

#endif
