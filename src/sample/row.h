/* row.h - one row of logits for the rules: in blocks, each with its maximum, with some logits replaced and some tokens
 * excluded.
 *
 *   x        | block 0 | block 1 | ...      ROW_BLOCK logits each, the caller's, never written
 *   maxima   [n_blocks]                     the largest logit of each block: most blocks need not be read again
 *   patches  (id, x), rising ids            logits that bias and penalties have replaced
 *   allowed  a set of tokens                all other tokens have the logit -inf, patched or not
 *
 * A block with a patch, or with a token that is not allowed, is copied when it is read: no copy of the row is kept. A block
 * without allowed tokens has the maximum -inf, and no rule reads it. */
#ifndef SUMI_SAMPLE_ROW_H
#define SUMI_SAMPLE_ROW_H

#include "sample/row_kernels.h"

typedef struct row_patch {
    int32_t id;
    float x;
} row_patch;

typedef struct row {
    const row_kernels *k;
    const float *x; /* [n] */
    int32_t n, n_patches;
    const row_patch *patches;
    const uint64_t *allowed; /* see token_set.h; NULL: all */
    float *maxima;           /* [row_n_blocks(n)] */
} row;

static inline int32_t row_n_blocks(int32_t n)
{
    return n / ROW_BLOCK + (n % ROW_BLOCK != 0);
}

/* The *n elements of block b; they are in copy [ROW_BLOCK] if some are replaced or not allowed. */
const float *row_block(const row *r, int32_t b, int32_t *n, float *copy);

/* Writes the maxima of a row that is not patched yet; *max is the largest logit of all tokens, allowed or not. True: a
 * token, allowed or not, has a NaN. */
bool row_measure(row *r, float *max);

/* Updates the maxima of an unpatched row for r->patches. */
void row_patch_maxima(row *r);

/* The largest element, from the maxima; -INFINITY if no element is larger. */
float row_max(const row *r);

/* The first id with x[id] >= value; there is one. */
int32_t row_find(const row *r, float value);

/* The sum of exp((x[i] - max) * scale), as row_kernels.exp_sum; sums [n_blocks] gets the sum of each block. has_plain:
 * sums already has the sums of the row without patches and with all tokens allowed, for the same max and scale; this saves
 * most of the work. */
double row_exp_sum(const row *r, float max, float scale, double *sums, bool has_plain);

#endif
