/* arch.c - see arch.h; docs/models.md says how to add a row. Sources: the model cards and papers named there, and the
 * tensor conventions of the GGUF converters (llama files keep adjacent rotation pairs, others keep halves). */
#include "model/arch.h"

#include <stdio.h>
#include <string.h>

static const arch families[] = {
    { .name = "gemma3", .pairing = ROPE_HALVES, .glu = GLU_GELU_TANH,
      .features = ARCH_QK_NORM | ARCH_POST_NORMS | ARCH_EMBED_SCALE, .window_pattern = 6, .rope_theta_local = 10000 },
    { .name = "llama", .pairing = ROPE_ADJACENT, .glu = GLU_SILU },
    { .name = "qwen2", .pairing = ROPE_HALVES, .glu = GLU_SILU, .features = ARCH_QKV_BIAS },
};

#define N_FAMILIES (sizeof families / sizeof *families)

const arch *arch_find(gguf_str name)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (strlen(families[i].name) == name.n && memcmp(families[i].name, name.data, name.n) == 0) return &families[i];
    return NULL;
}

void arch_list_names(char *out, size_t n_out)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < N_FAMILIES && n < n_out; i++)
        n += (size_t)snprintf(out + n, n_out - n, "%s%s", i ? ", " : "", families[i].name);
}
