/* arch.h - model families as differences over one forward pass.
 *
 * A family is a row of the table in arch.c: what it adds to the plain transformer of Llama (pre-norm, RMSNorm, rotary
 * positions, grouped-query attention, gated feed-forward). Sizes come from the file (hparams.h). */
#ifndef SUMI_MODEL_ARCH_H
#define SUMI_MODEL_ARCH_H

#include "backend/backend.h"
#include "format/gguf.h"

enum {
    ARCH_QKV_BIAS = 1,    /* q, k and v have biases */
    ARCH_QK_NORM = 2,     /* RMS norm of each query and key head before the rotation */
    ARCH_POST_NORMS = 4,  /* attention and feed-forward outputs are normalised before they join the residual */
    ARCH_EMBED_SCALE = 8, /* embeddings are multiplied by sqrt(n_embd) */
};

typedef struct arch {
    const char *name; /* general.architecture of the file, and the prefix of its keys */
    rope_pairing pairing;
    glu_kind glu;
    uint32_t features;
    int32_t window_pattern; /* with a sliding window: every n-th layer sees all tokens; 0: the family has no windows */
    float rope_theta_local; /* rotation base of the layers with a window; 0: the same as the others */
} arch;

/* NULL if the family is not in the table. */
const arch *arch_find(gguf_str name);

/* "gemma3, llama, qwen2": for messages. */
void arch_list_names(char *out, size_t n_out);

#endif
