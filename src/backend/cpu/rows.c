/* rows.c - operations that treat each token's row by itself: norms and gated activations.
 *
 * Two tokens at least are one piece of work: a row of a small model takes less time than waking a thread. */
#include "backend/cpu/cpu.h"

#define ROWS_GRAIN 2

typedef struct rmsnorm_job {
    stream *s;
    act *out;
    int32_t forms;
    const float *x;
    const int32_t *rows;
    const float *w;
    int32_t n_embd;
    float eps;
} rmsnorm_job;

static void rmsnorm_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const rmsnorm_job *j = arg;
    for (int64_t t = begin; t < end; t++) {
        size_t from = (size_t)(j->rows ? j->rows[t] : t) * (size_t)j->n_embd;
        float *y = j->forms & ACT_F32 ? j->out->f32 + (size_t)t * (size_t)j->n_embd : stream_row(j->s, thread);
        j->s->be->k.rmsnorm_row(y, j->x + from, j->w, j->n_embd, j->eps);
        act_store_row(j->s->be, j->out, (int32_t)t, y, j->forms);
    }
}

void cpu_rmsnorm(stream *s, act *out, int32_t forms, const float *x, const int32_t *rows, int32_t n, const float *w,
                 int32_t n_embd, float eps)
{
    rmsnorm_job job = { s, out, forms, x, rows, w, n_embd, eps };
    act_resize(out, n, n_embd);
    pool_for(s->threads, n, ROWS_GRAIN, rmsnorm_items, &job);
}

typedef struct add_rmsnorm_job {
    stream *s;
    float *x;
    const float *y, *w;
    int32_t n_embd;
    float eps;
} add_rmsnorm_job;

static void add_rmsnorm_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const add_rmsnorm_job *j = arg;
    float *normed = stream_row(j->s, thread);
    for (int64_t t = begin; t < end; t++) {
        size_t row = (size_t)t * (size_t)j->n_embd;
        j->s->be->k.rmsnorm_row(normed, j->y + row, j->w, j->n_embd, j->eps);
        j->s->be->k.add_row(j->x + row, normed, j->n_embd);
    }
}

void cpu_add_rmsnorm(stream *s, float *x, const float *y, int32_t n_tokens, const float *w, int32_t n_embd, float eps)
{
    add_rmsnorm_job job = { s, x, y, w, n_embd, eps };
    pool_for(s->threads, n_tokens, ROWS_GRAIN, add_rmsnorm_items, &job);
}

typedef struct glu_job {
    stream *s;
    act *out;
    int32_t forms;
    const float *gate, *up;
    int32_t n_ff;
    glu_kind kind;
} glu_job;

static void glu_items(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const glu_job *j = arg;
    for (int64_t t = begin; t < end; t++) {
        size_t row = (size_t)t * (size_t)j->n_ff;
        float *y = j->forms & ACT_F32 ? j->out->f32 + row : stream_row(j->s, thread);
        j->s->be->k.glu_row(y, j->gate + row, j->up + row, j->n_ff, j->kind);
        act_store_row(j->s->be, j->out, (int32_t)t, y, j->forms);
    }
}

void cpu_glu(stream *s, act *out, int32_t forms, const float *gate, const float *up, int32_t n_tokens, int32_t n_ff,
             glu_kind kind)
{
    glu_job job = { s, out, forms, gate, up, n_ff, kind };
    act_resize(out, n_tokens, n_ff);
    pool_for(s->threads, n_tokens, ROWS_GRAIN, glu_items, &job);
}
