/* weights.c - finds the weights of a family in a model source and hands them to the backend. Names are those of GGUF:
 * "blk.7.attn_q.weight". */
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "format/model_source_adapter.h"
#include "model/loader.h"

static float *ones(loader *l, int64_t n)
{
    float *v = mem_alloc((size_t)n * sizeof *v);
    if (!v) loader_fail(l, SUMI_ENOMEM, "out of memory");
    for (int64_t i = 0; v && i < n; i++) v[i] = 1;
    return v;
}

/* A norm with the tensors weight and bias below the names that in_layer() or at_top() give. */
static norm load_norm(loader *l, tensor_name w_name, tensor_name b_name, int64_t n)
{
    const arch *a = l->m->arch;
    norm w = { .kind = a->norm };
    w.w = a->features & ARCH_UNIT_NORMS ? ones(l, n) : loader_vector(l, w_name, true, all_rows(n));
    if (a->features & ARCH_NORM_BIAS) w.b = loader_vector(l, b_name, true, all_rows(n));
    return w;
}

static norm top_norm(loader *l, const char *name)
{
    return load_norm(l, at_top(name, "weight"), at_top(name, "bias"), l->m->h.n_embd);
}

static norm norm_in_layer(loader *l, int32_t i, const char *name)
{
    return load_norm(l, in_layer(i, name, "weight"), in_layer(i, name, "bias"), l->m->h.n_embd);
}

/* The norm of the queries' or keys' heads. It has no bias in any family. */
static norm head_norm(loader *l, int32_t i, const char *name, int32_t n_heads)
{
    const arch *a = l->m->arch;
    int32_t n = a->qk_norm == QK_NORM_HEAD ? l->m->h.head_dim : n_heads * l->m->h.head_dim;
    tensor_name full = in_layer(i, name, "weight");
    if (a->features & ARCH_QK_UNIT_NORM) {
        /* Llama 4 Maverick, the model with 128 experts, has no such norms; files do not say this. */
        bool has = l->m->h.has_rope[i] && l->m->h.router.n_experts != 128;
        return has ? (norm){ a->norm, ones(l, n), NULL } : (norm){ NORM_NONE, NULL, NULL };
    }
    bool may = a->features & ARCH_MAY_QK_NORM && loader_has(l, full);
    if (!may && !(a->features & ARCH_QK_NORM)) return (norm){ NORM_NONE, NULL, NULL };
    return (norm){ a->norm, loader_vector(l, full, true, all_rows(n)), NULL };
}

/* Norms before the sub-layers. Some files name the second norm by its place after attention. With parallel sub-layers
 * one norm may serve both; or attention has its own norm in addition. */
static void load_pre_norms(loader *l, int32_t i, layer *y)
{
    uint32_t features = l->m->arch->features;
    if (features & ARCH_NO_PRE_NORMS) return;
    bool two = loader_has(l, in_layer(i, "attn_norm_2", "weight"));
    bool named_after = !(features & ARCH_POST_NORMS) && !loader_has(l, in_layer(i, "ffn_norm", "weight")) &&
                       loader_has(l, in_layer(i, "post_attention_norm", "weight"));
    /* Encoders whose embeddings are normalised need no second norm directly after that. */
    bool may_lack = i == 0 && features & ARCH_ENCODER && features & ARCH_EMBED_NORM;
    if (!may_lack || loader_has(l, in_layer(i, "attn_norm", "weight"))) y->attn_norm = norm_in_layer(l, i, "attn_norm");
    if (named_after) {
        y->ffn_norm = norm_in_layer(l, i, "post_attention_norm");
    } else if (!l->m->h.parallel || loader_has(l, in_layer(i, "ffn_norm", "weight"))) {
        y->ffn_norm = norm_in_layer(l, i, "ffn_norm");
    } else {
        y->ffn_norm = y->attn_norm;
        if (two) y->attn_norm = norm_in_layer(l, i, "attn_norm_2");
    }
}

