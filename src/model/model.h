/* model.h - the weights of a model, and its forward pass.
 *
 *   model      what a file describes: family, sizes, weights by name. Immutable: any number of threads.
 *   workspace  the activations of one step, allocated once for the largest step. One thread at a time. */
#ifndef SUMI_MODEL_MODEL_H
#define SUMI_MODEL_MODEL_H

#include "backend/backend.h"
#include "model/hparams.h"

typedef struct layer {
    float *attn_norm;                 /* [n_embd] */
    weight *w_q, *w_k, *w_v, *w_o;    /* [n_heads*head_dim | n_kv_heads*head_dim x2][n_embd], [n_embd][n_heads*head_dim] */
    float *b_q, *b_k, *b_v, *b_o;     /* NULL: none */
    float *q_norm, *k_norm;           /* [head_dim]; NULL: none */
    float *post_attn_norm;            /* [n_embd]; NULL: none */
    float *ffn_norm;                  /* [n_embd] */
    weight *w_gate, *w_up, *w_down;   /* [n_ff][n_embd] x2, [n_embd][n_ff] */
    float *post_ffn_norm;             /* [n_embd]; NULL: none */
    int32_t window;                   /* 0: sees all tokens */
} layer;

typedef struct model {
    const arch *arch;
    const backend *be;
    hparams h;
    int32_t n_vocab;
    weight *tok_embd;      /* [n_vocab][n_embd] */
    weight *output;        /* [n_vocab][n_embd]; may be tok_embd: tied embeddings */
    float *output_norm;    /* [n_embd] */
    layer *layers;         /* [n_layers] */
    float *freqs;          /* [n_rot/2] rotation per token in layers that see all */
    float *freqs_local;    /* [n_rot/2] in layers with a window; NULL: the same */
    int32_t form_qkv, form_o, form_ffn, form_down, form_output; /* ACT_ bits that the inputs of products need */
} model;

/* Reads sizes and weights of g for be; both must outlive the model. */
SUMI_MUST_USE sumi_status model_create(model **out, const gguf *g, const backend *be, sumi_error *err);
void model_destroy(model *m);

/* How its keys and values are cached: which layers share block tables. */
void model_kv_layout(const model *m, kv_layout *l);

typedef struct workspace {
    stream *s;
    int32_t max_tokens, max_logit_rows;
    float *x;                   /* [max_tokens][n_embd] the residual stream */
    float *q, *k, *v;           /* [max_tokens][heads * head_dim] */
    float *gate, *up;           /* [max_tokens][n_ff] */
    float *y;                   /* [max_tokens][n_embd] block output before its norm; NULL without post-norms */
    float *angles, *angles_local; /* [max_tokens][n_rot/2][2] */
    act *in, *heads, *ff;       /* inputs of products: n_embd, n_heads * head_dim, n_ff wide */
    int32_t *kept_pos;            /* [max_tokens] of the tokens that the last layer keeps */
    const int32_t **kept_tables;  /* [max_tokens] */
    float *hidden;              /* [max_tokens][n_embd] final norm of the kept rows */
    float *logits;              /* [max_logit_rows][n_vocab] */
    size_t hidden_bytes, logits_bytes;
} workspace;

SUMI_MUST_USE sumi_status workspace_create(workspace **out, const model *m, int32_t n_threads, int32_t max_tokens,
                                           int32_t max_logit_rows, sumi_error *err);
void workspace_destroy(const model *m, workspace *ws);

/* One step: K and V of the batch go into kv, logits of b->logit_rows into ws->logits. If some kept rows are not among
 * these, the final norms of all kept rows go into ws->hidden. */
void model_forward(const model *m, workspace *ws, kv_store *kv, const batch *b);

#endif
