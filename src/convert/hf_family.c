/* hf_family.c - see hf_family.h; docs/models.md says how to add a family. Names: the classes of the transformers library,
 * and the tensor map of the Python package gguf. */
#include "convert/hf_family.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "convert/ends_with.h"
#include "convert/hf_keys.h"

/* ---- Names -------------------------------------------------------------------------------------------------- */

/* Llama, and all that were written after it. */
static const hf_name llama_top[] = {
    { "model.embed_tokens", "token_embd", HF_SAME },
    { "model.norm", "output_norm", HF_SAME },
    { "model.final_layernorm", "output_norm", HF_SAME }, /* Phi 2 */
    { "lm_head", "output", HF_SAME },
    { 0 },
};

static const hf_name llama_block[] = {
    { "input_layernorm", "attn_norm", HF_SAME },
    { "self_attn.q_proj", "attn_q", HF_ROPE_Q },
    { "self_attn.k_proj", "attn_k", HF_ROPE_K },
    { "self_attn.v_proj", "attn_v", HF_SAME },
    { "self_attn.qkv_proj", "attn_qkv", HF_SAME }, /* Phi 3 */
    { "self_attn.sinks", "attn_sinks.weight", HF_SAME },
    { "self_attn.q_norm", "attn_q_norm", HF_SAME },
    { "self_attn.k_norm", "attn_k_norm", HF_SAME },
    { "self_attn.o_proj", "attn_output", HF_SAME },
    { "self_attn.rotary_emb.inv_freq", NULL, HF_SAME },
    { "post_attention_layernorm", "ffn_norm", HF_SAME },
    { "mlp.gate_proj", "ffn_gate", HF_SAME },
    { "mlp.up_proj", "ffn_up", HF_SAME },
    { "mlp.gate_up_proj", "ffn_up", HF_SAME }, /* Phi 3 */
    { "mlp.down_proj", "ffn_down", HF_SAME },
    /* Mixtures of experts: Qwen, OLMoE, GLM, ERNIE, Hunyuan. */
    { "mlp.gate", "ffn_gate_inp", HF_SAME },
    { "mlp.gate.wg", "ffn_gate_inp", HF_SAME }, /* Hunyuan */
    { "mlp.gate.e_score_correction_bias", "exp_probs_b.bias", HF_SAME },
    { "mlp.moe_statics.e_score_correction_bias", "exp_probs_b.bias", HF_SAME }, /* ERNIE */
    { "mlp.experts.*.gate_proj", "ffn_gate_exps", HF_SAME },
    { "mlp.experts.*.up_proj", "ffn_up_exps", HF_SAME },
    { "mlp.experts.*.down_proj", "ffn_down_exps", HF_SAME },
    { "mlp.shared_expert_gate", "ffn_gate_inp_shexp", HF_SAME },
    { "mlp.shared_expert.gate_proj", "ffn_gate_shexp", HF_SAME },
    { "mlp.shared_expert.up_proj", "ffn_up_shexp", HF_SAME },
    { "mlp.shared_expert.down_proj", "ffn_down_shexp", HF_SAME },
    { "mlp.shared_experts.gate_proj", "ffn_gate_shexp", HF_SAME },
    { "mlp.shared_experts.up_proj", "ffn_up_shexp", HF_SAME },
    { "mlp.shared_experts.down_proj", "ffn_down_shexp", HF_SAME },
    { "mlp.shared_mlp.gate_proj", "ffn_gate_shexp", HF_SAME },
    { "mlp.shared_mlp.up_proj", "ffn_up_shexp", HF_SAME },
    { "mlp.shared_mlp.down_proj", "ffn_down_shexp", HF_SAME },
    { "self_attn.query_layernorm", "attn_q_norm", HF_SAME },
    { "self_attn.key_layernorm", "attn_k_norm", HF_SAME },
    /* DeepSeek. */
    { "self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa", HF_SAME },
    { "self_attn.kv_a_layernorm", "attn_kv_a_norm", HF_SAME },
    { "self_attn.kv_b_proj", "attn_k_b", HF_LATENT_K },
    { "self_attn.kv_b_proj", "attn_v_b", HF_LATENT_V },
    { "self_attn.q_a_proj", "attn_q_a", HF_SAME },
    { "self_attn.q_a_layernorm", "attn_q_a_norm", HF_SAME },
    { "self_attn.q_b_proj", "attn_q_b", HF_SAME },
    { 0 },
};

