/* test_refusals.c - a file that asks for what is not computed is refused in one line that names it; a file that could ask
 * and does not is loaded. A model of one layer is built with one thing changed at a time. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"
#include "gguf_builder.h"
#include "model/model.h"
#include "test_support.h"

enum { N_EMBD = 32, N_FF = 64, N_VOCAB = 4 };

static void add_matrix(gguf_builder *b, const char *name, uint64_t n_rows, uint64_t n_cols)
{
    static const float zeros[2 * N_FF * N_EMBD];
    uint64_t dims[] = { n_cols, n_rows };
    gb_tensor(b, name, DTYPE_F32, n_rows == 1 ? 1 : 2, dims, zeros, (size_t)(n_rows * n_cols) * sizeof(float));
}

/* Keys and tensors of a llama of two heads, but for the tensor `without`. */
static void add_llama(gguf_builder *b, const char *family, const char *without)
{
    static const struct {
        const char *name;
        uint64_t n_rows, n_cols;
    } tensors[] = {
        { "token_embd.weight", N_VOCAB, N_EMBD },       { "output_norm.weight", 1, N_EMBD },
        { "blk.0.attn_norm.weight", 1, N_EMBD },        { "blk.0.attn_q.weight", N_EMBD, N_EMBD },
        { "blk.0.attn_k.weight", N_EMBD, N_EMBD },      { "blk.0.attn_v.weight", N_EMBD, N_EMBD },
        { "blk.0.attn_output.weight", N_EMBD, N_EMBD }, { "blk.0.ffn_norm.weight", 1, N_EMBD },
        { "blk.0.ffn_gate.weight", N_FF, N_EMBD },      { "blk.0.ffn_up.weight", N_FF, N_EMBD },
        { "blk.0.ffn_down.weight", N_EMBD, N_FF },
    };
    char key[96];
    gb_init(b);
    gb_str(b, "general.architecture", family);
#define KEY(suffix) (snprintf(key, sizeof key, "%s.%s", family, suffix), key)
    gb_u32(b, KEY("block_count"), 1);
    gb_u32(b, KEY("embedding_length"), N_EMBD);
    gb_u32(b, KEY("feed_forward_length"), N_FF);
    gb_u32(b, KEY("context_length"), 64);
    gb_u32(b, KEY("attention.head_count"), 2);
    gb_f32(b, KEY("attention.layer_norm_rms_epsilon"), 1e-5f);
#undef KEY
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        if (!without || strcmp(tensors[i].name, without) != 0)
            add_matrix(b, tensors[i].name, tensors[i].n_rows, tensors[i].n_cols);
}

static sumi_status load(gguf_builder *b, sumi_error *err)
{
    size_t n;
    uint8_t *file = gb_finish(b, &n);
    model_source *src = NULL;
    backend *be = NULL;
    model *m = NULL;
    assert_int_equal(gguf_open_memory(&src, file, n, "built", err), SUMI_OK);
    assert_int_equal(backend_cpu_create(&be, "ref", SUMI_ACTIVATIONS_AUTO, err), SUMI_OK);
    sumi_status status = model_create(&m, src, be, NULL, err);
    assert_true((m != NULL) == (status == SUMI_OK));
    model_destroy(m);
    be->destroy(be);
    model_source_close(src);
    free(file);
    return status;
}

static void expect_loaded(gguf_builder *b)
{
    sumi_error err;
    if (load(b, &err) != SUMI_OK) fail_msg("%s", err.message);
}

/* One line, which has the name in it. */
static void expect_refused(gguf_builder *b, sumi_status expected, const char *name)
{
    sumi_error err;
    test_expect_error(load(b, &err), expected, &err, name);
}

static void the_plain_model_is_loaded(void **state)
{
    (void)state;
    gguf_builder b;
    add_llama(&b, "llama", NULL);
    expect_loaded(&b);
}

static void an_unknown_architecture_is_named(void **state)
{
    (void)state;
    gguf_builder b;
    add_llama(&b, "mamba", NULL);
    expect_refused(&b, SUMI_EUNSUPPORTED, "'mamba'");
    add_llama(&b, "mamba", NULL);
    expect_refused(&b, SUMI_EUNSUPPORTED, "starcoder2"); /* the list of known ones is whole */
}

