/* hf_family_keys.c - see hf_family_keys.h. */
#include "hf/hf_family_keys.h"

#include <math.h>
#include <string.h>

void hf_keys_parallel(hf_keys *k)
{
    hf_put_bool(k, "use_parallel_residual", hf_bool(k, "use_parallel_residual", !strcmp(k->family->arch, "gptneox")));
}

void hf_keys_bert(hf_keys *k)
{
    const char *const types[] = { "type_vocab_size", NULL };
    gguf_put_u32(k->head, "tokenizer.ggml.token_type_count", (uint32_t)hf_int(k, types, 1, 1 << 16, 2));
    hf_put_bool(k, "attention.causal", false);
    k->is_encoder = true;
}

/* As transformers writes config.json, or as GPT-2's with settings of its own. rotary_scaling_factor counts beyond
 * max_trained_positions, which is the context that is written. */
void hf_keys_nomic(hf_keys *k)
{
    static const char *const off[] = { "prenorm",       "use_rms_norm",  "rotary_emb_interleaved",
                                       "qkv_proj_bias", "mlp_fc1_bias",  "mlp_fc2_bias",
                                       "causal",        "parallel_block" };
    hf_expect(k, "rotary_emb_fraction", "1.0");
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) hf_expect(k, off[i], "false");
    if (hf_get(k, "rotary_emb_scale_base"))
        hf_fail(k, SUMI_EUNSUPPORTED, "'rotary_emb_scale_base' is set: not supported");
    hf_keys_bert(k); /* it is an encoder too */
}

void hf_keys_cohere(hf_keys *k)
{
    hf_put_f32(k, "logit_scale", hf_number(k, "logit_scale", 0.0625));
}

static int64_t size_of(hf_keys *k, const char *name, int64_t low, int64_t otherwise)
{
    return hf_int(k, (const char *const[]){ name, NULL }, low, 1 << 20, otherwise);
}

/* Groups of experts. With the method "greedy" they do not count. */
static void put_groups(hf_keys *k)
{
    const char *type = hf_text(k, "model_type");
    bool v3 = type && !strcmp(type, "deepseek_v3");
    int64_t n = size_of(k, "n_group", 0, v3 ? 8 : 0), used = size_of(k, "topk_group", 0, v3 ? 4 : 0);
    const char *method = hf_text(k, "topk_method");
    bool greedy = method && !strcmp(method, "greedy");
    if (method && !greedy && strcmp(method, "group_limited_greedy") != 0 && strcmp(method, "noaux_tc") != 0)
        hf_fail(k, SUMI_EUNSUPPORTED, "'topk_method' is '%.40s': not supported", method);
    if (greedy || n < 2) return;
    hf_put_int(k, "expert_group_count", n);
    hf_put_int(k, "expert_group_used_count", used > 0 ? used : 1);
}

/* Keys and values are made from one latent (DeepSeek-AI 2024); files have the latent as the only key and value head. */
void hf_keys_deepseek(hf_keys *k)
{
    int64_t rank = size_of(k, "kv_lora_rank", 1, 0), n_rot = k->head_dim, nope = size_of(k, "qk_nope_head_dim", 1, 0);
    int64_t q_rank = size_of(k, "q_lora_rank", 0, 0);
    const char *scores = hf_text(k, "scoring_func"), *type = hf_text(k, "model_type");
    bool sigmoid = scores ? !strcmp(scores, "sigmoid") : type && !strcmp(type, "deepseek_v3");
    if (scores && !sigmoid && strcmp(scores, "softmax") != 0)
        hf_fail(k, SUMI_EUNSUPPORTED, "'scoring_func' is '%.40s': not supported", scores);
    hf_put_int(k, "attention.key_length", rank + n_rot);
    hf_put_int(k, "attention.value_length", rank);
    hf_put_int(k, "attention.key_length_mla", nope + n_rot);
    hf_put_int(k, "attention.value_length_mla", size_of(k, "v_head_dim", 1, 0));
    hf_put_int(k, "attention.kv_lora_rank", rank);
    if (q_rank > 0) hf_put_int(k, "attention.q_lora_rank", q_rank);
    hf_put_int(k, "leading_dense_block_count", size_of(k, "first_k_dense_replace", 0, 0));
    hf_put_int(k, "expert_shared_count", size_of(k, "n_shared_experts", 0, 0));
    hf_put_f32(k, "expert_weights_scale",
               hf_number(k, "routed_scaling_factor", type && !strcmp(type, "deepseek_v3") ? 2.5 : 1));
    put_groups(k);
    hf_put_int(k, "expert_gating_func", sigmoid ? 2 : 1);
    hf_expect(k, "moe_layer_freq", "1");
    k->latent_key_rows = nope;
    k->n_kv_heads = 1;
}

