/* linear.c - matrix products and the embedding: everything that reads weights.
 *
 * Rows of all products of one input are one loop over threads: QKV, or gate and up, cost one fork-join. An item is a
 * panel of packed rows, or as many plain rows; a thread takes a run of items and goes over the tokens in tiles, so that a
 * tile's activations stay in the L1 cache while the panels stream past, and the panels in L2 for the next tile.
 *
 *             panels of q      of k        of v
 *   items:  |0 ........... 35|36 ... 47|48 ... 59|     claimed `grain` at a time */
#include "backend/cpu/cpu.h"

#include <assert.h>
#include <string.h>

#define ROWS_ITEM 16 /* rows in an item of a matrix that is not packed */

typedef struct linear_job {
    stream *s;
    const act *x;
    const linear_out *outs;
    int32_t n_outs;
} linear_job;

static inline void put(const linear_out *o, int32_t t, int32_t row, float value)
{
    float *y = &o->y[(size_t)t * (size_t)o->w->n_rows + (size_t)row];
    if (o->bias) value += o->bias[row];
    *y = o->add ? *y + value : value;
}

/* Panels begin <= p < end times all tokens. */
static void panels_int8(const linear_job *j, const linear_out *o, int32_t begin, int32_t end)
{
    const weight *w = o->w;
    int32_t panel_rows = j->s->be->k.panel_rows, first = begin * panel_rows;
    panels_args a = { .payload = w->payload + (size_t)begin * w->payload_bytes, .payload_bytes = w->payload_bytes,
                      .header = w->header + (size_t)begin * w->header_bytes, .header_bytes = w->header_bytes,
                      .n_panels = end - begin, .n_groups = w->n_cols / ACT_GROUP, .n_rows = w->n_rows - first,
                      .y_stride = (size_t)w->n_rows, .bias = o->bias ? o->bias + first : NULL, .add = o->add };
    for (int32_t t = 0; t < j->x->n_tokens; t += ACT_TILE) {
        a.n_tokens = j->x->n_tokens - t < ACT_TILE ? j->x->n_tokens - t : ACT_TILE;
        a.x = act_q8_row(j->x, t);
        a.y = o->y + (size_t)t * (size_t)w->n_rows + (size_t)first;
        j->s->be->k.panels[w->type](&a);
    }
}

/* Rows as the file has them, at the reference level. */
static void rows_int8(const linear_job *j, const linear_out *o, int32_t begin, int32_t end)
{
    const weight *w = o->w;
    for (int32_t r = begin; r < end; r++)
        for (int32_t t = 0; t < j->x->n_tokens; t++) {
            q8_row x = act_q8_row(j->x, t);
            put(o, t, r, j->s->be->k.dot_q8(w->type, w->rows + (size_t)r * w->row_bytes, &x, w->n_cols));
        }
}

/* The same of floats, whose kernel goes over the tokens itself: a few panels stay in L2 while all tokens pass. */
static void panels_f32(const linear_job *j, const linear_out *o, int32_t begin, int32_t end)
{
    const weight *w = o->w;
    int32_t first = begin * j->s->be->k.panel_rows;
    panels_f32_args a = { .payload = w->payload + (size_t)begin * w->payload_bytes, .payload_bytes = w->payload_bytes,
                          .n_panels = end - begin, .n_cols = w->n_cols, .n_rows = w->n_rows - first,
                          .n_tokens = j->x->n_tokens, .x = j->x->f32, .x_stride = (size_t)w->n_cols, .y = o->y + first,
                          .y_stride = (size_t)w->n_rows, .bias = o->bias ? o->bias + first : NULL, .add = o->add };
    j->s->be->k.panels_f32[w->type](&a);
}

/* Float activations, weights as the file has them: as many rows as the scratch holds are decoded for all tokens. */
static void rows_f32(const linear_job *j, const linear_out *o, int32_t begin, int32_t end, int32_t thread)
{
    const weight *w = o->w;
    DECL_DOT_F32((*dot)) = j->s->be->k.dot_f32;
    float *scratch = stream_row(j->s, thread);
    size_t n_cols = (size_t)w->n_cols;
    int32_t n_at_once = CPU_MAX_COLS / w->n_cols < ROWS_ITEM ? CPU_MAX_COLS / w->n_cols : ROWS_ITEM;
    for (int32_t r = begin; r < end; r += n_at_once) {
        int32_t n = end - r < n_at_once ? end - r : n_at_once;
        for (int32_t i = 0; i < n; i++) weight_row(&j->s->be->k, w, r + i, scratch + (size_t)i * n_cols);
        for (int32_t t = 0; t < j->x->n_tokens; t++)
            for (int32_t i = 0; i < n; i++)
                put(o, t, r + i, dot(scratch + (size_t)i * n_cols, j->x->f32 + (size_t)t * n_cols, w->n_cols));
    }
}

static int32_t n_items_of(const weight *w)
{
    return w->payload ? w->n_panels : (w->n_rows + ROWS_ITEM - 1) / ROWS_ITEM;
}

static void linear_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const linear_job *j = arg;
    int64_t first = 0; /* number of the product's first item */
    for (int32_t i = 0; i < j->n_outs; i++) {
        const linear_out *o = &j->outs[i];
        int32_t n = n_items_of(o->w);
        int32_t from = (int32_t)(begin > first ? begin - first : 0), to = (int32_t)(end - first < n ? end - first : n);
        int32_t row = from * ROWS_ITEM, end_row = to * ROWS_ITEM < o->w->n_rows ? to * ROWS_ITEM : o->w->n_rows;
        first += n;
        if (from >= to) continue;
        if (o->w->payload && o->w->input == ACT_F32) panels_f32(j, o, from, to);
        else if (o->w->payload) panels_int8(j, o, from, to);
        else if (o->w->input == ACT_INT8) rows_int8(j, o, row, end_row);
        else rows_f32(j, o, row, end_row, thread);
    }
}

void cpu_linear(stream *s, const act *x, const linear_out *outs, int32_t n_outs)
{
    linear_job job = { s, x, outs, n_outs };
    int64_t n_items = 0;
    for (int32_t i = 0; i < n_outs; i++) {
        assert(outs[i].w->n_cols == x->n_cols);
        n_items += n_items_of(outs[i].w);
    }
    /* Four turns for each thread even out their speeds; at most what stays in L2. */
    int64_t grain = n_items / (4 * pool_n_threads(s->threads));
    pool_for(s->threads, n_items, grain < 1 ? 1 : grain > 16 ? 16 : grain, linear_items, &job);
}

typedef struct embed_job {
    const kernels *k;
    float *y;
    const weight *w;
    const int32_t *ids;
    float scale;
} embed_job;

static void embed_rows(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const embed_job *j = arg;
    for (int64_t t = begin; t < end; t++) {
        float *y = j->y + (size_t)t * (size_t)j->w->n_cols;
        assert(j->ids[t] >= 0 && j->ids[t] < j->w->n_rows);
        weight_row(j->k, j->w, j->ids[t], y);
        if (j->scale != 1.0f)
            for (int32_t i = 0; i < j->w->n_cols; i++) y[i] *= j->scale;
    }
}

void cpu_embed(stream *s, float *y, const weight *w, const int32_t *ids, int32_t n_tokens, float scale)
{
    embed_job job = { &s->be->k, y, w, ids, scale };
    pool_for(s->threads, n_tokens, 4, embed_rows, &job);
}
