/* test_repo.c - which files of a repository are the model that somebody means. Names are of the kinds that repositories on
 * the hub have. */
#include "store/repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_support.h"

/* Chooses among files, "a b c" (no spaces in names). Returns the chosen ones, or the error in brackets. */
static const char *choose(const char *files, const char *what)
{
    static char out[2048];
    char names[2048];
    repo r = { 0 };
    sumi_error err;
    snprintf(names, sizeof names, "%s", files);
    for (char *save, *f = strtok_r(names, " ", &save); f; f = strtok_r(NULL, " ", &save))
        assert_int_equal(repo_add(&r, f, 1, (digest){ DIGEST_NONE, "" }, &err), SUMI_OK);
    bool *chosen = calloc((size_t)r.n + 1, sizeof *chosen);
    sumi_status st = !strcmp(what, "safetensors") ? repo_choose_safetensors(&r, chosen, &err)
                                                  : repo_choose_gguf(&r, what, chosen, &err);
    out[0] = '\0';
    for (int32_t i = 0; st == SUMI_OK && i < r.n; i++)
        if (chosen[i]) snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", *out ? " " : "", r.files[i].path);
    if (st != SUMI_OK) snprintf(out, sizeof out, "[%s]", err.message);
    free(chosen);
    repo_deinit(&r);
    return out;
}

#define USUAL                                                                                       \
    "README.md m-Q8_0.gguf m-Q4_K_S.gguf m-Q4_K_M.gguf m-IQ4_XS.gguf m-f16.gguf mmproj-m-f16.gguf " \
    "m.imatrix.gguf"

static void the_usual_quantisation_comes_first(void **state)
{
    (void)state;
    assert_string_equal(choose(USUAL, ""), "m-Q4_K_M.gguf");
    assert_string_equal(choose("m-Q8_0.gguf m-IQ2_XXS.gguf", ""), "m-Q8_0.gguf");
    assert_string_equal(choose("m.F16.gguf m.Q2_K.gguf m.Q6_K.gguf", ""), "m.Q6_K.gguf");
    assert_string_equal(choose("m-extra-Q4_K_M.gguf m-Q4_K_M.gguf", ""), "m-Q4_K_M.gguf");
    assert_string_equal(choose("weights.gguf", ""), "weights.gguf");
    assert_string_equal(choose("mmproj.gguf README.md", ""), "[there is no GGUF file]");
}

static void a_tag_is_a_whole_word_of_the_name(void **state)
{
    (void)state;
    assert_string_equal(choose(USUAL, "Q8_0"), "m-Q8_0.gguf");
    assert_string_equal(choose(USUAL, "q4_k_m"), "m-Q4_K_M.gguf");
    assert_string_equal(choose(USUAL, "F16"), "m-f16.gguf");
    assert_string_equal(choose("UD-Q4_K_XL.gguf Q4_K_M.gguf", "Q4_K_XL"), "UD-Q4_K_XL.gguf");
    assert_string_equal(choose("Q4_0/m.gguf Q8_0/m.gguf", "Q8_0"), "Q8_0/m.gguf");
    assert_string_equal(choose(USUAL, "Q4_K"), "[there is no tag 'Q4_K'; there are Q8_0, Q4_K_S, Q4_K_M, IQ4_XS, f16]");
    assert_string_equal(choose(USUAL, "Q4_XS"),
                        "[there is no tag 'Q4_XS'; there are Q8_0, Q4_K_S, Q4_K_M, IQ4_XS, f16]");
    assert_string_equal(choose("a-Q4_0.gguf b-Q4_0.gguf", "Q4_0"),
                        "['Q4_0' fits 2 files; name one of a-Q4_0.gguf, b-Q4_0.gguf]");
}

static void a_file_is_named_by_path_or_name(void **state)
{
    (void)state;
    assert_string_equal(choose("a/m.gguf b/m.gguf", "b/m.gguf"), "b/m.gguf");
    assert_string_equal(choose("a/m.gguf", "m.gguf"), "a/m.gguf");
    assert_string_equal(choose("a/m.gguf", "x.gguf"), "[there is no file 'x.gguf'; there are a/m.gguf]");
}

static void split_variants_come_whole(void **state)
{
    static const char files[] = "m-Q4_0-00001-of-00002.gguf m-Q4_0-00002-of-00002.gguf m-Q8_0-00001-of-00002.gguf "
                                "x-Q4_0-00002-of-00002.gguf m-Q5_0.gguf";
    static const char both[] = "m-Q4_0-00001-of-00002.gguf m-Q4_0-00002-of-00002.gguf";
    (void)state;
    assert_string_equal(choose(files, "Q4_0"), both);
    assert_string_equal(choose(files, "m-Q4_0-00002-of-00002.gguf"), both);
    assert_string_equal(choose(files, "Q8_0"), "[m-Q8_0-00001-of-00002.gguf: only 1 of its 2 files exist]");
}

static void original_weights_come_with_what_they_need(void **state)
{
    (void)state;
    assert_string_equal(
        choose("README.md config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors "
               "model.safetensors.index.json consolidated.safetensors original/x.safetensors tokenizer.json "
               "pytorch_model.bin 1_Pooling/config.json tf_model.h5 LICENSE",
               "safetensors"),
        "config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors "
        "model.safetensors.index.json tokenizer.json 1_Pooling/config.json LICENSE");
    assert_string_equal(choose("adapter.safetensors config.json", "safetensors"), "adapter.safetensors config.json");
    assert_string_equal(choose("config.json x.bin", "safetensors"),
                        "[there are neither GGUF nor safetensors files, only "
                        "PyTorch pickles, which are programs and are not loaded]");
    assert_string_equal(choose("", "safetensors"), "[there are neither GGUF nor safetensors files]");
}

static void labels_are_the_types_in_names(void **state)
{
    static const char *const cases[][2] = {
        { "Qwen2.5-0.5B-Instruct-Q4_K_M.gguf", "Q4_K_M" },
        { "m.IQ2_XXS.gguf", "IQ2_XXS" },
        { "Q4_0/tiny.gguf", "Q4_0" },
        { "m-bf16-00001-of-00003.gguf", "bf16" },
        { "gpt-oss-20b-mxfp4.gguf", "mxfp4" },
        { "m.fp16.gguf", "fp16" },
        { "F2-model.gguf", "F2-model" },
        { "a/TQ1_0.gguf", "TQ1_0" },
        { "tiny.gguf", "tiny" },
        { "m-f32.GGUF", "f32" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char label[256];
        repo_label(cases[i][0], label, sizeof label);
        assert_string_equal(label, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_quantisation_comes_first),
        cmocka_unit_test(a_tag_is_a_whole_word_of_the_name),
        cmocka_unit_test(a_file_is_named_by_path_or_name),
        cmocka_unit_test(split_variants_come_whole),
        cmocka_unit_test(original_weights_come_with_what_they_need),
        cmocka_unit_test(labels_are_the_types_in_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
