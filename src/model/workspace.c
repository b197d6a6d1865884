/* workspace.c - the buffers of a step, sized once from the limits. See model.h. */
#include "model/model.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

void workspace_destroy(const model *m, workspace *ws)
{
    if (!ws) return;
    if (ws->s) m->be->stream_destroy(ws->s);
    float *buffers[] = { ws->x,
                         ws->q,
                         ws->k,
                         ws->v,
                         ws->gate,
                         ws->up,
                         ws->y,
                         ws->angles,
                         ws->angles_local,
                         ws->router_logits,
                         ws->shared_logits };
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) mem_free(buffers[i]);
    batch_arrays_deinit(&ws->kept);
    free(ws->types);
    m->be->routing_destroy(ws->routing);
    latent_workspace_destroy(m, ws);
    m->be->act_destroy(ws->in);
    m->be->act_destroy(ws->heads);
    m->be->act_destroy(ws->ff);
    mem_unmap(ws->hidden, ws->hidden_bytes);
    mem_unmap(ws->logits, ws->logits_bytes);
    free(ws);
}

static bool alloc_rows(float **out, int32_t n_rows, int64_t n_cols)
{
    *out = mem_alloc((size_t)n_rows * (size_t)n_cols * sizeof(float));
    return *out != NULL;
}

static bool alloc_buffers(workspace *ws, const model *m)
{
    const hparams *h = &m->h;
    int32_t n = ws->max_tokens;
    int64_t q_dim = (int64_t)h->n_heads * h->head_dim, kv_dim = (int64_t)h->n_kv_heads * h->head_dim;
    if (!alloc_rows(&ws->x, n, h->n_embd) || !alloc_rows(&ws->q, n, q_dim)) return false;
    if (!alloc_rows(&ws->k, n, kv_dim) || (!h->kv_rank && !alloc_rows(&ws->v, n, kv_dim))) return false;
    bool gated = !(m->arch->features & ARCH_NO_GATE);
    bool apart = m->arch->features & ARCH_POST_NORMS || h->residual_scale != 1; /* products do not add to x directly */
    if ((gated && !alloc_rows(&ws->gate, n, m->max_ff)) || !alloc_rows(&ws->up, n, m->max_ff)) return false;
    if (m->max_expert_ff) {
        if (!alloc_rows(&ws->router_logits, n, h->router.n_experts) || !alloc_rows(&ws->shared_logits, n, 1))
            return false;
        apart = true;
    }
    if (apart && !alloc_rows(&ws->y, n, h->n_embd)) return false;
    if (h->n_rot && !alloc_rows(&ws->angles, n, h->n_rot)) return false;
    if (m->freqs_local && !alloc_rows(&ws->angles_local, n, h->n_rot)) return false;
    if (m->type_embd && !(ws->types = calloc((size_t)n, sizeof *ws->types))) return false;
    if (!batch_arrays_init(&ws->kept, n)) return false;
    /* Steps touch only the rows that they need. */
    ws->hidden_bytes = (size_t)n * (size_t)h->n_embd * sizeof(float);
    ws->logits_bytes = (size_t)ws->max_logit_rows * (size_t)m->n_vocab * sizeof(float);
    ws->hidden = mem_map(ws->hidden_bytes);
    ws->logits = mem_map(ws->logits_bytes);
    return ws->hidden && ws->logits;
}

static sumi_status create_routing(workspace *ws, const model *m, sumi_error *err)
{
    routing_limits limits = { .max_tokens = ws->max_tokens,
                              .n_experts = m->h.router.n_experts,
                              .n_used = m->h.router.n_used,
                              .n_embd = m->h.n_embd,
                              .max_ff = m->max_expert_ff,
                              .in_forms = m->form_experts,
                              .ff_forms = m->form_expert_down };
    return m->max_expert_ff ? m->be->routing_create(m->be, &ws->routing, &limits, err) : SUMI_OK;
}

