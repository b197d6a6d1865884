/* hf_settings.c - no setting of config.json is ignored silently: each one was read (hf_get() keeps a list), is known not to
 * change the computation, or is refused by its name.
 *
 * A setting of the table below changes nothing, either with any value or with one of the listed values. Settings in another
 * object are written PARENT.NAME. null means a missing setting. With the environment variable SUMI_IGNORE_SETTINGS (names
 * separated by commas) a user states that further settings change nothing. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "base/printable.h"
#include "hf/hf_keys.h"

typedef struct neutral {
    const char *name;   /* a pattern of fnmatch() */
    const char *values; /* a list in JSON; NULL: any value */
    const char *arch;   /* the only family for which it holds; NULL: all */
} neutral;

/* Rows of one family come before rows of all families. Sources: transformers' configuration classes with their defaults
 * (tests/golden/hf_defaults), and published files. */
static const neutral table[] = {
    /* The origin of the file, and settings of programs around the model. */
    { "architectures", NULL, NULL },
    { "model_type", NULL, NULL },
    { "*_name_or_path", NULL, NULL },
    { "name_or_path", NULL, NULL },
    { "transformers_version", NULL, NULL },
    { "transformers.js_config", NULL, NULL },
    { "torch_dtype", NULL, NULL },
    { "dtype", NULL, NULL },
    { "auto_map", NULL, NULL },
    { "custom_pipelines", NULL, NULL },
    { "model_name", NULL, NULL },
    { "model_version", NULL, NULL },
    { "tokenizer_class", NULL, NULL },
    { "tokenizer_name", NULL, NULL },
    { "unsloth_*", NULL, NULL },
    { "is_llama_config", NULL, NULL },
    { "task_specific_params", NULL, NULL },
    { "finetuning_task", NULL, NULL },
    { "problem_type", NULL, NULL },
    { "id2label", NULL, NULL },
    { "label2id", NULL, NULL },
    { "num_labels", NULL, NULL },
    { "verbose", NULL, NULL },
    { "seed", NULL, NULL },
    { "init_device", NULL, NULL },
    { "init_config", NULL, NULL },
    { "for_llm_compressor", NULL, NULL },
    /* How Python computes the same result, and what it returns. */
    { "use_cache", NULL, NULL },
    { "cache_implementation", NULL, NULL },
    { "return_dict*", NULL, NULL },
    { "output_attentions", NULL, NULL },
    { "output_hidden_states", NULL, NULL },
    { "output_router_logits", NULL, NULL },
    { "output_scores", NULL, NULL },
    { "output_logits", NULL, NULL },
    { "output_past", NULL, NULL },
    { "torchscript", NULL, NULL },
    { "gradient_checkpointing", NULL, NULL },
    { "chunk_size_feed_forward", NULL, NULL },
    { "use_flash_attn*", NULL, NULL },
    { "flash_attn*", NULL, NULL },
    { "attn_implementation", NULL, NULL },
    { "attn_impl", NULL, NULL },
    { "_attn_implementation*", NULL, NULL },
    { "_experts_implementation*", NULL, NULL },
    { "pretraining_tp", NULL, NULL },
    { "slow_but_exact", NULL, NULL },
    { "*softmax_in_fp32", NULL, NULL },
    { "reorder_and_upcast_attn", NULL, NULL },
    { "*_fusion", NULL, NULL },
    { "skip_bias_add*", NULL, NULL },
    { "fused_*", NULL, NULL },
    { "fuse_*", NULL, NULL },
    { "use_xentropy", NULL, NULL },
    { "pad_vocab_size_multiple", NULL, NULL },
    { "dense_seq_output", NULL, NULL },
    { "inference_runner", NULL, NULL },
    { "max_batch_size", NULL, NULL },
    { "max_sequence_length", NULL, NULL },
    { "pad_key_length", NULL, NULL },
    { "pre_allocate_kv_cache", NULL, NULL },
    { "validate_runner_input", NULL, NULL },
    { "ep_size", NULL, NULL },
    { "tf_legacy_loss", NULL, NULL },
    { "use_bfloat16", NULL, NULL },
    /* Training. */
    { "initializer_*", NULL, NULL },
    { "*dropout*", NULL, NULL },
    { "*_pdrop", NULL, NULL },
    { "router_*_coef", NULL, NULL },
    { "router_jitter_noise", NULL, NULL },
    { "input_jitter_noise", NULL, NULL },
    { "*aux_loss*", NULL, NULL },
    { "seq_aux", NULL, NULL },
    { "moe_capacity", NULL, NULL },
    { "moe_use_aux_free", NULL, NULL },
    { "mup_denominator", NULL, "minicpm" },
    /* Vocabularies and tokens: known from the tensors and the tokenizer. */
    { "vocab_size", NULL, NULL },
    { "org_vocab_size", NULL, NULL },
    { "type_vocab_size", NULL, NULL },
    { "*token_id", NULL, NULL },
    { "*token_ids", NULL, NULL },
    { "*token_index", NULL, NULL },
    /* Settings of generate(), in old files. */
    { "max_length", NULL, NULL },
    { "max_new_tokens", NULL, NULL },
    { "min_length", NULL, NULL },
    { "do_sample", NULL, NULL },
    { "early_stopping", NULL, NULL },
    { "num_beam*", NULL, NULL },
    { "num_return_sequences", NULL, NULL },
    { "temperature", NULL, NULL },
    { "top_k", NULL, NULL },
    { "top_p", NULL, NULL },
    { "typical_p", NULL, NULL },
    { "*_penalty", NULL, NULL },
    { "*no_repeat_ngram_size", NULL, NULL },
    { "*bad_words_ids", NULL, NULL },
    { "*suppress_tokens", NULL, NULL },
    { "remove_invalid_values", NULL, NULL },
    { "exponential_decay_length_penalty", NULL, NULL },
    { "prefix", NULL, NULL },
    /* Other settings of the longest context; one of them is read. */
    { "model_max_length", NULL, NULL },
    { "max_position_embeddings", NULL, NULL },
    { "max_seq_len", NULL, NULL },
    { "n_ctx", NULL, NULL },
    { "n_positions", NULL, NULL },
    { "seq_length", NULL, NULL },
    { "initial_context_length", NULL, NULL },
    { "original_max_position_embeddings", NULL, NULL },
    /* Heads for other tasks, and parts that see and hear. */
    { "summary_*", NULL, NULL },
    { "classifier_*", NULL, NULL },
    { "pooler_*", NULL, "bert" },
    { "directionality", NULL, "bert" },
    { "text_config", NULL, NULL },
    { "vision_config", NULL, NULL },
    { "audio_config", NULL, NULL },
    { "vision_feature_*", NULL, NULL },
    { "mm_tokens_per_image", NULL, NULL },
    /* Known from the tensors: biases, norms of queries and keys, tables of positions, layers with experts. */
    { "attention_bias", NULL, NULL },
    { "mlp_bias", NULL, NULL },
    { "qkv_bias", NULL, NULL },
    { "use_qkv_bias", NULL, NULL },
    { "use_bias", NULL, NULL },
    { "no_bias", NULL, NULL },
    { "bias", NULL, NULL },
    { "lm_head_bias", "[false]", NULL },
    { "use_qk_norm", NULL, NULL },
    { "qk_layernorm", NULL, NULL },
    { "num_ln_in_parallel_attn", NULL, "falcon" },
    { "learned_pos_emb", NULL, "mpt" },
    { "moe_layers", NULL, NULL },
    { "moe_layer_end_index", NULL, "ernie4_5-moe" },
    { "qk_head_dim", NULL, "deepseek2" },
    { "head_dim", NULL, "deepseek2" },
    { "vocab_size_per_layer_input", NULL, NULL },
    /* Settings of which only one value is computed. */
    { "is_encoder_decoder", "[false]", NULL },
    { "is_decoder", "[false]", "bert" },
    { "is_decoder", NULL, NULL },
    { "add_cross_attention", "[false]", NULL },
    { "tie_encoder_decoder", "[false]", NULL },
    { "pruned_heads", "[{}]", NULL },
    { "use_bidirectional_attention", "[false]", NULL },
    { "use_causal_mask", "[true]", NULL },
    { "scale_attn_weights", "[true]", NULL },
    { "scale_attn_by_inverse_layer_idx", "[false]", NULL },
    { "n_special", NULL, "gpt2" },
    { "predict_special_tokens", NULL, "gpt2" },
    { "apply_residual_connection_post_layernorm", "[false]", NULL },
    { "offset_alibi", NULL, "bloom" },
    { "rope_interleave", "[true]", "deepseek2" },
    { "rope_interleaved", "[false]", NULL },
    { "position_embedding_type", "[\"absolute\"]", "bert" },
    { "position_embedding_type", "[\"rope\",\"rope_gptj\"]", NULL },
    { "use_mrope", "[false]", NULL },
    { "swiglu_limit", "[7]", "gpt-oss" },
    { "swiglu_alpha", "[1.702]", "gpt-oss" },
    { "experts_per_token", NULL, "gpt-oss" },
    { "activation_function", NULL, "starcoder2" }, /* hidden_act is used instead */
    { "mlp_type", "[\"default\"]", "starcoder2" },
    { "norm_type", "[\"layer_norm\"]", "starcoder2" },
    { "norm_type", "[\"low_precision_layernorm\",\"layernorm\"]", "mpt" },
    { "norm_type", "[\"rms\",\"hf_rms\"]", "hunyuan-moe" },
    { "embedding_fraction", "[1]", "mpt" },
    { "full_attn_mod", "[1]", "phi3" },
    { "interpolate_factor", "[1]", "phi3" },
    { "rotary_scaling_factor", NULL, "nomic-bert" }, /* beyond the context that is written */
    { "rotary_scaling_factor", "[1]", NULL },
    { "parallel_block_tied_norm", "[false]", "nomic-bert" },
    { "no_rope_layer_interval", "[4]", NULL },
    { "moe_gate", "[\"topk\"]", "ernie4_5-moe" },
    { "moe_norm_min", NULL, "ernie4_5-moe" },
    { "use_rmsnorm", "[true]", "ernie4_5-moe" },
    { "num_shared_expert", NULL, "hunyuan-moe" },
    { "use_cla", "[false]", "hunyuan-moe" },
    { "cla_share_factor", NULL, "hunyuan-moe" },
    { "use_mla", "[false]", "hunyuan-moe" },
    { "use_mixed_mlp_moe", NULL, "hunyuan-moe" },
    { "use_rotary_pos_emb", "[true]", "hunyuan-moe" },
    { "position_embedding_xdrope", "[false]", "hunyuan-moe" },
    { "group_limited_greedy", "[false]", "hunyuan-moe" },
    { "enable_*_fp32*", NULL, "hunyuan-moe" },
    { "moe_drop_tokens", "[false]", "hunyuan-moe" },
    { "moe_layer_num_skipped", NULL, "hunyuan-moe" },
    { "moe_random_routing_dropped_token", "[false]", "hunyuan-moe" },
    { "class_num", NULL, "hunyuan-moe" },
    { "pool_type", NULL, "hunyuan-moe" },
    { "mask_init_id", NULL, "hunyuan-moe" },
    { "num_media_embeds", NULL, "hunyuan-moe" },
    { "*_start_id", NULL, "hunyuan-moe" },
    { "*_end_id", NULL, "hunyuan-moe" },
    { "skip_cls_token", NULL, "hunyuan-moe" },
    { "dense_list", NULL, "hunyuan-moe" },
    { "add_classification_head", "[false]", "hunyuan-moe" },
    { "order_of_interleaved_layers", "[\"local_attn_first\"]", "cohere2" },
    { "layer_switch", "[4]", "cohere2" },
    { "rotary_pct", "[1]", "cohere2" },
    { "use_embedding_sharing", NULL, "cohere2" },
    { "use_gated_activation", "[true]", "cohere2" },
    { "use_parallel_block", "[true]", "cohere2" },
    { "use_parallel_embedding", NULL, "cohere2" },
    { "num_nextn_predict_layers", NULL, NULL },
    /* Experts in families without experts; windows in models without windows. */
    { "num_experts", "[0]", NULL },
    { "sliding_window", "[0]", NULL },
    { "use_sliding_window", "[false]", NULL },
    { "max_window_layers", NULL, NULL },
    /* Settings of attention (MPT) that change nothing. */
    { "attn_config.attn_type", "[\"multihead_attention\"]", "mpt" },
    { "attn_config.attn_pdrop", NULL, "mpt" },
    { "attn_config.attn_impl", NULL, "mpt" },
    { "attn_config.attn_uses_sequence_id", "[false]", "mpt" },
    { "attn_config.prefix_lm", "[false]", "mpt" },
    { "attn_config.alibi", "[true]", "mpt" },
    { "attn_config.qk_ln", "[false]", "mpt" },
    { "attn_config.rope", "[false]", "mpt" },
    /* Of rotations: for text, positions in three dimensions are all the same one. */
    { "rope.mrope_section", NULL, NULL },
    { "rope.mrope_interleaved", NULL, NULL },
};