/* In the newer architecture both blocks of a layer are always side by side, and heads are in groups. */
void hf_keys_falcon(hf_keys *k)
{
    bool one_head = hf_bool(k, "multi_query", true), parallel = hf_bool(k, "parallel_attn", true);
    int64_t factor = size_of(k, "ff_factor", 1, 4);
    hf_expect(k, "alibi", "false");
    if (factor != 4 && !hf_has(k, "ffn_hidden_size"))
        hf_fail(k, SUMI_EUNSUPPORTED, "'ff_factor' is not 4: not supported");
    if (hf_bool(k, "new_decoder_architecture", false)) return;
    if (!parallel) hf_fail(k, SUMI_EUNSUPPORTED, "'parallel_attn' is false: not supported");
    k->n_kv_heads = one_head ? 1 : k->n_heads;
}

/* null switches a cap off; if the family has a cap, readers need a key for this. */
static void put_softcap(hf_keys *k, const char *name, double usual)
{
    double cap = hf_number(k, name, hf_has(k, name) ? 0 : usual);
    if (cap < 0) hf_fail(k, SUMI_EFORMAT, "'%s' is negative", name);
    if (cap > 0 || usual > 0) hf_put_f32(k, name, cap);
}

/* Scores are divided by the root of a setting, for which GGUF files have no key if it is the head size. */
void hf_keys_gemma2(hf_keys *k)
{
    bool caps = !strcmp(k->family->arch, "gemma2");
    double scalar = hf_number(k, "query_pre_attn_scalar", 256);
    put_softcap(k, "attn_logit_softcapping", caps ? 50 : 0);
    put_softcap(k, "final_logit_softcapping", caps ? 30 : 0);
    if (scalar > 0 && scalar != (double)k->head_dim) hf_put_f32(k, "attention.scale", 1 / sqrt(scalar));
}

/* Its files name the norm before the feed-forward block after attention. */
void hf_keys_glm4moe(hf_keys *k)
{
    hf_put_int(k, "leading_dense_block_count", size_of(k, "first_k_dense_replace", 0, 0));
    hf_put_int(k, "expert_shared_count", size_of(k, "n_shared_experts", 0, 0));
    hf_put_f32(k, "expert_weights_scale", hf_number(k, "routed_scaling_factor", 1));
    hf_put_int(k, "expert_gating_func", 2);
    put_groups(k);
}

void hf_keys_ernie(hf_keys *k)
{
    hf_put_int(k, "leading_dense_block_count", size_of(k, "moe_layer_start_index", 0, 0));
    hf_put_int(k, "interleave_moe_layer_step", size_of(k, "moe_layer_interval", 1, 1));
    hf_put_int(k, "expert_shared_count", size_of(k, "moe_num_shared_experts", 0, 0));
}

void hf_keys_gpt_oss(hf_keys *k)
{
    if (!hf_has(k, "rope_scaling") && !hf_has(k, "rope_parameters"))
        hf_fail(k, SUMI_EFORMAT, "'rope_scaling' is missing");
}

