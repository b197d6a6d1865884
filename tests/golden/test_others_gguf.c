/* test_others_gguf.c - GGUF files in the ways in which other programs write them: llama.cpp, which saves settings that a
 * model does not have as 0 or -1, and Ollama, which leaves keys out and keeps a vision part in the same file. They are made
 * of the tiny models; the oracle is transformers, as in test_tiny.c. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "format/gguf.h"
#include "gguf_builder.h"
#include "test_support.h"
#include "tiny_logits.h"

/* Tiny model `name` with other names of keys and tensors, and what add() puts in (NULL: nothing). */
static double difference(const char *name, const gb_rename *renames, void (*add)(gguf_builder *b))
{
    char source[256], path[] = "/tmp/sumi-test-gguf-XXXXXX";
    model_source *src;
    sumi_error err;
    gguf_builder b;
    snprintf(source, sizeof source, "tests/golden/tiny/%s.gguf", name);
    if (gguf_open(&src, test_source_path(source), &err) != SUMI_OK) fail_msg("%s", err.message);
    gb_init(&b);
    gb_copy(&b, src, renames);
    if (add) add(&b);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    gb_write(&b, path);
    double worst = test_tiny_difference(name, path, NULL);
    unlink(path);
    model_source_close(src);
    return worst;
}

static void expect_same(const char *name, const gb_rename *renames, void (*add)(gguf_builder *b))
{
    double worst = difference(name, renames, add);
    if (!(worst <= TEST_TINY_TOLERANCE)) fail_msg("%s: log-probabilities differ by %g", name, worst);
}

static const gb_rename as_it_is[] = { { NULL, NULL } };

/* ---- llama.cpp ---------------------------------------------------------------------------------------------- */

static void add_saved(gguf_builder *b)
{
    static const int32_t heads[] = { 4, 4 }, kv_heads[] = { 2, 2 }, ff[] = { 64, 64 }, sections[] = { 4, 4, 0, 0 };
    static const float none[] = { 0, 0 };
    static const struct {
        const char *key;
        const void *values;
        uint64_t n;
        gguf_type type;
    } lists[] = {
        { "qwen2.attention.head_count", heads, 2, GGUF_I32 },
        { "qwen2.attention.head_count_kv", kv_heads, 2, GGUF_I32 },
        { "qwen2.feed_forward_length", ff, 2, GGUF_I32 },
        { "qwen2.rope.dimension_sections", sections, 4, GGUF_I32 },
        { "qwen2.swiglu_clamp_exp", none, 2, GGUF_F32 },
    };
    static const struct {
        const char *key;
        uint32_t value;
    } counts[] = {
        { "qwen2.attention.key_length", 16 },
        { "qwen2.attention.value_length", 16 },
        { "qwen2.attention.key_length_swa", 16 },
        { "qwen2.attention.value_length_swa", 16 },
        { "qwen2.rope.dimension_count", 0 },
        { "qwen2.rope.dimension_count_swa", 16 },
        { "qwen2.pooling_type", UINT32_MAX },
        { "qwen2.rope.scaling.original_context_length", 256 },
        { "qwen2.expert_count", 0 },
        { "qwen2.expert_used_count", 0 },
    };
    static const struct {
        const char *key;
        float value;
    } numbers[] = {
        { "qwen2.rope.scaling.factor", 0 },
        { "qwen2.rope.scaling.attn_factor", 1 },
        { "qwen2.logit_scale", 0 },
        { "qwen2.rope.scaling.yarn_log_multiplier", 0 },
        { "qwen2.embedding_scale", 0 },
        { "qwen2.residual_scale", 0 },
        { "qwen2.attention.scale", 0 },
        { "qwen2.attention.clamp_kqv", 0 },
        { "qwen2.attention.max_alibi_bias", 0 },
        { "qwen2.attention.layer_norm_epsilon", 0 },
        { "qwen2.final_logit_softcapping", 30 }, /* Gemma 2's, which llama.cpp saves with every model */
        { "qwen2.attn_logit_softcapping", 50 },
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        gb_array(b, lists[i].key, lists[i].type, lists[i].values, lists[i].n, lists[i].n * 4);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) gb_u32(b, counts[i].key, counts[i].value);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) gb_f32(b, numbers[i].key, numbers[i].value);
    gb_i32(b, "qwen2.decoder_start_token_id", -1);
    gb_str(b, "qwen2.rope.scaling.type", "linear");
    gb_bool(b, "qwen2.swin_norm", false);
    gb_bool(b, "qwen2.attention.causal", true);
}