static void keys_that_ask_for_what_is_not_computed_are_named(void **state)
{
    static const char *const floats[] = { "llama.attention.max_alibi_bias", "llama.attention.output_scale",
                                          "llama.attention.temperature_scale", "llama.logit_scale",
                                          "llama.rope.scaling.yarn_log_multiplier" };
    static const char *const integers[] = { "llama.attention.q_lora_rank", "llama.attention.kv_lora_rank",
                                            "llama.attention.key_length_swa" };
    (void)state;
    gguf_builder b;
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        for (int on = 0; on < 2; on++) {
            add_llama(&b, "llama", NULL);
            gb_f32(&b, floats[i], on ? 8.0f : 0.0f);
            if (on) expect_refused(&b, SUMI_EUNSUPPORTED, floats[i]);
            else expect_loaded(&b);
        }
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        for (int on = 0; on < 2; on++) {
            add_llama(&b, "llama", NULL);
            gb_u32(&b, integers[i], on ? 2 : 0);
            if (on) expect_refused(&b, SUMI_EUNSUPPORTED, integers[i]);
            else expect_loaded(&b);
        }
    add_llama(&b, "eurobert", NULL);
    gb_bool(&b, "eurobert.attention.causal", true);
    expect_refused(&b, SUMI_EUNSUPPORTED, "eurobert.attention.causal");
    add_llama(&b, "llama", NULL);
    gb_u32(&b, "llama.pooling_type", 4);
    expect_refused(&b, SUMI_EUNSUPPORTED, "llama.pooling_type");
    add_llama(&b, "llama", NULL);
    gb_bool(&b, "llama.attention.causal", false);
    gb_u32(&b, "llama.attention.sliding_window", 16);
    expect_refused(&b, SUMI_EUNSUPPORTED, "llama.attention.sliding_window");
}

static void decoders_that_look_both_ways_are_loaded(void **state)
{
    (void)state;
    gguf_builder b;
    add_llama(&b, "llama", NULL);
    gb_bool(&b, "llama.attention.causal", false);
    expect_loaded(&b);
    add_llama(&b, "eurobert", NULL);
    expect_loaded(&b);
}

/* A tensor of three dimensions: n matrices of zeros. */
static void add_experts(gguf_builder *b, const char *name, uint64_t n, uint64_t n_rows, uint64_t n_cols)
{
    static const float zeros[4 * N_FF * N_EMBD];
    uint64_t dims[] = { n_cols, n_rows, n };
    gb_tensor(b, name, DTYPE_F32, 3, dims, zeros, (size_t)(n * n_rows * n_cols) * sizeof(float));
}

/* Four experts, two of which are used, in place of the feed-forward block. */
static void add_mixtral(gguf_builder *b)
{
    add_llama(b, "llama", NULL);
    gb_u32(b, "llama.expert_count", 4);
    gb_u32(b, "llama.expert_used_count", 2);
    add_matrix(b, "blk.0.ffn_gate_inp.weight", 4, N_EMBD);
    add_experts(b, "blk.0.ffn_up_exps.weight", 4, 16, N_EMBD);
    add_experts(b, "blk.0.ffn_down_exps.weight", 4, N_EMBD, 16);
}