/* Norms after the sub-layers of layer i, with ARCH_POST_LN: see model.h. */
static void load_stream_norms(loader *l, int32_t i)
{
    model *m = l->m;
    m->layers[i].ffn_norm = norm_in_layer(l, i, "attn_output_norm");
    norm *behind = i + 1 < m->h.n_layers ? &m->layers[i + 1].attn_norm : &m->output_norm;
    *behind = norm_in_layer(l, i, "layer_output_norm");
}

/* q, k and v: three tensors, or one tensor with the rows of all three, one after the other. */
static void load_qkv(loader *l, int32_t i, layer *y)
{
    static const char *const names[] = { "attn_q", "attn_k", "attn_v" };
    const hparams *h = &l->m->h;
    bool fused = loader_has(l, in_layer(i, "attn_qkv", "weight"));
    bool bias = l->m->arch->features & (ARCH_QKV_BIAS | ARCH_BIASES);
    int64_t q_dim = (int64_t)h->n_heads * h->head_dim, kv_dim = (int64_t)h->n_kv_heads * h->head_dim;
    weight **w[] = { &y->w_q, &y->w_k, &y->w_v };
    float **b[] = { &y->b_q, &y->b_k, &y->b_v };
    tensor_rows rows = { .total = q_dim + 2 * kv_dim };
    for (int p = 0; p < 3; p++, rows.first += rows.n) {
        rows.n = p == 0 ? q_dim : kv_dim;
        tensor_rows part = fused ? rows : all_rows(rows.n);
        const char *name = fused ? "attn_qkv" : names[p];
        *w[p] = loader_matrix(l, in_layer(i, name, "weight"), part, h->n_embd);
        *b[p] = loader_vector(l, in_layer(i, name, "bias"), bias, part);
    }
}

/* gate and up: two tensors, or one tensor with the rows of gate and then the rows of up. is_shared: the tensors of the
 * shared expert, through which all tokens pass. */
static void load_feed_forward(loader *l, int32_t i, layer *y, bool is_shared)
{
    const hparams *h = &l->m->h;
    const char *up_name = is_shared ? "ffn_up_shexp" : "ffn_up";
    const char *gate_name = is_shared ? "ffn_gate_shexp" : "ffn_gate";
    const char *down_name = is_shared ? "ffn_down_shexp" : "ffn_down";
    bool gated = !(l->m->arch->features & ARCH_NO_GATE), bias = l->m->arch->features & ARCH_BIASES;
    bool fused = gated && !loader_has(l, in_layer(i, gate_name, "weight"));
    if (is_shared) y->n_ff = loader_n_rows(l, in_layer(i, up_name, "weight")) / (fused ? 2 : 1);
    else y->n_ff = h->n_ff;
    int64_t n = y->n_ff;
    tensor_rows gate = fused ? (tensor_rows){ 0, n, 2 * n } : all_rows(n);
    tensor_rows up = fused ? (tensor_rows){ n, n, 2 * n } : all_rows(n);
    if (fused) gate_name = up_name;
    if (gated) y->w_gate = loader_matrix(l, in_layer(i, gate_name, "weight"), gate, h->n_embd);
    if (gated) y->b_gate = loader_vector(l, in_layer(i, gate_name, "bias"), bias, gate);
    y->w_up = loader_matrix(l, in_layer(i, up_name, "weight"), up, h->n_embd);
    y->b_up = loader_vector(l, in_layer(i, up_name, "bias"), bias, up);
    y->w_down = loader_matrix(l, in_layer(i, down_name, "weight"), all_rows(h->n_embd), n);
    y->b_down = loader_vector(l, in_layer(i, down_name, "bias"), bias, all_rows(h->n_embd));
}

