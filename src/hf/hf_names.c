/* hf_names.c - see hf_names.h. Sources: the classes of the transformers library, and the tensor map of the Python package
 * gguf. */
#include "hf/hf_names.h"

#include <stddef.h>

/* Llama, and all that were written after it. */
const hf_name hf_llama_top[] = {
    { "model.embed_tokens", "token_embd", HF_SAME },
    { "model.norm", "output_norm", HF_SAME },
    { "model.final_layernorm", "output_norm", HF_SAME }, /* Phi 2 */
    { "lm_head", "output", HF_SAME },
    { 0 },
};

const hf_name hf_llama_block[] = {
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

const hf_name hf_mixtral_block[] = {
    { "block_sparse_moe.gate", "ffn_gate_inp", HF_SAME },
    { "block_sparse_moe.experts.*.w1", "ffn_gate_exps", HF_SAME },
    { "block_sparse_moe.experts.*.w3", "ffn_up_exps", HF_SAME },
    { "block_sparse_moe.experts.*.w2", "ffn_down_exps", HF_SAME },
    { 0 },
};

const hf_name hf_glm4moe_block[] = {
    { "post_attention_layernorm", "post_attention_norm", HF_SAME },
    { 0 },
};

const hf_name hf_granitemoe_block[] = {
    { "block_sparse_moe.router.layer", "ffn_gate_inp", HF_SAME },
    { "block_sparse_moe.input_linear", "ffn_gate_exps", HF_FIRST_HALF },
    { "block_sparse_moe.input_linear", "ffn_up_exps", HF_SECOND_HALF },
    { "block_sparse_moe.output_linear", "ffn_down_exps", HF_SAME },
    { "shared_mlp.input_linear", "ffn_gate_shexp", HF_FIRST_HALF },
    { "shared_mlp.input_linear", "ffn_up_shexp", HF_SECOND_HALF },
    { "shared_mlp.output_linear", "ffn_down_shexp", HF_SAME },
    { 0 },
};

const hf_name hf_gpt_oss_block[] = {
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

const hf_name hf_llama4_block[] = {
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

/* Norms after the blocks, too, or only after the blocks. */
const hf_name hf_post_norms[] = {
    { "post_attention_layernorm", "post_attention_norm", HF_SAME },
    { "pre_feedforward_layernorm", "ffn_norm", HF_SAME },
    { "post_feedforward_layernorm", "post_ffw_norm", HF_SAME },
    { 0 },
};

const hf_name hf_phi2_block[] = {
    { "self_attn.dense", "attn_output", HF_SAME },
    { "mlp.fc1", "ffn_up", HF_SAME },
    { "mlp.fc2", "ffn_down", HF_SAME },
    { 0 },
};

const hf_name hf_stablelm_block[] = {
    { "self_attn.q_layernorm.norms.*", "attn_q_norm", HF_SAME },
    { "self_attn.k_layernorm.norms.*", "attn_k_norm", HF_SAME },
    { 0 },
};

const hf_name hf_starcoder2_block[] = {
    { "mlp.c_fc", "ffn_up", HF_SAME },
    { "mlp.c_proj", "ffn_down", HF_SAME },
    { 0 },
};

/* GPT-2 and families derived from it. */
const hf_name hf_gpt2_top[] = {
    { "transformer.wte", "token_embd", HF_SAME },
    { "wte", "token_embd", HF_SAME },
    { "transformer.wpe", "position_embd", HF_SAME },
    { "wpe", "position_embd", HF_SAME },
    { "transformer.ln_f", "output_norm", HF_SAME },
    { "ln_f", "output_norm", HF_SAME },
    { "lm_head", "output", HF_SAME },
    { 0 },
};

const hf_name hf_gpt2_block[] = {
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

const hf_name hf_starcoder_block[] = {
    { "ln_1", "attn_norm", HF_SAME },
    { "attn.c_attn", "attn_qkv", HF_SAME },
    { "attn.c_proj", "attn_output", HF_SAME },
    { "ln_2", "ffn_norm", HF_SAME },
    { "mlp.c_fc", "ffn_up", HF_SAME },
    { "mlp.c_proj", "ffn_down", HF_SAME },
    { 0 },
};

const hf_name hf_exaone_block[] = {
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

const hf_name hf_falcon_top[] = {
    { "transformer.word_embeddings", "token_embd", HF_SAME },
    { "word_embeddings", "token_embd", HF_SAME },
    { "transformer.word_embeddings_layernorm", "token_embd_norm", HF_SAME }, /* BLOOM */
    { "word_embeddings_layernorm", "token_embd_norm", HF_SAME },
    { "ln_f", "output_norm", HF_SAME },
    { "transformer.ln_f", "output_norm", HF_SAME },
    { "lm_head", "output", HF_SAME },
    { 0 },
};

const hf_name hf_falcon_block[] = {
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

const hf_name hf_mpt_top[] = {
    { "transformer.wte", "token_embd", HF_SAME },
    { "transformer.norm_f", "output_norm", HF_SAME },
    { "lm_head", "output", HF_SAME },
    { 0 },
};

const hf_name hf_mpt_block[] = {
    { "norm_1", "attn_norm", HF_SAME },
    { "attn.Wqkv", "attn_qkv", HF_SAME },
    { "attn.out_proj", "attn_output", HF_SAME },
    { "norm_2", "ffn_norm", HF_SAME },
    { "ffn.up_proj", "ffn_up", HF_SAME },
    { "ffn.down_proj", "ffn_down", HF_SAME },
    { 0 },
};

const hf_name hf_gptneox_top[] = {
    { "gpt_neox.embed_in", "token_embd", HF_SAME },
    { "gpt_neox.final_layer_norm", "output_norm", HF_SAME },
    { "embed_out", "output", HF_SAME },
    { 0 },
};

const hf_name hf_gptneox_block[] = {
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

const hf_name hf_internlm2_top[] = {
    { "model.tok_embeddings", "token_embd", HF_SAME },
    { "model.norm", "output_norm", HF_SAME },
    { "output", "output", HF_SAME },
    { 0 },
};

const hf_name hf_internlm2_block[] = {
    { "attention_norm", "attn_norm", HF_SAME },  { "attention.wqkv", "attn_q", HF_GROUPS_Q },
    { "attention.wqkv", "attn_k", HF_GROUPS_K }, { "attention.wqkv", "attn_v", HF_GROUPS_V },
    { "attention.wo", "attn_output", HF_SAME },  { "ffn_norm", "ffn_norm", HF_SAME },
    { "feed_forward.w1", "ffn_gate", HF_SAME },  { "feed_forward.w3", "ffn_up", HF_SAME },
    { "feed_forward.w2", "ffn_down", HF_SAME },  { 0 },
};

/* BERT. Tensors for predicting masked words and for pairs of texts are not used. Older files name the weight and the bias
 * of norms gamma and beta. */
const hf_name hf_bert_top[] = {
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

const hf_name hf_bert_block[] = {
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
const hf_name hf_nomic_top[] = {
    { "embeddings.word_embeddings", "token_embd", HF_SAME },
    { "embeddings.token_type_embeddings", "token_types", HF_SAME },
    { "emb_ln", "token_embd_norm", HF_SAME },
    { 0 },
};

const hf_name hf_nomic_block[] = {
    { "attn.Wqkv", "attn_qkv", HF_SAME },      { "attn.out_proj", "attn_output", HF_SAME },
    { "norm1", "attn_output_norm", HF_SAME },  { "mlp.fc11", "ffn_up", HF_SAME },
    { "mlp.fc12", "ffn_gate", HF_SAME },       { "mlp.fc2", "ffn_down", HF_SAME },
    { "norm2", "layer_output_norm", HF_SAME }, { 0 },
};