static const hf_name mixtral_block[] = {
    { "block_sparse_moe.gate", "ffn_gate_inp", HF_SAME },
    { "block_sparse_moe.experts.*.w1", "ffn_gate_exps", HF_SAME },
    { "block_sparse_moe.experts.*.w3", "ffn_up_exps", HF_SAME },
    { "block_sparse_moe.experts.*.w2", "ffn_down_exps", HF_SAME },
    { 0 },
};

static const hf_name glm4moe_block[] = {
    { "post_attention_layernorm", "post_attention_norm", HF_SAME },
    { 0 },
};

static const hf_name granitemoe_block[] = {
    { "block_sparse_moe.router.layer", "ffn_gate_inp", HF_SAME },
    { "block_sparse_moe.input_linear", "ffn_gate_exps", HF_FIRST_HALF },
    { "block_sparse_moe.input_linear", "ffn_up_exps", HF_SECOND_HALF },
    { "block_sparse_moe.output_linear", "ffn_down_exps", HF_SAME },
    { "shared_mlp.input_linear", "ffn_gate_shexp", HF_FIRST_HALF },
    { "shared_mlp.input_linear", "ffn_up_shexp", HF_SECOND_HALF },
    { "shared_mlp.output_linear", "ffn_down_shexp", HF_SAME },
    { 0 },
};

static const hf_name gpt_oss_block[] = {
    { "post_attention_layernorm", "post_attention_norm", HF_SAME },
    { "mlp.router", "ffn_gate_inp", HF_SAME },
    { "mlp.experts.gate_up_proj_blocks", "ffn_gate_exps.weight", HF_MXFP4_EVEN },
    { "mlp.experts.gate_up_proj_blocks", "ffn_up_exps.weight", HF_MXFP4_ODD },
    { "mlp.experts.down_proj_blocks", "ffn_down_exps.weight", HF_MXFP4 },
    { "mlp.experts.gate_up_proj_scales", NULL, HF_SAME },
    { "mlp.experts.down_proj_scales", NULL, HF_SAME },
    { "mlp.experts.gate_up_proj", "ffn_gate_exps.weight", HF_TRANSPOSED | HF_EVEN },
    { "mlp.experts.gate_up_proj", "ffn_up_exps.weight", HF_TRANSPOSED | HF_ODD },
    { "mlp.experts.down_proj", "ffn_down_exps.weight", HF_TRANSPOSED },
    { "mlp.experts.gate_up_proj_bias", "ffn_gate_exps.bias", HF_EVEN },
    { "mlp.experts.gate_up_proj_bias", "ffn_up_exps.bias", HF_ODD },
    { "mlp.experts.down_proj_bias", "ffn_down_exps.bias", HF_SAME },
    { 0 },
};

static const hf_name llama4_block[] = {
    { "feed_forward.router", "ffn_gate_inp", HF_SAME },
    { "feed_forward.experts.gate_up_proj", "ffn_gate_exps.weight", HF_TRANSPOSED | HF_FIRST_HALF },
    { "feed_forward.experts.gate_up_proj", "ffn_up_exps.weight", HF_TRANSPOSED | HF_SECOND_HALF },
    { "feed_forward.experts.down_proj", "ffn_down_exps.weight", HF_TRANSPOSED },
    { "feed_forward.shared_expert.gate_proj", "ffn_gate_shexp", HF_SAME },
    { "feed_forward.shared_expert.up_proj", "ffn_up_shexp", HF_SAME },
    { "feed_forward.shared_expert.down_proj", "ffn_down_shexp", HF_SAME },
    { "feed_forward.gate_proj", "ffn_gate", HF_SAME },
    { "feed_forward.up_proj", "ffn_up", HF_SAME },
    { "feed_forward.down_proj", "ffn_down", HF_SAME },
    { 0 },
};

/* Norms behind the blocks too, or only there. */
static const hf_name post_norms[] = {
    { "post_attention_layernorm", "post_attention_norm", HF_SAME },
    { "pre_feedforward_layernorm", "ffn_norm", HF_SAME },
    { "post_feedforward_layernorm", "post_ffw_norm", HF_SAME },
    { 0 },
};

static const hf_name phi2_block[] = {
    { "self_attn.dense", "attn_output", HF_SAME },
    { "mlp.fc1", "ffn_up", HF_SAME },
    { "mlp.fc2", "ffn_down", HF_SAME },
    { 0 },
};

