/* test_hf_settings.c - Hugging Face folders as people have them: other settings, other names of tensors, a class without an
 * output head. They are made of the folders of the tiny models; transformers is the oracle (make_hf_settings.py). */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"
#include "hf_folder.h"
#include "test_support.h"
#include "tiny_logits.h"

static void write_json(const test_folder *f, const char *name, const json_t *json)
{
    char *text = json_dumps(json, 0);
    assert_non_null(text);
    test_folder_write(f, name, text, strlen(text));
    free(text);
}

static char *read_file(const test_folder *f, const char *name, size_t *n)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    return test_read_file(path, n);
}

/* The settings of `changes`, an object in JSON, replace those of the tiny model. */
static test_folder changed_folder(const char *base, const char *changes)
{
    size_t n;
    test_folder f = test_hf_folder(base);
    char *text = read_file(&f, "config.json", &n);
    json_t *config = json_loadb(text, n, 0, NULL), *more = json_loads(changes, 0, NULL);
    assert_true(config && more);
    json_object_update(config, more);
    write_json(&f, "config.json", config);
    json_decref(config);
    json_decref(more);
    free(text);
    return f;
}

static void expect_as(const char *golden, const test_folder *f)
{
    double worst = test_tiny_difference(golden, f->path, NULL);
    if (!(worst <= TEST_TINY_TOLERANCE)) fail_msg("%s: log-probabilities differ by %g", golden, worst);
}

