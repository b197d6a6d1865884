/* hf_family.c - see hf_family.h; docs/models.md says how to add a family. */
#include "hf/hf_family.h"

#include <ctype.h>
#include <string.h>

#include "base/ends_with.h"
#include "hf/hf_family_keys.h"
#include "hf/hf_names.h"

#define LLAMA .layers = "model.layers.", .top = hf_llama_top, .block = hf_llama_block
#define GEMMA LLAMA, .own = hf_post_norms

/* A row is a paragraph. */
/* clang-format off */
static const hf_family families[] = {
    { .classes = { "ArceeForCausalLM" }, .arch = "arcee", LLAMA, .traits = HF_PAIRS, .activation = "relu2" },
    { .classes = { "BertModel", "BertForMaskedLM", "BertForPreTraining" }, .arch = "bert", .layers = "encoder.layer.",
      .top = hf_bert_top, .block = hf_bert_block, .traits = HF_LAYER_NORM | HF_NO_ROPE, .keys = hf_keys_bert,
      .activation = "gelu", .norm_eps = 1e-12 },
    { .classes = { "BloomForCausalLM", "BloomModel" }, .arch = "bloom", .layers = "transformer.h.", .top = hf_falcon_top,
      .block = hf_falcon_block, .traits = HF_LAYER_NORM | HF_NO_ROPE, .activation = "gelu_pytorch_tanh" },
    { .classes = { "Cohere2ForCausalLM" }, .arch = "cohere2", LLAMA,
      .traits = HF_LAYER_NORM | HF_WINDOWS, .window_pattern = 4, .keys = hf_keys_cohere, .window = 4096 },
    { .classes = { "CohereForCausalLM" }, .arch = "command-r", LLAMA,
      .traits = HF_LAYER_NORM, .keys = hf_keys_cohere, .rope_theta = 500000 },
    { .classes = { "DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM" }, .arch = "deepseek2", LLAMA,
      .traits = HF_MAY_NORM_EXPERTS, .keys = hf_keys_deepseek, .norm_eps = 1e-6 },
    { .classes = { "Ernie4_5_MoeForCausalLM" }, .arch = "ernie4_5-moe", LLAMA,
      .keys = hf_keys_ernie, .rope_theta = 500000 },
    { .classes = { "ExaoneForCausalLM" }, .arch = "exaone", .layers = "transformer.h.", .top = hf_gpt2_top,
      .block = hf_exaone_block },
    { .classes = { "Exaone4ForCausalLM" }, .arch = "exaone4", LLAMA, .own = hf_post_norms,
      .traits = HF_WINDOWS | HF_LIST_WINDOWS, .window_pattern = 4, .window = 4096 },
    { .classes = { "FalconForCausalLM", "RWForCausalLM" }, .arch = "falcon", .layers = "transformer.h.",
      .top = hf_falcon_top, .block = hf_falcon_block, .traits = HF_LAYER_NORM, .keys = hf_keys_falcon,
      .activation = "gelu" },
    { .classes = { "GemmaForCausalLM" }, .arch = "gemma", LLAMA, .traits = HF_NORM_PLUS_1, .norm_eps = 1e-6,
      .head_dim = 256, .activation = "gelu_pytorch_tanh" },
    { .classes = { "Gemma2ForCausalLM" }, .arch = "gemma2", GEMMA,
      .traits = HF_NORM_PLUS_1 | HF_WINDOWS, .window_pattern = 2, .keys = hf_keys_gemma2, .norm_eps = 1e-6,
      .head_dim = 256, .window = 4096, .activation = "gelu_pytorch_tanh" },
    { .classes = { "Gemma3ForCausalLM", "Gemma3ForConditionalGeneration" }, .arch = "gemma3", GEMMA,
      .traits = HF_NORM_PLUS_1 | HF_WINDOWS, .window_pattern = 6, .keys = hf_keys_gemma2, .norm_eps = 1e-6,
      .head_dim = 256, .window = 4096, .rope_theta = 1000000, .activation = "gelu_pytorch_tanh" },
    { .classes = { "GPT2LMHeadModel" }, .arch = "gpt2", .layers = "transformer.h.", .top = hf_gpt2_top,
      .block = hf_gpt2_block, .traits = HF_LAYER_NORM | HF_NO_ROPE, .activation = "gelu_pytorch_tanh" },
    { .classes = { "GPTNeoXForCausalLM" }, .arch = "gptneox", .layers = "gpt_neox.layers.",
      .top = hf_gptneox_top, .block = hf_gptneox_block, .traits = HF_LAYER_NORM, .keys = hf_keys_parallel,
      .activation = "gelu", .rotated = 0.25 },
    { .classes = { "Glm4MoeForCausalLM" }, .arch = "glm4moe", LLAMA, .own = hf_glm4moe_block,
      .traits = HF_MAY_NORM_EXPERTS, .keys = hf_keys_glm4moe, .rotated = 0.5 },
    { .classes = { "GptOssForCausalLM" }, .arch = "gpt-oss", LLAMA, .own = hf_gpt_oss_block,
      .traits = HF_WINDOWS | HF_WIDE_EXPERTS, .keys = hf_keys_gpt_oss, .window_pattern = 2, .head_dim = 64, .window = 128,
      .rope_theta = 150000 },
    { .classes = { "GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM" }, .arch = "granitemoe", LLAMA,
      .own = hf_granitemoe_block, .traits = HF_PAIRS, .keys = hf_keys_granite, .norm_eps = 1e-6 },
    { .classes = { "GraniteForCausalLM" }, .arch = "granite", LLAMA, .traits = HF_PAIRS, .keys = hf_keys_granite,
      .norm_eps = 1e-6 },
    { .classes = { "HunYuanMoEV1ForCausalLM", "HunYuanV1MoEForCausalLM" /* so that model_type fits */ }, .arch = "hunyuan-moe", LLAMA,
      .traits = HF_WIDE_EXPERTS },
    { .classes = { "InternLM2ForCausalLM" }, .arch = "internlm2", .layers = "model.layers.",
      .top = hf_internlm2_top, .block = hf_internlm2_block, .traits = HF_PAIRS, .norm_eps = 1e-6 },
    { .classes = { "LlamaForCausalLM", "LLaMAForCausalLM", "InternLM3ForCausalLM" },
      .arch = "llama", LLAMA, .traits = HF_PAIRS | HF_WINDOWS, .keys = hf_keys_llama, .norm_eps = 1e-6 },
    { .classes = { "MistralForCausalLM" }, .arch = "llama", LLAMA, .traits = HF_PAIRS | HF_WINDOWS, .keys = hf_keys_llama,
      .norm_eps = 1e-6, .window = 4096 },
    { .classes = { "Llama4ForCausalLM", "Llama4ForConditionalGeneration" }, .arch = "llama4", LLAMA,
      .own = hf_llama4_block, .traits = HF_WIDE_EXPERTS, .keys = hf_keys_llama4, .rope_theta = 500000 },
    { .classes = { "MixtralForCausalLM" }, .arch = "llama", LLAMA, .own = hf_mixtral_block,
      .traits = HF_PAIRS | HF_WINDOWS, .keys = hf_keys_llama, .rope_theta = 1000000 },
    { .classes = { "MiniCPMForCausalLM" }, .arch = "minicpm", LLAMA, .traits = HF_PAIRS, .keys = hf_keys_minicpm,
      .norm_eps = 1e-6 },
    { .classes = { "MptForCausalLM", "MPTForCausalLM" }, .arch = "mpt", .layers = "transformer.blocks.",
      .top = hf_mpt_top, .block = hf_mpt_block, .traits = HF_LAYER_NORM | HF_NO_ROPE, .keys = hf_keys_mpt,
      .activation = "gelu" },
    { .classes = { "NemotronForCausalLM" }, .arch = "nemotron", LLAMA,
      .traits = HF_LAYER_NORM | HF_NORM_PLUS_1, .rotated = 0.5, .activation = "relu2" },
    { .classes = { "NomicBertModel" }, .arch = "nomic-bert", .layers = "encoder.layers.", .top = hf_nomic_top,
      .block = hf_nomic_block, .traits = HF_LAYER_NORM, .keys = hf_keys_nomic, .norm_eps = 1e-12, .rope_theta = 1000 },
    { .classes = { "OlmoForCausalLM" }, .arch = "olmo", LLAMA, .traits = HF_LAYER_NORM | HF_PAIRS,
      .keys = hf_keys_olmo },
    { .classes = { "Olmo2ForCausalLM" }, .arch = "olmo2", LLAMA, .own = hf_post_norms },
    { .classes = { "Olmo3ForCausalLM" }, .arch = "olmo2", LLAMA, .own = hf_post_norms,
      .traits = HF_WINDOWS | HF_LIST_WINDOWS, .window_pattern = 4, .rope_theta = 500000, .window = 4096 },
    { .classes = { "OlmoeForCausalLM" }, .arch = "olmoe", LLAMA, .traits = HF_MAY_NORM_EXPERTS, .keys = hf_keys_olmoe },
    { .classes = { "PhiForCausalLM" }, .arch = "phi2", LLAMA, .own = hf_phi2_block, .traits = HF_LAYER_NORM,
      .rotated = 0.5, .activation = "gelu_pytorch_tanh" },
    { .classes = { "Phi3ForCausalLM" }, .arch = "phi3", LLAMA, .traits = HF_WINDOWS, .rotated = 1 },
    { .classes = { "Qwen2ForCausalLM" }, .arch = "qwen2", LLAMA, .traits = HF_WINDOWS | HF_WINDOW_SWITCH,
      .norm_eps = 1e-6 },
    { .classes = { "Qwen2MoeForCausalLM" }, .arch = "qwen2moe", LLAMA,
      .traits = HF_WINDOWS | HF_WINDOW_SWITCH | HF_MAY_NORM_EXPERTS, .norm_eps = 1e-6 },
    { .classes = { "Qwen3MoeForCausalLM" }, .arch = "qwen3moe", LLAMA,
      .traits = HF_WINDOWS | HF_WINDOW_SWITCH | HF_MAY_NORM_EXPERTS, .norm_eps = 1e-6 },
    { .classes = { "Qwen3ForCausalLM" }, .arch = "qwen3", LLAMA, .traits = HF_WINDOWS | HF_WINDOW_SWITCH,
      .norm_eps = 1e-6, .head_dim = 128 },
    { .classes = { "SmolLM3ForCausalLM" }, .arch = "smollm3", LLAMA, .traits = HF_PAIRS, .keys = hf_keys_smollm3,
      .norm_eps = 1e-6, .rope_theta = 2000000 },
    { .classes = { "StableLmForCausalLM", "StableLMEpochForCausalLM" }, .arch = "stablelm", LLAMA,
      .own = hf_stablelm_block, .traits = HF_LAYER_NORM, .keys = hf_keys_parallel, .rotated = 0.25 },
    { .classes = { "GPTBigCodeForCausalLM" }, .arch = "starcoder", .layers = "transformer.h.",
      .top = hf_gpt2_top, .block = hf_starcoder_block, .traits = HF_LAYER_NORM | HF_NO_ROPE, .keys = hf_keys_starcoder,
      .activation = "gelu_pytorch_tanh" },
    { .classes = { "Starcoder2ForCausalLM" }, .arch = "starcoder2", LLAMA, .own = hf_starcoder2_block,
      .traits = HF_LAYER_NORM | HF_WINDOWS, .activation = "gelu_pytorch_tanh" },
};
/* clang-format on */