/* Bytes of a row of an act. Two digits of int8 and their scales and sums: 3.1 for each column. */
static uint64_t act_row_bytes(int64_t n_cols, int32_t forms)
{
    return (uint64_t)n_cols * ((forms & ACT_F32 ? 4u : 0) + (forms & ACT_INT8 ? 3u : 0));
}

uint64_t workspace_estimate(const model *m, int32_t max_tokens, int32_t max_logit_rows)
{
    const hparams *h = &m->h;
    int64_t floats = 3 * (int64_t)h->n_embd + (int64_t)(h->n_heads + 2 * h->n_kv_heads) * h->head_dim +
                     2 * (int64_t)m->max_ff + 2 * (int64_t)h->n_rot + h->router.n_experts;
    uint64_t row = act_row_bytes(h->n_embd, m->form_qkv | m->form_ffn | m->form_output) +
                   act_row_bytes((int64_t)h->n_heads * h->v_head_dim, m->form_o | ACT_F32) +
                   act_row_bytes(m->max_ff, m->form_down);
    if (h->kv_rank) {
        floats += (int64_t)h->n_heads * (h->n_nope + h->n_rot + h->v_head_dim) + h->q_rank;
        row += act_row_bytes(h->q_rank, m->form_uq) + act_row_bytes((int64_t)h->n_heads * h->n_nope, m->form_uk) +
               act_row_bytes((int64_t)h->n_heads * h->kv_rank, m->form_uv | ACT_F32);
    }
    if (m->max_expert_ff)
        row += (uint64_t)h->router.n_used *
               (4 * (2 * (uint64_t)m->max_expert_ff + (uint64_t)h->n_embd) + act_row_bytes(h->n_embd, m->form_experts) +
                act_row_bytes(m->max_expert_ff, m->form_expert_down));
    return (uint64_t)max_tokens * (4 * (uint64_t)floats + row) + 4 * (uint64_t)max_logit_rows * (uint64_t)m->n_vocab;
}

sumi_status workspace_create(workspace **out, const model *m, int32_t n_threads, int32_t n_ctx, int32_t max_tokens,
                             int32_t max_logit_rows, sumi_error *err)
{
    const hparams *h = &m->h;
    *out = NULL;
    if (m->max_ctx && n_ctx > m->max_ctx)
        return sumi_fail(err, SUMI_EINVAL, "a context of %d tokens: the model has learned %d positions only", n_ctx,
                         m->max_ctx);
    sumi_status status = SUMI_ENOMEM;
    workspace *ws = calloc(1, sizeof *ws);
    if (!ws) return sumi_fail(err, status, "out of memory for a workspace");
    ws->max_tokens = max_tokens;
    ws->max_logit_rows = max_logit_rows;
    ws->freqs = model_uses_long_rope(m, n_ctx) ? m->freqs_long : m->freqs;
    if (!alloc_buffers(ws, m)) {
        sumi_fail(err, status, "out of memory for steps of %d tokens", max_tokens);
        goto fail;
    }
    int32_t in_forms = m->form_qkv | m->form_ffn | m->form_output;
    if ((status = m->be->act_create(m->be, &ws->in, max_tokens, h->n_embd, in_forms, err))) goto fail;
    /* Attention writes floats before it makes other forms of them. */
    status = m->be->act_create(m->be, &ws->heads, max_tokens, h->n_heads * h->v_head_dim, m->form_o | ACT_F32, err);
    if (status) goto fail;
    if ((status = m->be->act_create(m->be, &ws->ff, max_tokens, m->max_ff, m->form_down, err))) goto fail;
    if ((status = create_routing(ws, m, err))) goto fail;
    if (h->kv_rank && (status = latent_workspace_create(m, ws, err))) goto fail;
    if ((status = m->be->stream_create(m->be, &ws->s, n_threads, err))) goto fail;
    *out = ws;
    return SUMI_OK;
fail:
    workspace_destroy(m, ws);
    return status;
}
