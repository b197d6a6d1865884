/* kv_pool.h - which blocks of the key/value cache are in use, and by how many.
 *
 * Only numbers: the memory behind them belongs to the backend (kv_layout.h says where a block lies).
 *
 * Invariants, tested by kv_pool_check():
 *   (1) refs[b] == number of block tables that hold b.     (2) b is on the free list iff refs[b] == 0.
 * Threads: none. One caller at a time. */
#ifndef SUMI_KV_KV_POOL_H
#define SUMI_KV_KV_POOL_H

#include "sumi.h"

typedef struct kv_pool kv_pool;

SUMI_MUST_USE sumi_status kv_pool_create(kv_pool **out, int32_t n_blocks, sumi_error *err); /* n_blocks > 0 */
void kv_pool_destroy(kv_pool *p); /* NULL is fine */

int32_t kv_pool_n_blocks(const kv_pool *p);
int32_t kv_pool_n_free(const kv_pool *p);

int32_t kv_pool_take(kv_pool *p);                 /* a free block with one reference; -1: none is left */
void kv_pool_ref(kv_pool *p, int32_t block);      /* one more holder */
void kv_pool_unref(kv_pool *p, int32_t block);    /* one less; the last one frees it */
int32_t kv_pool_refs(const kv_pool *p, int32_t block);

/* True if the free list and the counts agree, and the counts sum to n_held. */
bool kv_pool_check(const kv_pool *p, int64_t n_held);

#endif
