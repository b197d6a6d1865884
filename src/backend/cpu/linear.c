/* linear.c - matrix products and the embedding: everything that reads weights.
 *
 * Rows of all products of one input are one loop over threads: QKV, or gate and up, cost one fork-join. A thread takes
 * a run of rows and goes over the tokens in tiles, so that a tile's activations stay in the L1 cache while the rows
 * stream past and the rows stay in L2 for the next tile.
 *
 *             rows of q        rows of k   rows of v
 *   items:  |0 .......... 575|576 ... 767|768 ... 959|     claimed `grain` at a time */
#include "backend/cpu/cpu.h"

#include <assert.h>
#include <string.h>

#define TOKEN_TILE 16 /* 16 rows of 1024 int8 fill half of a 32 KiB L1 */

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

static void rows_int8(const linear_job *j, const linear_out *o, int32_t begin, int32_t end)
{
    const weight *w = o->w;
    DECL_DOT_Q8((*dot)) = j->s->be->k.dot_q8[w->type];
    for (int32_t t0 = 0; t0 < j->x->n_tokens; t0 += TOKEN_TILE) {
        int32_t n = j->x->n_tokens - t0 < TOKEN_TILE ? j->x->n_tokens - t0 : TOKEN_TILE;
        q8_row x[TOKEN_TILE];
        for (int32_t t = 0; t < n; t++) x[t] = act_q8_row(j->x, t0 + t);
        for (int32_t r = begin; r < end; r++) {
            const uint8_t *row = w->data + (size_t)r * w->row_bytes;
            for (int32_t t = 0; t < n; t++) put(o, t0 + t, r, dot(row, &x[t], w->n_cols));
        }
    }
}

/* Float activations: a weight row is decoded once for all tokens. */
static void rows_f32(const linear_job *j, const linear_out *o, int32_t begin, int32_t end, int32_t thread)
{
    const weight *w = o->w;
    const quant_traits *traits = quant_find(w->type);
    DECL_DOT_F32((*dot)) = j->s->be->k.dot_f32;
    float *scratch = stream_row(j->s, thread);
    for (int32_t r = begin; r < end; r++) {
        traits->decode(w->data + (size_t)r * w->row_bytes, scratch, w->n_cols);
        for (int32_t t = 0; t < j->x->n_tokens; t++)
            put(o, t, r, dot(scratch, j->x->f32 + (size_t)t * (size_t)w->n_cols, w->n_cols));
    }
}

static void linear_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const linear_job *j = arg;
    int64_t first = 0; /* item number of the product's row 0 */
    for (int32_t i = 0; i < j->n_outs; i++) {
        const linear_out *o = &j->outs[i];
        int64_t from = begin > first ? begin - first : 0;
        int64_t to = end - first < o->w->n_rows ? end - first : o->w->n_rows;
        if (from < to && o->w->input == ACT_INT8) rows_int8(j, o, (int32_t)from, (int32_t)to);
        if (from < to && o->w->input == ACT_F32) rows_f32(j, o, (int32_t)from, (int32_t)to, thread);
        first += o->w->n_rows;
    }
}

void cpu_linear(stream *s, const act *x, const linear_out *outs, int32_t n_outs)
{
    linear_job job = { s, x, outs, n_outs };
    int64_t n_rows = 0;
    for (int32_t i = 0; i < n_outs; i++) {
        assert(outs[i].w->n_cols == x->n_cols);
        n_rows += outs[i].w->n_rows;
    }
    /* Four turns for each thread even out their speeds; 16 rows at least, and at most what stays in L2. */
    int64_t grain = n_rows / (4 * pool_n_threads(s->threads));
    grain = grain < 16 ? 16 : grain > 256 ? 256 : grain;
    pool_for(s->threads, n_rows, grain, linear_items, &job);
}

typedef struct embed_job {
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
        quant_find(j->w->type)->decode(j->w->data + (size_t)j->ids[t] * j->w->row_bytes, y, j->w->n_cols);
        if (j->scale != 1.0f)
            for (int32_t i = 0; i < j->w->n_cols; i++) y[i] *= j->scale;
    }
}

void cpu_embed(stream *s, float *y, const weight *w, const int32_t *ids, int32_t n_tokens, float scale)
{
    embed_job job = { y, w, ids, scale };
    pool_for(s->threads, n_tokens, 4, embed_rows, &job);
}
