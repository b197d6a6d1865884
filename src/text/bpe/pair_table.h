/* pair_table.h - the merges of a byte-level vocabulary: (left id, right id) -> (rank, merged id).
 *
 *   slots: | left << 32 | right | rank + 1 | merged | ...     n_slots is a power of two; rank_1 == 0: empty
 *
 * Open addressing with a keyed hash, sized once. Immutable after it is built. */
#ifndef SUMI_TEXT_BPE_PAIR_TABLE_H
#define SUMI_TEXT_BPE_PAIR_TABLE_H

#include "text/vocab.h"

typedef struct pair_slot {
    uint64_t pair;
    uint32_t rank_1; /* rank + 1 */
    int32_t merged;
} pair_slot;

typedef struct pair_table {
    pair_slot *slots;
    uint64_t mask;
    hash_key key;
} pair_table;

typedef struct pair_merge {
    int32_t left, right, merged; /* merged -1: it can never apply */
} pair_merge;

/* Reads tokenizer.ggml.merges of src, "LEFT RIGHT" in the order of their ranks. EFORMAT: the key is missing, or a line does
 * not have two parts. A merge whose parts or result are not in v can never apply and is skipped; of equal merges the first
 * counts. merges (may be NULL): also returns them by rank, [*n_merges]; free with free(). */
SUMI_MUST_USE sumi_status pair_table_init(pair_table *t, const vocab *v, const model_source *src, pair_merge **merges,
                                          size_t *n_merges, sumi_error *err);
void pair_table_deinit(pair_table *t);

static inline uint64_t pair_key(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* The rank of the merge of left and right, and *merged; UINT32_MAX: there is none. */
static inline uint32_t pair_table_find(const pair_table *t, int32_t left, int32_t right, int32_t *merged)
{
    uint64_t pair = pair_key(left, right);
    for (uint64_t i = hash_u64(t->key, pair) & t->mask;; i = (i + 1) & t->mask) {
        const pair_slot *s = &t->slots[i];
        if (!s->rank_1) return UINT32_MAX;
        if (s->pair != pair) continue;
        *merged = s->merged;
        return s->rank_1 - 1;
    }
}

#endif