static const hf_name stablelm_block[] = {
    { "self_attn.q_layernorm.norms.*", "attn_q_norm", HF_SAME },
    { "self_attn.k_layernorm.norms.*", "attn_k_norm", HF_SAME },
    { 0 },
};

static const hf_name starcoder2_block[] = {
    { "mlp.c_fc", "ffn_up", HF_SAME },
    { "mlp.c_proj", "ffn_down", HF_SAME },
    { 0 },
};

/* GPT-2 and what is built on it. */
static const hf_name gpt2_top[] = {
    { "transformer.wte", "token_embd", HF_SAME },
    { "wte", "token_embd", HF_SAME },
    { "transformer.wpe", "position_embd", HF_SAME },
    { "wpe", "position_embd", HF_SAME },
    { "transformer.ln_f", "output_norm", HF_SAME },
    { "ln_f", "output_norm", HF_SAME },
    { "lm_head", "output", HF_SAME },
    { 0 },
};

static const hf_name gpt2_block[] = {
    { "ln_1", "attn_norm", HF_SAME },
    { "attn.c_attn", "attn_qkv", HF_TRANSPOSED },
    { "attn.c_proj", "attn_output", HF_TRANSPOSED },
    { "attn.bias", NULL, HF_SAME }, /* the causal mask */
    { "attn.masked_bias", NULL, HF_SAME },
    { "ln_2", "ffn_norm", HF_SAME },
    { "mlp.c_fc", "ffn_up", HF_TRANSPOSED },
    { "mlp.c_proj", "ffn_down", HF_TRANSPOSED },
    { 0 },
};

static const hf_name starcoder_block[] = {
    { "ln_1", "attn_norm", HF_SAME },
    { "attn.c_attn", "attn_qkv", HF_SAME },
    { "attn.c_proj", "attn_output", HF_SAME },
    { "ln_2", "ffn_norm", HF_SAME },
    { "mlp.c_fc", "ffn_up", HF_SAME },
    { "mlp.c_proj", "ffn_down", HF_SAME },
    { 0 },
};

static const hf_name exaone_block[] = {
    { "ln_1", "attn_norm", HF_SAME },
    { "attn.attention.q_proj", "attn_q", HF_ROPE_Q },
    { "attn.attention.k_proj", "attn_k", HF_ROPE_K },
    { "attn.attention.v_proj", "attn_v", HF_SAME },
    { "attn.attention.out_proj", "attn_output", HF_SAME },
    { "attn.attention.rotary.inv_freq", NULL, HF_SAME },
    { "ln_2", "ffn_norm", HF_SAME },
    { "mlp.c_fc_0", "ffn_gate", HF_SAME },
    { "mlp.c_fc_1", "ffn_up", HF_SAME },
    { "mlp.c_proj", "ffn_down", HF_SAME },
    { 0 },
};

static const hf_name falcon_top[] = {
    { "transformer.word_embeddings", "token_embd", HF_SAME },
    { "word_embeddings", "token_embd", HF_SAME },
    { "transformer.word_embeddings_layernorm", "token_embd_norm", HF_SAME }, /* BLOOM */
    { "word_embeddings_layernorm", "token_embd_norm", HF_SAME },
    { "ln_f", "output_norm", HF_SAME },
    { "transformer.ln_f", "output_norm", HF_SAME },
    { "lm_head", "output", HF_SAME },
    { 0 },
};

static const hf_name falcon_block[] = {
    { "input_layernorm", "attn_norm", HF_SAME },
    { "ln_mlp", "attn_norm", HF_SAME },
    { "ln_attn", "attn_norm_2", HF_SAME },
    { "self_attention.query_key_value", "attn_qkv", HF_GROUPS },
    { "self_attention.dense", "attn_output", HF_SAME },
    { "self_attention.rotary_emb.inv_freq", NULL, HF_SAME },
    { "post_attention_layernorm", "ffn_norm", HF_SAME },
    { "mlp.dense_h_to_4h", "ffn_up", HF_SAME },
    { "mlp.dense_4h_to_h", "ffn_down", HF_SAME },
    { 0 },
};

static const hf_name mpt_top[] = {
    { "transformer.wte", "token_embd", HF_SAME },
    { "transformer.norm_f", "output_norm", HF_SAME },
    { "lm_head", "output", HF_SAME },
    { 0 },
};

