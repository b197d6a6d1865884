/* test_tiny.c - every family, and every feature of the forward pass that the real models lack, against transformers:
 * tiny models of random weights (make_tiny.py and tiny_families.py say what each is there for), all logits of a
 * sequence, on every instruction set. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"

/* Both sides compute in float32, where sums of a few hundred terms of size 10 differ by about 1e-5. */
#define TOLERANCE 1e-3

typedef struct expected {
    const float *logits; /* [n_ids][n_vocab] */
    int32_t n_vocab;
    double worst; /* max |difference of log-probability| so far */
    int32_t worst_position;
} expected;

static void compare_row(void *user, int32_t position, const float *logits)
{
    expected *e = user;
    const float *golden = e->logits + (size_t)position * (size_t)e->n_vocab;
    double total = test_log_sum_exp(logits, e->n_vocab), golden_total = test_log_sum_exp(golden, e->n_vocab);
    for (int32_t i = 0; i < e->n_vocab; i++) {
        double difference = fabs((logits[i] - total) - (golden[i] - golden_total));
        if (!(difference <= e->worst))
            e->worst = difference, e->worst_position = position; /* a NaN is the worst */
    }
}

static void compare(const char *name, const char *isa)
{
    char path[256];
    size_t n_bytes;
    snprintf(path, sizeof path, "tests/golden/tiny/%s.bin", name);
    char *data = test_read_file(test_source_path(path), &n_bytes);
    uint32_t counts[2];
    assert_memory_equal(data, "SUMITINY", 8);
    memcpy(counts, data + 8, sizeof counts);
    int32_t n_ids = (int32_t)counts[0], n_vocab = (int32_t)counts[1], positions[256];
    assert_int_equal(n_bytes, 16 + 4 * (size_t)n_ids * (1 + (size_t)n_vocab));
    assert_in_range(n_ids, 1, 256);
    for (int32_t i = 0; i < n_ids; i++) positions[i] = i;

    snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", name);
    test_forward f = test_forward_open(test_source_path(path), isa, SUMI_ACTIVATIONS_F32, 256);
    assert_int_equal(f.info.n_vocab, n_vocab);
    expected e = { (const float *)(data + 16) + n_ids, n_vocab, 0, 0 };
    test_forward_run(&f, (const int32_t *)(data + 16), n_ids, positions, n_ids, compare_row, &e);
    printf("%-15s %-7s max |difference of log-prob| %.1e, at position %d\n", name, f.info.isa, e.worst,
           (int)e.worst_position);
    if (!(e.worst <= TOLERANCE)) fail_msg("%s: log-probabilities differ by %g", name, e.worst);
    test_forward_close(&f);
    free(data);
}

/* The plain C kernels, then the best that the machine has. */
static void compare_all(const char *name)
{
    compare(name, "ref");
    compare(name, NULL);
}

#define TEST(function, name)                                                                                 \
    static void function(void **state)                                                                       \
    {                                                                                                        \
        (void)state;                                                                                         \
        compare_all(name);                                                                                   \
    }
TEST(qwen2_with_biases_and_tied_embeddings_is_as_in_transformers, "qwen2-tied")
TEST(qwen2_with_an_output_matrix_is_as_in_transformers, "qwen2-untied")
TEST(llama_3_rope_scaling_is_as_in_transformers, "llama-rope3")
TEST(linear_rope_scaling_and_wide_heads_are_as_in_transformers, "llama-linear")
TEST(gemma_3_windows_are_as_in_transformers, "gemma3")
TEST(gemma_3_scales_rope_only_in_layers_without_a_window, "gemma3-linear")

/* The families of tiny_families.py. */
static void each_family_is_as_in_transformers(void **state)
{
    static const char *const names[] = {
        "arcee",      "bloom",       "cohere2",    "command-r",      "command-r-plus", "exaone",
        "exaone4",    "exaone4-all", "falcon",     "falcon-40b",     "gemma",          "gemma2",
        "gpt-oss",    "gpt2",        "gptneox",    "gptneox-serial", "granite",        "granitemoe",
        "internlm2",  "llama-bias",  "llama-yarn", "minicpm",        "mistral",        "mixtral",
        "mpt",        "nemotron",    "olmo",       "olmo-clamp",     "olmo2",          "olmo3",
        "olmoe",      "phi2",        "phi3",       "phi3-long",      "phi3-short",     "qwen2moe",
        "qwen3",      "qwen3moe",    "smollm3",    "stablelm",       "stablelm-12b",   "starcoder",
        "starcoder2",
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) compare_all(names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qwen2_with_biases_and_tied_embeddings_is_as_in_transformers),
        cmocka_unit_test(qwen2_with_an_output_matrix_is_as_in_transformers),
        cmocka_unit_test(llama_3_rope_scaling_is_as_in_transformers),
        cmocka_unit_test(linear_rope_scaling_and_wide_heads_are_as_in_transformers),
        cmocka_unit_test(gemma_3_windows_are_as_in_transformers),
        cmocka_unit_test(gemma_3_scales_rope_only_in_layers_without_a_window),
        cmocka_unit_test(each_family_is_as_in_transformers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
