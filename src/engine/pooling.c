/* pooling.c - see pooling.h. */
#include "engine/pooling.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

bool pooling_named(const char *name, sumi_pooling *out)
{
    static const struct {
        const char *name;
        sumi_pooling kind;
    } names[] = { { "mean", SUMI_POOL_MEAN }, { "last", SUMI_POOL_LAST }, { "cls", SUMI_POOL_CLS } };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i].name) != 0) continue;
        *out = names[i].kind;
        return true;
    }
    return false;
}

sumi_pooling pooling_or_default(sumi_pooling kind, const sumi_model *model)
{
    sumi_model_info info;
    sumi_model_get_info(model, &info);
    return kind ? kind : info.pooling ? info.pooling : SUMI_POOL_MEAN;
}

int32_t pooling_truncate(const sumi_model *model, int32_t *ids, int32_t n_ids, int32_t n_ctx)
{
    sumi_model_info info;
    if (n_ids <= n_ctx) return n_ids;
    sumi_model_get_info(model, &info);
    if (ids[n_ids - 1] == info.eos_id) ids[n_ctx - 1] = info.eos_id;
    return n_ctx;
}

sumi_status pooling_check(sumi_pooling kind, bool is_encoder, sumi_error *err)
{
    if (kind != SUMI_POOL_MEAN && kind != SUMI_POOL_LAST && kind != SUMI_POOL_CLS)
        return sumi_fail(err, SUMI_EINVAL, "embedding: unknown pooling; there are mean, last and, for encoders, cls");
    if (kind == SUMI_POOL_CLS && !is_encoder)
        return sumi_fail(
            err, SUMI_EINVAL,
            "embedding: pooling cls needs an encoder: in this model the first token does not see the others; "
            "use mean or last");
    return SUMI_OK;
}

sumi_want pooling_want(sumi_pooling kind, bool first, bool last)
{
    if (kind == SUMI_POOL_MEAN) return SUMI_WANT_HIDDEN_ALL;
    if (kind == SUMI_POOL_CLS) return first ? SUMI_WANT_HIDDEN_FIRST : SUMI_WANT_NONE;
    return last ? SUMI_WANT_HIDDEN_LAST : SUMI_WANT_NONE;
}

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
    if (!raw && squares <= 0)
        return sumi_fail(err, SUMI_ENUMERIC, "embedding: the vector is 0 and cannot be scaled to length 1");
    if (!raw) scale = 1 / sqrt(squares); /* the direction of the sum is that of the mean */
    for (int32_t i = 0; i < p->n_embd; i++) p->out[i] = (float)(p->sum[i] * scale);
    return SUMI_OK;
}
