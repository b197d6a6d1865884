/* forward.c - the forward pass, for every family, over a ragged batch. This comment is the model:
 *
 *   x = embed(ids)                               (scaled, with learned positions added, normalised in some families)
 *   for each layer:
 *     in   = norm(x)                             (quantised once, read by three products)
 *     q, k, v = in W_q, in W_k, in W_v
 *     norm and rotate q, k; scatter k, v to the cache       (latent.c: only latents are cached)
 *     x   += attention(q, cache) W_o             (normalised or scaled first in some families)
 *     in   = norm(x)
 *     x   += (f(in W_gate) * in W_up) W_down     (the same; f(in W_up) W_down in families without a gate; in a mixture of
 *                                                experts the sum over the experts that a router chooses for the token)
 *   hidden = norm(x)
 *   logits = hidden W_output                     (scaled and capped in some families)
 *
 * With parallel sub-layers the second norm reads x before attention is added; the first norm may serve both. In encoders
 * like BERT the norms change the residual stream itself, x = norm(x), and `in` is x.
 *
 * Every line is one backend operation on all tokens of the step; norms and f follow the product before them row by row.
 * A token without wanted logits or hidden state affects other tokens only by its keys and values: the last layer drops
 * the token after these are stored. */
#include "model/model.h"

#include <assert.h>

/* The norm that computes the input of a sub-layer from the residual stream. */
static row_op norm_of(const model *m, workspace *ws, norm w, int32_t forms)
{
    return (row_op){ .kind = ROW_NORM,
                     .norm = { .out = ws->in,
                               .forms = forms,
                               .y = m->arch->features & ARCH_POST_LN ? ws->x : NULL,
                               .x = ws->x,
                               .norm = w,
                               .n_embd = m->h.n_embd,
                               .eps = m->h.norm_eps } };
}

/* x += ws->y, normalised or scaled first in some families; then the norm for the next sub-layer. next NULL: there is
 * none. */
static row_op joining(const model *m, workspace *ws, norm post_norm, const row_op *next)
{
    row_op then = { .kind = ROW_NORM, .norm = { .y = ws->x, .x = ws->x, .n_embd = m->h.n_embd } };
    if (next) then = *next;
    then.norm.add = ws->y;
    then.norm.add_norm = post_norm;
    then.norm.add_scale = m->h.residual_scale;
    return then;
}

/* x += in W, as in joining(), or at once. */
static void add_to_residual(const model *m, workspace *ws, const act *in, const weight *w, const float *bias,
                            norm post_norm, const row_op *next)
{
    bool at_once = post_norm.kind == NORM_NONE && m->h.residual_scale == 1;
    linear_out out = { .w = w, .bias = bias, .y = at_once ? ws->x : ws->y, .add = at_once };
    row_op then = joining(m, ws, post_norm, next);
    m->be->linear(ws->s, in, &out, 1, at_once ? next : &then);
}

static void store_keys_and_values(const model *m, workspace *ws, kv_store *kv, const batch *b, int32_t i)
{
    const layer *l = &m->layers[i];
    const hparams *h = &m->h;
    if (h->kv_rank) {
        latent_queries_and_keys(m, ws, kv, b, i);
        return;
    }
    const float *angles = l->window > 0 && m->freqs_local ? ws->angles_local : ws->angles;
    linear_out qkv[3] = { { .w = l->w_q, .bias = l->b_q, .y = ws->q },
                          { .w = l->w_k, .bias = l->b_k, .y = ws->k },
                          { .w = l->w_v, .bias = l->b_v, .y = ws->v } };
    m->be->linear(ws->s, ws->in, qkv, 3, NULL);
    qkv_args args = { .q = ws->q,
                      .k = ws->k,
                      .v = ws->v,
                      .clamp = h->qkv_clamp,
                      .n_heads = h->n_heads,
                      .q_norm = l->q_norm,
                      .k_norm = l->k_norm,
                      .norm_kind = m->arch->qk_norm,
                      .norm_last = m->arch->features & ARCH_QK_NORM_LAST,
                      .growth = h->has_rope[i] ? 0 : h->query_growth,
                      .growth_length = h->query_growth_length,
                      .eps = h->norm_eps,
                      .rope = { m->arch->pairing, h->has_rope[i] ? h->n_rot : 0, angles } };
    m->be->qkv_store(ws->s, kv, i, b, &args);
}

