/* backend.h - the operations of the forward pass. src/model computes with these operations only;
 * cpu/ implements them, and a backend for another device would fill the same table.
 *
 * Objects:
 *   backend   a device and the kernels chosen for it. Immutable: any number of threads.
 *   weight    a matrix [n_rows][n_cols] in the layout that the backend prefers. Immutable after loading.
 *   stream    threads and scratch memory. Operations on a stream run one after the other.
 *   kv_store  the memory of the blocks of a kv_cache. What stands inside a block is the backend's choice (kv_format.h).
 *   act       the input of matrix products, [n_tokens][n_cols], in the form that the products read. A row is
 *             quantised once, by the operation that computes the row, for all products that share the input.
 *   routing   the experts of each token of a step, and memory in which the tokens of an expert lie together.
 *
 * An operation is as large as fusion requires. Plain matrices are float32, row-major, [n_tokens][n]; rows of
 * different tokens mix only in attention, and there only rows of one sequence. The value of a row never depends
 * on the number of other rows or of threads (docs/determinism.md).
 *
 * Hot path: after *_create() no operation allocates, locks or calls the system. */
#ifndef SUMI_BACKEND_BACKEND_H
#define SUMI_BACKEND_BACKEND_H

#include "backend/batch.h"
#include "backend/kv_format.h"
#include "base/log.h"
#include "format/dtype.h"
#include "kv/kv_layout.h"
#include "kv/kv_memory.h"
#include "sumi.h"

typedef struct backend backend;
typedef struct weight weight;
typedef struct stream stream;
typedef struct kv_store kv_store;
typedef struct act act;
typedef struct routing routing;

/* The forms of an act, a bit mask: the forms that the products need. */
enum {
    ACT_F32 = 1,
    ACT_INT8 = 2, /* groups of 32 values: int8 and one scale; two such digits where values are large */
};

/* One matrix product that shares its input with others: y[t][r] (+)= sum_c x[t][c] w[r][c] + bias[r]. */
typedef struct linear_out {
    const weight *w;
    const float *bias; /* [n_rows], NULL: none */
    float *y;          /* [n_tokens][n_rows] */
    bool add;          /* add to y instead of overwriting it: the residual connection */
    int32_t x_col;     /* its input is n_cols columns of x, from this one on: one matrix per head. A multiple of 32
                          if the product reads int8 */
    int32_t y_stride;  /* floats from one row of y to the next; 0: n_rows */
} linear_out;

typedef enum rope_pairing {
    ROPE_ADJACENT, /* rotates (2i, 2i+1): the original, llama files in GGUF */
    ROPE_HALVES,   /* rotates (i, i + n_rot/2): GPT-NeoX and Hugging Face */
} rope_pairing;

/* Rotary position embedding (Su et al. 2021) with the angles of this step. */
typedef struct rope_args {
    rope_pairing pairing;
    int32_t n_rot;        /* the first n_rot elements of a head are rotated; even; 0: none */
    const float *cos_sin; /* [n_tokens][n_rot/2][2], from rope_angles() */
} rope_args;

typedef enum norm_kind {
    NORM_NONE,  /* x as it is */
    NORM_RMS,   /* x / sqrt(mean(x^2) + eps) * w (Zhang & Sennrich 2019) */
    NORM_LAYER, /* (x - mean(x)) / sqrt(variance(x) + eps) * w + b (Ba et al. 2016) */
} norm_kind;

typedef struct norm {
    norm_kind kind;
    const float *w, *b; /* as long as x; b, of NORM_LAYER only, may be NULL: none */
} norm;

typedef enum qk_norm_kind {
    QK_NORM_HEAD,  /* each head by itself, weights [head_dim] */
    QK_NORM_HEADS, /* each head by itself, with weights of its own: [heads][head_dim] */
    QK_NORM_WHOLE, /* all heads as one row: [heads][head_dim] */
} qk_norm_kind;