/* A feed-forward sub-layer that is dense, or a mixture of experts, with a shared expert if the layer has one. */
static void load_feed_forward_or_experts(loader *l, int32_t i, layer *y)
{
    model *m = l->m;
    bool routed = m->h.router.n_experts > 0 && loader_has(l, in_layer(i, "ffn_gate_inp", "weight"));
    if (routed) loader_mixture(l, i, &y->experts);
    if (!routed || loader_has(l, in_layer(i, "ffn_up_shexp", "weight"))) load_feed_forward(l, i, y, routed);
    if (l->status != SUMI_OK) return;
    const mixture *x = &y->experts;
    const weight *readers[] = { y->w_gate, y->w_up, x->w_router, x->w_shared };
    for (size_t k = 0; k < sizeof readers / sizeof *readers; k++)
        if (readers[k]) m->form_ffn |= m->be->weight_input(readers[k]);
    if (y->w_down) m->form_down |= m->be->weight_input(y->w_down);
    if (y->n_ff > m->max_ff) m->max_ff = y->n_ff;
    if (!routed) return;
    m->form_experts |= m->be->weight_input(x->w_up[0]) | (x->w_gate ? m->be->weight_input(x->w_gate[0]) : 0);
    m->form_expert_down |= m->be->weight_input(x->w_down[0]);
    m->form_ffn |= m->form_experts;
    if (x->n_ff > m->max_expert_ff) m->max_expert_ff = x->n_ff;
}

/* As with biases, files of any family may have sinks. Ollama's files lack ".weight" in this name. */
static float *load_sinks(loader *l, int32_t i)
{
    tensor_name name = in_layer(i, "attn_sinks", "weight"), bare = name;
    bare.s[strlen(bare.s) - strlen(".weight")] = '\0';
    if (loader_has(l, bare)) name = bare;
    float *sinks = loader_vector(l, name, false, all_rows(l->m->h.n_heads));
    for (int32_t h = 0; sinks && h < l->m->h.n_heads; h++)
        if (!isfinite(sinks[h])) loader_fail(l, SUMI_EFORMAT, "%s[%d] is not a finite number", name.s, h);
    return sinks;
}

static void load_layer(loader *l, int32_t i)
{
    model *m = l->m;
    const hparams *h = &m->h;
    layer *y = &m->layers[i];
    bool bias = m->arch->features & ARCH_BIASES, post = m->arch->features & ARCH_POST_NORMS;
    y->window = h->has_window[i] ? h->window : 0;
    if (m->arch->features & ARCH_POST_LN) load_stream_norms(l, i);
    else load_pre_norms(l, i, y);
    if (h->kv_rank) loader_latent(l, i, &y->latent);
    else load_qkv(l, i, y);
    y->q_norm = head_norm(l, i, "attn_q_norm", h->n_heads);
    y->k_norm = head_norm(l, i, "attn_k_norm", h->n_kv_heads);
    const char *out = loader_has(l, in_layer(i, "attn_out", "weight")) ? "attn_out"
                                                                       : "attn_output"; /* Ollama's gpt-oss */
    y->w_o = loader_matrix(l, in_layer(i, out, "weight"), all_rows(h->n_embd), (int64_t)h->n_heads * h->v_head_dim);
    y->b_o = loader_vector(l, in_layer(i, out, "bias"), bias, all_rows(h->n_embd));
    y->sinks = load_sinks(l, i);
    if (post) y->post_attn_norm = norm_in_layer(l, i, "post_attention_norm");
    load_feed_forward_or_experts(l, i, y);
    if (post) y->post_ffn_norm = norm_in_layer(l, i, "post_ffw_norm");
    if (l->status != SUMI_OK) return;
    const weight *readers[] = { y->w_q, y->w_k, y->w_v };
    for (int k = 0; k < 3; k++)
        if (readers[k]) m->form_qkv |= m->be->weight_input(readers[k]);
    m->form_o |= m->be->weight_input(y->w_o);
}

/* An embedding that is not the one of tokens, and its number of rows. */
static weight *load_other_embedding(loader *l, const char *name, int32_t *n_rows)
{
    tensor_name full = at_top(name, "weight");
    *n_rows = loader_n_rows(l, full);
    return loader_table(l, full, *n_rows, l->m->h.n_embd);
}

/* Whether the logits are products with the embeddings of tokens; encoders and models without a head have none. */
static bool has_tied_output(const loader *l)
{
    return !l->m->h.encoder && !l->m->h.headless && !loader_has(l, at_top("output", "weight"));
}

