/* model.c - finds the weights of a family in a file, checks their shapes, hands them to the backend.
 *
 * Names are those of GGUF: "blk.7.attn_q.weight". Every tensor of the file must be one that the forward pass uses:
 * a tensor that would be ignored means a feature that is not computed, and answers that are silently wrong. */
#include "model/model.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "quant/quant.h"

typedef struct loader {
    const gguf *g;
    model *m;
    bool *used;  /* [n_tensors] */
    sumi_error *err;
    sumi_status status; /* the first failure sticks; later calls do nothing */
} loader;

static const gguf_tensor *find(loader *l, const char *name, bool required)
{
    const gguf_tensor *t = gguf_find_tensor(l->g, name);
    if (t) l->used[t - gguf_tensor_at(l->g, 0)] = true;
    else if (required) l->status = sumi_fail(l->err, SUMI_EFORMAT, "%s: tensor '%s' is missing", gguf_name(l->g), name);
    return t;
}

static bool has_shape(loader *l, const gguf_tensor *t, const char *name, int64_t n_rows, int64_t n_cols)
{
    if (t->dims[0] == n_cols && t->dims[1] == n_rows && t->dims[2] == 1 && t->dims[3] == 1) return true;
    l->status = sumi_fail(l->err, SUMI_EFORMAT, "%s: tensor '%s' is %lld x %lld, not %lld x %lld", gguf_name(l->g), name,
                          (long long)t->dims[1], (long long)t->dims[0], (long long)n_rows, (long long)n_cols);
    return false;
}

