/* batch.h - the ragged batch: the new tokens of one step, of many sequences, laid end to end.
 *
 *   row          0 1 2 3 4 | 5 | 6 7
 *   sequence     A A A A A | B | C C       A: a prompt chunk, B: one decode token, C: another chunk
 *   pos          0 1 2 3 4 | 9 | 32 33     B holds 9 tokens already, C 32
 *   kept_rows    {4, 5}                    C's prompt goes on in the next step, so nobody needs anything of its rows
 *   logit_rows   {0, 1}                    both are kept for their logits
 *
 * A kept row that is not in logit_rows is kept for its hidden state: the final norm's output, before the output matrix.
 *
 * Every model and every backend works on this; there is no other path for one sequence, a prompt or contiguous KV. */
#ifndef SUMI_BACKEND_BATCH_H
#define SUMI_BACKEND_BATCH_H

#include <stdint.h>

typedef struct batch {
    int32_t n_tokens, n_kept_rows, n_logit_rows;
    const int32_t *ids;            /* [n_tokens] token ids, inside the vocabulary */
    const int32_t *pos;            /* [n_tokens] position in its sequence */
    const int32_t *const *tables;  /* [n_tokens] tables of its sequence, [n_groups][table_stride] block numbers: the group
                                      of a layer (kv_layout.h) has a block for pos and for all that pos sees */
    int32_t table_stride;
    const int32_t *seq_len;        /* [n_tokens] tokens of its sequence, this step's included: how far attention sees that
                                      looks both ways */
    const int32_t *kept_rows;      /* [n_kept_rows] rows, ascending */
    const int32_t *logit_rows;     /* [n_logit_rows] places in kept_rows, ascending */
} batch;

#endif
