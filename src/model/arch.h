/* arch.h - model families as differences over one forward pass.
 *
 * A family is a row of the table in arch.c: what it adds to the plain transformer of Llama (norms before the blocks,
 * rotary positions, grouped-query attention, gated feed-forward). Sizes come from the file (hparams.h), and so do
 * features that a tensor or a key of the file shows by being there (docs/models.md). */
#ifndef SUMI_MODEL_ARCH_H
#define SUMI_MODEL_ARCH_H

#include "backend/backend.h"
#include "format/gguf.h"

enum {
    ARCH_QKV_BIAS = 1 << 0,           /* q, k and v must have biases; without a bit, any product may have one */
    ARCH_BIASES = 1 << 1,             /* all products of the blocks must have */
    ARCH_OUTPUT_BIAS = 1 << 2,        /* so must the one that makes logits */
    ARCH_NORM_BIAS = 1 << 3,          /* norms must have biases; without it they may not */
    ARCH_UNIT_NORMS = 1 << 4,         /* norms have no weights */
    ARCH_QK_NORM = 1 << 5,            /* queries and keys are normalised before the rotation */
    ARCH_MAY_QK_NORM = 1 << 6,        /* some sizes have that norm */
    ARCH_POST_NORMS = 1 << 7,         /* outputs of the blocks are normalised before they join the residual stream */
    ARCH_NO_PRE_NORMS = 1 << 8,       /* their inputs are not */
    ARCH_PARALLEL = 1 << 9,           /* both blocks of a layer read the residual stream before the layer */
    ARCH_PARALLEL_KEY = 1 << 10,      /* the same, if the key use_parallel_residual says so or is missing */
    ARCH_PARALLEL_NORM = 1 << 11,     /* the same, if its layers have one norm only */
    ARCH_NO_GATE = 1 << 12,           /* the feed-forward block has no gate */
    ARCH_EMBED_SCALE = 1 << 13,       /* embeddings are multiplied by sqrt(n_embd) */
    ARCH_LEARNED_POS = 1 << 14,       /* a learned vector for each position instead of rotations */
    ARCH_PLAIN_WINDOW_ROPE = 1 << 15, /* layers with a window rotate by the base as it is, without scaling */
    ARCH_EXPERTS = 1 << 16,           /* layers with a router are mixtures of experts */
    ARCH_EXPERTS_NORMALISED = 1 << 17, /* weights of a token's experts sum to 1, if the file does not say */
    ARCH_EMBED_NORM = 1 << 18,        /* embeddings are normalised */
    ARCH_ENCODER = 1 << 19,           /* attention looks both ways, and nothing makes logits */
    ARCH_POST_LN = 1 << 20,           /* x = norm(x + block(x)): norms make the residual stream (Vaswani et al. 2017) */
    ARCH_YARN_EXACT = 1 << 21,        /* YaRN's slope is not widened to whole pairs, if the file does not say */
    ARCH_CHUNKS = 1 << 22,            /* windows are chunks: fixed stretches of the context, beyond which nothing is seen */
    ARCH_QK_NORM_LAST = 1 << 23,      /* norms of queries and keys follow the rotation */
    ARCH_QK_UNIT_NORM = 1 << 24,      /* they have no weights, and are where there are rotations */
    ARCH_QUERY_GROWTH = 1 << 25,      /* queries that do not rotate grow with their position */
    ARCH_WEIGH_INPUT = 1 << 26,       /* an expert's weight is a factor on its input */
    ARCH_LATENT = 1 << 27,            /* multi-head latent attention (latent.c) */
    ARCH_BIAS_MEANS_SIGMOID = 1 << 29, /* a router with a bias of the choice scores by sigmoid, if the file does not say */
    ARCH_FULL_FIRST = 1 << 28,        /* of window_pattern layers the first sees all tokens, not the last */
};

/* Which layers rotate. */
typedef enum rope_layers {
    ROPE_ALL_LAYERS,
    ROPE_NO_LAYERS,
    ROPE_WINDOW_LAYERS,       /* if the model has windows, only layers with one rotate */
    ROPE_THREE_IN_FOUR,       /* every fourth layer does not */
    ROPE_UNLESS_SWITCHED_OFF, /* none, if rope.scaling.finetuned is false */
} rope_layers;

/* What the key logit_scale does to logits. */
typedef enum logit_scaling { LOGITS_UNSCALED, LOGITS_TIMES, LOGITS_DIVIDED } logit_scaling;

typedef struct arch {
    const char *name; /* general.architecture of the file, and the prefix of its keys */
    norm_kind norm;
    rope_pairing pairing;
    glu_kind glu;
    uint32_t features;
    qk_norm_kind qk_norm;
    rope_layers rope;
    logit_scaling logits;
    router_kind router;     /* of ARCH_EXPERTS, if the file does not say */
    int32_t window_pattern; /* with a sliding window: every n-th layer sees all tokens; 0: none does */
    int32_t window;         /* if the file does not say; 0: none */
    float norm_eps;         /* if the file does not say; 0: it must */
    float rope_theta;       /* the same; 0: 10000 */
    float rope_theta_local; /* rotation base of the layers with a window; 0: the same as the others */
    float max_alibi_bias;   /* linear biases of attention, if the file does not say; 0: none */
    float attention_softcap, logit_softcap; /* if the file does not say; 0: none */
} arch;

/* NULL if the family is not in the table. */
const arch *arch_find(gguf_str name);

/* "arcee, bloom, ..., ...": for messages; as many as fit. */
void arch_list_names(char *out, size_t n_out);

#endif