static void settings_are_computed_as_in_transformers(void **state)
{
#define YARN "\"rope_type\":\"yarn\",\"rope_theta\":10000.0,\"factor\":8.0,\"original_max_position_embeddings\":32"
    static const struct {
        const char *golden, *base, *changes;
    } cases[] = {
        { "activation", "mistral", "{\"hidden_act\":\"gelu\"}" },
        { "yarn-truncate", "llama-yarn", "{\"rope_parameters\":{" YARN ",\"truncate\":false}}" },
        { "yarn-mscale", "llama-yarn", "{\"rope_parameters\":{" YARN ",\"mscale\":0.7,\"mscale_all_dim\":1.2}}" },
        { "yarn-size", "llama-yarn", "{\"rope_parameters\":{" YARN ",\"attention_factor\":0.8}}" },
        { "no-caps", "gemma2", "{\"attn_logit_softcapping\":null,\"final_logit_softcapping\":null}" },
        { "ntk-alpha", "hunyuan-moe",
          "{\"rope_parameters\":{\"rope_type\":\"dynamic\",\"rope_theta\":10000.0,\"alpha\":50.0,\"factor\":1.0}}" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char golden[64], path[128];
        sumi_error err;
        test_folder f = changed_folder(cases[i].base, cases[i].changes);
        snprintf(golden, sizeof golden, "../hf_settings/%s", cases[i].golden);
        expect_as(golden, &f);
        snprintf(path, sizeof path, "%s/converted.gguf", f.path);
        if (sumi_convert(f.path, path, NULL, &err) != SUMI_OK) fail_msg("%s", err.message);
        assert_true(test_tiny_difference(golden, path, NULL) <= TEST_TINY_TOLERANCE);
        test_folder_remove(&f);
    }
}

/* ---- The output matrix -------------------------------------------------------------------------------------- */

typedef struct warnings {
    int n;
    char last[512];
} warnings;

static void note_warning(void *user, sumi_log_level level, const char *message)
{
    warnings *w = user;
    if (level != SUMI_LOG_WARN) return;
    w->n++;
    snprintf(w->last, sizeof w->last, "%s", message);
}

static warnings open_and_listen(const test_folder *f)
{
    sumi_error err;
    sumi_model *m;
    warnings w = { 0 };
    sumi_model_opts opts = sumi_model_opts_default();
    opts.log = note_warning;
    opts.log_user = &w;
    if (sumi_model_open(&m, f->path, &opts, &err) != SUMI_OK) fail_msg("%s", err.message);
    sumi_model_close(m);
    return w;
}

/* A second file with lm_head.weight: the embeddings times `factor`, from the last token to the first if `turned`. */
static void add_head(const test_folder *f, float factor, bool turned)
{
    model_source *src;
    size_t n;
    char header[256];
    assert_int_equal(gguf_open(&src, test_source_path("tests/golden/tiny/qwen2-tied.gguf"), NULL), SUMI_OK);
    const source_tensor *t = model_source_find_tensor(src, "token_embd.weight");
    assert_true(t && t->type->type == DTYPE_F32);
    assert_int_equal(model_source_fetch(src, t, 0, t->dims[1], NULL), SUMI_OK);
    int len = snprintf(header, sizeof header,
                       "{\"lm_head.weight\":{\"dtype\":\"F32\",\"shape\":[%lld,%lld],\"data_offsets\":[0,%zu]}}",
                       (long long)t->dims[1], (long long)t->dims[0], t->n_bytes);
    uint64_t n_header = (uint64_t)len;
    uint8_t *file = malloc(8 + (size_t)len + t->n_bytes);
    assert_non_null(file);
    memcpy(file, &n_header, 8);
    memcpy(file + 8, header, (size_t)len);
    for (int64_t r = 0; r < t->dims[1]; r++)
        for (int64_t c = 0; c < t->dims[0]; c++) {
            float x;
            int64_t from = turned ? t->dims[1] - 1 - r : r;
            memcpy(&x, (const char *)t->data + (size_t)(from * t->dims[0] + c) * sizeof x, sizeof x);
            x *= factor;
            memcpy(file + 8 + len + (size_t)(r * t->dims[0] + c) * sizeof x, &x, sizeof x);
        }
    test_folder_write(f, "head.safetensors", file, 8 + (size_t)len + t->n_bytes);
    char *weights = read_file(f, "model.safetensors", &n);
    test_folder_write(f, "rest.safetensors", weights, n);
    static const char index[] = "{\"weight_map\":{\"a\":\"rest.safetensors\",\"lm_head.weight\":\"head.safetensors\"}}";
    test_folder_write(f, "model.safetensors.index.json", index, sizeof index - 1);
    free(weights);
    free(file);
    model_source_close(src);
}

static void an_output_matrix_that_differs_is_used_though_config_json_says_tied(void **state)
{
    (void)state;
    test_folder f = test_hf_folder("qwen2-tied");
    add_head(&f, 2, true);
    expect_as("../hf_settings/tied-with-head", &f);
    warnings w = open_and_listen(&f);
    assert_int_equal(w.n, 1);
    assert_non_null(strstr(w.last, "'lm_head.weight' differs from the embeddings"));
    test_folder_remove(&f);
    f = test_hf_folder("qwen2-tied");
    add_head(&f, 1, false); /* a copy */
    expect_as("qwen2-tied", &f);
    assert_int_equal(open_and_listen(&f).n, 0);
    test_folder_remove(&f);
}

/* ---- Names of tensors, and classes without a head ----------------------------------------------------------- */

/* "model.layers.0..." becomes "layers.0..."; the header keeps its length. */
static void drop_prefix(const test_folder *f, const char *prefix)
{
    size_t n, length = strlen(prefix);
    uint64_t n_header;
    char *file = read_file(f, "model.safetensors", &n), *header = file + 8;
    memcpy(&n_header, file, 8);
    size_t used = 0;
    for (size_t i = 0; i < n_header;) {
        header[used++] = header[i++];
        if (header[used - 1] == '"' && n_header - i > length && !memcmp(header + i, prefix, length)) i += length;
    }
    memset(header + used, ' ', n_header - used);
    test_folder_write(f, "model.safetensors", file, n);
    free(file);
}

static void names_without_the_models_prefix_are_known(void **state)
{
    static const struct {
        const char *model, *prefix;
    } cases[] = { { "qwen2-tied", "model." }, { "llama-rope3", "model." }, { "gemma3", "model." },
                  { "gpt2", "transformer." }, { "gptneox", "gpt_neox." },  { "falcon", "transformer." } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_folder f = test_hf_folder(cases[i].model);
        drop_prefix(&f, cases[i].prefix);
        expect_as(cases[i].model, &f);
        test_folder_remove(&f);
    }
}

static void a_file_without_architectures_is_known_by_its_model_type(void **state)
{
    static const char *const names[] = { "qwen2-tied", "gptneox", "gemma3", "qwen3moe", "starcoder", "ernie4_5-moe" };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        test_folder f = changed_folder(names[i], "{\"architectures\":null}");
        expect_as(names[i], &f);
        test_folder_remove(&f);
    }
}

