/* estimate.c - the memory of a model and of a context, before they are created.
 *
 * The model is created as usual, but with a backend that only measures: every tensor is looked up and checked, and no
 * weight is read. */
#include "base/error.h"
#include "base/sized.h"
#include "engine/context.h"
#include "engine/sumi_model.h"
#include "hf/model_source_open.h"

static void estimate_context(const model *m, const sumi_context_opts *o, sumi_estimate *e)
{
    kv_layout l;
    int32_t n_ctx = o->n_ctx ? o->n_ctx : m->h.n_ctx_train ? m->h.n_ctx_train : 2048, step = o->max_batch_tokens;
    if (m->h.encoder && step < n_ctx) step = n_ctx;
    model_kv_layout(m, &l);
    e->n_ctx = n_ctx;
    e->kv_bytes = (uint64_t)kv_layout_seq_blocks(&l, n_ctx, step) * l.block_bytes;
    for (int32_t g = 0; g < l.n_groups; g++)
        if (!l.window[g]) e->kv_token_bytes += l.block_bytes / KV_BLOCK;
    e->scratch_bytes = workspace_estimate(m, step, o->max_logit_rows < step ? o->max_logit_rows : step);
}

static sumi_status measure(const model_source *src, const sumi_model_opts *o, const sumi_context_opts *c,
                           sumi_estimate *e, sumi_error *err)
{
    backend *be;
    model *m = NULL;
    sumi_status status = backend_cpu_create(&be, model_isa(o), o->activations, err);
    if (status != SUMI_OK) return status;
    be->measure_only = true;
    if ((status = model_create(&m, src, be, NULL, err)) == SUMI_OK) {
        e->weight_bytes = m->copied_bytes;
        e->unpacked_bytes = m->unpacked_bytes;
        estimate_context(m, c, e);
    }
    model_destroy(m);
    be->destroy(be);
    return status;
}

sumi_status sumi_model_estimate_sized(const char *path, const sumi_model_opts *opts,
                                      const sumi_context_opts *context_opts, sumi_estimate *estimate, size_t size,
                                      sumi_error *err)
{
    sumi_model_opts o = sumi_model_opts_default();
    sumi_context_opts c = sumi_context_opts_default();
    sumi_estimate e = { 0 };
    model_source *src;
    sized_give(estimate, size, &e, sizeof e);
    sumi_status status = sized_take(&o, sizeof o, opts, "sumi_model_opts", err);
    if (status == SUMI_OK) status = sized_take(&c, sizeof c, context_opts, "sumi_context_opts", err);
    if (status == SUMI_OK) status = context_check_opts(&c, err);
    if (status != SUMI_OK || (status = model_source_open(&src, path, NULL, err))) return status;
    status = measure(src, &o, &c, &e, err);
    model_source_close(src);
    if (status == SUMI_OK) sized_give(estimate, size, &e, sizeof e);
    return status;
}
