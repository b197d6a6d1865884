/* rows.c - operations on each token's row separately: norms and gated activations. Their result is the input of a
 * product, so a row is converted to the product's form while the row is in the L1 cache.
 *
 * They run as a separate loop, or row by row after the products whose results they read (linear.c). */
#include "backend/cpu/routing.h"

#include <string.h>

/* The least rows of a unit of work: one row of a small model takes less time than waking a thread. */
#define ROWS_GRAIN 2

void norm_run(const kernels *k, const norm *w, float *y, const float *x, int32_t n, float eps)
{
    if (w->kind == NORM_RMS) k->rmsnorm_row(y, x, w->w, n, eps);
    else if (w->kind == NORM_LAYER) k->layernorm_row(y, x, w->w, w->b, n, eps);
    else if (y != x) memcpy(y, x, (size_t)n * sizeof *x);
}

static void norm_row(stream *s, const norm_args *a, int32_t t, int32_t thread)
{
    const kernels *k = &s->be->k;
    size_t n = (size_t)a->n_embd, row = (size_t)t * n;
    float *x = a->x + row, *scratch = stream_row(s, thread);
    if (a->add) {
        norm_run(k, &a->add_norm, scratch, a->add + row, a->n_embd, a->eps);
        k->add_row(x, scratch, a->add_scale, a->n_embd);
    }
    float *y = a->y ? a->y + row : a->forms & ACT_F32 ? a->out->f32 + row : scratch;
    norm_run(k, &a->norm, y, x, a->n_embd, a->eps);
    if (a->out) act_store_row(s->be, a->out, t, y, a->forms);
}

static void glu_row(stream *s, const glu_args *a, int32_t t, int32_t thread)
{
    size_t row = (size_t)t * (size_t)a->n_ff;
    float *y = a->forms & ACT_F32 ? a->out->f32 + row : stream_row(s, thread);
    s->be->k.glu_row(y, a->gate + row, a->up ? a->up + row : NULL, a->n_ff, a->kind);
    act_store_row(s->be, a->out, t, y, a->forms);
}

static void scale_row(stream *s, const scale_args *a, int32_t t)
{
    s->be->k.scale_row(a->x + (size_t)t * (size_t)a->n, a->n, a->scale, a->softcap);
}

void row_op_prepare(const row_op *op, int32_t n)
{
    if (op->kind == ROW_GLU) act_resize(op->glu.out, n, op->glu.n_ff);
    else if (op->kind == ROW_NORM && op->norm.out) act_resize(op->norm.out, n, op->norm.n_embd);
    else if (op->kind == ROW_ROUTE) op->route.out->n_tokens = n;
}

void row_op_run(stream *s, const row_op *op, int32_t row, int32_t thread)
{
    if (op->kind == ROW_NORM) norm_row(s, &op->norm, row, thread);
    else if (op->kind == ROW_GLU) glu_row(s, &op->glu, row, thread);
    else if (op->kind == ROW_ROUTE) routing_choose(&op->route, row, stream_row(s, thread));
    else scale_row(s, &op->scale, row);
}

typedef struct rows_job {
    stream *s;
    const row_op *op;
} rows_job;

static void row_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const rows_job *j = arg;
    for (int64_t i = begin; i < end; i++) row_op_run(j->s, j->op, (int32_t)i, thread);
}

void cpu_rows(stream *s, const row_op *op, int32_t n)
{
    rows_job job = { s, op };
    row_op_prepare(op, n);
    pool_for(s->threads, n, ROWS_GRAIN, row_items, &job);
}

void cpu_gather(stream *s, float *x, const int32_t *rows, int32_t n, int32_t n_cols)
{
    (void)s;
    size_t row = (size_t)n_cols;
    for (int32_t i = 0; i < n; i++) /* rows[i] >= i: a row is read before it is written over */
        if (rows[i] != i) memcpy(x + (size_t)i * row, x + (size_t)rows[i] * row, row * sizeof *x);
}
