/* latent.c - multi-head latent attention (MLA; DeepSeek-V2, 2024, section 2.1). Keys and values of all heads come from one
 * latent c of the token (kv_rank elements) and from a few rotated elements r that all heads share; only c and r are cached:
 *
 *   c, r = in W_DKV         c normalised, r rotated
 *   per head h:   q = [q_nope, q_rot] of in W_UQ (or of norm(in W_DQ) W_UQ)       key = [W_UK c, r]       value = W_UV c
 *
 * The absorbed form needs no keys and values of heads, as  q_nope . (W_UK c) = (W_UK^T q_nope) . c  and a sum of values
 * is W_UV times the sum of the latents. Attention reads n_heads queries [W_UK^T q_nope, q_rot] and one KV head,
 * whose keys are [c, r] and whose values are c, the beginning of the keys:
 *
 *   DeepSeek-V2: 128 heads, kv_rank 512, n_nope 128, n_rot 64        a token and layer: 576 elements instead of 40,960
 *
 * For many queries of one sequence the plain form would need fewer multiplications, 320 instead of 1088 for each query and
 * position. But its sums round differently, and a token's logits must not depend on the division of its prompt into chunks
 * (docs/determinism.md). So Sumi uses one form only.
 *
 * The file has W_UK (transposed as above) and W_UV as attn_k_b and attn_v_b, or both as rows of one attn_kv_b: for each head
 * n_nope and v_head_dim rows. In the second form, W_UK is transposed at loading, in float32. */
#include "model/latent.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "model/loader.h"

static norm load_norm(loader *l, int32_t i, const char *name, int32_t n)
{
    return (norm){ l->m->arch->norm, loader_vector(l, in_layer(i, name, "weight"), true, all_rows(n)), NULL };
}

/* W_UV of each head, of the rows of attn_kv_b. */
static weight **split_uv(loader *l, tensor_name name)
{
    const hparams *h = &l->m->h;
    int64_t n = h->n_nope + h->v_head_dim;
    weight **w = calloc((size_t)h->n_heads, sizeof *w);
    if (!w) loader_fail(l, SUMI_ENOMEM, "out of memory for '%s'", name.s);
    for (int32_t i = 0; w && i < h->n_heads; i++)
        w[i] = loader_matrix(l, name, (tensor_rows){ i * n + h->n_nope, h->v_head_dim, h->n_heads * n }, h->kv_rank);
    return w;
}

/* W_UK of each head, transposed from the rows of attn_kv_b into *transposed; NULL if w_uk does not need that copy. */
static weight **split_uk(loader *l, tensor_name name, float **transposed)
{
    const hparams *h = &l->m->h;
    const backend *be = l->m->be;
    int64_t n = h->n_nope + h->v_head_dim, rank = h->kv_rank, n_nope = h->n_nope;
    float *rows = loader_vector(l, name, true, all_rows(h->n_heads * n * rank));
    if (!rows) return NULL;
    float *out = *transposed = mem_alloc((size_t)(h->n_heads * rank * n_nope) * sizeof *out);
    weight **w = calloc((size_t)h->n_heads, sizeof *w);
    if (!w || !out) loader_fail(l, SUMI_ENOMEM, "out of memory for '%s'", name.s);
    for (int32_t i = 0; i < h->n_heads && l->status == SUMI_OK; i++, out += rank * n_nope) {
        const float *own = rows + i * n * rank;
        for (int64_t c = 0; c < rank; c++)
            for (int64_t k = 0; k < n_nope; k++) out[c * n_nope + k] = own[k * rank + c];
        l->status = be->weight_create(be, &w[i], DTYPE_F32, out, rank, n_nope, l->err);
        if (l->status == SUMI_OK) l->m->copied_bytes += be->weight_bytes(w[i]);
    }
    mem_free(rows);
    if (l->status == SUMI_OK && be->copies_weights(be, DTYPE_F32)) {
        mem_free(*transposed);
        *transposed = NULL;
    }
    return w;
}

