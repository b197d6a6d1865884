/* batch.c - what a batch says of each row, derived from its sequences. See batch.h. */
#include "backend/batch.h"

#include <assert.h>
#include <stdlib.h>

bool batch_arrays_init(batch_arrays *a, int32_t max_tokens)
{
    size_t n = (size_t)max_tokens;
    *a = (batch_arrays){ .seqs = calloc(n, sizeof *a->seqs),
                         .seq = calloc(n, sizeof *a->seq),
                         .slot = calloc(n, sizeof *a->slot),
                         .pos = calloc(n, sizeof *a->pos) };
    return a->seqs && a->seq && a->slot && a->pos;
}

void batch_arrays_deinit(batch_arrays *a)
{
    free(a->seqs);
    free(a->seq);
    free(a->slot);
    free(a->pos);
    *a = (batch_arrays){ 0 };
}

static void set_arrays(batch *b, const batch_arrays *a)
{
    b->seqs = a->seqs;
    b->seq = a->seq;
    b->slot = a->slot;
    b->pos = a->pos;
}

void batch_set_rows(batch *b, batch_arrays *a, int32_t n_seqs)
{
    set_arrays(b, a);
    b->n_seqs = n_seqs;
    b->n_tokens = 0;
    for (int32_t i = 0; i < n_seqs; i++) {
        const batch_seq *s = &a->seqs[i];
        assert(s->first_row == b->n_tokens && s->n_rows > 0 && s->n_rows <= s->len);
        for (int32_t t = 0; t < s->n_rows; t++, b->n_tokens++) {
            a->seq[b->n_tokens] = i;
            a->slot[b->n_tokens] = a->pos[b->n_tokens] = s->len - s->n_rows + t;
        }
    }
}

batch batch_kept_rows(const batch *b, batch_arrays *a)
{
    batch kept = { .n_tokens = b->n_kept_rows, .table_stride = b->table_stride };
    set_arrays(&kept, a);
    for (int32_t i = 0, before = -1; i < b->n_kept_rows; i++) {
        int32_t row = b->kept_rows[i];
        if (b->seq[row] != before) {
            before = b->seq[row];
            a->seqs[kept.n_seqs] = b->seqs[before];
            a->seqs[kept.n_seqs].first_row = i;
            a->seqs[kept.n_seqs++].n_rows = 0;
        }
        a->seqs[kept.n_seqs - 1].n_rows++;
        a->seq[i] = kept.n_seqs - 1;
        a->slot[i] = b->slot[row];
        a->pos[i] = b->pos[row];
    }
    return kept;
}