static void settings_that_llama_cpp_saves_for_none_change_nothing(void **state)
{
    static const gb_rename lists[] = { { "qwen2.attention.head_count", NULL },
                                       { "qwen2.feed_forward_length", NULL },
                                       { NULL, NULL } };
    (void)state;
    expect_same("qwen2-tied", lists, add_saved);
}

static void add_saved_yarn(gguf_builder *b)
{
    gb_f32(b, "llama.rope.scaling.attn_factor", 1);
    gb_f32(b, "llama.rope.scaling.yarn_attn_factor", 1);
    gb_f32(b, "llama.rope.scaling.yarn_ext_factor", -1);
}

static void factors_of_yarn_that_llama_cpp_saves_are_on_its_usual_size(void **state)
{
    (void)state;
    expect_same("llama-yarn", as_it_is, add_saved_yarn);
}

static void add_linear(gguf_builder *b)
{
    gb_f32(b, "llama.rope.scaling.factor", 4);
}

static void a_factor_without_a_type_is_linear(void **state)
{
    static const gb_rename no_type[] = { { "llama.rope.scaling.", NULL }, { NULL, NULL } };
    (void)state;
    expect_same("llama-linear", no_type, add_linear);
}

/* GLM-4.7-Flash was published so. Without a bias the scores are those of a softmax. */
static void latents_and_a_bias_of_the_choice_mean_sigmoid_scores(void **state)
{
    static const gb_rename no_kind[] = { { "deepseek2.expert_gating_func", NULL }, { NULL, NULL } };
    (void)state;
    expect_same("deepseek3", no_kind, NULL);
    expect_same("deepseek2", no_kind, NULL);
}

/* ---- Ollama ------------------------------------------------------------------------------------------------- */

static void add_vision(gguf_builder *b)
{
    static const float zeros[64];
    gb_tensor(b, "v.patch_embedding.weight", DTYPE_F32, 2, (uint64_t[]){ 8, 8 }, zeros, sizeof zeros);
    gb_tensor(b, "mm.mm_input_projection.weight", DTYPE_F32, 2, (uint64_t[]){ 8, 8 }, zeros, sizeof zeros);
    gb_u32(b, "gemma3.vision.block_count", 1);
    gb_u32(b, "gemma3.mm.tokens_per_image", 256);
}

static void gemma_3_without_its_constants_and_with_a_vision_part_is_loaded(void **state)
{
    static const gb_rename bare[] = { { "gemma3.attention.layer_norm_rms_epsilon", NULL },
                                      { "gemma3.rope.freq_base", NULL },
                                      { NULL, NULL } };
    static const gb_rename others[] = { { "gemma3.rope.freq_base", "gemma3.rope.global.freq_base" }, { NULL, NULL } };
    (void)state;
    expect_same("gemma3", bare, add_vision);
    expect_same("gemma3", others, add_vision);
}

static void add_gptoss(gguf_builder *b)
{
    gb_str(b, "general.architecture", "gptoss");
}

static void gpt_oss_by_its_other_name_is_loaded(void **state)
{
    static const gb_rename ollama[] = {
        { "general.architecture", NULL },
        { "gpt-oss.rope.scaling.type", NULL },
        { "gpt-oss.attention.layer_norm_rms_epsilon", NULL },
        { "gpt-oss.", "gptoss." },
        { "blk.0.attn_output", "blk.0.attn_out" },
        { "blk.1.attn_output", "blk.1.attn_out" },
        { "blk.0.attn_sinks.weight", "blk.0.attn_sinks" },
        { "blk.1.attn_sinks.weight", "blk.1.attn_sinks" },
        { "blk.0.post_attention_norm", "blk.0.ffn_norm" },
        { "blk.1.post_attention_norm", "blk.1.ffn_norm" },
        { NULL, NULL },
    };
    (void)state;
    expect_same("gpt-oss", ollama, add_gptoss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_that_llama_cpp_saves_for_none_change_nothing),
        cmocka_unit_test(factors_of_yarn_that_llama_cpp_saves_are_on_its_usual_size),
        cmocka_unit_test(a_factor_without_a_type_is_linear),
        cmocka_unit_test(latents_and_a_bias_of_the_choice_mean_sigmoid_scores),
        cmocka_unit_test(gemma_3_without_its_constants_and_with_a_vision_part_is_loaded),
        cmocka_unit_test(gpt_oss_by_its_other_name_is_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
