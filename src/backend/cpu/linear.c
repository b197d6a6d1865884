/* linear.c - matrix products, the row operations after them, and the embedding: all code that reads weights.
 *
 * One call is one loop over threads. Its units, in the order in which threads claim them:
 *
 *             block 0 of tokens            block 1                      block 2
 *             products                     products     rows of 0       products     rows of 1      rows of 2
 *   units:   |0 1 2 3 4 5 6 7 |           |0 1 .. 7 |  0 2 4 .. 62 |   |0 1 .. 7 |  0 2 .. 62 |    |0 2 .. 62 |
 *
 * A unit of products is a run of panels (or of as many plain rows) of all matrices laid end to end, times the block's
 * tokens.
 *
 *             panels of q      of k        of v
 *            |0 ........... 35|36 ... 47|48 ... 59|
 *   units:   | 0   | 1   | 2 | 3 |4|5| | | | | | | |       of few tokens, 2 threads
 *
 * A unit of rows waits until the products of its block are complete. This cannot deadlock: a unit of rows has a higher
 * index than the products that it needs, so a thread already runs each of them. The unit stands one block behind its
 * products, so it almost never waits; only at the end of the loop it waits as a join would. So a row is normed or gated
 * and quantised while it is still in the L2 cache, without a fork-join of its own. */
#include "backend/cpu/product.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#define BLOCK_TOKENS PANELS_TOKENS /* fewer keep the results closer */
#define UNIT_ROWS    2

typedef struct linear_job {
    stream *s;
    const act *x;
    const linear_out *outs;
    int32_t n_outs;
    const row_op *then;
    panel_runs runs;          /* of all matrices laid end to end */
    int32_t n_blocks, n_rows; /* blocks of tokens; units of rows in a full block, 0 without `then` */
} linear_job;

static range tokens_of(const linear_job *j, int32_t block)
{
    int32_t begin = block * BLOCK_TOKENS, left = j->x->n_tokens - begin;
    return (range){ begin, begin + (left < BLOCK_TOKENS ? left : BLOCK_TOKENS) };
}

static void products_unit(const linear_job *j, int32_t block, int32_t unit, int32_t thread)
{
    product_run(j->s, j->x, j->outs, j->n_outs, panel_runs_at(&j->runs, unit), tokens_of(j, block), thread);
    if (j->then) atomic_fetch_sub_explicit(&j->x->n_left[block], 1, memory_order_release);
}

static void rows_unit(const linear_job *j, int32_t block, int32_t unit, int32_t thread)
{
    range tokens = tokens_of(j, block);
    pool_wait_zero(&j->x->n_left[block]);
    for (int32_t i = 0, t = tokens.begin + unit * UNIT_ROWS; i < UNIT_ROWS && t < tokens.end; i++, t++)
        row_op_run(j->s, j->then, t, thread);
}

/* Units of the loop: see the drawing above. Products of block 0 come first; then each block's products are followed by
 * the rows of the block before; the rows of the last block come last. */
static void linear_units(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const linear_job *j = arg;
    for (int64_t i = begin; i < end; i++) {
        int64_t behind = i - j->runs.n_units, period = j->runs.n_units + j->n_rows;
        int32_t block = behind < 0 ? 0 : (int32_t)(behind / period) + 1;
        int32_t unit = (int32_t)(behind < 0 ? i : behind % period);
        if (block < j->n_blocks && unit < j->runs.n_units) products_unit(j, block, unit, thread);
        else rows_unit(j, block - 1, block < j->n_blocks ? unit - j->runs.n_units : unit, thread);
    }
}

void cpu_linear(stream *s, const act *x, const linear_out *outs, int32_t n_outs, const row_op *then)
{
    linear_job j = { .s = s,
                     .x = x,
                     .outs = outs,
                     .n_outs = n_outs,
                     .then = then,
                     .n_blocks = (x->n_tokens + BLOCK_TOKENS - 1) / BLOCK_TOKENS };
    for (int32_t i = 0; i < n_outs; i++) assert(outs[i].x_col + outs[i].w->n_cols <= x->n_cols);
    j.runs = panel_runs_of(product_n_panels(outs, n_outs), x->n_tokens, pool_n_threads(s->threads));
    int64_t n = (int64_t)j.n_blocks * j.runs.n_units;
    if (then) {
        range last = tokens_of(&j, j.n_blocks - 1);
        j.n_rows = BLOCK_TOKENS / UNIT_ROWS;
        n += (int64_t)(j.n_blocks - 1) * j.n_rows + (last.end - last.begin + UNIT_ROWS - 1) / UNIT_ROWS;
        for (int32_t b = 0; b < j.n_blocks; b++)
            atomic_store_explicit(&x->n_left[b], j.runs.n_units, memory_order_relaxed);
        row_op_prepare(then, x->n_tokens);
    }
    pool_for(s->threads, n, 1, linear_units, &j);
}

typedef struct embed_job {
    const stream *s;
    float *y;
    const weight *w;
    const int32_t *ids;
    float scale;
    bool add;
} embed_job;

static void embed_rows(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const embed_job *j = arg;
    const kernels *k = &j->s->be->k;
    int32_t n = j->w->n_cols;
    for (int64_t t = begin; t < end; t++) {
        float *y = j->y + (size_t)t * (size_t)n, *row = j->add ? stream_row(j->s, thread) : y;
        assert(j->ids[t] >= 0 && j->ids[t] < j->w->n_rows);
        weight_row(k, j->w, j->ids[t], row);
        if (j->scale != 1.0f)
            for (int32_t i = 0; i < n; i++) row[i] *= j->scale;
        if (j->add) k->add_row(y, row, 1, n);
    }
}

void cpu_embed(stream *s, float *y, const weight *w, const int32_t *ids, int32_t n_tokens, float scale, bool add)
{
    embed_job job = { s, y, w, ids, scale, add };
    pool_for(s->threads, n_tokens, 4, embed_rows, &job);
}