void hf_keys_granite(hf_keys *k)
{
    hf_put_f32(k, "attention.scale", hf_number(k, "attention_multiplier", 1 / sqrt((double)k->head_dim)));
    hf_put_f32(k, "embedding_scale", hf_number(k, "embedding_multiplier", 1));
    hf_put_f32(k, "residual_scale", hf_number(k, "residual_multiplier", 1));
    hf_put_f32(k, "logit_scale", hf_number(k, "logits_scaling", 1));
}

/* 1 rotates, 0 does not; readers know the pattern of three in four only. */
static void three_in_four(hf_keys *k)
{
    const json_t *layers = hf_get(k, "no_rope_layers");
    for (size_t i = 0; i < json_array_size(layers); i++)
        if (json_integer_value(json_array_get(layers, i)) != ((i + 1) % 4 != 0))
            hf_fail(k, SUMI_EUNSUPPORTED, "'no_rope_layers' is not every fourth layer: not supported");
}

/* Chunks of attention, and queries that grow with their position. */
void hf_keys_llama4(hf_keys *k)
{
    hf_put_int(k, "attention.chunk_size", size_of(k, "attention_chunk_size", 1, 8192));
    hf_put_int(k, "interleave_moe_layer_step", size_of(k, "interleave_moe_layer_step", 1, 1));
    bool has_norms = size_of(k, "num_local_experts", 0, 16) != 128; /* Maverick, known by its size, has none */
    hf_expect(k, "use_qk_norm", has_norms ? "true" : "false");
    if (json_is_false(hf_get(k, "attn_temperature_tuning")))
        hf_fail(k, SUMI_EUNSUPPORTED, "'attn_temperature_tuning' is false: not supported");
    three_in_four(k);
    hf_put_int(k, "attention.temperature_length", size_of(k, "floor_scale", 1, 8192));
    hf_put_f32(k, "attention.temperature_scale", hf_number(k, "attn_scale", 0.1));
}

void hf_keys_llama(hf_keys *k)
{
    const char *const names[] = { "vocab_size", NULL };
    hf_put_int(k, "vocab_size", hf_int(k, names, 1, INT32_MAX, 0));
}

void hf_keys_minicpm(hf_keys *k)
{
    hf_put_f32(k, "embedding_scale", hf_number(k, "scale_emb", 12));
    hf_put_f32(k, "residual_scale", hf_number(k, "scale_depth", 1.4) / sqrt((double)k->n_layers));
    hf_put_f32(k, "logit_scale", (double)k->n_embd / hf_number(k, "dim_model_base", 256));
}

/* The settings of attention are in attn_config. expansion_ratio is n_ff / n_embd. */
void hf_keys_mpt(hf_keys *k)
{
    const json_t *a = hf_get(k, "attn_config");
    double clip = json_number_value(hf_member(k, a, "attn_config", "clip_qkv")),
           bias = json_number_value(hf_member(k, a, "attn_config", "alibi_bias_max"));
    hf_check_settings(k, a, "attn_config");
    if (hf_number(k, "expansion_ratio", 4) != 4)
        hf_fail(k, SUMI_EUNSUPPORTED, "'expansion_ratio' is not 4: not supported");
    if (clip > 0) hf_put_f32(k, "attention.clamp_kqv", clip);
    hf_put_f32(k, "attention.max_alibi_bias", bias > 0 ? bias : 8);
}

void hf_keys_olmo(hf_keys *k)
{
    double clip = hf_number(k, "clip_qkv", 0);
    if (clip > 0) hf_put_f32(k, "attention.clamp_kqv", clip);
}

void hf_keys_olmoe(hf_keys *k)
{
    if (hf_get(k, "clip_qkv")) hf_fail(k, SUMI_EUNSUPPORTED, "'clip_qkv', behind the norms, is not supported");
}

void hf_keys_smollm3(hf_keys *k)
{
    three_in_four(k);
}

void hf_keys_starcoder(hf_keys *k)
{
    hf_expect(k, "multi_query", "true");
    k->n_kv_heads = 1;
}
