/* test_hf_keys.c - hf_keys.c, hf_rope.c: config.json in the ways in which it was written over the years. */
#include "format/gguf.h"
#include "hf/hf_keys.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test_support.h"

typedef struct result {
    model_source *file;
    uint8_t *head;
    hf_keys keys;
    hf_folder folder;
    sumi_error err;
    sumi_status status;
} result;

static result run(const char *class, const char *json)
{
    size_t n;
    result r = { .folder = { .path = (char *)(uintptr_t) "folder" } };
    gguf_head head;
    bool is_base;
    r.folder.config = json_loads(json, 0, NULL);
    assert_non_null(r.folder.config);
    gguf_head_init(&head, 32);
    r.status = hf_keys_write(&r.keys, &r.folder, hf_family_find(class, &is_base), &head, &r.err);
    r.head = gguf_head_take(&head, &n);
    assert_non_null(r.head);
    assert_int_equal(gguf_open_memory(&r.file, r.head, n, "head", NULL), SUMI_OK);
    return r;
}

static void end(result *r)
{
    model_source_close(r->file);
    free(r->head);
    hf_keys_deinit(&r->keys);
    json_decref(r->folder.config);
}

static void assert_int(const result *r, const char *key, int64_t expected)
{
    int64_t value;
    if (!model_source_get_i64(r->file, key, &value)) fail_msg("%s is missing", key);
    assert_int_equal(value, expected);
}

static void assert_f32(const result *r, const char *key, double expected)
{
    float value;
    if (!model_source_get_f32(r->file, key, &value)) fail_msg("%s is missing", key);
    assert_true(fabs((double)value - expected) <= 1e-6 * fabs(expected));
}

#define SIZES                                                                                         \
    "\"hidden_size\":64,\"num_hidden_layers\":4,\"num_attention_heads\":4,\"intermediate_size\":128," \
    "\"vocab_size\":99,"

static void rotations_of_llama_3_1_as_published_become_factors(void **state)
{
    (void)state;
    result r = run("LlamaForCausalLM",
                   "{" SIZES "\"num_key_value_heads\":2,\"rms_norm_eps\":1e-05,\"max_position_embeddings\":131072,"
                   "\"rope_theta\":500000.0,\"rope_scaling\":{\"factor\":8.0,\"high_freq_factor\":4.0,\"low_freq_"
                   "factor\":1.0,"
                   "\"original_max_position_embeddings\":8192,\"rope_type\":\"llama3\"}}");
    assert_int_equal(r.status, SUMI_OK);
    assert_int(&r, "llama.context_length", 131072);
    assert_int(&r, "llama.attention.head_count_kv", 2);
    assert_int(&r, "llama.rope.dimension_count", 16);
    assert_int(&r, "llama.vocab_size", 99);
    assert_f32(&r, "llama.rope.freq_base", 500000);
    assert_f32(&r, "llama.attention.layer_norm_rms_epsilon", 1e-5);
    assert_int_equal(model_source_find_key(r.file, "llama.rope.scaling.type"), -1);
    assert_int_equal(r.keys.n_factors, 1);
    assert_string_equal(r.keys.factors[0].name, "rope_freqs.weight");
    assert_int_equal(r.keys.factors[0].n, 8);
    assert_true(r.keys.factors[0].values[0] == 1);               /* wavelength 2 pi: stays */
    assert_true(fabsf(r.keys.factors[0].values[7] - 8) < 1e-6f); /* 500000^(7/8) times that: divided by 8 */
    end(&r);
}

static void older_names_mean_the_same(void **state)
{
    (void)state;
    result r = run("Phi3ForCausalLM",
                   "{" SIZES "\"sliding_window\":null,\"rope_scaling\":{\"type\":\"linear\",\"factor\":2},"
                   "\"partial_rotary_factor\":0.75,\"n_positions\":77}");
    assert_int_equal(r.status, SUMI_OK);
    assert_int(&r, "phi3.rope.dimension_count", 12);
    assert_int(&r, "phi3.attention.head_count_kv", 4);
    assert_int(&r, "phi3.context_length", 77);
    assert_f32(&r, "phi3.rope.scaling.factor", 2);
    assert_f32(&r, "phi3.rope.freq_base", 10000);
    assert_int_equal(model_source_find_key(r.file, "phi3.attention.sliding_window"), -1);
    end(&r);
}