static int32_t forms_of(const model *m, weight *const *w)
{
    int32_t forms = 0;
    for (int32_t i = 0; i < m->h.n_heads; i++) forms |= m->be->weight_input(w[i]);
    return forms;
}

void loader_latent(loader *l, int32_t i, latent *w)
{
    model *m = l->m;
    const hparams *h = &m->h;
    int64_t q_dim = (int64_t)h->n_heads * (h->n_nope + h->n_rot);
    tensor_name both = in_layer(i, "attn_kv_b", "weight");
    if (h->q_rank) {
        w->w_dq = loader_matrix(l, in_layer(i, "attn_q_a", "weight"), all_rows(h->q_rank), h->n_embd);
        w->q_norm = load_norm(l, i, "attn_q_a_norm", h->q_rank);
        w->w_uq = loader_matrix(l, in_layer(i, "attn_q_b", "weight"), all_rows(q_dim), h->q_rank);
    } else {
        w->w_uq = loader_matrix(l, in_layer(i, "attn_q", "weight"), all_rows(q_dim), h->n_embd);
    }
    w->w_dkv = loader_matrix(l, in_layer(i, "attn_kv_a_mqa", "weight"), all_rows(h->head_dim), h->n_embd);
    w->kv_norm = load_norm(l, i, "attn_kv_a_norm", h->kv_rank);
    if (loader_has(l, both)) {
        w->w_uk = split_uk(l, both, &w->transposed_uk);
        w->w_uv = split_uv(l, both);
    } else {
        w->w_uk = loader_matrices(l, in_layer(i, "attn_k_b", "weight"), h->n_heads, all_rows(h->kv_rank), h->n_nope);
        w->w_uv = loader_matrices(l, in_layer(i, "attn_v_b", "weight"), h->n_heads, all_rows(h->v_head_dim),
                                  h->kv_rank);
    }
    if (l->status != SUMI_OK) return;
    m->form_qkv |= m->be->weight_input(w->w_dq ? w->w_dq : w->w_uq) | m->be->weight_input(w->w_dkv);
    m->form_uq |= m->be->weight_input(w->w_uq);
    m->form_uk |= forms_of(m, w->w_uk);
    m->form_uv |= forms_of(m, w->w_uv);
}

void latent_destroy(const backend *be, latent *w, int32_t n_heads)
{
    weight *weights[] = { w->w_dq, w->w_uq, w->w_dkv };
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) be->weight_destroy(weights[i]);
    loader_destroy_matrices(be, w->w_uk, n_heads);
    loader_destroy_matrices(be, w->w_uv, n_heads);
    mem_free(w->transposed_uk);
    mem_free((void *)w->q_norm.w);
    mem_free((void *)w->kv_norm.w);
}

void latent_workspace_destroy(const model *m, workspace *ws)
{
    latent_workspace *r = &ws->latent;
    act *acts[] = { r->q_low_in, r->q_nope, r->sums };
    float *floats[] = { r->q_low, r->q, r->values };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) m->be->act_destroy(acts[i]);
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++) mem_free(floats[i]);
    free(r->outs);
}

