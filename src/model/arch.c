/* arch.c - see arch.h; docs/models.md explains how to add a row. Sources: the model cards and papers named there, and the
 * tensor conventions of the GGUF converters (llama and families converted alike keep adjacent rotation pairs, others
 * keep halves). */
#include "model/arch.h"

#include <stdio.h>
#include <string.h>

/* Norms, biases and a feed-forward sub-layer in the manner of GPT-2. */
#define GPT (ARCH_NORM_BIAS | ARCH_BIASES | ARCH_NO_GATE)

#define GPT_OSS                                                                                                       \
    .norm = NORM_RMS, .norm_eps = 1e-5f, .pairing = ROPE_HALVES, .glu = GLU_CLAMPED, .router = ROUTER_SOFTMAX_CHOSEN, \
    .features = ARCH_QKV_BIAS | ARCH_EXPERTS | ARCH_YARN_EXACT, .window_pattern = 2, .rope_theta = 150000

/* Encoders in the manner of BERT (Devlin et al. 2019). */
#define BERT (ARCH_ENCODER | ARCH_POST_LN | ARCH_EMBED_NORM | ARCH_NORM_BIAS)

/* Each family is a paragraph, which clang-format would break up. */
/* clang-format off */
static const arch families[] = {
    { .name = "arcee", .norm = NORM_RMS, .pairing = ROPE_ADJACENT, .glu = GLU_RELU2,
      .features = ARCH_NO_GATE },
    { .name = "bert", .norm = NORM_LAYER, .glu = GLU_GELU, .features = BERT | GPT | ARCH_LEARNED_POS },
    { .name = "bloom", .norm = NORM_LAYER, .glu = GLU_GELU_TANH, .features = GPT | ARCH_EMBED_NORM,
      .rope = ROPE_NO_LAYERS, .max_alibi_bias = 8 },
    { .name = "cohere2", .norm = NORM_LAYER, .pairing = ROPE_ADJACENT, .glu = GLU_SILU,
      .features = ARCH_PARALLEL, .rope = ROPE_WINDOW_LAYERS, .window_pattern = 4, .logits = LOGITS_TIMES },
    { .name = "command-r", .norm = NORM_LAYER, .pairing = ROPE_ADJACENT, .glu = GLU_SILU,
      .features = ARCH_PARALLEL | ARCH_MAY_QK_NORM, .qk_norm = QK_NORM_HEADS, .logits = LOGITS_TIMES },
    { .name = "deepseek2", .norm = NORM_RMS, .pairing = ROPE_ADJACENT, .glu = GLU_SILU,
      .features = ARCH_LATENT | ARCH_EXPERTS | ARCH_BIAS_MEANS_SIGMOID },
    { .name = "eurobert", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU,
      .features = ARCH_ENCODER },
    { .name = "ernie4_5-moe", .norm = NORM_RMS, .pairing = ROPE_ADJACENT, .glu = GLU_SILU,
      .features = ARCH_EXPERTS | ARCH_EXPERTS_NORMALISED },
    { .name = "exaone", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU },
    { .name = "exaone4", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU,
      .features = ARCH_QK_NORM | ARCH_POST_NORMS | ARCH_NO_PRE_NORMS, .rope = ROPE_WINDOW_LAYERS,
      .window_pattern = 4 },
    { .name = "falcon", .norm = NORM_LAYER, .pairing = ROPE_HALVES, .glu = GLU_GELU,
      .features = ARCH_NORM_BIAS | ARCH_PARALLEL | ARCH_NO_GATE },
    { .name = "gemma", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_GELU_TANH,
      .features = ARCH_EMBED_SCALE },
    { .name = "gemma2", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_GELU_TANH,
      .features = ARCH_POST_NORMS | ARCH_EMBED_SCALE, .window_pattern = 2, .window = 4096,
      .attention_softcap = 50, .logit_softcap = 30 },
    { .name = "gemma3", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_GELU_TANH,
      .features = ARCH_QK_NORM | ARCH_POST_NORMS | ARCH_EMBED_SCALE | ARCH_PLAIN_WINDOW_ROPE,
      .norm_eps = 1e-6f, .window_pattern = 6, .rope_theta = 1000000, .rope_theta_local = 10000 },
    { .name = "glm4moe", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU,
      .features = ARCH_MAY_QK_NORM | ARCH_EXPERTS, .router = ROUTER_SIGMOID },
    { .name = "gpt-oss", GPT_OSS },
    { .name = "gpt2", .norm = NORM_LAYER, .glu = GLU_GELU_TANH, .features = GPT | ARCH_LEARNED_POS },
    { .name = "gptneox", .norm = NORM_LAYER, .pairing = ROPE_HALVES, .glu = GLU_GELU,
      .features = GPT | ARCH_PARALLEL_KEY },
    { .name = "gptoss", GPT_OSS }, /* Ollama's name */
    { .name = "granite", .norm = NORM_RMS, .pairing = ROPE_ADJACENT, .glu = GLU_SILU,
      .logits = LOGITS_DIVIDED, .rope = ROPE_UNLESS_SWITCHED_OFF },
    { .name = "granitemoe", .norm = NORM_RMS, .pairing = ROPE_ADJACENT, .glu = GLU_SILU,
      .features = ARCH_EXPERTS | ARCH_EXPERTS_NORMALISED, .logits = LOGITS_DIVIDED,
      .rope = ROPE_UNLESS_SWITCHED_OFF },
    { .name = "hunyuan-moe", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU,
      .features = ARCH_QK_NORM | ARCH_QK_NORM_LAST | ARCH_EXPERTS | ARCH_EXPERTS_NORMALISED },
    { .name = "internlm2", .norm = NORM_RMS, .pairing = ROPE_ADJACENT, .glu = GLU_SILU },
    { .name = "jina-bert-v2", .norm = NORM_LAYER, .glu = GLU_GELU, .features = BERT, .rope = ROPE_NO_LAYERS,
      .max_alibi_bias = 8 },
    { .name = "llama", .norm = NORM_RMS, .pairing = ROPE_ADJACENT, .glu = GLU_SILU,
      .features = ARCH_EXPERTS | ARCH_EXPERTS_NORMALISED },
    { .name = "llama4", .norm = NORM_RMS, .pairing = ROPE_ADJACENT, .glu = GLU_SILU,
      .features = ARCH_EXPERTS | ARCH_CHUNKS | ARCH_QK_NORM_LAST | ARCH_QK_UNIT_NORM | ARCH_QUERY_GROWTH |
                  ARCH_WEIGH_INPUT,
      .router = ROUTER_SIGMOID, .rope = ROPE_THREE_IN_FOUR, .window_pattern = 4, .window = 8192 },
    { .name = "minicpm", .norm = NORM_RMS, .pairing = ROPE_ADJACENT, .glu = GLU_SILU,
      .logits = LOGITS_DIVIDED },
    { .name = "modern-bert", .norm = NORM_LAYER, .pairing = ROPE_HALVES, .glu = GLU_GELU,
      .features = ARCH_ENCODER | ARCH_EMBED_NORM | ARCH_FULL_FIRST, .window_pattern = 3, .rope_theta_local = 10000 },
    { .name = "mpt", .norm = NORM_LAYER, .glu = GLU_GELU, .features = ARCH_NO_GATE, .rope = ROPE_NO_LAYERS },
    { .name = "nemotron", .norm = NORM_LAYER, .pairing = ROPE_HALVES, .glu = GLU_RELU2,
      .features = ARCH_NORM_BIAS | ARCH_NO_GATE },
    { .name = "nomic-bert", .norm = NORM_LAYER, .pairing = ROPE_HALVES, .glu = GLU_SILU, .features = BERT },
    { .name = "olmo", .norm = NORM_LAYER, .pairing = ROPE_ADJACENT, .glu = GLU_SILU,
      .features = ARCH_UNIT_NORMS },
    { .name = "olmo2", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU,
      .features = ARCH_QK_NORM | ARCH_POST_NORMS | ARCH_NO_PRE_NORMS | ARCH_PLAIN_WINDOW_ROPE,
      .qk_norm = QK_NORM_WHOLE, .window_pattern = 4 },
    { .name = "olmoe", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU,
      .features = ARCH_QK_NORM | ARCH_EXPERTS, .qk_norm = QK_NORM_WHOLE },
    { .name = "phi2", .norm = NORM_LAYER, .pairing = ROPE_HALVES, .glu = GLU_GELU_TANH,
      .features = GPT | ARCH_PARALLEL | ARCH_OUTPUT_BIAS },
    { .name = "phi3", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU },
    { .name = "qwen2", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU,
      .features = ARCH_QKV_BIAS },
    { .name = "qwen2moe", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU,
      .features = ARCH_QKV_BIAS | ARCH_EXPERTS },
    { .name = "qwen3", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU,
      .features = ARCH_QK_NORM },
    { .name = "qwen3moe", .norm = NORM_RMS, .pairing = ROPE_HALVES, .glu = GLU_SILU,
      .features = ARCH_QK_NORM | ARCH_EXPERTS | ARCH_EXPERTS_NORMALISED },
    { .name = "smollm3", .norm = NORM_RMS, .pairing = ROPE_ADJACENT, .glu = GLU_SILU,
      .rope = ROPE_THREE_IN_FOUR },
    { .name = "stablelm", .norm = NORM_LAYER, .pairing = ROPE_HALVES, .glu = GLU_SILU,
      .features = ARCH_NORM_BIAS | ARCH_PARALLEL_NORM | ARCH_MAY_QK_NORM, .qk_norm = QK_NORM_HEADS },
    { .name = "starcoder", .norm = NORM_LAYER, .glu = GLU_GELU_TANH, .features = GPT | ARCH_LEARNED_POS },
    { .name = "starcoder2", .norm = NORM_LAYER, .pairing = ROPE_HALVES, .glu = GLU_GELU_TANH,
      .features = GPT },
};
/* clang-format on */

#define N_FAMILIES (sizeof families / sizeof *families)

const arch *arch_find(gguf_str name)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        if (gguf_str_is(name, families[i].name)) return &families[i];
    return NULL;
}

void arch_list_names(char *out, size_t n_out)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < N_FAMILIES; i++) {
        if (n + strlen(families[i].name) + strlen(", , ...") >= n_out) {
            snprintf(out + n, n_out - n, ", ...");
            return;
        }
        n += (size_t)snprintf(out + n, n_out - n, "%s%s", i ? ", " : "", families[i].name);
    }
}