static const hf_name mpt_block[] = {
    { "norm_1", "attn_norm", HF_SAME },
    { "attn.Wqkv", "attn_qkv", HF_SAME },
    { "attn.out_proj", "attn_output", HF_SAME },
    { "norm_2", "ffn_norm", HF_SAME },
    { "ffn.up_proj", "ffn_up", HF_SAME },
    { "ffn.down_proj", "ffn_down", HF_SAME },
    { 0 },
};

static const hf_name gptneox_top[] = {
    { "gpt_neox.embed_in", "token_embd", HF_SAME },
    { "gpt_neox.final_layer_norm", "output_norm", HF_SAME },
    { "embed_out", "output", HF_SAME },
    { 0 },
};

static const hf_name gptneox_block[] = {
    { "input_layernorm", "attn_norm", HF_SAME },
    { "attention.query_key_value", "attn_qkv", HF_GROUPS },
    { "attention.dense", "attn_output", HF_SAME },
    { "attention.rotary_emb.inv_freq", NULL, HF_SAME },
    { "attention.bias", NULL, HF_SAME }, /* the causal mask */
    { "attention.masked_bias", NULL, HF_SAME },
    { "post_attention_layernorm", "ffn_norm", HF_SAME },
    { "mlp.dense_h_to_4h", "ffn_up", HF_SAME },
    { "mlp.dense_4h_to_h", "ffn_down", HF_SAME },
    { 0 },
};

static const hf_name internlm2_top[] = {
    { "model.tok_embeddings", "token_embd", HF_SAME },
    { "model.norm", "output_norm", HF_SAME },
    { "output", "output", HF_SAME },
    { 0 },
};

static const hf_name internlm2_block[] = {
    { "attention_norm", "attn_norm", HF_SAME },  { "attention.wqkv", "attn_q", HF_GROUPS_Q },
    { "attention.wqkv", "attn_k", HF_GROUPS_K }, { "attention.wqkv", "attn_v", HF_GROUPS_V },
    { "attention.wo", "attn_output", HF_SAME },  { "ffn_norm", "ffn_norm", HF_SAME },
    { "feed_forward.w1", "ffn_gate", HF_SAME },  { "feed_forward.w3", "ffn_up", HF_SAME },
    { "feed_forward.w2", "ffn_down", HF_SAME },  { 0 },
};

/* BERT. What is there for guesses at masked words, and for pairs of texts, is of no use. Older files call weight and bias of
 * norms gamma and beta. */
static const hf_name bert_top[] = {
    { "embeddings.word_embeddings", "token_embd", HF_SAME },
    { "embeddings.position_embeddings", "position_embd", HF_SAME },
    { "embeddings.token_type_embeddings", "token_types", HF_SAME },
    { "embeddings.LayerNorm", "token_embd_norm", HF_SAME },
    { "embeddings.LayerNorm.gamma", "token_embd_norm.weight", HF_SAME },
    { "embeddings.LayerNorm.beta", "token_embd_norm.bias", HF_SAME },
    { "embeddings.position_ids", NULL, HF_SAME },
    { "pooler.dense", NULL, HF_SAME },
    { "cls.predictions", NULL, HF_SAME },
    { "cls.predictions.decoder", NULL, HF_SAME },
    { "cls.predictions.transform.dense", NULL, HF_SAME },
    { "cls.predictions.transform.LayerNorm", NULL, HF_SAME },
    { "cls.predictions.transform.LayerNorm.gamma", NULL, HF_SAME },
    { "cls.predictions.transform.LayerNorm.beta", NULL, HF_SAME },
    { "cls.seq_relationship", NULL, HF_SAME },
    { 0 },
};

static const hf_name bert_block[] = {
    { "attention.self.query", "attn_q", HF_SAME },
    { "attention.self.key", "attn_k", HF_SAME },
    { "attention.self.value", "attn_v", HF_SAME },
    { "attention.output.dense", "attn_output", HF_SAME },
    { "attention.output.LayerNorm", "attn_output_norm", HF_SAME },
    { "attention.output.LayerNorm.gamma", "attn_output_norm.weight", HF_SAME },
    { "attention.output.LayerNorm.beta", "attn_output_norm.bias", HF_SAME },
    { "intermediate.dense", "ffn_up", HF_SAME },
    { "output.dense", "ffn_down", HF_SAME },
    { "output.LayerNorm", "layer_output_norm", HF_SAME },
    { "output.LayerNorm.gamma", "layer_output_norm.weight", HF_SAME },
    { "output.LayerNorm.beta", "layer_output_norm.bias", HF_SAME },
    { 0 },
};

