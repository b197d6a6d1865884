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
 *   hidden = rmsnorm(x)
 *   logits = hidden W_output
 *
 * Every line is one backend operation on all tokens of the step; norms and f follow the product before them row by row.
 * Tokens whose logits or hidden state nobody wants matter to others only by their keys and values: the last layer leaves
 * them after that. */
#include "model/model.h"

#include <assert.h>

/* The norm that makes the input of a block from the residual stream. */
static row_op norm_of(const model *m, workspace *ws, const float *w, int32_t forms)
{
    return (row_op){ .kind = ROW_NORM, .norm = { .out = ws->in, .forms = forms, .x = ws->x, .w = w,
                                                 .n_embd = m->h.n_embd, .eps = m->h.rms_eps } };
}

/* x += x_in W, through a norm of its own if the family has one; then the norm for what comes next. */
static void add_to_residual(const model *m, workspace *ws, const act *in, const weight *w, const float *bias,
                            const float *post_norm, row_op next)
{
    linear_out out = { .w = w, .bias = bias, .y = post_norm ? ws->y : ws->x, .add = !post_norm };
    if (post_norm) {
        next.norm.add = ws->y;
        next.norm.add_w = post_norm;
    }
    m->be->linear(ws->s, in, &out, 1, &next);
}

static void store_keys_and_values(const model *m, workspace *ws, kv_store *kv, const batch *b, int32_t i)
{
    const layer *l = &m->layers[i];
    const hparams *h = &m->h;
    bool local = l->window > 0 && m->freqs_local;
    linear_out qkv[3] = { { .w = l->w_q, .bias = l->b_q, .y = ws->q },
                          { .w = l->w_k, .bias = l->b_k, .y = ws->k },
                          { .w = l->w_v, .bias = l->b_v, .y = ws->v } };
    m->be->linear(ws->s, ws->in, qkv, 3, NULL);
    qkv_args args = { .q = ws->q, .k = ws->k, .v = ws->v, .n_heads = h->n_heads, .q_norm = l->q_norm,
                      .k_norm = l->k_norm, .eps = h->rms_eps,
                      .rope = { m->arch->pairing, h->n_rot, local ? ws->angles_local : ws->angles } };
    m->be->qkv_store(ws->s, kv, i, b, &args);
}

/* Leaves only the tokens of which something is wanted: moves their rows of x and q together. The batch that they make. */
static batch only_kept(const model *m, workspace *ws, const batch *b)
{
    const hparams *h = &m->h;
    if (b->n_kept_rows == b->n_tokens) return *b;
    m->be->gather(ws->s, ws->x, b->kept_rows, b->n_kept_rows, h->n_embd);
    m->be->gather(ws->s, ws->q, b->kept_rows, b->n_kept_rows, h->n_heads * h->head_dim);
    for (int32_t i = 0; i < b->n_kept_rows; i++) {
        ws->kept_pos[i] = b->pos[b->kept_rows[i]];
        ws->kept_tables[i] = b->tables[b->kept_rows[i]];
    }
    return (batch){ .n_tokens = b->n_kept_rows, .pos = ws->kept_pos, .tables = ws->kept_tables,
                    .table_stride = b->table_stride };
}

static void attention_block(const model *m, workspace *ws, const kv_store *kv, const batch *b, int32_t i)
{
    const layer *l = &m->layers[i];
    const hparams *h = &m->h;
    attention_args args = { .q = ws->q, .n_heads = h->n_heads, .scale = h->attention_scale, .window = l->window,
                            .softcap = h->attention_softcap };
    m->be->attention(ws->s, ws->heads, m->form_o, kv, i, b, &args);
    add_to_residual(m, ws, ws->heads, l->w_o, l->b_o, l->post_attn_norm, norm_of(m, ws, l->ffn_norm, m->form_ffn));
}

/* next: the norm behind the layer. */
static void feed_forward_block(const model *m, workspace *ws, int32_t i, row_op next)
{
    const layer *l = &m->layers[i];
    linear_out gate_up[2] = { { .w = l->w_gate, .y = ws->gate }, { .w = l->w_up, .y = ws->up } };
    row_op glu = { .kind = ROW_GLU, .glu = { .out = ws->ff, .forms = m->form_down, .gate = ws->gate, .up = ws->up,
                                             .n_ff = m->h.n_ff, .kind = m->arch->glu } };
    m->be->linear(ws->s, ws->in, gate_up, 2, &glu);
    add_to_residual(m, ws, ws->ff, l->w_down, NULL, l->post_ffn_norm, next);
}

/* The final norm: for the output matrix, or, where hidden states are wanted, as plain rows. */
static row_op final_norm(const model *m, workspace *ws, const batch *b)
{
    row_op norm = norm_of(m, ws, m->output_norm, m->form_output);
    if (b->n_logit_rows == b->n_kept_rows) return norm;
    norm.norm.out = NULL;
    norm.norm.y = ws->hidden;
    return norm;
}

/* Logits of the rows that want them. Beside hidden states these have to be moved together and normed once more. */
static void logits_of(const model *m, workspace *ws, const batch *b)
{
    if (b->n_logit_rows == 0) return;
    if (b->n_logit_rows < b->n_kept_rows) {
        row_op norm = norm_of(m, ws, m->output_norm, m->form_output);
        m->be->gather(ws->s, ws->x, b->logit_rows, b->n_logit_rows, m->h.n_embd);
        m->be->rows(ws->s, &norm, b->n_logit_rows);
    }
    linear_out logits = { .w = m->output, .y = ws->logits };
    m->be->linear(ws->s, ws->in, &logits, 1, NULL);
}

void model_forward(const model *m, workspace *ws, kv_store *kv, const batch *b)
{
    const hparams *h = &m->h;
    batch now = *b;
    assert(b->n_tokens <= ws->max_tokens && b->n_logit_rows <= ws->max_logit_rows);
    m->be->rope_angles(ws->s, ws->angles, b->pos, b->n_tokens, m->freqs, h->n_rot);
    if (m->freqs_local) m->be->rope_angles(ws->s, ws->angles_local, b->pos, b->n_tokens, m->freqs_local, h->n_rot);
    m->be->embed(ws->s, ws->x, m->tok_embd, b->ids, b->n_tokens, h->embed_scale);
    row_op norm = norm_of(m, ws, m->layers[0].attn_norm, m->form_qkv);
    m->be->rows(ws->s, &norm, b->n_tokens);
    for (int32_t i = 0; i < h->n_layers; i++) {
        store_keys_and_values(m, ws, kv, &now, i);
        bool last = i == h->n_layers - 1;
        if (last && b->n_kept_rows == 0) return;
        if (last) now = only_kept(m, ws, b);
        attention_block(m, ws, kv, &now, i);
        feed_forward_block(m, ws, i, last ? final_norm(m, ws, b)
                                          : norm_of(m, ws, m->layers[i + 1].attn_norm, m->form_qkv));
    }
    logits_of(m, ws, b);
}
