/* batch.h - the ragged batch: the new tokens of one step, of many sequences, laid end to end.
 *
 *   row          0 1 2 3 4 | 5 | 6 7
 *   sequence     A A A A A | B | C C       A: a prompt chunk, B: one decode token, C: another chunk
 *   slot, pos    0 1 2 3 4 | 9 | 32 33     B holds 9 tokens already, C 32
 *   kept_rows    {4, 5}                    C's prompt continues in the next step, so its rows are not needed
 *   logit_rows   {0, 1}                    both are kept for their logits
 *
 * A kept row that is not in logit_rows is kept for its hidden state: the final norm's output, before the output matrix.
 *
 * The sequences describe the batch; only batch_set_rows() derives the arrays for rows. A token has two numbers:
 *   slot   its place among the keys and values of its sequence. It says where they are written, and attention counts slots,
 *          for windows and linear biases too.
 *   pos    the position that the model sees: for rotations and learned positions.
 * Both count from 0 and are equal; no operation may take one for the other.
 *
 * Two continuations of one sequence are two sequences (kv_cache_fork()), each with tables of its own. A row of a sequence
 * sees all slots up to its own, without gaps, so that its sums have the order that they have in any other step.
 *
 * Every model and every backend works on this; there is no other path for one sequence, a prompt or contiguous KV. */
#ifndef SUMI_BACKEND_BATCH_H
#define SUMI_BACKEND_BATCH_H

#include "sumi.h"

typedef struct batch_seq {
    int32_t first_row, n_rows; /* n_rows > 0 */
    int32_t len;           /* its tokens, those of this step included; attention in both directions sees all of them */
    const int32_t *tables; /* [n_groups][table_stride] block numbers: the group of a layer (kv_layout.h) has a block for
                                  every slot below len that one of the rows sees */
    uint64_t adapter;      /* as in its kv_origin (kv_prefix.h): 0 is the model alone */
} batch_seq;

typedef struct batch {
    int32_t n_seqs, n_tokens, n_kept_rows, n_logit_rows;
    const batch_seq *seqs; /* [n_seqs] by first_row; every row belongs to one of them */
    int32_t table_stride;
    const int32_t *ids;        /* [n_tokens] token ids, inside the vocabulary */
    const int32_t *seq;        /* [n_tokens] which of seqs */
    const int32_t *slot, *pos; /* [n_tokens] ascending in a sequence */
    const int32_t *kept_rows;  /* [n_kept_rows] rows, ascending */
    const int32_t *logit_rows; /* [n_logit_rows] places in kept_rows, ascending */
} batch;

static inline const int32_t *batch_tables(const batch *b, int64_t row)
{
    return b->seqs[b->seq[row]].tables;
}

/* Memory of a batch's arrays. */
typedef struct batch_arrays {
    batch_seq *seqs;           /* [max_tokens] */
    int32_t *seq, *slot, *pos; /* [max_tokens] */
} batch_arrays;

/* False: out of memory; batch_arrays_deinit() then frees what was allocated. */
SUMI_MUST_USE bool batch_arrays_init(batch_arrays *a, int32_t max_tokens);
void batch_arrays_deinit(batch_arrays *a); /* zeroed ones are fine */

/* a->seqs [n_seqs] is filled: sets seqs, n_seqs and n_tokens of b, and seq, slot and pos of each row. The rows of a sequence
 * are its last tokens. */
void batch_set_rows(batch *b, batch_arrays *a, int32_t n_seqs);

/* The batch of b's kept rows, without ids and logit_rows: for attention, after the keys and values of all rows are stored.
 * A sequence without such a row is left out. */
batch batch_kept_rows(const batch *b, batch_arrays *a);

#endif
