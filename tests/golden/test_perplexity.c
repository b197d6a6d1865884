/* test_perplexity.c - the perplexity of a text under the real models against transformers (make_perplexity.py defines
 * it): tokenizer, forward pass and the cutting into windows together. The first windows are enough for a test. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"

enum { MAX_CTX = 512 };

typedef struct window {
    const int32_t *ids;
    int32_t n_vocab;
    double score; /* sum of -log P of ids[1..] */
} window;

static void score_row(void *user, int32_t position, const float *logits)
{
    window *w = user;
    w->score += test_log_sum_exp(logits, w->n_vocab) - logits[w->ids[position + 1]];
}

static double number(const json_t *golden, const char *key)
{
    const json_t *value = json_object_get(golden, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

/* Scores the first n_windows windows and compares perplexities; tolerance is the relative difference allowed. */
static void compare(const char *name, sumi_activations activations, size_t n_windows, double tolerance)
{
    char path[256], *text;
    size_t n_bytes;
    snprintf(path, sizeof path, "tests/golden/perplexity/%s.json", name);
    json_t *golden = json_load_file(test_source_path(path), 0, NULL);
    assert_non_null(golden);
    text = test_read_file(test_source_path("tests/golden/perplexity/alice.txt"), &n_bytes);
    int32_t ctx = (int32_t)number(golden, "ctx"), ids[MAX_CTX], positions[MAX_CTX], *all, n_all;
    assert_in_range(ctx, 2, MAX_CTX);
    for (int32_t i = 0; i < ctx; i++) positions[i] = i;

    sumi_error err;
    test_forward f = test_forward_open(test_model_path(name), NULL, activations, MAX_CTX);
    if (sumi_tokenize(f.model, text, n_bytes, 0, &all, &n_all, &err)) fail_msg("%s", err.message);
    assert_int_equal(n_all, (int32_t)number(golden, "n_ids"));

    bool bos = (int32_t)number(golden, "n_bos") == 1;
    double score = 0, golden_score = 0;
    if (test_is_short()) n_windows = 1;
    for (size_t w = 0; w < n_windows; w++) {
        int32_t step = ctx - bos;
        ids[0] = f.info.bos_id;
        memcpy(ids + bos, all + (size_t)step * w, (size_t)step * sizeof *ids);
        window win = { ids, f.info.n_vocab, 0 };
        test_forward_run(&f, ids, ctx, positions, ctx - 1, score_row, &win);
        score += win.score;
        golden_score += json_number_value(json_array_get(json_object_get(golden, "window_scores"), w));
    }
    double n_scored = (double)n_windows * (ctx - 1), difference = exp((score - golden_score) / n_scored) - 1;
    printf("%-12s %-7s activations %-5s %zu windows: perplexity %.4f, transformers %.4f, difference %+.3f %%\n", name,
           f.info.isa, activations == SUMI_ACTIVATIONS_F32 ? "f32" : "auto", n_windows, exp(score / n_scored),
           exp(golden_score / n_scored), 100 * difference);
    assert_true(fabs(difference) <= tolerance);
    sumi_free(all);
    test_forward_close(&f);
    free(text);
    json_decref(golden);
}

static void smollm2_with_defaults_is_as_perplexed_as_in_transformers(void **state)
{
    (void)state;
    compare("smollm2", SUMI_ACTIVATIONS_AUTO, 8, 0.01);
}

static void gemma3_with_defaults_is_as_perplexed_as_in_transformers(void **state)
{
    (void)state;
    compare("gemma3-270m", SUMI_ACTIVATIONS_AUTO, 8, 0.01);
}

static void smollm2_with_float32_activations_has_the_same_perplexity(void **state)
{
    (void)state;
    compare("smollm2", SUMI_ACTIVATIONS_F32, 2, 1e-4);
}

static void gemma3_with_float32_activations_has_the_same_perplexity(void **state)
{
    (void)state;
    compare("gemma3-270m", SUMI_ACTIVATIONS_F32, 2, 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smollm2_with_defaults_is_as_perplexed_as_in_transformers),
        cmocka_unit_test(gemma3_with_defaults_is_as_perplexed_as_in_transformers),
        cmocka_unit_test(smollm2_with_float32_activations_has_the_same_perplexity),
        cmocka_unit_test(gemma3_with_float32_activations_has_the_same_perplexity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
