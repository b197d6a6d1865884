/* linear.c - matrix products, what follows them row by row, and the embedding: everything that reads weights.
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
 * With many tokens all units are equal. Few tokens are bound by memory: a thread reads long runs first, which its
 * prefetches seldom leave, and the last units are single panels, so that the threads are done at nearly the same time.
 *
 * A unit of rows waits until its block's products are complete. All of these have been claimed before it, so they will
 * be; a block later there is rarely anything to wait for, and at the end of the loop it is the wait that a join would be.
 * So a row is normed or gated and quantised while it is still in the L2 cache, and without a fork-join of its own. */
#include "backend/cpu/cpu.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#define ROWS_ITEM    16 /* rows of a matrix that is not packed that count as a panel */
#define BLOCK_TOKENS PANELS_TOKENS /* fewer keep the results closer */
#define UNIT_ROWS    2
#define MAX_RUN      16 /* panels; they should stay in L2 */
#define FEW_TOKENS   4

typedef struct linear_job {
    stream *s;
    const act *x;
    const linear_out *outs;
    int32_t n_outs;
    const row_op *then;
    int32_t n_panels, run;               /* of all matrices; in a unit; run is 0 if units shrink */
    int32_t n_blocks, n_units, n_rows;   /* units of products and of rows in a full block; n_rows is 0 without `then` */
} linear_job;

/* A block of tokens of a call. */
typedef struct token_range {
    int32_t begin, end;
} token_range;

static inline void put(const linear_out *o, int32_t t, int32_t row, float value)
{
    float *y = &o->y[(size_t)t * (size_t)o->w->n_rows + (size_t)row];
    if (o->bias) value += o->bias[row];
    *y = o->add ? *y + value : value;
}

/* Panels of each unit of the next round, when `left` are not yet in a unit: one for each thread, half of them together. */
static int32_t round_size(const linear_job *j, int32_t left)
{
    return left / (2 * pool_n_threads(j->s->threads));
}

/* The first panel of a unit. Unit n_units would begin at n_panels, and so do all later ones. */
static int32_t unit_begin(const linear_job *j, int32_t unit)
{
    int32_t n_threads = pool_n_threads(j->s->threads), begin = 0;
    if (j->run) return unit < j->n_units ? unit * j->run : j->n_panels;
    for (int32_t size; unit > 0; unit -= n_threads) {
        if ((size = round_size(j, j->n_panels - begin)) <= 1)
            return unit < j->n_panels - begin ? begin + unit : j->n_panels;
        begin += size * (unit < n_threads ? unit : n_threads);
    }
    return begin;
}

static int32_t count_units(const linear_job *j)
{
    if (j->run) return (j->n_panels + j->run - 1) / j->run;
    int32_t n_threads = pool_n_threads(j->s->threads), n = 0, begin = 0;
    for (int32_t size; (size = round_size(j, j->n_panels - begin)) > 1; n += n_threads)
        begin += size * n_threads;
    return n + j->n_panels - begin;
}

/* Panels begin <= p < end times the tokens of a block. */
static void panels_int8(const linear_job *j, const linear_out *o, int32_t begin, int32_t end, token_range tokens)
{
    const weight *w = o->w;
    int32_t panel_rows = j->s->be->k.panel_rows, first = begin * panel_rows;
    panels_args a = { .payload = w->payload + (size_t)begin * w->payload_bytes, .payload_bytes = w->payload_bytes,
                      .header = w->header + (size_t)begin * w->header_bytes, .header_bytes = w->header_bytes,
                      .n_panels = end - begin, .n_groups = w->n_cols / ACT_GROUP, .n_rows = w->n_rows - first,
                      .n_tokens = tokens.end - tokens.begin, .x = act_q8_row(j->x, tokens.begin),
                      .y = o->y + (size_t)tokens.begin * (size_t)w->n_rows + (size_t)first,
                      .y_stride = (size_t)w->n_rows, .bias = o->bias ? o->bias + first : NULL, .add = o->add };
    j->s->be->k.panels[w->type](&a);
}

/* Rows as the file has them, at the reference level. */
static void rows_int8(const linear_job *j, const linear_out *o, int32_t begin, int32_t end, token_range tokens)
{
    const weight *w = o->w;
    for (int32_t r = begin; r < end; r++)
        for (int32_t t = tokens.begin; t < tokens.end; t++) {
            q8_row x = act_q8_row(j->x, t);
            put(o, t, r, j->s->be->k.dot_q8(w->type, w->rows + (size_t)r * w->row_bytes, &x, w->n_cols));
        }
}

/* The same of floats, whose kernel goes over the tokens itself. */
static void panels_f32(const linear_job *j, const linear_out *o, int32_t begin, int32_t end, token_range tokens)
{
    const weight *w = o->w;
    int32_t first = begin * j->s->be->k.panel_rows;
    size_t from = (size_t)tokens.begin;
    panels_f32_args a = { .payload = w->payload + (size_t)begin * w->payload_bytes, .payload_bytes = w->payload_bytes,
                          .n_panels = end - begin, .n_cols = w->n_cols, .n_rows = w->n_rows - first,
                          .n_tokens = tokens.end - tokens.begin, .x = j->x->f32 + from * (size_t)w->n_cols,
                          .x_stride = (size_t)w->n_cols, .y = o->y + from * (size_t)w->n_rows + first,
                          .y_stride = (size_t)w->n_rows, .bias = o->bias ? o->bias + first : NULL, .add = o->add };
    j->s->be->k.panels_f32[w->type](&a);
}

/* Float activations, weights as the file has them: as many rows as the scratch holds are decoded for all tokens of a
 * block. */