/* Queries, keys and values of one layer between their product and attention. */
typedef struct qkv_args {
    float *q;     /* [n_tokens][n_heads][head_dim], changed in place */
    float *k, *v; /* [n_tokens][n_kv_heads][head_dim], changed in place */
    float clamp;  /* first, elements are limited to -clamp ... clamp; 0: no limit */
    int32_t n_heads;
    norm q_norm, k_norm; /* before the rotation, or after it if norm_last is set */
    bool norm_last;
    qk_norm_kind norm_kind;
    float eps;
    rope_args rope;
    /* Last, queries are multiplied by 1 + growth * log(1 + floor((pos + 1) / growth_length)): attention stays sharp over
     * many keys (Nakanishi 2025). growth 0: no multiplication. */
    float growth;
    int32_t growth_length;
} qkv_args;

/* The same for multi-head latent attention (DeepSeek-V2, 2024, section 2.1): a token's key is its latent of v_dim elements,
 * normalised, and n_rot elements that are rotated; its value is the latent. Sizes as in the layer's kv_shape, head_dim =
 * v_dim + n_rot, with one KV head. */
typedef struct latent_args {
    const float *q; /* [n_tokens][n_heads][n_nope + n_rot], the last n_rot of a head to be rotated */
    float *k;       /* [n_tokens][head_dim], changed in place */
    int32_t n_heads, n_nope;
    norm k_norm; /* of the latent */
    float eps;
    rope_args rope;
    act *q_nope;   /* receives [n_tokens][n_heads * n_nope]: queries, multiplied later by W_UK */
    int32_t forms; /* of q_nope */
    float *q_rot;  /* [n_tokens][n_heads][head_dim]; the last n_rot of each head receive the rotated elements */
} latent_args;

typedef struct attention_args {
    const float *q; /* [n_tokens][n_heads][head_dim] */
    int32_t n_heads;
    float scale;        /* of q.k */
    float softcap;      /* scores s become softcap * tanh(s / softcap) (Gemma 2, 2024); 0: unchanged */
    int32_t window;     /* a token sees itself and the window - 1 tokens before; 0: all tokens before */
    bool chunks;        /* instead, a token sees back to the last multiple of the window (Llama 4, 2025) */
    const float *alibi; /* [n_heads] slopes: subtracted for each position between query and key (Press et al. 2021);
                              NULL: none */
    const float *sinks; /* [n_heads] logits that join the softmax without a value (gpt-oss, 2025); NULL: none */
    bool both_ways;     /* encoders: a token sees its whole sequence, with a window the window / 2 on each side; the
                              sequence is whole in this step */
} attention_args;

/* Activations of a feed-forward sub-layer, of the gate if it has one (Shazeer 2020). */
typedef enum glu_kind {
    GLU_SILU,      /* x sigmoid(x) */
    GLU_GELU_TANH, /* GELU in its tanh form (Hendrycks & Gimpel 2016) */
    GLU_GELU,      /* x Phi(x), Phi the normal distribution */
    GLU_RELU2,     /* max(x, 0)^2 (So et al. 2021) */
    /* x sigmoid(1.702 x), x at most 7, times up + 1 with up between -7 and 7 (gpt-oss, 2025) */
    GLU_CLAMPED,
} glu_kind;

/* Norm of the residual stream: for products, or as plain floats. */
typedef struct norm_args {
    act *out;
    int32_t forms; /* of out: the ACT_ bits to compute */
    float *y;      /* [n_tokens][n_embd] receives the result as floats; may be x. NULL: only out receives the result */
    float *x;      /* [n_tokens][n_embd] */
    /* x[t] += add_scale * add_norm(add[t]) first: a sub-layer's output that is normalised or scaled before the addition
     * to the residual stream. NULL: no addition */
    const float *add;
    norm add_norm;
    float add_scale;
    norm norm; /* the result is norm(x[t]) */
    int32_t n_embd;
    float eps;
} norm_args;

/* out[t] = f(gate[t]) * up[t], [n_tokens][n_ff]; up NULL: f(gate[t]). */
typedef struct glu_args {
    act *out;
    int32_t forms;
    const float *gate, *up;
    int32_t n_ff;
    glu_kind kind;
} glu_args;

/* x[t] becomes scale * x[t], and then, if softcap is not 0, softcap * tanh(x[t] / softcap): [n_tokens][n]. */
typedef struct scale_args {
    float *x;
    int32_t n;
    float scale, softcap;
} scale_args;

