/* test_hf.c - every family from a Hugging Face folder: the tensors are those of the GGUF file of the same weights, bit for
 * bit, and the log-probabilities are those of transformers. The folders are put together from tests/golden/hf. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hf/model_source_open.h"
#include "hf_folder.h"
#include "quant/quant.h"
#include "test_support.h"
#include "tiny_logits.h"

static model_source *open_model(const char *path)
{
    model_source *src;
    sumi_error err;
    if (model_source_open(&src, path, NULL, &err) != SUMI_OK) fail_msg("%s", err.message);
    return src;
}

/* All elements as floats; the caller frees them. */
static float *decode(const model_source *src, const source_tensor *t)
{
    void *rows = malloc(t->n_bytes);
    float *values = malloc((size_t)t->n_elems * sizeof *values);
    assert_true(rows && values);
    if (model_source_read_rows(src, t, 0, t->n_elems / t->dims[0], rows, NULL) != SUMI_OK)
        fail_msg("a tensor cannot be read");
    quant_find(t->type->type)->decode(rows, values, t->n_elems);
    free(rows);
    return values;
}

/* Elements and order; a vector of one file may be a matrix of the other. Factors of rotations were computed in two ways, and
 * norms of Gemma 3 were rounded when 1 was taken away for transformers: these agree to the last bits. */
static void compare_tensor(const char *name, const model_source *a, const source_tensor *s, const model_source *b,
                           const source_tensor *t)
{
    bool rounded = !strncmp(s->name.data, "rope_", 5) || !strncmp(name, "gemma3", 6);
    if (s->n_elems != t->n_elems || s->dims[0] * s->dims[1] != t->dims[0] * t->dims[1])
        fail_msg("%s: '%.*s' has another shape", name, (int)s->name.n, s->name.data);
    float *x = decode(a, s), *y = decode(b, t);
    for (int64_t i = 0; i < s->n_elems; i++) {
        bool same = x[i] == y[i] || (rounded && fabsf(x[i] - y[i]) <= 1e-6f * fabsf(y[i]) + 1e-7f);
        if (!same)
            fail_msg("%s: '%.*s' differs at %lld: %g, not %g", name, (int)s->name.n, s->name.data, (long long)i, x[i],
                     y[i]);
    }
    free(x);
    free(y);
}

/* The GGUF files of these have keys and values from the latent as one matrix, as they had before 2025, or tensors of a layer
 * that only drafts. */
static bool has_other_tensors(const char *name)
{
    return !strcmp(name, "deepseek2") || !strcmp(name, "deepseek3") || !strcmp(name, "glm4moe");
}

static void compare_tensors(const char *name, const char *folder)
{
    if (has_other_tensors(name)) return;
    char path[256], tensor[128];
    snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", name);
    model_source *a = open_model(folder), *b = open_model(test_source_path(path));
    if (model_source_n_tensors(a) != model_source_n_tensors(b))
        fail_msg("%s: %lld tensors, not %lld", name, (long long)model_source_n_tensors(a),
                 (long long)model_source_n_tensors(b));
    for (int64_t i = 0; i < model_source_n_tensors(a); i++) {
        const source_tensor *s = model_source_tensor_at(a, i);
        snprintf(tensor, sizeof tensor, "%.*s", (int)s->name.n, s->name.data);
        const source_tensor *t = model_source_find_tensor(b, tensor);
        if (!t) fail_msg("%s: the GGUF file has no '%s'", name, tensor);
        compare_tensor(name, a, s, b, t);
    }
    model_source_close(a);
    model_source_close(b);
}

/* Written as a GGUF file, it is still the same. */
static void compare_converted(const char *name, const test_folder *f)
{
    char path[128];
    sumi_error err;
    snprintf(path, sizeof path, "%s/converted.gguf", f->path);
    if (sumi_convert(f->path, path, NULL, &err) != SUMI_OK) fail_msg("%s", err.message);
    compare_tensors(name, path);
    double worst = test_tiny_difference(name, path, NULL);
    if (!(worst <= TEST_TINY_TOLERANCE))
        fail_msg("%s: log-probabilities of the converted file differ by %g", name, worst);
}

static void compare(const char *name)
{
    test_folder f = test_hf_folder(name);
    compare_tensors(name, f.path);
    compare_converted(name, &f);
    double ref = test_tiny_difference(name, f.path, "ref"), best = test_tiny_difference(name, f.path, NULL);
    if (!(ref <= TEST_TINY_TOLERANCE) || !(best <= TEST_TINY_TOLERANCE))
        fail_msg("%s: log-probabilities differ by %g, %g", name, ref, best);
    test_folder_remove(&f);
}

static void each_family_is_as_in_its_gguf_file_and_in_transformers(void **state)
{
    static const char *const names[] = {
        "arcee",          "bloom",      "cohere2",      "command-r",      "command-r-plus", "deepseek2",
        "deepseek2-lite", "deepseek3",  "ernie4_5-moe", "exaone4",        "exaone4-all",    "falcon",
        "falcon-40b",     "gemma",      "gemma2",       "gemma3",         "gemma3-linear",  "glm4moe",
        "gpt-oss",        "gpt2",       "gptneox",      "gptneox-serial", "granite",        "granitemoe",
        "hunyuan-moe",    "llama-bias", "llama-rope3",  "llama-yarn",     "llama4",         "mistral",
        "mixtral",        "mpt",        "nemotron",     "olmo",           "olmo-clamp",     "olmo2",
        "olmo3",          "olmoe",      "phi2",         "phi3",           "phi3-long",      "phi3-short",
        "qwen2-tied",     "qwen2moe",   "qwen3",        "qwen3moe",       "smollm3",        "stablelm",
        "stablelm-12b",   "starcoder",  "starcoder2",
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) compare(names[i]);
}

/* test_encoders.c compares what it computes. */
static void nomic_bert_has_the_tensors_of_its_gguf_file(void **state)
{
    char path[128];
    sumi_error err;
    (void)state;
    test_folder f = test_hf_folder("nomic-bert");
    compare_tensors("nomic-bert", f.path);
    snprintf(path, sizeof path, "%s/converted.gguf", f.path);
    if (sumi_convert(f.path, path, NULL, &err) != SUMI_OK) fail_msg("%s", err.message);
    compare_tensors("nomic-bert", path);
    test_folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_family_is_as_in_its_gguf_file_and_in_transformers),
        cmocka_unit_test(nomic_bert_has_the_tensors_of_its_gguf_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