static void load_embeddings(loader *l)
{
    model *m = l->m;
    tensor_name tokens = at_top("token_embd", "weight");
    uint32_t features = m->arch->features;
    int32_t n_types;
    m->n_vocab = loader_n_rows(l, tokens);
    m->tok_embd = has_tied_output(l) ? loader_embedding(l, tokens, m->n_vocab, m->h.n_embd)
                                     : loader_table(l, tokens, m->n_vocab, m->h.n_embd);
    if (features & ARCH_LEARNED_POS) m->pos_embd = load_other_embedding(l, "position_embd", &m->max_ctx);
    if (features & ARCH_ENCODER && loader_has(l, at_top("token_types", "weight")))
        m->type_embd = load_other_embedding(l, "token_types", &n_types);
    if (features & ARCH_EMBED_NORM) m->embed_norm = top_norm(l, "token_embd_norm");
}

/* The tensors from the last layer to logits; encoders have only the norm. */
static void load_output(loader *l)
{
    model *m = l->m;
    bool bias = m->arch->features & ARCH_OUTPUT_BIAS;
    if (!(m->arch->features & ARCH_POST_LN)) m->output_norm = top_norm(l, "output_norm");
    if (m->h.encoder || m->h.headless) return;
    m->output = has_tied_output(l) ? m->tok_embd
                                   : loader_matrix(l, at_top("output", "weight"), all_rows(m->n_vocab), m->h.n_embd);
    m->output_bias = loader_vector(l, at_top("output", "bias"), bias, all_rows(m->n_vocab));
    if (l->status == SUMI_OK) m->form_output = m->be->weight_input(m->output);
}

static void load_all(loader *l)
{
    model *m = l->m;
    if (m->arch->features & ARCH_PARALLEL_NORM) m->h.parallel = !loader_has(l, in_layer(0, "ffn_norm", "weight"));
    load_embeddings(l);
    load_output(l);
    loader_rope(l);
    loader_alibi(l);
    for (int32_t i = 0; i < m->h.n_layers && l->status == SUMI_OK; i++) load_layer(l, i);
    if (m->h.parallel) m->form_qkv |= m->form_ffn; /* one norm may compute the input of all these products */
    loader_refuse_unknown_tensors(l);
}

static const arch *find_arch(const model_source *src, sumi_error *err)
{
    gguf_str name;
    char known[400];
    if (model_source_refuse_adapter(src, err) != SUMI_OK) return NULL;
    if (!model_source_get_str(src, "general.architecture", &name)) {
        sumi_fail(err, SUMI_EFORMAT, "%s: key 'general.architecture' is missing", model_source_name(src));
        return NULL;
    }
    const arch *a = arch_find(name);
    if (a) return a;
    arch_list_names(known, sizeof known);
    sumi_fail(err, SUMI_EUNSUPPORTED, "%s: architecture '%.*s' is not supported; known: %s", model_source_name(src),
              (int)(name.n < 64 ? name.n : 64), name.data, known);
    return NULL;
}

sumi_status model_check_arch(const model_source *src, sumi_error *err)
{
    sumi_error why = { SUMI_OK, "" };
    if (find_arch(src, &why)) return SUMI_OK;
    if (err) *err = why;
    return why.status;
}

