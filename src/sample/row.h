/* row.h - one row of logits, as the rules see it: in blocks, each with its maximum, with some logits replaced and some
 * tokens left out.
 *
 *   x        | block 0 | block 1 | ...      ROW_BLOCK logits each, the caller's, never written
 *   maxima   [n_blocks]                     the largest of each: most blocks need no second look
 *   patches  (id, x), rising ids            what bias and penalties make of a few logits
 *   allowed  a set of tokens                all others count as -inf, patched or not
 *
 * A block with a patch, or with a token that is not allowed, is copied when it is looked at: no copy of the row is kept. A
 * block without allowed tokens has the maximum -inf, and no rule looks into it. */
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
    float *maxima; /* [row_n_blocks(n)] */
} row;

static inline int32_t row_n_blocks(int32_t n)
{
    return n / ROW_BLOCK + (n % ROW_BLOCK != 0);
}

/* Elements of block b, *n of them, where copy [ROW_BLOCK] holds them if some are replaced or not allowed. */
const float *row_block(const row *r, int32_t b, int32_t *n, float *copy);

/* Writes the maxima of a row that is not patched yet; *max is the largest logit of all tokens, allowed or not. True: there
 * is a NaN, at an allowed token or not. */
bool row_measure(row *r, float *max);

/* Brings the maxima of an unpatched row up to date with r->patches. */
void row_patch_maxima(row *r);

/* The largest element: -INFINITY if none is larger. From the maxima. */
float row_max(const row *r);

/* The first id with x[id] >= value; there is one. */
int32_t row_find(const row *r, float value);

/* The sum of exp((x[i] - max) * scale), as row_kernels.exp_sum; sums [n_blocks] receives that of each block. has_plain:
 * sums holds those of the row without patches and with all tokens allowed, for the same max and scale, which saves most of
 * the work. */
double row_exp_sum(const row *r, float max, float scale, double *sums, bool has_plain);

#endif