/* nomic-embed-text, whose files have kept the names of its first program. */
static const hf_name nomic_top[] = {
    { "embeddings.word_embeddings", "token_embd", HF_SAME },
    { "embeddings.token_type_embeddings", "token_types", HF_SAME },
    { "emb_ln", "token_embd_norm", HF_SAME },
    { 0 },
};

static const hf_name nomic_block[] = {
    { "attn.Wqkv", "attn_qkv", HF_SAME },      { "attn.out_proj", "attn_output", HF_SAME },
    { "norm1", "attn_output_norm", HF_SAME },  { "mlp.fc11", "ffn_up", HF_SAME },
    { "mlp.fc12", "ffn_gate", HF_SAME },       { "mlp.fc2", "ffn_down", HF_SAME },
    { "norm2", "layer_output_norm", HF_SAME }, { 0 },
};

/* ---- Settings of single families ---------------------------------------------------------------------------- */

static void keys_parallel(hf_keys *k)
{
    hf_put_bool(k, "use_parallel_residual",
                hf_bool(k, "use_parallel_residual", !strcmp(k->family->arch, "gptneox")));
}

static void put_encoder(hf_keys *k)
{
    const char *const types[] = { "type_vocab_size", NULL };
    gguf_put_u32(k->head, "tokenizer.ggml.token_type_count", (uint32_t)hf_int(k, types, 1, 1 << 16, 2));
    hf_put_bool(k, "attention.causal", false);
    k->is_encoder = true;
}

static void keys_bert(hf_keys *k)
{
    put_encoder(k);
}

/* As transformers writes config.json, or as GPT-2's with settings of its own. rotary_scaling_factor counts beyond
 * max_trained_positions, which is the context that is written. */
static void keys_nomic(hf_keys *k)
{
    static const char *const off[] = { "prenorm",       "use_rms_norm",  "rotary_emb_interleaved",
                                       "qkv_proj_bias", "mlp_fc1_bias",  "mlp_fc2_bias",
                                       "causal",        "parallel_block" };
    hf_expect(k, "rotary_emb_fraction", "1.0");
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) hf_expect(k, off[i], "false");
    if (hf_get(k, "rotary_emb_scale_base"))
        hf_fail(k, SUMI_EUNSUPPORTED, "'rotary_emb_scale_base' is set: not supported");
    put_encoder(k);
}

