/* cost.c - see cost.h. */
#include "bench/cost.h"

static void add_matrix(matrix_cost *c, const backend *be, const weight *w, int64_t n_rows, int64_t n_cols)
{
    uint64_t n = (uint64_t)n_rows * (uint64_t)n_cols;
    if (!w) return;
    c->bytes += be->weight_bytes(w);
    if (be->weight_input(w) == ACT_INT8) c->n_int8 += n;
    else c->n_f32 += n;
}

static void add_experts(model_cost *c, const model *m, const mixture *x)
{
    for (int32_t i = 0; i < x->router.n_used; i++) {
        if (x->w_gate) add_matrix(&c->experts, m->be, x->w_gate[i], x->n_ff, m->h.n_embd);
        add_matrix(&c->experts, m->be, x->w_up[i], x->n_ff, m->h.n_embd);
        add_matrix(&c->experts, m->be, x->w_down[i], m->h.n_embd, x->n_ff);
    }
    add_matrix(&c->layers, m->be, x->w_router, x->router.n_experts, m->h.n_embd);
    add_matrix(&c->layers, m->be, x->w_shared, 1, m->h.n_embd);
}

static void add_latent(model_cost *c, const model *m, const latent *w)
{
    const hparams *h = &m->h;
    int64_t q_dim = (int64_t)h->n_heads * (h->n_nope + h->n_rot);
    add_matrix(&c->layers, m->be, w->w_dq, h->q_rank, h->n_embd);
    add_matrix(&c->layers, m->be, w->w_uq, q_dim, w->w_dq ? h->q_rank : h->n_embd);
    add_matrix(&c->layers, m->be, w->w_dkv, h->head_dim, h->n_embd);
    for (int32_t i = 0; i < h->n_heads; i++) {
        add_matrix(&c->layers, m->be, w->w_uk[i], h->kv_rank, h->n_nope);
        add_matrix(&c->layers, m->be, w->w_uv[i], h->v_head_dim, h->kv_rank);
    }
}

model_cost model_cost_of(const model *m)
{
    const hparams *h = &m->h;
    const backend *be = m->be;
    int64_t q_dim = (int64_t)h->n_heads * h->head_dim, kv_dim = (int64_t)h->n_kv_heads * h->head_dim;
    model_cost c = { 0 };
    for (int32_t i = 0; i < h->n_layers; i++) {
        const layer *l = &m->layers[i];
        add_matrix(&c.layers, be, l->w_q, q_dim, h->n_embd);
        add_matrix(&c.layers, be, l->w_k, kv_dim, h->n_embd);
        add_matrix(&c.layers, be, l->w_v, kv_dim, h->n_embd);
        if (h->kv_rank) add_latent(&c, m, &l->latent);
        add_matrix(&c.layers, be, l->w_o, h->n_embd, (int64_t)h->n_heads * h->v_head_dim);
        add_matrix(&c.layers, be, l->w_gate, l->n_ff, h->n_embd);
        add_matrix(&c.layers, be, l->w_up, l->n_ff, h->n_embd);
        add_matrix(&c.layers, be, l->w_down, h->n_embd, l->n_ff);
        if (l->experts.w_router) add_experts(&c, m, &l->experts);
    }
    if (m->output) add_matrix(&c.output, be, m->output, m->n_vocab, h->n_embd);
    return c;
}

uint64_t model_kv_bytes(const model *m, int64_t n_seen)
{
    uint64_t n_bytes = 0;
    for (int32_t i = 0; i < m->h.n_layers; i++) {
        kv_shape shape = model_kv_shape(m, i);
        int32_t window = m->layers[i].window;
        bool chunks = m->arch->features & ARCH_CHUNKS;
        int64_t in_window = chunks && window ? (n_seen - 1) % window + 1 : window;
        uint64_t n_tokens = (uint64_t)(window && in_window < n_seen ? in_window : n_seen);
        n_bytes += n_tokens * m->be->kv_block_bytes(m->be, &shape) / KV_BLOCK;
    }
    return n_bytes;
}
