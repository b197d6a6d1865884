/* hparams.h - the sizes and constants of a model, read from its file and checked. */
#ifndef SUMI_MODEL_HPARAMS_H
#define SUMI_MODEL_HPARAMS_H

#include "model/arch.h"

typedef struct hparams {
    int32_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff;
    int32_t n_ctx_train;       /* 0: the file does not say */
    int32_t n_rot;             /* elements of a head that are rotated, even, <= head_dim */
    int32_t window;            /* sliding window in tokens; 0: none */
    int32_t window_pattern;    /* every n-th layer has no window */
    float rms_eps;
    float rope_theta, rope_theta_local;
    float rope_linear_factor;  /* positions are divided by it in layers without a window; 1: no scaling */
    float attention_scale, embed_scale;
    float attention_softcap;   /* 0: none */
} hparams;

/* SUMI_EFORMAT: a key is missing or out of range; SUMI_EUNSUPPORTED: asks for what no feature here provides. */
SUMI_MUST_USE sumi_status hparams_read(hparams *h, const arch *a, const gguf *g, sumi_error *err);

static inline bool hparams_layer_has_window(const hparams *h, int32_t layer)
{
    return h->window > 0 && (layer + 1) % h->window_pattern != 0;
}

#endif
