/* hparams.h - the sizes and constants of a model, read from its file and checked. */
#ifndef SUMI_MODEL_HPARAMS_H
#define SUMI_MODEL_HPARAMS_H

#include "model/arch.h"

/* How rotations are stretched over longer contexts, by the file's keys; factors may also be tensors (rope.c). */
typedef enum rope_scaling { ROPE_UNSCALED, ROPE_LINEAR, ROPE_YARN } rope_scaling;

typedef struct hparams {
    int32_t n_layers, n_embd, n_heads, n_ff;
    int32_t n_kv_heads, head_dim, v_dim; /* as cached (kv_layout.h): of a key, of a value */
    int32_t v_head_dim;                  /* of a head's result; equals v_dim except with latents */
    int32_t kv_rank;                     /* elements of a latent (latent.c); 0: keys and values are cached themselves */
    int32_t q_rank,
        n_nope; /* of latents: size of compressed queries, 0: none are; elements of a head that do not rotate */
    int32_t n_draft_layers; /* the last layers, which only predict further tokens and are not used */
    int32_t n_ctx_train;    /* 0: not in the file */
    int32_t n_rot;          /* elements of a head that are rotated, even, <= head_dim; 0: none */
    bool router_told;       /* a key names the kind of router; else tensors may show the kind */
    router router;          /* of the layers that are mixtures of experts; n_experts 0: no such layer */
    int32_t window;         /* sliding window in tokens; 0: none */
    bool has_window[KV_MAX_LAYERS], has_rope[KV_MAX_LAYERS]; /* [n_layers] */
    glu_kind glu;
    bool encoder;         /* attention sees earlier and later tokens */
    bool headless;        /* a decoder without output matrix: it computes hidden states and no logits */
    sumi_pooling pooling; /* of the model's embeddings; NONE: not in the file */
    float query_growth;   /* of ARCH_QUERY_GROWTH, every query_growth_length tokens; 0: none */
    int32_t query_growth_length;
    bool parallel; /* both sub-layers of a layer read the residual stream before the layer */
    float norm_eps;
    rope_scaling rope;
    int32_t rope_n_ctx; /* context length before the stretching; 0: not in the file */
    float rope_theta;
    float rope_theta_local; /* of layers with a window, without scaling; 0: the same rotation as in other layers */
    float rope_factor;      /* of ROPE_LINEAR and ROPE_YARN */
    float rope_size;        /* factor on rotated elements; 0: the usual factor of the scaling */
    float yarn_beta_fast, yarn_beta_slow;
    bool yarn_exact; /* YaRN's slope is not widened to whole pairs */
    float embed_scale, attention_scale, residual_scale, logit_scale;
    float max_alibi_bias;                   /* 0: no linear biases (alibi.c) */
    float qkv_clamp;                        /* q, k and v are clamped to +-qkv_clamp; 0: no limit */
    float attention_softcap, logit_softcap; /* 0: none */
} hparams;

/* SUMI_EFORMAT: a key is missing or out of range; SUMI_EUNSUPPORTED: a key needs a feature that Sumi lacks. */
SUMI_MUST_USE sumi_status hparams_read(hparams *h, const arch *a, const model_source *src, sumi_error *err);

/* Sets the kind of a router, and the fields that follow from the kind. */
void hparams_set_router(router *to, router_kind kind);

#endif
