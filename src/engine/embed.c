/* embed.c - sumi_embed(): the embedding of one text on a context. The engine's way is in answer.c; both pool as pooling.h
 * does, so they give the same bits. */
#include "base/error.h"
#include "engine/context.h"
#include "engine/pooling.h"

/* Feeds ids to seq in steps of at most max_batch tokens, and pools the hidden states. */
static sumi_status pool_steps(sumi_context *ctx, int32_t seq, const int32_t *ids, int32_t n_ids, int32_t max_batch,
                              pooling *p, sumi_error *err)
{
    for (int32_t done = 0, n; done < n_ids; done += n) {
        n = n_ids - done < max_batch ? n_ids - done : max_batch;
        sumi_span span = { seq, n, ids + done, pooling_want(p->kind, done == 0, done + n == n_ids) };
        sumi_status st = sumi_step(ctx, &span, 1, err);
        if (st != SUMI_OK) return st;
        for (int32_t i = 0; i < sumi_n_hidden_rows(ctx); i++) pooling_add(p, sumi_hidden(ctx, i));
    }
    return SUMI_OK;
}

sumi_status sumi_embed(sumi_context *ctx, const int32_t *ids, int32_t n_ids, sumi_pooling kind, bool raw, float *out,
                       sumi_error *err)
{
    pooling p = { 0 };
    int32_t seq = -1;
    sumi_context_info info;
    sumi_model_info model;
    if (n_ids < 1) return sumi_fail(err, SUMI_EINVAL, "embedding: no tokens");
    sumi_context_get_info(ctx, &info);
    sumi_model_get_info(context_model(ctx), &model);
    sumi_status st = pooling_check(kind, model.is_encoder, err);
    if (st != SUMI_OK) return st;
    if (n_ids > info.n_ctx)
        return sumi_fail(err, SUMI_ELIMIT, "the text has %d tokens, but the context holds %d", n_ids, info.n_ctx);
    st = sumi_seq_open(ctx, &seq, err);
    if (st == SUMI_OK) st = pooling_init(&p, kind, model.n_embd, err);
    if (st == SUMI_OK) st = pool_steps(ctx, seq, ids, n_ids, info.max_batch_tokens, &p, err);
    if (st == SUMI_OK) st = pooling_finish(&p, raw, err);
    for (int32_t i = 0; st == SUMI_OK && i < model.n_embd; i++) out[i] = p.out[i];
    pooling_deinit(&p);
    sumi_seq_close(ctx, seq);
    return st;
}