static void nomic_bert_as_published_is_read(void **state)
{
    (void)state;
    result r = run("NomicBertModel",
                   "{\"activation_function\":\"swiglu\",\"causal\":false,\"layer_norm_epsilon\":1e-12,"
                   "\"max_trained_positions\":2048,\"mlp_fc1_bias\":false,\"n_embd\":64,\"n_head\":4,"
                   "\"n_inner\":128,\"n_layer\":2,\"n_positions\":8192,\"prenorm\":false,"
                   "\"qkv_proj_bias\":false,\"rotary_emb_base\":1000,\"rotary_emb_fraction\":1.0,"
                   "\"rotary_emb_interleaved\":false,\"rotary_emb_scale_base\":null,\"type_vocab_size\":2}");
    if (r.status != SUMI_OK) fail_msg("%s", r.err.message);
    assert_int(&r, "nomic-bert.context_length", 2048);
    assert_int(&r, "nomic-bert.feed_forward_length", 128);
    assert_int(&r, "nomic-bert.attention.head_count", 4);
    assert_f32(&r, "nomic-bert.rope.freq_base", 1000);
    assert_f32(&r, "nomic-bert.attention.layer_norm_epsilon", 1e-12);
    end(&r);
}

static void the_text_part_comes_before_the_rest(void **state)
{
    (void)state;
    result r =
        run("Gemma3ForConditionalGeneration",
            "{\"hidden_size\":1,\"text_config\":{" SIZES "\"head_dim\":32,\"sliding_window\":512,"
            "\"query_pre_attn_scalar\":64,\"rope_theta\":1000000,\"rope_local_base_freq\":10000,\"rope_scaling\":"
            "{\"factor\":8.0,\"rope_type\":\"linear\"}}}");
    assert_int_equal(r.status, SUMI_OK);
    assert_int(&r, "gemma3.embedding_length", 64);
    assert_int(&r, "gemma3.attention.key_length", 32);
    assert_int(&r, "gemma3.attention.sliding_window", 512);
    assert_f32(&r, "gemma3.rope.freq_base_swa", 10000);
    assert_f32(&r, "gemma3.rope.scaling.factor", 8);
    assert_f32(&r, "gemma3.attention.scale", 0.125);
    assert_int_equal(model_source_find_key(r.file, "gemma3.attention.sliding_window_pattern"),
                     -1); /* readers know it */
    end(&r);
}

static void windows_that_are_not_used_are_not_written(void **state)
{
    (void)state;
    result r = run("Qwen2ForCausalLM", "{" SIZES "\"sliding_window\":32768,\"use_sliding_window\":false}");
    assert_int_equal(r.status, SUMI_OK);
    assert_int_equal(model_source_find_key(r.file, "qwen2.attention.sliding_window"), -1);
    end(&r);
    r = run("Qwen3ForCausalLM",
            "{" SIZES "\"sliding_window\":8,\"use_sliding_window\":true,\"layer_types\":[\"full_attention\","
            "\"sliding_attention\",\"sliding_attention\",\"full_attention\"]}");
    gguf_array list;
    assert_true(model_source_get_array(r.file, "qwen3.attention.sliding_window_pattern", &list) && list.n == 4);
    for (uint64_t i = 0; i < 4; i++) assert_int_equal(gguf_array_i64(&list, i), i == 1 || i == 2);
    end(&r);
}