/* Keeps only tokens whose logits or hidden state is wanted: moves their rows of x and q together. Returns their batch. */
static batch only_kept(const model *m, workspace *ws, const batch *b)
{
    const hparams *h = &m->h;
    if (b->n_kept_rows == b->n_tokens) return *b;
    m->be->gather(ws->s, ws->x, b->kept_rows, b->n_kept_rows, h->n_embd);
    m->be->gather(ws->s, ws->q, b->kept_rows, b->n_kept_rows, h->n_heads * h->head_dim);
    return batch_kept_rows(b, &ws->kept);
}

static void attention_sublayer(const model *m, workspace *ws, const kv_store *kv, const batch *b, int32_t i,
                               const row_op *next)
{
    const layer *l = &m->layers[i];
    const hparams *h = &m->h;
    attention_args args = { .q = ws->q,
                            .n_heads = h->n_heads,
                            .scale = h->attention_scale,
                            .window = l->window,
                            .chunks = m->arch->features & ARCH_CHUNKS,
                            .softcap = h->attention_softcap,
                            .alibi = m->alibi,
                            .sinks = l->sinks,
                            .both_ways = h->encoder };
    if (h->kv_rank) latent_attention(m, ws, kv, b, i, &args);
    else m->be->attention(ws->s, ws->heads, m->form_o, kv, i, b, &args);
    add_to_residual(m, ws, ws->heads, l->w_o, l->b_o, l->post_attn_norm, next);
}

/* ff = f(in W_gate) * in W_up, the input of W_down. */
static void gate_and_up(const model *m, workspace *ws, const layer *l)
{
    linear_out up_gate[2] = { { .w = l->w_up, .bias = l->b_up, .y = ws->up },
                              { .w = l->w_gate, .bias = l->b_gate, .y = ws->gate } };
    row_op glu = { .kind = ROW_GLU,
                   .glu = { .out = ws->ff,
                            .forms = m->form_down,
                            .gate = l->w_gate ? ws->gate : ws->up,
                            .up = l->w_gate ? ws->up : NULL,
                            .n_ff = l->n_ff,
                            .kind = m->h.glu } };
    m->be->linear(ws->s, ws->in, up_gate, l->w_gate ? 2 : 1, &glu);
}

/* A mixture of experts: y = shared expert, in some models times a gate, + the weighted sum of the chosen experts. */
static void experts_sublayer(const model *m, workspace *ws, const layer *l, const row_op *next)
{
    const mixture *x = &l->experts;
    linear_out logits[2] = { { .w = x->w_router, .bias = x->b_router, .y = ws->router_logits },
                             { .w = x->w_shared, .y = ws->shared_logits } };
    row_op route = { .kind = ROW_ROUTE, .route = { ws->routing, &x->router, ws->router_logits } };
    m->be->linear(ws->s, ws->in, logits, x->w_shared ? 2 : 1, &route);
    if (l->w_up) {
        linear_out shared = { .w = l->w_down, .bias = l->b_down, .y = ws->y };
        gate_and_up(m, ws, l);
        m->be->linear(ws->s, ws->ff, &shared, 1, NULL);
    }
    experts_args args = { .gate = x->w_gate,
                          .up = x->w_up,
                          .down = x->w_down,
                          .b_gate = x->b_gate,
                          .b_up = x->b_up,
                          .b_down = x->b_down,
                          .n_embd = m->h.n_embd,
                          .n_ff = x->n_ff,
                          .ff_forms = m->form_expert_down,
                          .kind = m->h.glu,
                          .weigh_input = m->arch->features & ARCH_WEIGH_INPUT,
                          .y = ws->y,
                          .add = l->w_up != NULL,
                          .y_gate = x->w_shared ? ws->shared_logits : NULL };
    row_op then = joining(m, ws, l->post_ffn_norm, next);
    m->be->experts(ws->s, ws->routing, ws->in, &args, &then);
}

static void feed_forward_sublayer(const model *m, workspace *ws, int32_t i, const row_op *next)
{
    const layer *l = &m->layers[i];
    if (l->experts.w_router) {
        experts_sublayer(m, ws, l, next);
        return;
    }
    gate_and_up(m, ws, l);
    add_to_residual(m, ws, ws->ff, l->w_down, l->b_down, l->post_ffn_norm, next);
}

/* Both sub-layers of layer i, after its keys and values are stored. n_tokens: of the step; b may have fewer tokens.
 * next: the norm after the layer. */
