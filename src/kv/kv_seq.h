/* kv_seq.h - the block table of one sequence: from positions to blocks.
 *
 *   n_tokens = 37, KV_BLOCK = 16:   table [3][0][7]     position 36 -> block 7, slot 4
 *
 * Growing is two-phased, so that a step that fails leaves the sequence as it was: kv_seq_reserve() takes the blocks
 * that the step will write, kv_seq_commit() makes the new tokens count; without a commit, kv_seq_truncate() to the
 * old length gives the blocks back. */
#ifndef SUMI_KV_KV_SEQ_H
#define SUMI_KV_KV_SEQ_H

#include "kv/kv_layout.h"
#include "kv/kv_pool.h"

typedef struct kv_seq {
    int32_t *table;    /* [n_blocks] used of [max_blocks] */
    int32_t n_blocks, max_blocks;
    int32_t n_tokens;
} kv_seq;

/* For at most max_tokens tokens; no allocation happens later. */
SUMI_MUST_USE sumi_status kv_seq_init(kv_seq *s, int32_t max_tokens, sumi_error *err);
void kv_seq_deinit(kv_seq *s); /* the blocks must have been given back: truncate to 0 first */

/* Takes blocks until n_tokens more fit. False: the pool has not enough; nothing has changed then. */
bool kv_seq_reserve(kv_seq *s, kv_pool *p, int32_t n_tokens);
void kv_seq_commit(kv_seq *s, int32_t n_tokens);              /* n_tokens that were reserved now hold data */
void kv_seq_truncate(kv_seq *s, kv_pool *p, int32_t n_tokens); /* forgets what is behind n_tokens, and reservations */

#endif