#define N_FAMILIES (sizeof families / sizeof *families)

/* Bytes of a class's name before the suffix that names its head. */
static size_t stem_length(const char *class)
{
    static const char *const heads[] = { "ForCausalLM", "LMHeadModel", "ForConditionalGeneration", "ForMaskedLM",
                                         "Model" };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (ends_with(class, heads[i])) return strlen(class) - strlen(heads[i]);
    return strlen(class);
}

static const hf_family *find_class(const char *class)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        for (const char *const *c = families[i].classes; *c; c++)
            if (!strcmp(*c, class)) return &families[i];
    return NULL;
}

const hf_family *hf_family_find(const char *class, bool *is_base)
{
    const hf_family *exact = find_class(class);
    size_t n = strlen(class);
    *is_base = false;
    if (exact || !ends_with(class, "Model")) return exact;
    n -= strlen(ends_with(class, "TextModel") ? "TextModel" : "Model");
    for (size_t i = 0; i < N_FAMILIES; i++)
        for (const char *const *c = families[i].classes; *c; c++)
            if (n > 0 && stem_length(*c) == n && !strncmp(*c, class, n)) {
                *is_base = true;
                return &families[i];
            }
    return NULL;
}

/* "gemma3_text" means "Gemma3" of Gemma3ForCausalLM, "gpt_neox" means GPTNeoX: lower case, without separators. */
static bool is_type_of(const char *type, const char *class)
{
    const char *end = class + stem_length(class);
    size_t n = strlen(type) - (ends_with(type, "_text") ? strlen("_text") : 0);
    for (size_t i = 0; i < n; i++) {
        if (type[i] == '_' || type[i] == '-') continue;
        while (class < end && *class == '_') class ++;
        if (class == end || tolower((unsigned char)*class ++) != tolower((unsigned char)type[i])) return false;
    }
    return class == end;
}

const hf_family *hf_family_of_type(const char *model_type)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        for (const char *const *c = families[i].classes; *c; c++)
            if (is_type_of(model_type, *c)) return &families[i];
    return NULL;
}