static void what_cannot_be_computed_is_named(void **state)
{
    static const struct {
        const char *class, *json;
        sumi_status status;
        const char *message;
    } bad[] = {
        { "LlamaForCausalLM", "{}", SUMI_EFORMAT, "'hidden_size' is missing" },
        { "LlamaForCausalLM", "{\"hidden_size\":\"64\"}", SUMI_EFORMAT, "'hidden_size' is not a whole number" },
        { "LlamaForCausalLM", "{" SIZES "\"num_key_value_heads\":3}", SUMI_EFORMAT, "3 key heads do not divide 4" },
        { "LlamaForCausalLM", "{" SIZES "\"rope_scaling\":{\"type\":\"spiral\"}}", SUMI_EUNSUPPORTED, "type 'spiral'" },
        { "LlamaForCausalLM", "{" SIZES "\"quantization_config\":{\"quant_method\":\"gptq\"}}", SUMI_EUNSUPPORTED,
          "by 'gptq'" },
        { "Phi3ForCausalLM",
          "{" SIZES "\"rope_scaling\":{\"type\":\"longrope\",\"long_factor\":[1],\"short_factor\":[1]}}", SUMI_EFORMAT,
          "'long_factor' has 1 factors, not 8" },
        { "SmolLM3ForCausalLM", "{" SIZES "\"no_rope_layers\":[1,0,1,1]}", SUMI_EUNSUPPORTED, "'no_rope_layers'" },
        { "FalconForCausalLM", "{" SIZES "\"alibi\":true}", SUMI_EUNSUPPORTED, "'alibi' is true; only false" },
        { "NomicBertModel", "{" SIZES "\"prenorm\":true}", SUMI_EUNSUPPORTED, "'prenorm' is true" },
        { "NomicBertModel", "{" SIZES "\"rotary_emb_scale_base\":512}", SUMI_EUNSUPPORTED, "'rotary_emb_scale_base'" },
        { "StableLmForCausalLM", "{" SIZES "\"partial_rotary_factor\":7}", SUMI_EFORMAT, "'partial_rotary_factor'" },
        { "Gemma2ForCausalLM", "{" SIZES "\"sliding_window\":8,\"layer_types\":[\"full_attention\"]}", SUMI_EFORMAT,
          "'layer_types' has 1" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        result r = run(bad[i].class, bad[i].json);
        assert_int_equal(r.status, bad[i].status);
        if (strncmp(r.err.message, "folder/config.json: ", 20) || !strstr(r.err.message, bad[i].message))
            fail_msg("'%s' does not say '%s'", r.err.message, bad[i].message);
        end(&r);
    }
    bool is_base;
    assert_null(hf_family_find("MambaForCausalLM", &is_base));
}

/* Pairs of transformers' tables MODEL_MAPPING_NAMES and MODEL_FOR_CAUSAL_LM_MAPPING_NAMES (5.24). */
static void families_are_known_by_their_model_type_too(void **state)
{
    static const struct {
        const char *type, *class;
    } pairs[] = {
        { "arcee", "ArceeForCausalLM" },
        { "bert", "BertModel" },
        { "bloom", "BloomForCausalLM" },
        { "cohere", "CohereForCausalLM" },
        { "cohere2", "Cohere2ForCausalLM" },
        { "deepseek_v2", "DeepseekV2ForCausalLM" },
        { "deepseek_v3", "DeepseekV3ForCausalLM" },
        { "ernie4_5_moe", "Ernie4_5_MoeForCausalLM" },
        { "exaone4", "Exaone4ForCausalLM" },
        { "falcon", "FalconForCausalLM" },
        { "gemma3", "Gemma3ForConditionalGeneration" },
        { "gemma3_text", "Gemma3ForCausalLM" },
        { "glm4_moe", "Glm4MoeForCausalLM" },
        { "gpt2", "GPT2LMHeadModel" },
        { "gpt_bigcode", "GPTBigCodeForCausalLM" },
        { "gpt_neox", "GPTNeoXForCausalLM" },
        { "gpt_oss", "GptOssForCausalLM" },
        { "granitemoeshared", "GraniteMoeSharedForCausalLM" },
        { "hunyuan_v1_moe", "HunYuanMoEV1ForCausalLM" },
        { "llama", "LlamaForCausalLM" },
        { "llama4_text", "Llama4ForCausalLM" },
        { "mistral", "MistralForCausalLM" },
        { "nomic_bert", "NomicBertModel" },
        { "olmo2", "Olmo2ForCausalLM" },
        { "phi3", "Phi3ForCausalLM" },
        { "qwen2_moe", "Qwen2MoeForCausalLM" },
        { "smollm3", "SmolLM3ForCausalLM" },
        { "stablelm", "StableLmForCausalLM" },
        { "starcoder2", "Starcoder2ForCausalLM" },
    };
    bool is_base;
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const hf_family *family = hf_family_of_type(pairs[i].type);
        if (!family || strcmp(family->arch, hf_family_find(pairs[i].class, &is_base)->arch) != 0)
            fail_msg("%s is %s", pairs[i].type, family ? family->arch : "not known");
    }
    assert_null(hf_family_of_type("mamba"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotations_of_llama_3_1_as_published_become_factors),
        cmocka_unit_test(older_names_mean_the_same),
        cmocka_unit_test(nomic_bert_as_published_is_read),
        cmocka_unit_test(the_text_part_comes_before_the_rest),
        cmocka_unit_test(windows_that_are_not_used_are_not_written),
        cmocka_unit_test(what_cannot_be_computed_is_named),
        cmocka_unit_test(families_are_known_by_their_model_type_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