sumi_status latent_workspace_create(const model *m, workspace *ws, sumi_error *err)
{
    const hparams *h = &m->h;
    const backend *be = m->be;
    latent_workspace *r = &ws->latent;
    int32_t n = ws->max_tokens;
    size_t row = (size_t)n * sizeof(float), heads = (size_t)h->n_heads;
    sumi_status status = SUMI_OK;
    r->outs = calloc(heads, sizeof *r->outs);
    r->q = mem_alloc(row * heads * (size_t)(h->n_nope + h->n_rot));
    r->values = mem_alloc(row * heads * (size_t)h->v_head_dim);
    if (h->q_rank) r->q_low = mem_alloc(row * (size_t)h->q_rank);
    if (!r->outs || !r->q || !r->values || (h->q_rank && !r->q_low))
        return sumi_fail(err, SUMI_ENOMEM, "out of memory for steps of %d tokens", n);
    if (h->q_rank) status = be->act_create(be, &r->q_low_in, n, h->q_rank, m->form_uq, err);
    if (status == SUMI_OK) status = be->act_create(be, &r->q_nope, n, h->n_heads * h->n_nope, m->form_uk, err);
    /* Attention writes floats before it makes other forms of them. */
    if (status == SUMI_OK) status = be->act_create(be, &r->sums, n, h->n_heads * h->kv_rank, m->form_uv | ACT_F32, err);
    return status;
}

/* q = the heads' queries, as the file's weights make them; k = [c, r]. */
static void project(const model *m, workspace *ws, const latent *w)
{
    const hparams *h = &m->h;
    latent_workspace *r = &ws->latent;
    linear_out down[2] = { { .w = w->w_dkv, .y = ws->k },
                           { .w = w->w_dq ? w->w_dq : w->w_uq, .y = w->w_dq ? r->q_low : r->q } };
    row_op norm_q = { .kind = ROW_NORM,
                      .norm = { .out = r->q_low_in,
                                .forms = m->form_uq,
                                .x = r->q_low,
                                .norm = w->q_norm,
                                .n_embd = h->q_rank,
                                .eps = h->norm_eps } };
    m->be->linear(ws->s, ws->in, down, 2, w->w_dq ? &norm_q : NULL);
    linear_out up = { .w = w->w_uq, .y = r->q };
    if (w->w_dq) m->be->linear(ws->s, r->q_low_in, &up, 1, NULL);
}

void latent_queries_and_keys(const model *m, workspace *ws, kv_store *kv, const batch *b, int32_t i)
{
    const hparams *h = &m->h;
    const latent *w = &m->layers[i].latent;
    latent_workspace *r = &ws->latent;
    project(m, ws, w);
    latent_args args = { .q = r->q,
                         .k = ws->k,
                         .n_heads = h->n_heads,
                         .n_nope = h->n_nope,
                         .k_norm = w->kv_norm,
                         .eps = h->norm_eps,
                         .rope = { m->arch->pairing, h->n_rot, ws->angles },
                         .q_nope = r->q_nope,
                         .forms = m->form_uk,
                         .q_rot = ws->q };
    m->be->latent_store(ws->s, kv, i, b, &args);
    for (int32_t head = 0; head < h->n_heads; head++)
        r->outs[head] = (linear_out){ .w = w->w_uk[head],
                                      .y = ws->q + (size_t)head * (size_t)h->head_dim,
                                      .x_col = head * h->n_nope,
                                      .y_stride = h->n_heads * h->head_dim };
    m->be->linear(ws->s, r->q_nope, r->outs, h->n_heads, NULL);
}

void latent_attention(const model *m, workspace *ws, const kv_store *kv, const batch *b, int32_t i,
                      const attention_args *args)
{
    const hparams *h = &m->h;
    const latent *w = &m->layers[i].latent;
    latent_workspace *r = &ws->latent;
    int32_t o_dim = h->n_heads * h->v_head_dim;
    m->be->attention(ws->s, r->sums, m->form_uv, kv, i, b, args);
    for (int32_t head = 0; head < h->n_heads; head++)
        r->outs[head] = (linear_out){ .w = w->w_uv[head],
                                      .y = r->values + (size_t)head * (size_t)h->v_head_dim,
                                      .x_col = head * h->kv_rank,
                                      .y_stride = o_dim };
    row_op keep = { .kind = ROW_NORM,
                    .norm = { .out = ws->heads, .forms = m->form_o, .x = r->values, .n_embd = o_dim } };
    m->be->linear(ws->s, r->sums, r->outs, h->n_heads, &keep);
}
