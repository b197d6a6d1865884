/* hparams.h - the sizes and constants of a model, read from its file and checked. */
#ifndef SUMI_MODEL_HPARAMS_H
#define SUMI_MODEL_HPARAMS_H

#include "model/arch.h"

/* How rotations are stretched over longer contexts, as the keys have it; factors may also be tensors (rope.c). */
typedef enum rope_scaling { ROPE_UNSCALED, ROPE_LINEAR, ROPE_YARN } rope_scaling;

typedef struct hparams {
    int32_t n_layers, n_embd, n_heads, n_ff;
    int32_t n_kv_heads, head_dim, v_dim; /* as cached (kv_layout.h): of a key, of a value */
    int32_t v_head_dim;                  /* of a head's result; v_dim but for latents */
    int32_t kv_rank;        /* elements of a latent (latent.c); 0: keys and values are cached themselves */
    int32_t q_rank, n_nope; /* with latents: of compressed queries, 0: they are not; of a head, those not rotated */
    int32_t n_draft_layers; /* blocks behind the others that predict further tokens: they make no logits, nothing uses them */
    int32_t n_ctx_train;       /* 0: the file does not say */
    int32_t n_rot;             /* elements of a head that are rotated, even, <= head_dim; 0: none */
    bool router_told;          /* the file says which kind of router; tensors may tell, too */
    router router;             /* of the layers that are mixtures of experts; n_experts 0: none is */
    int32_t window;            /* sliding window in tokens; 0: none */
    bool has_window[KV_MAX_LAYERS], has_rope[KV_MAX_LAYERS]; /* [n_layers] */
    glu_kind glu;
    bool encoder;              /* attention looks both ways */
    bool headless;             /* a decoder without output matrix: it makes hidden states and no logits */
    sumi_pooling pooling;      /* of its embeddings; NONE: the file does not say */
    float query_growth; /* of ARCH_QUERY_GROWTH, every query_growth_length tokens; 0: none */
    int32_t query_growth_length;
    bool parallel; /* both blocks of a layer read the residual stream before it; tensors may tell, too */
    float norm_eps;
    rope_scaling rope;
    int32_t rope_n_ctx; /* context before it was stretched; 0: the file does not say */
    float rope_theta;
    float rope_theta_local; /* of layers with a window, without scaling; 0: they rotate as the others do */
    float rope_factor; /* of ROPE_LINEAR and ROPE_YARN */
    float rope_size;   /* of rotated elements; 0: as usual for the scaling */
    float yarn_beta_fast, yarn_beta_slow;
    bool yarn_exact;   /* its slope is not widened to whole pairs */
    float embed_scale, attention_scale, residual_scale, logit_scale;
    float max_alibi_bias; /* 0: no linear biases (alibi.c) */
    float qkv_clamp;      /* q, k and v are at most this; 0: no limit */
    float attention_softcap, logit_softcap; /* 0: none */
} hparams;

/* SUMI_EFORMAT: a key is missing or out of range; SUMI_EUNSUPPORTED: asks for what no feature here provides. */
SUMI_MUST_USE sumi_status hparams_read(hparams *h, const arch *a, const gguf *g, sumi_error *err);

/* The kind of a router, and what follows from it. */
void hparams_set_router(router *to, router_kind kind);

#endif