static void keys_cohere(hf_keys *k)
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
static void keys_deepseek(hf_keys *k)
{
    int64_t rank = size_of(k, "kv_lora_rank", 1, 0), n_rot = k->head_dim,
            nope = size_of(k, "qk_nope_head_dim", 1, 0);
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
static void keys_falcon(hf_keys *k)
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

/* null switches a cap off, which readers must be told where the family has it. */
static void put_softcap(hf_keys *k, const char *name, double usual)
{
    double cap = hf_number(k, name, hf_has(k, name) ? 0 : usual);
    if (cap < 0) hf_fail(k, SUMI_EFORMAT, "'%s' is negative", name);
    if (cap > 0 || usual > 0) hf_put_f32(k, name, cap);
}

/* Scores are divided by the root of a setting that GGUF files leave out where it is the head size. */
static void keys_gemma2(hf_keys *k)
{
    bool caps = !strcmp(k->family->arch, "gemma2");
    double scalar = hf_number(k, "query_pre_attn_scalar", 256);
    put_softcap(k, "attn_logit_softcapping", caps ? 50 : 0);
    put_softcap(k, "final_logit_softcapping", caps ? 30 : 0);
    if (scalar > 0 && scalar != (double)k->head_dim) hf_put_f32(k, "attention.scale", 1 / sqrt(scalar));
}

/* Its files name the norm before the feed-forward block after attention. */
static void keys_glm4moe(hf_keys *k)
{
    hf_put_int(k, "leading_dense_block_count", size_of(k, "first_k_dense_replace", 0, 0));
    hf_put_int(k, "expert_shared_count", size_of(k, "n_shared_experts", 0, 0));
    hf_put_f32(k, "expert_weights_scale", hf_number(k, "routed_scaling_factor", 1));
    hf_put_int(k, "expert_gating_func", 2);
    put_groups(k);
}

static void keys_ernie(hf_keys *k)
{
    hf_put_int(k, "leading_dense_block_count", size_of(k, "moe_layer_start_index", 0, 0));
    hf_put_int(k, "interleave_moe_layer_step", size_of(k, "moe_layer_interval", 1, 1));
    hf_put_int(k, "expert_shared_count", size_of(k, "moe_num_shared_experts", 0, 0));
}

static void keys_gpt_oss(hf_keys *k)
{
    if (!hf_has(k, "rope_scaling") && !hf_has(k, "rope_parameters"))
        hf_fail(k, SUMI_EFORMAT, "'rope_scaling' is missing");
}

static void keys_granite(hf_keys *k)
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
static void keys_llama4(hf_keys *k)
{
    hf_put_int(k, "attention.chunk_size", size_of(k, "attention_chunk_size", 1, 8192));
    hf_put_int(k, "interleave_moe_layer_step", size_of(k, "interleave_moe_layer_step", 1, 1));
    bool has_norms = size_of(k, "num_local_experts", 0, 16) != 128; /* Maverick has none, which readers know by its size */
    hf_expect(k, "use_qk_norm", has_norms ? "true" : "false");
    if (json_is_false(hf_get(k, "attn_temperature_tuning")))
        hf_fail(k, SUMI_EUNSUPPORTED, "'attn_temperature_tuning' is false: not supported");
    three_in_four(k);
    hf_put_int(k, "attention.temperature_length", size_of(k, "floor_scale", 1, 8192));
    hf_put_f32(k, "attention.temperature_scale", hf_number(k, "attn_scale", 0.1));
}

static void keys_llama(hf_keys *k)
{
    const char *const names[] = { "vocab_size", NULL };
    hf_put_int(k, "vocab_size", hf_int(k, names, 1, INT32_MAX, 0));
}

static void keys_minicpm(hf_keys *k)
{
    hf_put_f32(k, "embedding_scale", hf_number(k, "scale_emb", 12));
    hf_put_f32(k, "residual_scale", hf_number(k, "scale_depth", 1.4) / sqrt((double)k->n_layers));
    hf_put_f32(k, "logit_scale", (double)k->n_embd / hf_number(k, "dim_model_base", 256));
}

/* Attention has settings of its own. The feed-forward block is so many times as wide as the model. */
static void keys_mpt(hf_keys *k)
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

static void keys_olmo(hf_keys *k)
{
    double clip = hf_number(k, "clip_qkv", 0);
    if (clip > 0) hf_put_f32(k, "attention.clamp_kqv", clip);
}

static void keys_olmoe(hf_keys *k)
{
    if (hf_get(k, "clip_qkv")) hf_fail(k, SUMI_EUNSUPPORTED, "'clip_qkv', behind the norms, is not supported");
}

static void keys_smollm3(hf_keys *k)
{
    three_in_four(k);
}

static void keys_starcoder(hf_keys *k)
{
    hf_expect(k, "multi_query", "true");
    k->n_kv_heads = 1;
}

/* ---- Families ----------------------------------------------------------------------------------------------- */

#define LLAMA .layers = "model.layers.", .top = llama_top, .block = llama_block
#define GEMMA LLAMA, .own = post_norms

/* A row is a paragraph. */
/* clang-format off */
static const hf_family families[] = {
    { .classes = { "ArceeForCausalLM" }, .arch = "arcee", LLAMA, .traits = HF_PAIRS, .activation = "relu2" },
    { .classes = { "BertModel", "BertForMaskedLM", "BertForPreTraining" }, .arch = "bert", .layers = "encoder.layer.",
      .top = bert_top, .block = bert_block, .traits = HF_LAYER_NORM | HF_NO_ROPE, .keys = keys_bert,
      .activation = "gelu", .norm_eps = 1e-12 },
    { .classes = { "BloomForCausalLM", "BloomModel" }, .arch = "bloom", .layers = "transformer.h.", .top = falcon_top,
      .block = falcon_block, .traits = HF_LAYER_NORM | HF_NO_ROPE, .activation = "gelu_pytorch_tanh" },
    { .classes = { "Cohere2ForCausalLM" }, .arch = "cohere2", LLAMA,
      .traits = HF_LAYER_NORM | HF_WINDOWS, .window_pattern = 4, .keys = keys_cohere, .window = 4096 },
    { .classes = { "CohereForCausalLM" }, .arch = "command-r", LLAMA,
      .traits = HF_LAYER_NORM, .keys = keys_cohere, .rope_theta = 500000 },
    { .classes = { "DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM" }, .arch = "deepseek2", LLAMA,
      .traits = HF_MAY_NORM_EXPERTS, .keys = keys_deepseek, .norm_eps = 1e-6 },
    { .classes = { "Ernie4_5_MoeForCausalLM" }, .arch = "ernie4_5-moe", LLAMA,
      .keys = keys_ernie, .rope_theta = 500000 },
    { .classes = { "ExaoneForCausalLM" }, .arch = "exaone", .layers = "transformer.h.", .top = gpt2_top,
      .block = exaone_block },
    { .classes = { "Exaone4ForCausalLM" }, .arch = "exaone4", LLAMA, .own = post_norms,
      .traits = HF_WINDOWS | HF_LIST_WINDOWS, .window_pattern = 4, .window = 4096 },
    { .classes = { "FalconForCausalLM", "RWForCausalLM" }, .arch = "falcon", .layers = "transformer.h.",
      .top = falcon_top, .block = falcon_block, .traits = HF_LAYER_NORM, .keys = keys_falcon, .activation = "gelu" },
    { .classes = { "GemmaForCausalLM" }, .arch = "gemma", LLAMA, .traits = HF_NORM_PLUS_1, .norm_eps = 1e-6,
      .head_dim = 256, .activation = "gelu_pytorch_tanh" },
    { .classes = { "Gemma2ForCausalLM" }, .arch = "gemma2", GEMMA,
      .traits = HF_NORM_PLUS_1 | HF_WINDOWS, .window_pattern = 2, .keys = keys_gemma2, .norm_eps = 1e-6,
      .head_dim = 256, .window = 4096, .activation = "gelu_pytorch_tanh" },
    { .classes = { "Gemma3ForCausalLM", "Gemma3ForConditionalGeneration" }, .arch = "gemma3", GEMMA,
      .traits = HF_NORM_PLUS_1 | HF_WINDOWS, .window_pattern = 6, .keys = keys_gemma2, .norm_eps = 1e-6,
      .head_dim = 256, .window = 4096, .rope_theta = 1000000, .activation = "gelu_pytorch_tanh" },
    { .classes = { "GPT2LMHeadModel" }, .arch = "gpt2", .layers = "transformer.h.", .top = gpt2_top,
      .block = gpt2_block, .traits = HF_LAYER_NORM | HF_NO_ROPE, .activation = "gelu_pytorch_tanh" },
    { .classes = { "GPTNeoXForCausalLM" }, .arch = "gptneox", .layers = "gpt_neox.layers.",
      .top = gptneox_top, .block = gptneox_block, .traits = HF_LAYER_NORM, .keys = keys_parallel, .activation = "gelu",
      .rotated = 0.25 },
    { .classes = { "Glm4MoeForCausalLM" }, .arch = "glm4moe", LLAMA, .own = glm4moe_block,
      .traits = HF_MAY_NORM_EXPERTS, .keys = keys_glm4moe, .rotated = 0.5 },
    { .classes = { "GptOssForCausalLM" }, .arch = "gpt-oss", LLAMA, .own = gpt_oss_block,
      .traits = HF_WINDOWS | HF_WIDE_EXPERTS, .keys = keys_gpt_oss, .window_pattern = 2, .head_dim = 64, .window = 128,
      .rope_theta = 150000 },
    { .classes = { "GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM" }, .arch = "granitemoe", LLAMA,
      .own = granitemoe_block, .traits = HF_PAIRS, .keys = keys_granite, .norm_eps = 1e-6 },
    { .classes = { "GraniteForCausalLM" }, .arch = "granite", LLAMA, .traits = HF_PAIRS, .keys = keys_granite,
      .norm_eps = 1e-6 },
    { .classes = { "HunYuanMoEV1ForCausalLM" }, .arch = "hunyuan-moe", LLAMA,
      .traits = HF_WIDE_EXPERTS },
    { .classes = { "InternLM2ForCausalLM" }, .arch = "internlm2", .layers = "model.layers.",
      .top = internlm2_top, .block = internlm2_block, .traits = HF_PAIRS, .norm_eps = 1e-6 },
    { .classes = { "LlamaForCausalLM", "LLaMAForCausalLM", "InternLM3ForCausalLM" },
      .arch = "llama", LLAMA, .traits = HF_PAIRS | HF_WINDOWS, .keys = keys_llama, .norm_eps = 1e-6 },
    { .classes = { "MistralForCausalLM" }, .arch = "llama", LLAMA, .traits = HF_PAIRS | HF_WINDOWS, .keys = keys_llama,
      .norm_eps = 1e-6, .window = 4096 },
    { .classes = { "Llama4ForCausalLM", "Llama4ForConditionalGeneration" }, .arch = "llama4", LLAMA,
      .own = llama4_block, .traits = HF_WIDE_EXPERTS, .keys = keys_llama4, .rope_theta = 500000 },
    { .classes = { "MixtralForCausalLM" }, .arch = "llama", LLAMA, .own = mixtral_block,
      .traits = HF_PAIRS | HF_WINDOWS, .keys = keys_llama, .rope_theta = 1000000 },
    { .classes = { "MiniCPMForCausalLM" }, .arch = "minicpm", LLAMA, .traits = HF_PAIRS, .keys = keys_minicpm,
      .norm_eps = 1e-6 },
    { .classes = { "MptForCausalLM", "MPTForCausalLM" }, .arch = "mpt", .layers = "transformer.blocks.",
      .top = mpt_top, .block = mpt_block, .traits = HF_LAYER_NORM | HF_NO_ROPE, .keys = keys_mpt, .activation = "gelu" },
    { .classes = { "NemotronForCausalLM" }, .arch = "nemotron", LLAMA,
      .traits = HF_LAYER_NORM | HF_NORM_PLUS_1, .rotated = 0.5, .activation = "relu2" },
    { .classes = { "NomicBertModel" }, .arch = "nomic-bert", .layers = "encoder.layers.", .top = nomic_top,
      .block = nomic_block, .traits = HF_LAYER_NORM, .keys = keys_nomic, .norm_eps = 1e-12, .rope_theta = 1000 },
    { .classes = { "OlmoForCausalLM" }, .arch = "olmo", LLAMA, .traits = HF_LAYER_NORM | HF_PAIRS,
      .keys = keys_olmo },
    { .classes = { "Olmo2ForCausalLM" }, .arch = "olmo2", LLAMA, .own = post_norms },
    { .classes = { "Olmo3ForCausalLM" }, .arch = "olmo2", LLAMA, .own = post_norms,
      .traits = HF_WINDOWS | HF_LIST_WINDOWS, .window_pattern = 4, .rope_theta = 500000, .window = 4096 },
    { .classes = { "OlmoeForCausalLM" }, .arch = "olmoe", LLAMA, .traits = HF_MAY_NORM_EXPERTS, .keys = keys_olmoe },
    { .classes = { "PhiForCausalLM" }, .arch = "phi2", LLAMA, .own = phi2_block, .traits = HF_LAYER_NORM,
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
    { .classes = { "SmolLM3ForCausalLM" }, .arch = "smollm3", LLAMA, .traits = HF_PAIRS, .keys = keys_smollm3,
      .norm_eps = 1e-6, .rope_theta = 2000000 },
    { .classes = { "StableLmForCausalLM", "StableLMEpochForCausalLM" }, .arch = "stablelm", LLAMA,
      .own = stablelm_block, .traits = HF_LAYER_NORM, .keys = keys_parallel, .rotated = 0.25 },
    { .classes = { "GPTBigCodeForCausalLM" }, .arch = "starcoder", .layers = "transformer.h.",
      .top = gpt2_top, .block = starcoder_block, .traits = HF_LAYER_NORM | HF_NO_ROPE, .keys = keys_starcoder,
      .activation = "gelu_pytorch_tanh" },
    { .classes = { "Starcoder2ForCausalLM" }, .arch = "starcoder2", LLAMA, .own = starcoder2_block,
      .traits = HF_LAYER_NORM | HF_WINDOWS, .activation = "gelu_pytorch_tanh" },
};
/* clang-format on */

#define N_FAMILIES (sizeof families / sizeof *families)

/* Bytes of a class's name before what tells its head. */
static size_t stem_length(const char *class)
{
    static const char *const heads[] = { "ForCausalLM", "LMHeadModel", "ForConditionalGeneration" };
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

/* "gemma3_text" is "Gemma3" of Gemma3ForCausalLM, "gpt_neox" GPTNeoX: small letters, without what is between words. */
static bool is_type_of(const char *type, const char *class)
{
    const char *end = class + stem_length(class);
    size_t n = strlen(type) - (ends_with(type, "_text") ? strlen("_text") : 0);
    for (size_t i = 0; i < n; i++) {
        if (type[i] == '_' || type[i] == '-') continue;
        while (class < end && *class == '_') class++;
        if (class == end || tolower((unsigned char)*class++) != tolower((unsigned char)type[i])) return false;
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
