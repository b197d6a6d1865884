/* arch.h - model families as differences from one common forward pass.
 *
 * A family is a row of the table in arch.c: its differences from the plain transformer of Llama (norms before the
 * sub-layers, rotary positions, grouped-query attention, gated feed-forward). Sizes come from the file (hparams.h). So do
 * features that follow from the presence of a tensor or a key (docs/models.md). */
#ifndef SUMI_MODEL_ARCH_H
#define SUMI_MODEL_ARCH_H

#include "backend/backend.h"
#include "format/model_source.h"

enum {
    ARCH_QKV_BIAS = 1 << 0,       /* q, k and v must have biases; without a bit, any product may have one */
    ARCH_BIASES = 1 << 1,         /* all products of the layers must have biases */
    ARCH_OUTPUT_BIAS = 1 << 2,    /* the output matrix, which computes logits, must have a bias */
    ARCH_NORM_BIAS = 1 << 3,      /* norms must have biases; without this bit, norms must not */
    ARCH_UNIT_NORMS = 1 << 4,     /* norms have no weights */
    ARCH_QK_NORM = 1 << 5,        /* queries and keys are normalised before the rotation */
    ARCH_MAY_QK_NORM = 1 << 6,    /* the same, in some sizes of the family only */
    ARCH_POST_NORMS = 1 << 7,     /* outputs of the sub-layers are normalised before they join the residual stream */
    ARCH_NO_PRE_NORMS = 1 << 8,   /* inputs of the sub-layers are not normalised */
    ARCH_PARALLEL = 1 << 9,       /* both sub-layers of a layer read the residual stream before the layer */
    ARCH_PARALLEL_KEY = 1 << 10,  /* the same, if the key use_parallel_residual is true or missing */
    ARCH_PARALLEL_NORM = 1 << 11, /* the same, if the layers have one norm only */
    ARCH_NO_GATE = 1 << 12,       /* the feed-forward sub-layer has no gate */
    ARCH_EMBED_SCALE = 1 << 13,   /* embeddings are multiplied by sqrt(n_embd) */
    ARCH_LEARNED_POS = 1 << 14,   /* a learned vector for each position instead of rotations */
    ARCH_PLAIN_WINDOW_ROPE = 1 << 15,  /* layers with a window rotate by the base as it is, without scaling */
    ARCH_EXPERTS = 1 << 16,            /* layers with a router are mixtures of experts */
    ARCH_EXPERTS_NORMALISED = 1 << 17, /* weights of a token's experts sum to 1, if the file has no key for it */
    ARCH_EMBED_NORM = 1 << 18,         /* embeddings are normalised */
    ARCH_ENCODER = 1 << 19,            /* attention sees earlier and later tokens; the model has no logits */
    ARCH_POST_LN = 1 << 20,      /* x = norm(x + sublayer(x)): norms within the residual stream (Vaswani et al. 2017) */
    ARCH_YARN_EXACT = 1 << 21,   /* YaRN's slope is not widened to whole pairs, if the file has no key for it */
    ARCH_CHUNKS = 1 << 22,       /* windows are chunks between fixed positions of the context */
    ARCH_QK_NORM_LAST = 1 << 23, /* norms of queries and keys follow the rotation */
    ARCH_QK_UNIT_NORM = 1 << 24, /* these norms have no weights; only layers that rotate have the norms */
    ARCH_QUERY_GROWTH = 1 << 25, /* queries that do not rotate grow with their position */
    ARCH_WEIGH_INPUT = 1 << 26,  /* an expert's weight is a factor on its input */
    ARCH_LATENT = 1 << 27,       /* multi-head latent attention (latent.c) */
    ARCH_BIAS_MEANS_SIGMOID = 1
                              << 29, /* a router with a choice bias scores by sigmoid, if the file has no key for it */
    ARCH_FULL_FIRST = 1 << 28,       /* of window_pattern layers the first sees all tokens, not the last */
};

/* Which layers rotate. */
typedef enum rope_layers {
    ROPE_ALL_LAYERS,
    ROPE_NO_LAYERS,
    ROPE_WINDOW_LAYERS,       /* if the model has windows, only layers with a window rotate */
    ROPE_THREE_IN_FOUR,       /* every fourth layer does not rotate */
    ROPE_UNLESS_SWITCHED_OFF, /* no layer, if rope.scaling.finetuned is false */
} rope_layers;

/* How the key logit_scale changes logits. */
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
    router_kind router;                     /* of ARCH_EXPERTS, if the file has no key for it */
    int32_t window_pattern;                 /* with a sliding window: every n-th layer sees all tokens; 0: no layer */
    int32_t window;                         /* if the file has no key for it; 0: no window */
    float norm_eps;                         /* if the file has no key for it; 0: the file must have the key */
    float rope_theta;                       /* the same; 0: 10000 */
    float rope_theta_local;                 /* rotation base of the layers with a window; 0: the same as the others */
    float max_alibi_bias;                   /* linear biases of attention, if the file has no key for them; 0: none */
    float attention_softcap, logit_softcap; /* if the file has no key for them; 0: none */
} arch;

/* NULL if the family is not in the table. */
const arch *arch_find(gguf_str name);

/* "arcee, bloom, ..., ...": as many names as fit, for messages. */
void arch_list_names(char *out, size_t n_out);

#endif
