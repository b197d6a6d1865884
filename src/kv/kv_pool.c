/* kv_pool.c - see kv_pool.h. Free blocks are a stack: the block freed last is warm in the cache and goes out first. */
#include "kv/kv_pool.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

struct kv_pool {
    int32_t n_blocks, n_free;
    int32_t *refs; /* [n_blocks] */
    int32_t *free; /* [n_blocks], the first n_free are free block numbers */
};

sumi_status kv_pool_create(kv_pool **out, int32_t n_blocks, sumi_error *err)
{
    assert(n_blocks > 0);
    *out = NULL;
    kv_pool *p = calloc(1, sizeof *p);
    if (!p) goto fail;
    p->n_blocks = p->n_free = n_blocks;
    if (!(p->refs = calloc((size_t)n_blocks, sizeof *p->refs))) goto fail;
    if (!(p->free = calloc((size_t)n_blocks, sizeof *p->free))) goto fail;
    for (int32_t i = 0; i < n_blocks; i++) p->free[i] = n_blocks - 1 - i; /* block 0 goes out first */
    *out = p;
    return SUMI_OK;
fail:
    kv_pool_destroy(p);
    return sumi_fail(err, SUMI_ENOMEM, "kv pool: out of memory for %d blocks", n_blocks);
}

void kv_pool_destroy(kv_pool *p)
{
    if (!p) return;
    free(p->refs);
    free(p->free);
    free(p);
}

int32_t kv_pool_n_blocks(const kv_pool *p)
{
    return p->n_blocks;
}

int32_t kv_pool_n_free(const kv_pool *p)
{
    return p->n_free;
}

int32_t kv_pool_take(kv_pool *p)
{
    if (p->n_free == 0) return -1;
    int32_t block = p->free[--p->n_free];
    assert(p->refs[block] == 0);
    p->refs[block] = 1;
    return block;
}

void kv_pool_ref(kv_pool *p, int32_t block)
{
    assert(block >= 0 && block < p->n_blocks && p->refs[block] > 0);
    p->refs[block]++;
}

void kv_pool_unref(kv_pool *p, int32_t block)
{
    assert(block >= 0 && block < p->n_blocks && p->refs[block] > 0);
    if (--p->refs[block] == 0) p->free[p->n_free++] = block;
}

int32_t kv_pool_refs(const kv_pool *p, int32_t block)
{
    assert(block >= 0 && block < p->n_blocks);
    return p->refs[block];
}

bool kv_pool_check(const kv_pool *p, int64_t n_held)
{
    int64_t held = 0, n_zero = 0;
    for (int32_t b = 0; b < p->n_blocks; b++) {
        if (p->refs[b] < 0) return false;
        held += p->refs[b];
        n_zero += p->refs[b] == 0;
    }
    if (held != n_held || n_zero != p->n_free) return false;
    for (int32_t i = 0; i < p->n_free; i++)
        if (p->refs[p->free[i]] != 0) return false;
    return true;
}