/* What sumi_embed() gives of the last token against tiny/NAME.hidden. */
static void compare_hidden(const char *path, const char *name)
{
    char golden[256];
    size_t n_bytes, n_logits;
    uint32_t n_ids, n_embd;
    float out[256];
    sumi_error err;
    sumi_model *m = NULL;
    sumi_context *c = NULL;
    sumi_model_info info;
    sumi_model_opts opts = sumi_model_opts_default();
    opts.activations = SUMI_ACTIVATIONS_F32;
    if (sumi_model_open(&m, path, &opts, &err) || sumi_context_create(&c, m, NULL, &err)) fail_msg("%s", err.message);
    sumi_model_get_info(m, &info);
    assert_false(info.has_logits || info.is_encoder);
    snprintf(golden, sizeof golden, "tests/golden/tiny/%s.hidden", name);
    char *hidden = test_read_file(test_source_path(golden), &n_bytes);
    snprintf(golden, sizeof golden, "tests/golden/tiny/%s.bin", name);
    char *ids = test_read_file(test_source_path(golden), &n_logits);
    memcpy(&n_ids, hidden + 8, 4);
    memcpy(&n_embd, hidden + 12, 4);
    assert_int_equal(n_embd, info.n_embd);
    if (sumi_embed(c, (const int32_t *)(void *)(ids + 16), (int32_t)n_ids, SUMI_POOL_LAST, true, out, &err))
        fail_msg("%s", err.message);
    const float *last = (const float *)(void *)(hidden + 16) + (size_t)(n_ids - 1) * n_embd;
    for (uint32_t i = 0; i < n_embd; i++) assert_true(fabsf(out[i] - last[i]) <= 1e-3f);
    free(hidden);
    free(ids);
    int32_t seq, token = 5;
    assert_int_equal(sumi_seq_open(c, &seq, &err), SUMI_OK);
    test_expect_error(sumi_prefill(c, seq, &token, 1, &err), SUMI_EUNSUPPORTED, &err, "has no output head");
    sumi_context_destroy(c);
    sumi_model_close(m);
}

static void a_class_without_a_head_makes_hidden_states(void **state)
{
    static const char *const models[][2] = { { "qwen2-tied", "{\"architectures\":[\"Qwen2Model\"]}" },
                                             { "gemma3", "{\"architectures\":[\"Gemma3TextModel\"]}" },
                                             { "qwen2-tied", "{\"tie_word_embeddings\":false}" } };
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char path[128];
        sumi_error err;
        test_folder f = changed_folder(models[i][0], models[i][1]);
        drop_prefix(&f, "model.");
        compare_hidden(f.path, models[i][0]);
        snprintf(path, sizeof path, "%s/converted.gguf", f.path);
        if (sumi_convert(f.path, path, NULL, &err) != SUMI_OK) fail_msg("%s", err.message);
        compare_hidden(path, models[i][0]);
        test_folder_remove(&f);
    }
}

/* ---- NaN and infinities ------------------------------------------------------------------------------------- */

static void nan_is_accepted_where_no_number_is_read(void **state)
{
    size_t n;
    char *text, *end, *fixed;
    sumi_error err;
    sumi_model *m;
    (void)state;
    test_folder f = test_hf_folder("qwen2-tied");
    text = read_file(&f, "config.json", &n);
    end = memrchr(text, '}', n);
    assert_non_null(end);
    assert_true(asprintf(&fixed, "%.*s, \"x\": NaN, \"y\": -Infinity, \"model_name\": \"\\\"NaN\"}", (int)(end - text),
                         text) > 0);
    test_folder_write(&f, "config.json", fixed, strlen(fixed));
    expect_as("qwen2-tied", &f);
    free(fixed);
    assert_true(asprintf(&fixed, "%.*s, \"rms_norm_eps\": NaN}", (int)(end - text), text) > 0);
    test_folder_write(&f, "config.json", fixed, strlen(fixed));
    test_expect_error(sumi_model_open(&m, f.path, NULL, &err), SUMI_EFORMAT, &err,
                      "'rms_norm_eps' is NaN, not a number");
    free(fixed);
    free(text);
    test_folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_computed_as_in_transformers),
        cmocka_unit_test(an_output_matrix_that_differs_is_used_though_config_json_says_tied),
        cmocka_unit_test(names_without_the_models_prefix_are_known),
        cmocka_unit_test(a_file_without_architectures_is_known_by_its_model_type),
        cmocka_unit_test(a_class_without_a_head_makes_hidden_states),
        cmocka_unit_test(nan_is_accepted_where_no_number_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