static void both_sublayers(const model *m, workspace *ws, const kv_store *kv, const batch *b, int32_t n_tokens,
                           int32_t i, const row_op *next)
{
    const layer *l = &m->layers[i];
    row_op ffn_norm = norm_of(m, ws, l->ffn_norm, m->form_ffn);
    if (!m->h.parallel) {
        attention_sublayer(m, ws, kv, b, i, &ffn_norm);
    } else {
        bool there = l->ffn_norm.w == l->attn_norm.w && b->n_tokens == n_tokens; /* computed before q, k and v */
        if (!there) m->be->rows(ws->s, &ffn_norm, b->n_tokens);
        attention_sublayer(m, ws, kv, b, i, NULL);
    }
    feed_forward_sublayer(m, ws, i, next);
}

/* The final norm: for the output matrix, or, if hidden states are wanted, as plain rows. */
static row_op final_norm(const model *m, workspace *ws, const batch *b)
{
    row_op final = norm_of(m, ws, m->output_norm, m->form_output);
    if (b->n_logit_rows == b->n_kept_rows) return final;
    final.norm.out = NULL;
    final.norm.y = ws->hidden;
    return final;
}

/* Logits of the rows that need them. If hidden states are wanted, too, the rows with logits are gathered and normalised
 * again. */
static void logits_of(const model *m, workspace *ws, const batch *b)
{
    if (b->n_logit_rows == 0) return;
    if (b->n_logit_rows < b->n_kept_rows) {
        row_op final = norm_of(m, ws, m->output_norm, m->form_output);
        m->be->gather(ws->s, ws->x, b->logit_rows, b->n_logit_rows, m->h.n_embd);
        m->be->rows(ws->s, &final, b->n_logit_rows);
    }
    linear_out logits = { .w = m->output, .bias = m->output_bias, .y = ws->logits };
    row_op scale = { .kind = ROW_SCALE,
                     .scale = {
                         .x = ws->logits, .n = m->n_vocab, .scale = m->h.logit_scale, .softcap = m->h.logit_softcap } };
    bool scaled = m->h.logit_scale != 1 || m->h.logit_softcap > 0;
    m->be->linear(ws->s, ws->in, &logits, 1, scaled ? &scale : NULL);
}

/* x = embed(ids), and the angles by which this step rotates. */
static void embed(const model *m, workspace *ws, const batch *b)
{
    const hparams *h = &m->h;
    int32_t n = b->n_tokens;
    if (h->n_rot) m->be->rope_angles(ws->s, ws->angles, b->pos, n, ws->freqs, h->n_rot, m->rope_size);
    if (m->freqs_local) m->be->rope_angles(ws->s, ws->angles_local, b->pos, n, m->freqs_local, h->n_rot, 1);
    m->be->embed(ws->s, ws->x, m->tok_embd, b->ids, n, h->embed_scale, false);
    if (m->type_embd) m->be->embed(ws->s, ws->x, m->type_embd, ws->types, n, 1, true);
    if (m->pos_embd) m->be->embed(ws->s, ws->x, m->pos_embd, b->pos, n, 1, true);
    if (m->embed_norm.kind == NORM_NONE) return;
    row_op embed_norm = {
        .kind = ROW_NORM,
        .norm = { .y = ws->x, .x = ws->x, .norm = m->embed_norm, .n_embd = h->n_embd, .eps = h->norm_eps }
    };
    m->be->rows(ws->s, &embed_norm, n);
}

void model_forward(const model *m, workspace *ws, kv_store *kv, const batch *b)
{
    const hparams *h = &m->h;
    batch now = *b;
    assert(b->n_tokens <= ws->max_tokens && b->n_logit_rows <= ws->max_logit_rows);
    embed(m, ws, b);
    row_op next = norm_of(m, ws, m->layers[0].attn_norm, m->form_qkv);
    m->be->rows(ws->s, &next, b->n_tokens);
    for (int32_t i = 0; i < h->n_layers; i++) {
        store_keys_and_values(m, ws, kv, &now, i);
        bool last = i == h->n_layers - 1;
        if (last && b->n_kept_rows == 0) return;
        if (last) now = only_kept(m, ws, b);
        next = last ? final_norm(m, ws, b) : norm_of(m, ws, m->layers[i + 1].attn_norm, m->form_qkv);
        both_sublayers(m, ws, kv, &now, b->n_tokens, i, &next);
    }
    logits_of(m, ws, b);
}
