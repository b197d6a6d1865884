/* latent.h - multi-head latent attention (MLA; DeepSeek-V2, 2024, section 2.1), in its absorbed form: see latent.c. */
#ifndef SUMI_MODEL_LATENT_H
#define SUMI_MODEL_LATENT_H

#include "backend/backend.h"

/* A layer's weights, by the paper's names. n_rot elements of a head are rotated, n_nope are not. */
typedef struct latent {
    weight *w_dq;         /* [q_rank][n_embd]; NULL: queries are computed from the input itself */
    norm q_norm;          /* [q_rank] */
    weight *w_uq;         /* [n_heads * (n_nope + n_rot)][q_rank, or n_embd] */
    weight *w_dkv;        /* [kv_rank + n_rot][n_embd] */
    norm kv_norm;         /* [kv_rank] */
    weight **w_uk;        /* [n_heads] of [kv_rank][n_nope] */
    weight **w_uv;        /* [n_heads] of [v_head_dim][kv_rank] */
    float *transposed_uk; /* [n_heads * kv_rank][n_nope] rows that w_uk reads; NULL: w_uk does not need them */
} latent;

/* Memory of a step for latents, besides q, k and heads of the workspace. */
typedef struct latent_workspace {
    float *q_low;     /* [max_tokens][q_rank] */
    act *q_low_in;    /* [max_tokens][q_rank] */
    float *q;         /* [max_tokens][n_heads * (n_nope + n_rot)] */
    act *q_nope;      /* [max_tokens][n_heads * n_nope] */
    act *sums;        /* [max_tokens][n_heads * kv_rank] weighted sums of latents */
    float *values;    /* [max_tokens][n_heads * v_head_dim] */
    linear_out *outs; /* [n_heads] */
} latent_workspace;

typedef struct model model;
typedef struct workspace workspace;

void latent_destroy(const backend *be, latent *w, int32_t n_heads);

SUMI_MUST_USE sumi_status latent_workspace_create(const model *m, workspace *ws, sumi_error *err);
void latent_workspace_destroy(const model *m, workspace *ws);

/* Reads ws->in. Writes the queries, in the latents' space, to ws->q, and the step's keys to layer i of kv. */
void latent_queries_and_keys(const model *m, workspace *ws, kv_store *kv, const batch *b, int32_t i);

/* Reads ws->q, writes ws->heads; args as for attention of any kind. */
void latent_attention(const model *m, workspace *ws, const kv_store *kv, const batch *b, int32_t i,
                      const attention_args *args);

#endif
