/* row.c - see row.h. */
#include "sample/row.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Number of the first patch whose id is >= id. */
static int32_t patches_from(const row *r, int32_t id)
{
    int32_t low = 0, high = r->n_patches;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (r->patches[middle].id < id) low = middle + 1;
        else high = middle;
    }
    return low;
}

const float *row_block(const row *r, int32_t b, int32_t *n, float *copy)
{
    int32_t first = b * ROW_BLOCK, p = patches_from(r, first);
    const float *x = r->x + first;
    *n = r->n - first < ROW_BLOCK ? r->n - first : ROW_BLOCK;
    if (p < r->n_patches && r->patches[p].id < first + *n) {
        memcpy(copy, x, (size_t)*n * sizeof *copy);
        x = copy;
    }
    for (; p < r->n_patches && r->patches[p].id < first + *n; p++) copy[r->patches[p].id - first] = r->patches[p].x;
    if (!r->allowed || token_set_is_full(r->allowed + first / TOKEN_SET_BITS, *n)) return x;
    r->k->mask(copy, x, *n, r->allowed + first / TOKEN_SET_BITS);
    return copy;
}

bool row_measure(row *r, float *max)
{
    if (r->allowed) return r->k->masked_maxima(r->maxima, max, r->x, r->n, r->allowed);
    bool has_nan = r->k->maxima(r->maxima, r->x, r->n);
    *max = row_max(r);
    return has_nan;
}

void row_patch_maxima(row *r)
{
    float copy[ROW_BLOCK];
    int32_t n;
    for (int32_t p = 0; p < r->n_patches;) {
        int32_t b = r->patches[p].id / ROW_BLOCK;
        const float *x = row_block(r, b, &n, copy);
        r->k->maxima(&r->maxima[b], x, n);
        p = patches_from(r, b * ROW_BLOCK + n);
    }
}

float row_max(const row *r)
{
    float max = -INFINITY;
    for (int32_t b = 0; b < row_n_blocks(r->n); b++)
        if (r->maxima[b] > max) max = r->maxima[b];
    return max;
}

int32_t row_find(const row *r, float value)
{
    float copy[ROW_BLOCK];
    int32_t b = 0, i = 0, n;
    while (!(r->maxima[b] >= value)) b++;
    assert(b < row_n_blocks(r->n));
    const float *x = row_block(r, b, &n, copy);
    while (!(x[i] >= value)) i++;
    return b * ROW_BLOCK + i;
}

double row_exp_sum(const row *r, float max, float scale, double *sums, bool has_plain)
{
    float copy[ROW_BLOCK];
    double total = 0;
    int32_t n;
    for (int32_t b = 0; b < row_n_blocks(r->n); b++) {
        if (r->allowed && r->maxima[b] == -INFINITY) { /* common with a grammar, which allows few tokens */
            sums[b] = 0;
            continue;
        }
        const float *x = row_block(r, b, &n, copy);
        if (x == copy || !has_plain) sums[b] = r->k->exp_sum(x, n, max, scale);
        total += sums[b];
    }
    return total;
}