/* ---- Mixture of experts (Shazeer et al. 2017): a router chooses a few feed-forward sub-layers for a token ---- */

typedef enum router_kind {
    ROUTER_SOFTMAX,        /* scores are the softmax of the logits */
    ROUTER_SIGMOID,        /* a score is the sigmoid of its logit */
    ROUTER_SOFTMAX_CHOSEN, /* the largest logits are chosen; scores are the softmax over the chosen ones */
} router_kind;

enum { ROUTER_MAX_GROUPS = 64, ROUTER_MAX_GROUP_BEST = 2 };

/* Chooses a token's experts by its logits: the n_used largest scores; of equal scores the lower number first. */
typedef struct router {
    router_kind kind;
    int32_t n_experts, n_used;
    /* Only experts of the n_used_groups best groups, of n_experts / n_groups neighbours each, can be chosen. A group is
     * as good as the sum of its n_group_best best scores. n_groups 1: no groups (DeepSeek-V2, 2024; V3, 2024). */
    int32_t n_groups, n_used_groups, n_group_best;
    const float *choice_bias; /* [n_experts] added to scores for the comparison only, not in weights; NULL: none */
    bool normalised;          /* a token's weights are its scores divided by their sum */
    float scale;              /* factor on the weights, after that */
} router;

/* Sizes of a routing. */
typedef struct routing_limits {
    int32_t max_tokens, n_experts, n_used;
    int32_t n_embd, max_ff;     /* widths of the tokens and of the experts */
    int32_t in_forms, ff_forms; /* ACT_ bits of the inputs of gate and up, and of down */
} routing_limits;

/* Chooses the experts of each token. */
typedef struct route_args {
    routing *out;
    const router *router;
    const float *logits; /* [n_tokens][n_experts] */
} route_args;

/* The experts of a layer. All gate matrices have the same shape and type, so do all up and all down matrices. */
typedef struct experts_args {
    weight *const *gate, *const *up; /* [n_experts] of [n_ff][n_embd]; gate NULL: no gate */
    weight *const *down;             /* [n_experts] of [n_embd][n_ff] */
    const float *b_gate, *b_up;      /* [n_experts][n_ff], NULL: none */
    const float *b_down;             /* [n_experts][n_embd] */
    int32_t n_embd, n_ff, ff_forms;
    glu_kind kind;
    /* A token's weight is a factor on the input of the expert, not on its output (Llama 4). Then b_gate and b_up are NULL. */
    bool weigh_input;
    float *y;            /* [n_tokens][n_embd]; not the input */
    bool add;            /* add to y, which holds the output of a shared expert */
    const float *y_gate; /* [n_tokens] first, y is multiplied by the sigmoid of y_gate; NULL: no multiplication */
} experts_args;

/* An operation on each row separately. */
typedef struct row_op {
    enum { ROW_NORM, ROW_GLU, ROW_SCALE, ROW_ROUTE } kind;
    union {
        norm_args norm;
        glu_args glu;
        scale_args scale;
        route_args route;
    };
} row_op;

struct backend {
    const char *isa;     /* name of the kernels, "avx2" */
    kv_format kv_format; /* of keys and values for which no other is chosen: KV_F32 if no activation is rounded */

    void (*destroy)(backend *be);

    /* Weights created from now on are spread over the memory of all NUMA nodes. EUNSUPPORTED: the system refuses. */
    sumi_status (*spread_weights)(backend *be, sumi_error *err);

    /* Weights created from now on have sizes and no content: data is not read. Products with them are invalid. */
    bool measure_only;

    /* Takes a matrix in the file's format; data must outlive the weight. Weights of one backend are created and destroyed by
     * one thread at a time. */
    sumi_status (*weight_create)(const backend *be, weight **out, dtype type, const void *data, int64_t n_rows,
                                 int64_t n_cols, sumi_error *err);
    /* The same for a matrix that only embed() reads: the layout is not changed. */
    sumi_status (*table_create)(const backend *be, weight **out, dtype type, const void *data, int64_t n_rows,
                                int64_t n_cols, sumi_error *err);
    void (*weight_destroy)(weight *w);                     /* for all destroyers: the argument may be NULL */
    int32_t (*weight_input)(const weight *w);              /* the form of act that products with w read: one ACT_ bit */
    size_t (*weight_bytes)(const weight *w);               /* bytes that a product with all rows reads */
    bool (*copies_weights)(const backend *be, dtype type); /* products do not read data after weight_create(); embed()
                                                              still does */