static bool same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}

static bool is_listed(hf_keys *k, const char *values, const json_t *value)
{
    bool found = false;
    json_t *list = json_read(values, strlen(values), 0, NULL);
    if (!list) hf_fail(k, SUMI_ENOMEM, "out of memory");
    for (size_t i = 0; i < json_array_size(list); i++) found = found || same(json_array_get(list, i), value);
    json_decref(list);
    return found;
}

static bool is_ignored_by_the_user(const char *name)
{
    const char *list = getenv("SUMI_IGNORE_SETTINGS");
    size_t n = strlen(name);
    while (list && *list) {
        const char *end = strchrnul(list, ',');
        if ((size_t)(end - list) == n && !memcmp(list, name, n)) return true;
        list = *end ? end + 1 : end;
    }
    return false;
}

static const neutral *find(const hf_keys *k, const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if ((!table[i].arch || !strcmp(table[i].arch, k->family->arch)) && !fnmatch(table[i].name, name, 0))
            return &table[i];
    return NULL;
}

/* NaN and infinities (hf_folder.c): no setting has such a value, so they are ignored where no number is read. */
static bool is_no_number(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && (!strcmp(text, "NaN") || !strcmp(text, "Infinity") || !strcmp(text, "-Infinity"));
}

/* name: own, with that of its parent before it if there is one. */
static void check(hf_keys *k, const char *name, const char *own, const json_t *value)
{
    char shown[80], plain[64];
    if (json_is_null(value) || json_object_get(k->read, name) || is_ignored_by_the_user(name)) return;
    const neutral *n = find(k, name);
    if (!n) n = find(k, own);
    if (!n && is_no_number(value)) return;
    if (n && (!n->values || is_listed(k, n->values, value))) return;
    char *text = json_write(value, JSON_ENCODE_ANY | JSON_COMPACT);
    if (!text) hf_fail(k, SUMI_ENOMEM, "out of memory");
    printable_copy(shown, sizeof shown, text ? text : "?", text ? strlen(text) : 1);
    free(text);
    printable_copy(plain, sizeof plain, name, strlen(name));
    if (n) hf_fail(k, SUMI_EUNSUPPORTED, "'%.60s' is %.60s: only %.60s is supported", plain, shown, n->values);
    else
        hf_fail(k, SUMI_EUNSUPPORTED,
                "'%.60s' is %.60s: sumi does not know this setting; if it changes no answers, set "
                "SUMI_IGNORE_SETTINGS=%.60s",
                plain, shown, plain);
}

void hf_check_settings(hf_keys *k, const json_t *settings, const char *parent)
{
    const char *name;
    json_t *value;
    char full[160];
    json_object_foreach((json_t *)(uintptr_t)settings, name, value)
    {
        if (k->status != SUMI_OK) return;
        if (*parent) snprintf(full, sizeof full, "%s.%s", parent, name);
        else snprintf(full, sizeof full, "%s", name);
        /* If both the text part and the rest have a setting, that of the text part counts. */
        if (settings == k->folder->config && !*parent && json_object_get(k->text, name)) continue;
        check(k, full, name, value);
    }
}
