/* test_hf_settings.c - hf_settings.c: no setting of config.json is ignored. The configurations are those that transformers'
 * classes have by default (tests/golden/hf_defaults.json, made by make_hf_settings.py), and published ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hf/hf_keys.h"
#include "test_support.h"

/* The head of a GGUF file that a configuration gives, which the caller frees; NULL: it is refused, for *err. */
static uint8_t *describe(const char *class, json_t *config, size_t *n, sumi_error *err)
{
    bool is_base;
    hf_keys keys;
    gguf_head head;
    hf_folder folder = { .path = (char *)(uintptr_t) "folder", .config = config };
    const hf_family *family = hf_family_find(class, &is_base);
    if (!family) fail_msg("%s is not known", class);
    gguf_head_init(&head, 32);
    sumi_status st = hf_keys_write(&keys, &folder, family, &head, err);
    hf_keys_deinit(&keys);
    uint8_t *bytes = gguf_head_take(&head, n);
    if (st == SUMI_OK) return bytes;
    free(bytes);
    return NULL;
}

static json_t *load_defaults(void)
{
    size_t n;
    char *text = test_read_file(test_source_path("tests/golden/hf_defaults.json"), &n);
    json_t *all = json_loadb(text, n, 0, NULL);
    assert_non_null(all);
    free(text);
    return all;
}

static void each_default_of_transformers_is_accepted(void **state)
{
    const char *name;
    json_t *config, *all = load_defaults();
    (void)state;
    json_object_foreach(all, name, config)
    {
        char class[64];
        size_t n;
        sumi_error err;
        snprintf(class, sizeof class, "%sModel", name);
        uint8_t *head = describe(class, config, &n, &err);
        if (!head) fail_msg("%s: %s", class, err.message);
        free(head);
    }
    json_decref(all);
}

/* Sizes, which the shapes of tensors contradict if they are wrong. */
static bool is_size(const char *key)
{
    static const char *const sizes[] = { "intermediate_size",
                                         "num_key_value_heads",
                                         "num_kv_heads",
                                         "ffn_hidden_size",
                                         "max_position_embeddings",
                                         "vocab_size",
                                         "shared_expert_intermediate_size",
                                         "moe_intermediate_size",
                                         "intermediate_size_mlp",
                                         "num_local_experts",
                                         "num_experts",
                                         "n_routed_experts",
                                         "moe_num_experts",
                                         "n_shared_experts",
                                         "moe_num_shared_experts",
                                         "max_seq_len",
                                         "n_positions",
                                         "n_inner",
                                         "type_vocab_size",
                                         "q_lora_rank",
                                         "num_nextn_predict_layers",
                                         "first_k_dense_replace",
                                         "moe_layer_start_index",
                                         "interleave_moe_layer_step",
                                         "qk_rope_head_dim",
                                         "attention_multiplier" };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (!strcmp(key, sizes[i])) return true;
    return false;
}

/* A configuration without one of its settings gives the same, or is refused. */
static void what_is_missing_is_as_in_transformers(void **state)
{
    const char *name, *key;
    json_t *config, *value, *all = load_defaults();
    int n_same = 0;
    (void)state;
    json_object_foreach(all, name, config)
    {
        char class[64];
        size_t n, n_without;
        sumi_error err;
        snprintf(class, sizeof class, "%sModel", name);
        uint8_t *head = describe(class, config, &n, &err);
        assert_non_null(head);
        json_object_foreach(config, key, value)
        {
            /* By kind of layer: readers have the base of those with a window. DeepSeek's type tells V2 from V3. */
            bool by_layer = !strcmp(key, "rope_parameters") && json_object_get(value, "sliding_attention");
            if (is_size(key) || by_layer || !strcmp(key, "model_type")) continue;
            json_t *without = json_copy(config);
            json_object_del(without, key);
            uint8_t *other = describe(class, without, &n_without, &err);
            if (other && (n != n_without || memcmp(head, other, n) != 0))
                fail_msg("%s without '%s' is something else", class, key);
            n_same += other != NULL;
            free(other);
            json_decref(without);
        }
        free(head);
    }
    assert_true(n_same > 500);
    json_decref(all);
}

#define SIZES                                                                                         \
    "\"hidden_size\":64,\"num_hidden_layers\":4,\"num_attention_heads\":4,\"intermediate_size\":128," \
    "\"vocab_size\":99,"

static sumi_status check(const char *class, const char *text, sumi_error *err)
{
    size_t n;
    json_t *config = json_loads(text, 0, NULL);
    assert_non_null(config);
    uint8_t *head = describe(class, config, &n, err);
    json_decref(config);
    free(head);
    return head ? SUMI_OK : err->status;
}