    sumi_status (*stream_create)(const backend *be, stream **out, int32_t n_threads, sumi_error *err);
    void (*stream_destroy)(stream *s);
    sumi_status (*stream_pin)(stream *s, sumi_error *err); /* one processor for each thread: see pin in sumi.h */

    sumi_status (*act_create)(const backend *be, act **out, int32_t max_tokens, int32_t max_cols, int32_t forms,
                              sumi_error *err);
    void (*act_destroy)(act *a);

    sumi_status (*routing_create)(const backend *be, routing **out, const routing_limits *limits, sumi_error *err);
    void (*routing_destroy)(routing *r);

    /* Bytes of a block of a layer; at most KV_MAX_LAYER_BYTES. */
    size_t (*kv_block_bytes)(const backend *be, const kv_shape *shape);
    /* shapes [layout->n_layers]; the layout was made of their formats and bytes. */
    sumi_status (*kv_create)(const backend *be, kv_store **out, const kv_layout *layout, const kv_shape *shapes,
                             int32_t n_blocks, sumi_error *err);
    void (*kv_destroy)(kv_store *kv);
    kv_memory (*kv_memory)(kv_store *kv); /* moves whole blocks; not while a step runs */

    /* y[t] = scale * (row ids[t] of w); if add is set, y[t] += scale * (row ids[t] of w). */
    void (*embed)(stream *s, float *y, const weight *w, const int32_t *ids, int32_t n_tokens, float scale, bool add);

    /* x[i] = x[rows[i]] for i < n, in place; rows ascend. */
    void (*gather)(stream *s, float *x, const int32_t *rows, int32_t n, int32_t n_cols);

    /* op on n rows. */
    void (*rows)(stream *s, const row_op *op, int32_t n);

    /* All products of one input in one call, then `then` (may be NULL) on each row of the results, as soon as the row is
     * complete. Every out->w has as many columns as x, or fewer (x_col); then->out is not x. */
    void (*linear)(stream *s, const act *x, const linear_out *outs, int32_t n_outs, const row_op *then);

    /* y = the sum over the experts that ROW_ROUTE chose for each token of x, of weight * expert(token), in the order of
     * their scores; then the operation `then` on each row. The tokens of an expert are gathered; its weights are read once
     * for all its tokens. */
    void (*experts)(stream *s, routing *r, const act *x, const experts_args *args, const row_op *then);

    /* Bytes of experts' weights that the stream has read so far. */
    uint64_t (*expert_bytes)(const stream *s);

    /* Angles of every token: cos_sin[t][i] = size * (cos, sin)(pos[t] * freqs[i]), freqs [n_rot/2] in radians per
     * token. */
    void (*rope_angles)(stream *s, float *cos_sin, const int32_t *pos, int32_t n_tokens, const float *freqs,
                        int32_t n_rot, float size);

    /* Norms, rotates and scatters the keys and values of the batch into their slots of the layer. */
    void (*qkv_store)(stream *s, kv_store *kv, int32_t layer, const batch *b, const qkv_args *args);

    /* The same for a layer with latent keys. */
    void (*latent_store)(stream *s, kv_store *kv, int32_t layer, const batch *b, const latent_args *args);

    /* out[t] = softmax(scale q k^T) v over the tokens of its sequence up to itself, or both ways, [n_heads * v_dim] wide. */
    void (*attention)(stream *s, act *out, int32_t forms, const kv_store *kv, int32_t layer, const batch *b,
                      const attention_args *args);
};

/* The CPU. isa: "ref", "avx2", ... or NULL for the best level of this machine; activations as in sumi.h.
 * SUMI_EUNSUPPORTED: this machine lacks the level; SUMI_EINVAL: no such name. */
SUMI_MUST_USE sumi_status backend_cpu_create(backend **out, const char *isa, sumi_activations activations,
                                             sumi_error *err);

#endif