static void rows_f32(const linear_job *j, const linear_out *o, int32_t begin, int32_t end, token_range tokens,
                     int32_t thread)
{
    const weight *w = o->w;
    DECL_DOT_F32((*dot)) = j->s->be->k.dot_f32;
    float *scratch = stream_row(j->s, thread);
    size_t n_cols = (size_t)w->n_cols;
    int32_t n_at_once = CPU_MAX_COLS / w->n_cols < ROWS_ITEM ? CPU_MAX_COLS / w->n_cols : ROWS_ITEM;
    for (int32_t r = begin; r < end; r += n_at_once) {
        int32_t n = end - r < n_at_once ? end - r : n_at_once;
        for (int32_t i = 0; i < n; i++) weight_row(&j->s->be->k, w, r + i, scratch + (size_t)i * n_cols);
        for (int32_t t = tokens.begin; t < tokens.end; t++)
            for (int32_t i = 0; i < n; i++)
                put(o, t, r + i, dot(scratch + (size_t)i * n_cols, j->x->f32 + (size_t)t * n_cols, w->n_cols));
    }
}

static int32_t n_panels_of(const weight *w)
{
    return w->payload ? w->n_panels : (w->n_rows + ROWS_ITEM - 1) / ROWS_ITEM;
}

/* Panels begin <= p < end, counted over all matrices. */
static void products(const linear_job *j, int32_t begin, int32_t end, token_range tokens, int32_t thread)
{
    int32_t first = 0; /* number of the matrix's first panel */
    for (int32_t i = 0; i < j->n_outs; i++) {
        const linear_out *o = &j->outs[i];
        int32_t n = n_panels_of(o->w);
        int32_t from = begin > first ? begin - first : 0, to = end - first < n ? end - first : n;
        int32_t row = from * ROWS_ITEM, end_row = to * ROWS_ITEM < o->w->n_rows ? to * ROWS_ITEM : o->w->n_rows;
        first += n;
        if (from >= to) continue;
        if (o->w->payload && o->w->input == ACT_F32) panels_f32(j, o, from, to, tokens);
        else if (o->w->payload) panels_int8(j, o, from, to, tokens);
        else if (o->w->input == ACT_INT8) rows_int8(j, o, row, end_row, tokens);
        else rows_f32(j, o, row, end_row, tokens, thread);
    }
}

static token_range tokens_of(const linear_job *j, int32_t block)
{
    int32_t begin = block * BLOCK_TOKENS, left = j->x->n_tokens - begin;
    return (token_range){ begin, begin + (left < BLOCK_TOKENS ? left : BLOCK_TOKENS) };
}

static void products_unit(const linear_job *j, int32_t block, int32_t unit, int32_t thread)
{
    products(j, unit_begin(j, unit), unit_begin(j, unit + 1), tokens_of(j, block), thread);
    if (j->then) atomic_fetch_sub_explicit(&j->x->n_left[block], 1, memory_order_release);
}

static void rows_unit(const linear_job *j, int32_t block, int32_t unit, int32_t thread)
{
    token_range tokens = tokens_of(j, block);
    pool_wait_zero(&j->x->n_left[block]);
    for (int32_t i = 0, t = tokens.begin + unit * UNIT_ROWS; i < UNIT_ROWS && t < tokens.end; i++, t++)
        row_op_run(j->s, j->then, t, thread);
}

/* Units of the loop: see the picture above. Products of block 0 come first; then each block's products are followed by
 * the rows of the block before, and last come the rows of the last one. */
static void linear_units(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const linear_job *j = arg;
    for (int64_t i = begin; i < end; i++) {
        int64_t behind = i - j->n_units, period = j->n_units + j->n_rows;
        int32_t block = behind < 0 ? 0 : (int32_t)(behind / period) + 1;
        int32_t unit = (int32_t)(behind < 0 ? i : behind % period);
        if (block < j->n_blocks && unit < j->n_units) products_unit(j, block, unit, thread);
        else rows_unit(j, block - 1, block < j->n_blocks ? unit - j->n_units : unit, thread);
    }
}

void cpu_linear(stream *s, const act *x, const linear_out *outs, int32_t n_outs, const row_op *then)
{
    linear_job j = { .s = s, .x = x, .outs = outs, .n_outs = n_outs, .then = then,
                     .n_blocks = (x->n_tokens + BLOCK_TOKENS - 1) / BLOCK_TOKENS };
    for (int32_t i = 0; i < n_outs; i++) {
        assert(outs[i].w->n_cols == x->n_cols);
        j.n_panels += n_panels_of(outs[i].w);
    }
    if (x->n_tokens > FEW_TOKENS) { /* eight turns for each thread even out their speeds */
        int32_t run = j.n_panels / (8 * pool_n_threads(s->threads));
        j.run = run < 1 ? 1 : run > MAX_RUN ? MAX_RUN : run;
    }
    j.n_units = count_units(&j);
    int64_t n = (int64_t)j.n_blocks * j.n_units;
    if (then) {
        token_range last = tokens_of(&j, j.n_blocks - 1);
        j.n_rows = BLOCK_TOKENS / UNIT_ROWS;
        n += (int64_t)(j.n_blocks - 1) * j.n_rows + (last.end - last.begin + UNIT_ROWS - 1) / UNIT_ROWS;
        for (int32_t b = 0; b < j.n_blocks; b++) atomic_store_explicit(&x->n_left[b], j.n_units, memory_order_relaxed);
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
        if (j->add) k->add_row(y, row, n);
    }
}

void cpu_embed(stream *s, float *y, const weight *w, const int32_t *ids, int32_t n_tokens, float scale,
               bool add)
{
    embed_job job = { s, y, w, ids, scale, add };
    pool_for(s->threads, n_tokens, 4, embed_rows, &job);
}