static void settings_of_published_files_are_known(void **state)
{
    static const char *const files[][2] = {
        { "LlamaForCausalLM",
          "{" SIZES "\"is_llama_config\":true,\"rope_interleaved\":false,\"rope_scaling\":null,"
          "\"transformers.js_config\":{\"dtype\":\"q4\"},\"pretraining_tp\":1,\"torch_dtype\":\"bfloat16\"}" },
        { "GemmaForCausalLM", "{" SIZES "\"head_dim\":16,\"hidden_act\":\"gelu\",\"hidden_activation\":null}" },
        { "Phi3ForCausalLM",
          "{" SIZES "\"full_attn_mod\":1,\"interpolate_factor\":1,\"lm_head_bias\":false,\"auto_map\":{},"
          "\"embd_pdrop\":0.0,\"resid_pdrop\":0.0,\"partial_rotary_factor\":0.75}" },
        { "BloomForCausalLM",
          "{\"n_embed\":64,\"n_layer\":2,\"num_attention_heads\":4,\"offset_alibi\":100,\"seq_length\":2048,"
          "\"skip_bias_add\":true,\"skip_bias_add_qkv\":false,\"masked_softmax_fusion\":true,"
          "\"bias_dropout_fusion\":true,\"attention_softmax_in_fp32\":true,\"unk_token_id\":0}" },
        { "Starcoder2ForCausalLM", "{" SIZES "\"activation_function\":\"gelu\",\"hidden_act\":\"gelu_pytorch_tanh\","
                                   "\"mlp_type\":\"default\",\"norm_type\":\"layer_norm\",\"sliding_window\":4096}" },
        { "HunYuanMoEV1ForCausalLM",
          "{" SIZES "\"num_experts\":4,\"moe_topk\":[2,2,2,2],\"num_shared_expert\":[1,1,1,1],"
          "\"moe_intermediate_size\":[32,32,32,32],\"attention_head_dim\":16,\"use_cla\":false,"
          "\"rope_scaling\":{\"alpha\":1000.0,\"beta_fast\":32,\"beta_slow\":1,\"factor\":1.0,"
          "\"mscale\":1.0,\"mscale_all_dim\":1.0,\"type\":\"dynamic\"}}" },
        { "Exaone4ForCausalLM", "{" SIZES "\"sliding_window\":4,\"sliding_window_pattern\":\"LLLG\"}" },
        { "GPT2LMHeadModel",
          "{\"n_embd\":64,\"n_layer\":2,\"n_head\":4,\"n_ctx\":1024,\"activation_function\":\"gelu_new\","
          "\"task_specific_params\":{\"text-generation\":{\"do_sample\":true,\"max_length\":50}}}" },
        { "Qwen2ForCausalLM",
          "{" SIZES "\"use_mrope\":false,\"use_sliding_window\":false,\"sliding_window\":131072,"
          "\"max_window_layers\":28,\"unsloth_fixed\":true,\"_attn_implementation_autoset\":true}" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        sumi_error err;
        if (check(files[i][0], files[i][1], &err) != SUMI_OK) fail_msg("%s: %s", files[i][0], err.message);
    }
}

static void what_would_change_answers_is_refused_by_name(void **state)
{
    static const char *const files[][3] = {
        { "LlamaForCausalLM", "\"hidden_act\":\"relu\"", "'hidden_act' is 'relu'" },
        { "LlamaForCausalLM", "\"no_such_thing\":[1,2]", "'no_such_thing' is [1,2]: sumi does not know" },
        { "LlamaForCausalLM", "\"output_multiplier\":0.5", "'output_multiplier' is 0.5" },
        { "LlamaForCausalLM", "\"rope_scaling\":{\"type\":\"linear\",\"factor\":2,\"turn\":3}", "'rope.turn' is 3" },
        { "LlamaForCausalLM", "\"partial_rotary_factor\":0.5", "'partial_rotary_factor' is 0.5" },
        { "LlamaForCausalLM", "\"use_bidirectional_attention\":true", "'use_bidirectional_attention' is true" },
        { "LlamaForCausalLM", "\"layer_types\":[\"a\",\"linear_attention\",\"c\",\"d\"]", "'layer_types' has 'a'" },
        { "OlmoeForCausalLM", "\"clip_qkv\":0.5", "'clip_qkv'" },
        { "BloomForCausalLM", "\"apply_residual_connection_post_layernorm\":true",
          "'apply_residual_connection_post_layernorm' is true" },
        { "FalconForCausalLM", "\"parallel_attn\":false", "'parallel_attn' is false" },
        { "GptOssForCausalLM", "\"rope_scaling\":{},\"swiglu_limit\":5.0", "'swiglu_limit' is 5.0" },
        { "GPT2LMHeadModel", "\"scale_attn_by_inverse_layer_idx\":true", "'scale_attn_by_inverse_layer_idx' is true" },
        { "MixtralForCausalLM", "\"num_local_experts\":4,\"num_experts_per_tok\":2,\"norm_topk_prob\":false",
          "'norm_topk_prob' is false" },
        { "MptForCausalLM", "\"attn_config\":{\"alibi\":true,\"softmax_scale\":0.5}",
          "'attn_config.softmax_scale' is 0.5" },
        { "SmolLM3ForCausalLM", "\"sliding_window\":4096", "'sliding_window' is 4096" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char text[512];
        sumi_error err;
        snprintf(text, sizeof text, "{" SIZES "%s}", files[i][1]);
        sumi_status st = check(files[i][0], text, &err);
        test_expect_error(st, SUMI_EUNSUPPORTED, &err, files[i][2]);
    }
}

static void the_user_may_let_unknown_settings_through(void **state)
{
    static const char text[] = "{" SIZES "\"alpha_beta\":1,\"gamma\":{\"x\":2}}";
    sumi_error err;
    (void)state;
    test_expect_error(check("LlamaForCausalLM", text, &err), SUMI_EUNSUPPORTED, &err,
                      "SUMI_IGNORE_SETTINGS=alpha_beta");
    setenv("SUMI_IGNORE_SETTINGS", "alpha_beta", 1);
    test_expect_error(check("LlamaForCausalLM", text, &err), SUMI_EUNSUPPORTED, &err, "SUMI_IGNORE_SETTINGS=gamma");
    setenv("SUMI_IGNORE_SETTINGS", "gamma,alpha_beta", 1);
    assert_int_equal(check("LlamaForCausalLM", text, &err), SUMI_OK);
    unsetenv("SUMI_IGNORE_SETTINGS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_default_of_transformers_is_accepted),
        cmocka_unit_test(what_is_missing_is_as_in_transformers),
        cmocka_unit_test(settings_of_published_files_are_known),
        cmocka_unit_test(what_would_change_answers_is_refused_by_name),
        cmocka_unit_test(the_user_may_let_unknown_settings_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
