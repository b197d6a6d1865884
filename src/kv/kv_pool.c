/* kv_pool.c - see kv_pool.h. Free blocks are a stack: the block freed last, which may still be in
 * the processor's cache, is taken first. */
#include "kv/kv_pool.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

sumi_status kv_pool_init(kv_pool *p, int32_t n_blocks, sumi_error *err)
{
    assert(n_blocks > 0);
    *p = (kv_pool){ .n_blocks = n_blocks, .n_free = n_blocks };
    p->refs = calloc((size_t)n_blocks, sizeof *p->refs);
    p->free = calloc((size_t)n_blocks, sizeof *p->free);
    if (!p->refs || !p->free) {
        kv_pool_deinit(p);
        return sumi_fail(err, SUMI_ENOMEM, "kv pool: out of memory for %d blocks", n_blocks);
    }
    for (int32_t i = 0; i < n_blocks; i++) p->free[i] = n_blocks - 1 - i; /* block 0 is taken first */
    return SUMI_OK;
}

void kv_pool_deinit(kv_pool *p)
{
    free(p->refs);
    free(p->free);
    *p = (kv_pool){ 0 };
}

int32_t kv_pool_take(kv_pool *p)
{
    if (p->n_free == 0) return -1;
    int32_t block = p->free[--p->n_free];
    kv_pool_ref(p, block);
    return block;
}

void kv_pool_ref(kv_pool *p, int32_t block)
{
    assert(block >= 0 && block < p->n_blocks);
    int32_t refs = ++p->refs[block];
    p->n_held += refs == 1;
    p->n_shared += refs == 2;
}

int32_t kv_pool_unref(kv_pool *p, int32_t block)
{
    assert(block >= 0 && block < p->n_blocks && p->refs[block] > 0);
    int32_t refs = --p->refs[block];
    p->n_held -= refs == 0;
    p->n_shared -= refs == 1;
    return refs;
}

void kv_pool_give(kv_pool *p, int32_t block)
{
    assert(block >= 0 && block < p->n_blocks && p->refs[block] == 0 && p->n_free < p->n_blocks);
    p->free[p->n_free++] = block;
}
