/* kv_seq.c - see kv_seq.h. */
#include "kv/kv_seq.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

sumi_status kv_seq_init(kv_seq *s, int32_t max_tokens, sumi_error *err)
{
    *s = (kv_seq){ .max_blocks = kv_blocks_for(max_tokens) };
    s->table = calloc((size_t)s->max_blocks, sizeof *s->table);
    if (!s->table) return sumi_fail(err, SUMI_ENOMEM, "block table: out of memory for %d tokens", max_tokens);
    return SUMI_OK;
}

void kv_seq_deinit(kv_seq *s)
{
    assert(s->n_blocks == 0);
    free(s->table);
    *s = (kv_seq){ 0 };
}

bool kv_seq_reserve(kv_seq *s, kv_pool *p, int32_t n_tokens)
{
    int32_t need = kv_blocks_for(s->n_tokens + n_tokens);
    assert(need <= s->max_blocks);
    if (need - s->n_blocks > kv_pool_n_free(p)) return false;
    while (s->n_blocks < need) s->table[s->n_blocks++] = kv_pool_take(p);
    return true;
}

void kv_seq_commit(kv_seq *s, int32_t n_tokens)
{
    s->n_tokens += n_tokens;
    assert(kv_blocks_for(s->n_tokens) <= s->n_blocks);
}

void kv_seq_truncate(kv_seq *s, kv_pool *p, int32_t n_tokens)
{
    assert(n_tokens >= 0 && n_tokens <= s->n_tokens);
    int32_t keep = kv_blocks_for(n_tokens);
    while (s->n_blocks > keep) kv_pool_unref(p, s->table[--s->n_blocks]);
    s->n_tokens = n_tokens;
}
