/* pooling.c - see pooling.h. */
#include "engine/pooling.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"

sumi_status pooling_init(pooling *p, sumi_pooling kind, int32_t n_embd, sumi_error *err)
{
    *p = (pooling){ .kind = kind, .n_embd = n_embd };
    p->sum = calloc((size_t)n_embd, sizeof *p->sum);
    p->out = calloc((size_t)n_embd, sizeof *p->out);
    if (p->sum && p->out) return SUMI_OK;
    pooling_deinit(p);
    return sumi_fail(err, SUMI_ENOMEM, "out of memory for an embedding of %d numbers", n_embd);
}

void pooling_deinit(pooling *p)
{
    free(p->sum);
    free(p->out);
    *p = (pooling){ 0 };
}

void pooling_add(pooling *p, const float *hidden)
{
    assert(p->kind == SUMI_POOL_MEAN || p->n == 0);
    for (int32_t i = 0; i < p->n_embd; i++) p->sum[i] += (double)hidden[i];
    p->n++;
}

sumi_status pooling_finish(pooling *p, bool raw, sumi_error *err)
{
    double squares = 0, scale = 1.0 / p->n;
    assert(p->n > 0);
    for (int32_t i = 0; i < p->n_embd; i++) squares += p->sum[i] * p->sum[i];
    if (!isfinite(squares)) return sumi_fail(err, SUMI_ENUMERIC, "embedding: a hidden state is not finite");
    if (!raw && squares <= 0) return sumi_fail(err, SUMI_ENUMERIC, "embedding: it is 0 and has no direction");
    if (!raw) scale = 1 / sqrt(squares); /* the direction of the sum is that of the mean */
    for (int32_t i = 0; i < p->n_embd; i++) p->out[i] = (float)(p->sum[i] * scale);
    return SUMI_OK;
}