/* A vector [n] as floats that the model owns; NULL if it is optional and not there. */
static float *vector(loader *l, bool required, int64_t n, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static float *vector(loader *l, bool required, int64_t n, const char *format, ...)
{
    char name[96];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    const gguf_tensor *t = l->status == SUMI_OK ? find(l, name, required) : NULL;
    if (!t || !has_shape(l, t, name, 1, n)) return NULL;
    float *v = mem_alloc((size_t)n * sizeof *v);
    if (v) quant_find(t->type->type)->decode(t->data, v, n);
    else l->status = sumi_fail(l->err, SUMI_ENOMEM, "%s: out of memory for '%s'", gguf_name(l->g), name);
    return v;
}

static weight *matrix(loader *l, int64_t n_rows, int64_t n_cols, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static weight *matrix(loader *l, int64_t n_rows, int64_t n_cols, const char *format, ...)
{
    char name[96];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    weight *w = NULL;
    const gguf_tensor *t = l->status == SUMI_OK ? find(l, name, true) : NULL;
    if (!t || !has_shape(l, t, name, n_rows, n_cols)) return NULL;
    l->status = l->m->be->weight_create(l->m->be, &w, t->type->type, t->data, n_rows, n_cols, l->err);
    if (l->status != SUMI_OK) sumi_fail_in(l->err, "%s: tensor '%s'", gguf_name(l->g), name);
    else if (l->m->be->weight_is_copy(w)) gguf_release(l->g, t); /* one copy of the weights in memory is enough */
    return w;
}

static void load_layer(loader *l, int32_t i)
{
    model *m = l->m;
    const hparams *h = &m->h;
    layer *y = &m->layers[i];
    int64_t q_dim = (int64_t)h->n_heads * h->head_dim, kv_dim = (int64_t)h->n_kv_heads * h->head_dim;
    bool bias = m->arch->features & ARCH_QKV_BIAS, qk_norm = m->arch->features & ARCH_QK_NORM;
    bool post = m->arch->features & ARCH_POST_NORMS;
    y->window = hparams_layer_has_window(h, i) ? h->window : 0;
    y->attn_norm = vector(l, true, h->n_embd, "blk.%d.attn_norm.weight", i);
    y->w_q = matrix(l, q_dim, h->n_embd, "blk.%d.attn_q.weight", i);
    y->w_k = matrix(l, kv_dim, h->n_embd, "blk.%d.attn_k.weight", i);
    y->w_v = matrix(l, kv_dim, h->n_embd, "blk.%d.attn_v.weight", i);
    y->w_o = matrix(l, h->n_embd, q_dim, "blk.%d.attn_output.weight", i);
    y->b_q = vector(l, bias, q_dim, "blk.%d.attn_q.bias", i); /* some llama files have biases, too */
    y->b_k = vector(l, bias, kv_dim, "blk.%d.attn_k.bias", i);
    y->b_v = vector(l, bias, kv_dim, "blk.%d.attn_v.bias", i);
    y->b_o = vector(l, false, h->n_embd, "blk.%d.attn_output.bias", i);
    if (qk_norm) y->q_norm = vector(l, true, h->head_dim, "blk.%d.attn_q_norm.weight", i);
    if (qk_norm) y->k_norm = vector(l, true, h->head_dim, "blk.%d.attn_k_norm.weight", i);
    if (post) y->post_attn_norm = vector(l, true, h->n_embd, "blk.%d.post_attention_norm.weight", i);
    y->ffn_norm = vector(l, true, h->n_embd, "blk.%d.ffn_norm.weight", i);
    y->w_gate = matrix(l, h->n_ff, h->n_embd, "blk.%d.ffn_gate.weight", i);
    y->w_up = matrix(l, h->n_ff, h->n_embd, "blk.%d.ffn_up.weight", i);
    y->w_down = matrix(l, h->n_embd, h->n_ff, "blk.%d.ffn_down.weight", i);
    if (post) y->post_ffn_norm = vector(l, true, h->n_embd, "blk.%d.post_ffw_norm.weight", i);
    if (l->status != SUMI_OK) return;
    m->form_qkv |= m->be->weight_input(y->w_q) | m->be->weight_input(y->w_k) | m->be->weight_input(y->w_v);
    m->form_o |= m->be->weight_input(y->w_o);
    m->form_ffn |= m->be->weight_input(y->w_gate) | m->be->weight_input(y->w_up);
    m->form_down |= m->be->weight_input(y->w_down);
}

static void load_embeddings(loader *l)
{
    model *m = l->m;
    const gguf_tensor *embd = find(l, "token_embd.weight", true);
    if (!embd) return;
    if (embd->dims[1] < 1 || embd->dims[1] > INT32_MAX / 4) {
        l->status = sumi_fail(l->err, SUMI_EFORMAT, "%s: token_embd.weight has %lld rows", gguf_name(l->g),
                              (long long)embd->dims[1]);
        return;
    }
    m->n_vocab = (int32_t)embd->dims[1];
    bool tied = !gguf_find_tensor(l->g, "output.weight");
    m->tok_embd = matrix(l, m->n_vocab, m->h.n_embd, "token_embd.weight");
    m->output = tied ? m->tok_embd : matrix(l, m->n_vocab, m->h.n_embd, "output.weight");
    m->output_norm = vector(l, true, m->h.n_embd, "output_norm.weight");
    if (l->status == SUMI_OK) m->form_output = m->be->weight_input(m->output);
}

/* freqs[i] = theta^(-2i / n_rot) / (scaling of pair i). factors: the tensor rope_freqs.weight of Llama 3.1, or NULL. */
static float *make_freqs(loader *l, float theta, float linear_factor, const float *factors)
{
    int32_t half = l->m->h.n_rot / 2;
    float *freqs = mem_alloc((size_t)half * sizeof *freqs);
    if (!freqs) {
        l->status = sumi_fail(l->err, SUMI_ENOMEM, "%s: out of memory", gguf_name(l->g));
        return NULL;
    }
    for (int32_t i = 0; i < half; i++) {
        float freq = 1.0f / powf(theta, (float)(2 * i) / (float)l->m->h.n_rot);
        freqs[i] = freq / linear_factor / (factors ? factors[i] : 1.0f);
    }
    return freqs;
}

static void load_rope(loader *l)
{
    const hparams *h = &l->m->h;
    float *factors = vector(l, false, h->n_rot / 2, "rope_freqs.weight");
    for (int32_t i = 0; factors && i < h->n_rot / 2 && l->status == SUMI_OK; i++)
        if (!(factors[i] > 0) || !isfinite(factors[i]))
            l->status = sumi_fail(l->err, SUMI_EFORMAT, "%s: rope_freqs.weight[%d] is not a positive number",
                                  gguf_name(l->g), i);
    if (l->status == SUMI_OK) l->m->freqs = make_freqs(l, h->rope_theta, h->rope_linear_factor, factors);
    if (l->status == SUMI_OK && h->window && h->rope_theta_local > 0)
        l->m->freqs_local = make_freqs(l, h->rope_theta_local, 1, NULL);
    mem_free(factors);
}

static void refuse_unknown_tensors(loader *l)
{
    for (int64_t i = 0; i < gguf_n_tensors(l->g) && l->status == SUMI_OK; i++) {
        gguf_str name = gguf_tensor_at(l->g, i)->name;
        if (l->used[i]) continue;
        l->status = sumi_fail(l->err, SUMI_EUNSUPPORTED, "%s: tensor '%.*s' is not part of the %s family as sumi knows it",
                              gguf_name(l->g), (int)(name.n < 64 ? name.n : 64), name.data, l->m->arch->name);
    }
}

static void load_all(loader *l)
{
    model *m = l->m;
    load_embeddings(l);
    if (l->status == SUMI_OK) load_rope(l);
    for (int32_t i = 0; i < m->h.n_layers && l->status == SUMI_OK; i++) load_layer(l, i);
    if (l->status == SUMI_OK) refuse_unknown_tensors(l);
}

static const arch *find_arch(const gguf *g, sumi_error *err)
{
    gguf_str name;
    char known[128];
    if (!gguf_get_str(g, "general.architecture", &name)) {
        sumi_fail(err, SUMI_EFORMAT, "%s: key 'general.architecture' is missing", gguf_name(g));
        return NULL;
    }
    const arch *a = arch_find(name);
    arch_list_names(known, sizeof known);
    if (!a)
        sumi_fail(err, SUMI_EUNSUPPORTED, "%s: architecture '%.*s' is not supported; known: %s", gguf_name(g),
                  (int)(name.n < 64 ? name.n : 64), name.data, known);
    return a;
}

sumi_status model_create(model **out, const gguf *g, const backend *be, sumi_error *err)
{
    sumi_error why = { SUMI_OK, "" };
    *out = NULL;
    loader l = { .g = g, .err = &why };
    const arch *a = find_arch(g, &why);
    if (!a) goto fail;
    if (!(l.m = calloc(1, sizeof *l.m)) || !(l.used = calloc((size_t)gguf_n_tensors(g) + 1, sizeof *l.used))) goto fail;
    l.m->arch = a;
    l.m->be = be;
    if ((l.status = hparams_read(&l.m->h, a, g, &why))) goto fail;
    if (!(l.m->layers = calloc((size_t)l.m->h.n_layers, sizeof *l.m->layers))) goto fail;
    load_all(&l);
    if (l.status != SUMI_OK) goto fail;
    free(l.used);
    *out = l.m;
    return SUMI_OK;
fail:
    free(l.used);
    model_destroy(l.m);
    if (why.status == SUMI_OK) sumi_fail(&why, SUMI_ENOMEM, "%s: out of memory", gguf_name(g));
    if (err) *err = why;
    return why.status;
}

void model_kv_layout(const model *m, kv_layout *l)
{
    int32_t windows[KV_MAX_LAYERS];
    for (int32_t i = 0; i < m->h.n_layers; i++) windows[i] = m->layers[i].window;
    kv_layout_init(l, m->h.n_layers, windows, m->h.n_kv_heads, m->h.head_dim, m->be->kv_f32);
}

static void destroy_layer(const backend *be, layer *y)
{
    weight *weights[] = { y->w_q, y->w_k, y->w_v, y->w_o, y->w_gate, y->w_up, y->w_down };
    float *vectors[] = { y->attn_norm, y->b_q,    y->b_k,           y->b_v,      y->b_o,
                         y->q_norm,    y->k_norm, y->post_attn_norm, y->ffn_norm, y->post_ffn_norm };
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) be->weight_destroy(weights[i]);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) mem_free(vectors[i]);
}

void model_destroy(model *m)
{
    if (!m) return;
    for (int32_t i = 0; m->layers && i < m->h.n_layers; i++) destroy_layer(m->be, &m->layers[i]);
    if (m->output != m->tok_embd) m->be->weight_destroy(m->output);
    m->be->weight_destroy(m->tok_embd);
    mem_free(m->output_norm);
    mem_free(m->freqs);
    mem_free(m->freqs_local);
    free(m->layers);
    free(m);
}
