/* test_tiny.c - every family, and every feature of the forward pass that the real models lack, against transformers:
 * tiny models of random weights (make_tiny.py and tiny_families.py say what each is there for), all logits of a
 * sequence, on every instruction set. */
#include <stdio.h>

#include "test_support.h"
#include "tiny_logits.h"

static void compare(const char *name, const char *isa)
{
    char path[256];
    snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", name);
    double worst = test_tiny_difference(name, test_source_path(path), isa);
    if (!(worst <= TEST_TINY_TOLERANCE)) fail_msg("%s: log-probabilities differ by %g", name, worst);
}

/* The plain C kernels, then the best that the machine has. */
static void compare_all(const char *name)
{
    compare(name, "ref");
    compare(name, NULL);
}

#define TEST(function, name)           \
    static void function(void **state) \
    {                                  \
        (void)state;                   \
        compare_all(name);             \
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
        "arcee",      "bloom",        "cohere2",     "command-r", "command-r-plus", "deepseek2",    "deepseek2-lite",
        "deepseek3",  "ernie4_5-moe", "exaone",      "exaone4",   "exaone4-all",    "falcon",       "falcon-40b",
        "gemma",      "gemma2",       "glm4moe",     "gpt-oss",   "gpt2",           "gptneox",      "gptneox-serial",
        "granite",    "granitemoe",   "hunyuan-moe", "internlm2", "llama-bias",     "llama-yarn",   "llama4",
        "minicpm",    "mistral",      "mixtral",     "mpt",       "nemotron",       "olmo",         "olmo-clamp",
        "olmo2",      "olmo3",        "olmoe",       "phi2",      "phi3",           "phi3-long",    "phi3-short",
        "qwen2moe",   "qwen3",        "qwen3moe",    "smollm3",   "stablelm",       "stablelm-12b", "starcoder",
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
