/* model.h - the weights of a model, and its forward pass.
 *
 *   model      what a file describes: family, sizes, weights by name. Immutable: any number of threads.
 *   workspace  the activations of one step, allocated once for the largest step. One thread at a time. */
#ifndef SUMI_MODEL_MODEL_H
#define SUMI_MODEL_MODEL_H

#include "backend/backend.h"
#include "base/digest.h"
#include "model/hparams.h"
#include "model/latent.h"
#include "model/mixture.h"

/* A part that the layer does not have is NULL, or NORM_NONE. Under ARCH_POST_LN a norm follows its sub-layer: ffn_norm
 * follows attention, and attn_norm of layer i follows layer i - 1 (output_norm follows the last layer). */
typedef struct layer {
    norm attn_norm; /* [n_embd] before attention */
    weight *w_q, *w_k, *w_v,
        *w_o;      /* [n_heads*head_dim | n_kv_heads*head_dim x2][n_embd], [n_embd][n_heads*v_head_dim] */
    latent latent; /* instead of w_q, w_k and w_v */
    float *b_q, *b_k, *b_v, *b_o;
    norm q_norm, k_norm; /* [head_dim] or [heads][head_dim]: qk_norm_kind of the family */
    float *sinks;        /* [n_heads] logits of attention without a value */
    norm post_attn_norm; /* [n_embd] */
    norm ffn_norm;       /* [n_embd] before the feed-forward sub-layer; the same w as attn_norm: one for both */
    int32_t n_ff;
    weight *w_gate, *w_up, *w_down; /* [n_ff][n_embd] x2, [n_embd][n_ff]; beside experts: of the shared one */
    float *b_gate, *b_up, *b_down;
    mixture experts;
    norm post_ffn_norm;  /* [n_embd] */
    int32_t window;      /* 0: sees all tokens */
    kv_format kv_format; /* of its cached keys and values */
} layer;

/* Weight rows that had to be built in memory (permuted, fused or converted from safetensors). Products and embeddings read
 * them, so they live as long as the model. */
typedef struct made_rows {
    struct made_rows *next;
    void *rows; /* [n_bytes] of mem_map() */
    size_t n_bytes;
} made_rows;

typedef struct model {
    const arch *arch;
    const backend *be;
    hparams h;
    int32_t n_vocab;
    int32_t max_ctx;    /* learned positions: longest context; 0: no limit */
    weight *tok_embd;   /* [n_vocab][n_embd] */
    weight *pos_embd;   /* [max_ctx][n_embd]; NULL: positions are not learned */
    weight *type_embd;  /* [types][n_embd] of kinds of text, for example question and answer; NULL: none */
    norm embed_norm;    /* [n_embd] of the sum of the embeddings */
    weight *output;     /* [n_vocab][n_embd]; may be tok_embd: tied embeddings. NULL in encoders */
    float *output_bias; /* [n_vocab] */
    norm output_norm;   /* [n_embd] */
    layer *layers;      /* [n_layers] */
    float *freqs;       /* [n_rot/2] rotation per token in layers without a window */
    float *freqs_long;  /* [n_rot/2] instead of freqs, in contexts longer than h.rope_n_ctx; NULL: the same */
    float *freqs_local; /* [n_rot/2] in layers with a window; NULL: the same */
    float *alibi;       /* [n_heads] slopes; NULL: none */
    float rope_size;    /* factor on elements rotated by freqs and freqs_long */
    int32_t max_ff, max_expert_ff; /* the largest n_ff of dense sub-layers and of experts; 0: none */
    int32_t form_qkv, form_o, form_ffn, form_down, form_output; /* ACT_ bits that the products need of their inputs */
    int32_t form_uq, form_uk, form_uv;                          /* of latent.c */
    int32_t form_experts, form_expert_down;                     /* of experts' gate and up, of their down */
    byte_digest digest;                                         /* of the data of all tensors, as they were loaded */
    made_rows *made;                                            /* a list, owned; NULL for most files */
    uint64_t copied_bytes, unpacked_bytes; /* of matrices: packed for the kernels, and as the file has them */
} model;

/* fn is called while the weights are read, with the bytes of the file's tensors. fn NULL: no calls. */
typedef struct model_watcher {
    sumi_progress_fn fn;
    void *user;
} model_watcher;

/* SUMI_EUNSUPPORTED unless the file is a model of a known family; err may be NULL. */
SUMI_MUST_USE sumi_status model_check_arch(const model_source *src, sumi_error *err);

/* The number of tensors of the vision part, which Sumi does not use. */
int64_t model_n_vision_tensors(const model_source *src);

/* Reads sizes and weights of src for be; both must outlive the model. watcher may be NULL. ECANCELLED: its fn refused. */
SUMI_MUST_USE sumi_status model_create(model **out, const model_source *src, const backend *be,
                                       const model_watcher *watcher, sumi_error *err);
void model_destroy(model *m);

/* What layer i caches of a token. */
kv_shape model_kv_shape(const model *m, int32_t i);

/* Where the model's keys and values are cached: which layers share block tables, and the bytes of a block. */
void model_kv_layout(const model *m, kv_layout *l);

/* Memory for n_blocks blocks of this layout. */
SUMI_MUST_USE sumi_status model_kv_create(const model *m, kv_store **out, const kv_layout *l, int32_t n_blocks,
                                          sumi_error *err);

/* The choice is made once for all sequences of a context, because the cached keys depend on it: see rope.c. */
static inline bool model_uses_long_rope(const model *m, int32_t n_ctx)
{
    return m->freqs_long && n_ctx > m->h.rope_n_ctx;
}

typedef struct workspace {
    stream *s;
    int32_t max_tokens, max_logit_rows;
    float *x;         /* [max_tokens][n_embd] the residual stream */
    float *q, *k, *v; /* [max_tokens][heads * head_dim]; v is NULL with latents */
    latent_workspace latent;
    float *gate, *up; /* [max_tokens][max_ff]; gate is NULL in families without one */
    float *y; /* [max_tokens][n_embd] sub-layer output before it joins the residual stream; NULL: added at once */
    routing *routing;                     /* NULL in models without experts */
    float *router_logits, *shared_logits; /* [max_tokens][n_experts], [max_tokens] */
    const float *freqs;                   /* the model's freqs or freqs_long */
    float *angles, *angles_local;         /* [max_tokens][n_rot/2][2] */
    act *in, *heads, *ff;                 /* inputs of products: n_embd, n_heads * v_head_dim, max_ff wide */
    batch_arrays kept;                    /* of the rows that the last layer computes */
    int32_t *types; /* [max_tokens] kinds of text: all 0, the first kind; NULL in models without kinds */
    float *hidden;  /* [max_tokens][n_embd] final norm of the kept rows */
    float *logits;  /* [max_logit_rows][n_vocab] */
    size_t hidden_bytes, logits_bytes;
} workspace;

/* n_ctx: tokens of the longest sequence. SUMI_EINVAL: more than the model has positions. */
SUMI_MUST_USE sumi_status workspace_create(workspace **out, const model *m, int32_t n_threads, int32_t n_ctx,
                                           int32_t max_tokens, int32_t max_logit_rows, sumi_error *err);
/* The approximate number of bytes of a workspace. */
uint64_t workspace_estimate(const model *m, int32_t max_tokens, int32_t max_logit_rows);
void workspace_destroy(const model *m, workspace *ws);

/* One step: K and V of the batch go into kv, logits of b->logit_rows into ws->logits. If some kept rows are not among
 * these, the final norms of all kept rows go into ws->hidden. */
void model_forward(const model *m, workspace *ws, kv_store *kv, const batch *b);

#endif