static void experts_are_checked(void **state)
{
    (void)state;
    gguf_builder b;
    add_mixtral(&b);
    expect_refused(&b, SUMI_EFORMAT, "blk.0.ffn_gate_exps.weight");
    add_mixtral(&b);
    add_experts(&b, "blk.0.ffn_gate_exps.weight", 3, 16, N_EMBD);
    expect_refused(&b, SUMI_EFORMAT, "3 x 16 x 32, not 4 x 16 x 32");
    add_mixtral(&b);
    add_experts(&b, "blk.0.ffn_gate_exps.weight", 4, 16, N_EMBD);
    expect_refused(&b, SUMI_EUNSUPPORTED, "blk.0.ffn_gate.weight"); /* a dense block beside experts is no family's */
    add_llama(&b, "llama", NULL);
    gb_u32(&b, "llama.expert_count", 4);
    expect_refused(&b, SUMI_EFORMAT, "llama.expert_used_count");
    add_llama(&b, "llama", NULL);
    gb_u32(&b, "llama.expert_count", 4);
    gb_u32(&b, "llama.expert_used_count", 5);
    expect_refused(&b, SUMI_EFORMAT, "llama.expert_used_count");
    add_mixtral(&b);
    gb_u32(&b, "llama.expert_gating_func", 4);
    expect_refused(&b, SUMI_EUNSUPPORTED, "llama.expert_gating_func");
    add_mixtral(&b);
    gb_u32(&b, "llama.expert_group_count", 3);
    expect_refused(&b, SUMI_EFORMAT, "llama.expert_group_count");
    add_mixtral(&b);
    gb_u32(&b, "llama.expert_group_count", 4);
    gb_u32(&b, "llama.expert_group_used_count", 1);
    expect_refused(&b, SUMI_EFORMAT, "llama.expert_group_used_count");
    add_llama(&b, "llama", NULL);
    gb_u32(&b, "llama.nextn_predict_layers", 1); /* all of its layers */
    expect_refused(&b, SUMI_EFORMAT, "llama.nextn_predict_layers");
    add_llama(&b, "qwen3", NULL);
    gb_u32(&b, "qwen3.expert_count", 4);
    expect_refused(&b, SUMI_EUNSUPPORTED, "qwen3.expert_count");
}

/* The key of add_llama() is replaced: a number that nothing has, and a number that a missing key would stand for. */
static void sizes_that_no_model_has_are_named(void **state)
{
    static const char *const keys[] = { "block_count", "embedding_length", "feed_forward_length",
                                        "attention.head_count" };
    (void)state;
    gguf_builder b;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        for (int zero = 0; zero < 2; zero++) {
            char key[96];
            gb_init(&b);
            gb_str(&b, "general.architecture", "llama");
            for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
                snprintf(key, sizeof key, "llama.%s", keys[k]);
                gb_u32(&b, key, k != i ? 2 : zero ? 0 : UINT32_MAX);
            }
            snprintf(key, sizeof key, "llama.%s", keys[i]);
            expect_refused(&b, SUMI_EFORMAT, key);
        }
}

static void sizes_of_latents_are_checked(void **state)
{
    static const struct {
        const char *key;
        uint32_t value, bad;
        const char *named; /* NULL: bad is the value */
    } keys[] = {
        { "attention.kv_lora_rank", 32, 0, NULL },
        { "attention.kv_lora_rank", 32, 1025, NULL },
        { "attention.kv_lora_rank", 1024, 1024, "attention.kv_lora_rank" }, /* with what is rotated, too long */
        { "rope.dimension_count", 8, 7, NULL },
        { "rope.dimension_count", 8, 16, "attention.key_length" }, /* nothing is left that is not rotated */
        { "attention.value_length", 16, 0, NULL },
        { "attention.q_lora_rank", 0, 1U << 21, NULL },
    };
    (void)state;
    gguf_builder b;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char key[96];
        add_llama(&b, "deepseek2", NULL);
        gb_u32(&b, "deepseek2.attention.key_length", 16);
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            bool same = !strcmp(keys[i].key, keys[k].key), first = k == 0 || strcmp(keys[k].key, keys[k - 1].key) != 0;
            snprintf(key, sizeof key, "deepseek2.%s", keys[k].key);
            if (first) gb_u32(&b, key, same ? keys[i].bad : keys[k].value);
        }
        snprintf(key, sizeof key, "deepseek2.%s", keys[i].named ? keys[i].named : keys[i].key);
        expect_refused(&b, keys[i].bad == 1024 ? SUMI_EUNSUPPORTED : SUMI_EFORMAT, key);
    }
}

