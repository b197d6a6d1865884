/* forward.c - the forward pass, for every family, over a ragged batch. This page is the model:
 *
 *   x = embed(ids)
 *   for each layer:
 *     in   = rmsnorm(x)                          (quantised once, read by three products)
 *     q, k, v = in W_q, in W_k, in W_v
 *     norm and rotate q, k; scatter k, v to the cache
 *     x   += attention(q, cache) W_o             (normalised first, where the family has post-norms)
 *     in   = rmsnorm(x)
 *     x   += (f(in W_gate) * in W_up) W_down     (the same)
 *   logits = rmsnorm(x[wanted rows]) W_output
 *
 * Every line is one backend operation on all tokens of the step. */
#include "model/model.h"

#include <assert.h>

/* x += x_in W, through a norm of its own if the family has one. */
static void add_to_residual(const model *m, workspace *ws, const act *in, const weight *w, const float *bias,
                            const float *post_norm, int32_t n_tokens)
{
    linear_out out = { .w = w, .bias = bias, .y = post_norm ? ws->y : ws->x, .add = !post_norm };
    m->be->linear(ws->s, in, &out, 1);
    if (post_norm) m->be->add_rmsnorm(ws->s, ws->x, ws->y, n_tokens, post_norm, m->h.n_embd, m->h.rms_eps);
}

static void attention_block(const model *m, workspace *ws, kv_store *kv, const batch *b, int32_t i)
{
    const layer *l = &m->layers[i];
    const hparams *h = &m->h;
    bool local = l->window > 0 && m->freqs_local;
    m->be->rmsnorm(ws->s, ws->in, m->form_qkv, ws->x, NULL, b->n_tokens, l->attn_norm, h->n_embd, h->rms_eps);
    linear_out qkv[3] = { { .w = l->w_q, .bias = l->b_q, .y = ws->q },
                          { .w = l->w_k, .bias = l->b_k, .y = ws->k },
                          { .w = l->w_v, .bias = l->b_v, .y = ws->v } };
    m->be->linear(ws->s, ws->in, qkv, 3);
    qkv_args args = { .q = ws->q, .k = ws->k, .v = ws->v, .n_heads = h->n_heads, .q_norm = l->q_norm,
                      .k_norm = l->k_norm, .eps = h->rms_eps,
                      .rope = { m->arch->pairing, h->n_rot, local ? ws->angles_local : ws->angles } };
    m->be->qkv_store(ws->s, kv, i, b, &args);
    attention_args attn = { .q = ws->q, .n_heads = h->n_heads, .scale = h->attention_scale, .window = l->window,
                            .softcap = h->attention_softcap };
    m->be->attention(ws->s, ws->heads, m->form_o, kv, i, b, &attn);
    add_to_residual(m, ws, ws->heads, l->w_o, l->b_o, l->post_attn_norm, b->n_tokens);
}

static void feed_forward_block(const model *m, workspace *ws, const batch *b, int32_t i)
{
    const layer *l = &m->layers[i];
    const hparams *h = &m->h;
    m->be->rmsnorm(ws->s, ws->in, m->form_ffn, ws->x, NULL, b->n_tokens, l->ffn_norm, h->n_embd, h->rms_eps);
    linear_out gate_up[2] = { { .w = l->w_gate, .y = ws->gate }, { .w = l->w_up, .y = ws->up } };
    m->be->linear(ws->s, ws->in, gate_up, 2);
    m->be->glu(ws->s, ws->ff, m->form_down, ws->gate, ws->up, b->n_tokens, h->n_ff, m->arch->glu);
    add_to_residual(m, ws, ws->ff, l->w_down, NULL, l->post_ffn_norm, b->n_tokens);
}

void model_forward(const model *m, workspace *ws, kv_store *kv, const batch *b)
{
    const hparams *h = &m->h;
    assert(b->n_tokens <= ws->max_tokens && b->n_logit_rows <= ws->max_logit_rows);
    m->be->rope_angles(ws->s, ws->angles, b->pos, b->n_tokens, m->freqs, h->n_rot);
    if (m->freqs_local) m->be->rope_angles(ws->s, ws->angles_local, b->pos, b->n_tokens, m->freqs_local, h->n_rot);
    m->be->embed(ws->s, ws->x, m->tok_embd, b->ids, b->n_tokens, h->embed_scale);
    for (int32_t i = 0; i < h->n_layers; i++) {
        attention_block(m, ws, kv, b, i);
        feed_forward_block(m, ws, b, i);
    }
    if (b->n_logit_rows == 0) return;
    m->be->rmsnorm(ws->s, ws->in, m->form_output, ws->x, b->logit_rows, b->n_logit_rows, m->output_norm, h->n_embd,
                   h->rms_eps);
    linear_out logits = { .w = m->output, .y = ws->logits };
    m->be->linear(ws->s, ws->in, &logits, 1);
}