sumi_status model_create(model **out, const model_source *src, const backend *be, const model_watcher *watcher,
                         sumi_error *err)
{
    sumi_error why = { SUMI_OK, "" };
    *out = NULL;
    loader l = { .src = src, .err = &why, .watcher = watcher };
    for (int64_t i = 0; i < model_source_n_tensors(src); i++) l.total += model_source_tensor_at(src, i)->n_bytes;
    const arch *a = find_arch(src, &why);
    if (!a) goto fail;
    if (!(l.m = calloc(1, sizeof *l.m))) goto fail;
    l.m->arch = a;
    l.m->be = be;
    if (!(l.used = calloc((size_t)model_source_n_tensors(src) + 1, sizeof *l.used))) goto fail;
    if ((l.status = hparams_read(&l.m->h, a, src, &why))) goto fail;
    if (!(l.m->layers = calloc((size_t)l.m->h.n_layers, sizeof *l.m->layers))) goto fail;
    for (int32_t i = 0; i < l.m->h.n_layers; i++) l.m->layers[i].kv_format = be->kv_format;
    load_all(&l);
    if (l.status != SUMI_OK) goto fail;
    free(l.used);
    mem_unmap(l.scratch, l.scratch_bytes);
    *out = l.m;
    return SUMI_OK;
fail:
    free(l.used);
    mem_unmap(l.scratch, l.scratch_bytes);
    model_destroy(l.m);
    if (why.status == SUMI_OK) sumi_fail(&why, SUMI_ENOMEM, "%s: out of memory", model_source_name(src));
    if (err) *err = why;
    return why.status;
}

kv_shape model_kv_shape(const model *m, int32_t i)
{
    const hparams *h = &m->h;
    return (kv_shape){ m->layers[i].kv_format, h->n_kv_heads, h->head_dim, h->v_dim, h->kv_rank > 0 };
}

void model_kv_layout(const model *m, kv_layout *l)
{
    kv_layer layers[KV_MAX_LAYERS];
    for (int32_t i = 0; i < m->h.n_layers; i++) {
        kv_shape shape = model_kv_shape(m, i);
        layers[i] = (kv_layer){ m->h.encoder ? 0 : m->layers[i].window, (int32_t)shape.format,
                                m->be->kv_block_bytes(m->be, &shape) };
    }
    if (m->h.encoder) kv_layout_init_shared(l, layers[0], m->h.n_layers);
    else kv_layout_init(l, layers, m->h.n_layers);
}

sumi_status model_kv_create(const model *m, kv_store **out, const kv_layout *l, int32_t n_blocks, sumi_error *err)
{
    kv_shape shapes[KV_MAX_LAYERS];
    for (int32_t i = 0; i < m->h.n_layers; i++) shapes[i] = model_kv_shape(m, i);
    return m->be->kv_create(m->be, out, l, shapes, n_blocks, err);
}

static void destroy_norm(norm *w)
{
    mem_free((void *)w->w);
    mem_free((void *)w->b);
}

static void destroy_layer(const backend *be, layer *y, int32_t n_heads)
{
    weight *weights[] = { y->w_q, y->w_k, y->w_v, y->w_o, y->w_gate, y->w_up, y->w_down };
    float *vectors[] = { y->b_q, y->b_k, y->b_v, y->b_o, y->b_gate, y->b_up, y->b_down, y->sinks };
    norm *norms[] = { &y->attn_norm, &y->q_norm, &y->k_norm, &y->post_attn_norm, &y->post_ffn_norm };
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) be->weight_destroy(weights[i]);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) mem_free(vectors[i]);
    latent_destroy(be, &y->latent, n_heads);
    mixture_destroy(be, &y->experts);
    if (y->ffn_norm.w != y->attn_norm.w) destroy_norm(&y->ffn_norm);
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) destroy_norm(norms[i]);
}

void model_destroy(model *m)
{
    if (!m) return;
    float *vectors[] = { m->output_bias, m->freqs, m->freqs_long, m->freqs_local, m->alibi };
    for (int32_t i = 0; m->layers && i < m->h.n_layers; i++) destroy_layer(m->be, &m->layers[i], m->h.n_heads);
    if (m->output != m->tok_embd) m->be->weight_destroy(m->output);
    m->be->weight_destroy(m->tok_embd);
    m->be->weight_destroy(m->pos_embd);
    m->be->weight_destroy(m->type_embd);
    destroy_norm(&m->embed_norm);
    destroy_norm(&m->output_norm);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) mem_free(vectors[i]);
    for (made_rows *made = m->made, *next; made; made = next) {
        next = made->next;
        mem_unmap(made->rows, made->n_bytes);
        free(made);
    }
    free(m->layers);
    free(m);
}