static void scalings_of_rotations_are_checked(void **state)
{
    (void)state;
    gguf_builder b;
    add_llama(&b, "llama", NULL);
    gb_str(&b, "llama.rope.scaling.type", "dynamic");
    expect_refused(&b, SUMI_EUNSUPPORTED, "llama.rope.scaling.type");
    add_llama(&b, "llama", NULL);
    gb_str(&b, "llama.rope.scaling.type", "yarn");
    expect_refused(&b, SUMI_EFORMAT, "llama.rope.scaling.factor");
    add_llama(&b, "llama", NULL);
    gb_str(&b, "llama.rope.scaling.type", "yarn");
    gb_f32(&b, "llama.rope.scaling.factor", 4);
    expect_loaded(&b); /* the original context is the context if the file does not say */
    add_llama(&b, "llama", NULL);
    gb_f32(&b, "llama.rope.freq_base", 1);
    expect_refused(&b, SUMI_EFORMAT, "llama.rope.freq_base");
    add_llama(&b, "llama", NULL);
    add_matrix(&b, "rope_factors_long.weight", 1, N_EMBD / 4);
    gb_u32(&b, "llama.rope.scaling.original_context_length", 16);
    expect_refused(&b, SUMI_EFORMAT, "rope_factors_short.weight");
}

static void windows_are_listed_for_each_layer_or_by_a_number(void **state)
{
    const uint8_t two[] = { 1, 0 }, one[] = { 1 };
    (void)state;
    gguf_builder b;
    add_llama(&b, "llama", NULL);
    gb_u32(&b, "llama.attention.sliding_window", 16);
    gb_array(&b, "llama.attention.sliding_window_pattern", GGUF_BOOL, two, 2, sizeof two);
    expect_refused(&b, SUMI_EFORMAT, "llama.attention.sliding_window_pattern");
    add_llama(&b, "llama", NULL);
    gb_u32(&b, "llama.attention.sliding_window", 16);
    gb_array(&b, "llama.attention.sliding_window_pattern", GGUF_BOOL, one, 1, sizeof one);
    expect_loaded(&b);
}

static void tensors_that_are_missing_or_too_many_are_named(void **state)
{
    (void)state;
    gguf_builder b;
    add_llama(&b, "llama", NULL);
    add_matrix(&b, "blk.0.ssm_d.weight", 1, 2);
    expect_refused(&b, SUMI_EUNSUPPORTED, "blk.0.ssm_d.weight");
    add_llama(&b, "llama", NULL);
    add_matrix(&b, "blk.0.ffn_up.bias", 1, N_FF);
    expect_loaded(&b); /* a bias is computed wherever there is one */
    add_llama(&b, "llama", NULL);
    add_matrix(&b, "blk.0.attn_sinks.weight", 1, 2);
    expect_loaded(&b);
    add_llama(&b, "llama", NULL);
    add_matrix(&b, "blk.0.attn_sinks.weight", 1, 3);
    expect_refused(&b, SUMI_EFORMAT, "blk.0.attn_sinks.weight");
    add_llama(&b, "llama", NULL);
    gb_tensor(&b, "blk.0.attn_sinks.weight", DTYPE_F32, 1, (uint64_t[]){ 2 }, (float[]){ 1, -INFINITY }, 8);
    expect_refused(&b, SUMI_EFORMAT, "blk.0.attn_sinks.weight[1]");
    add_llama(&b, "llama", "blk.0.ffn_norm.weight");
    expect_refused(&b, SUMI_EFORMAT, "blk.0.ffn_norm.weight");
    add_llama(&b, "qwen2", NULL);
    expect_refused(&b, SUMI_EFORMAT, "blk.0.attn_q.bias");
    add_llama(&b, "qwen3", NULL);
    expect_refused(&b, SUMI_EFORMAT, "blk.0.attn_q_norm.weight");
    add_llama(&b, "llama", "blk.0.ffn_gate.weight"); /* then up must have the rows of both */
    expect_refused(&b, SUMI_EFORMAT, "64 x 32, not 128 x 32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_model_is_loaded),
        cmocka_unit_test(an_unknown_architecture_is_named),
        cmocka_unit_test(keys_that_ask_for_what_is_not_computed_are_named),
        cmocka_unit_test(experts_are_checked),
        cmocka_unit_test(decoders_that_look_both_ways_are_loaded),
        cmocka_unit_test(sizes_that_no_model_has_are_named),
        cmocka_unit_test(sizes_of_latents_are_checked),
        cmocka_unit_test(scalings_of_rotations_are_checked),
        cmocka_unit_test(windows_are_listed_for_each_layer_or_by_a_number),
        cmocka_unit_test(tensors_that_are_missing_or_too_many_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
