/* test_embeddings.c - hidden states and embeddings against transformers in float32: every hidden state of the tiny models
 * (make_tiny.py), pooled vectors of the real ones (make_embeddings.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"

/* Both sides compute in float32, whose roundings of 6e-8 grow to 1e-5 of a hidden state, with elements of about 1, and
 * to 1e-6 of a vector of length 1. Measured on Zen 3: 1.5e-5 (llama-rope3, AVX2); twice that and a margin for AVX-512 and AMX,
 * which were not measured. */
#define MAX_HIDDEN_DIFFERENCE 4e-5
#define MAX_DIFFERENCE        1e-5
#define MIN_COSINE            0.999999
#define MIN_COSINE_INT8       0.999 /* the defaults, with activations rounded to int8 */

enum { MAX_EMBD = 1024, SHORT_TEXT = 60 };

static void check(sumi_status status, const sumi_error *err)
{
    if (status != SUMI_OK) fail_msg("%s", err->message);
}

/* ---- Tiny models: each hidden state ---- */

static double worst_hidden(test_forward *f, const int32_t *ids, int32_t n_ids, const float *golden)
{
    sumi_error err;
    sumi_context_info info;
    int32_t seq, n_embd = f->info.n_embd;
    double worst = 0;
    sumi_context_get_info(f->ctx, &info);
    check(sumi_seq_open(f->ctx, &seq, &err), &err);
    for (int32_t at = 0, n; at < n_ids; at += n) {
        n = n_ids - at < info.max_batch_tokens ? n_ids - at : info.max_batch_tokens;
        sumi_span span = { seq, n, ids + at, SUMI_WANT_HIDDEN_ALL };
        check(sumi_step(f->ctx, &span, 1, &err), &err);
        assert_int_equal(sumi_n_hidden_rows(f->ctx), n);
        assert_int_equal(sumi_n_logit_rows(f->ctx), 0);
        for (int32_t i = 0; i < n * n_embd; i++) {
            double d = fabs((double)sumi_hidden(f->ctx, i / n_embd)[i % n_embd] - (double)golden[at * n_embd + i]);
            if (!(d <= worst)) worst = d; /* a NaN is the worst */
        }
    }
    sumi_seq_close(f->ctx, seq);
    return worst;
}

static void compare_tiny(const char *name, const char *isa)
{
    char path[256];
    size_t n_bytes;
    uint32_t shape[2];
    snprintf(path, sizeof path, "tests/golden/tiny/%s.bin", name);
    char *ids = test_read_file(test_source_path(path), &n_bytes);
    snprintf(path, sizeof path, "tests/golden/tiny/%s.hidden", name);
    char *golden = test_read_file(test_source_path(path), &n_bytes);
    assert_memory_equal(golden, "SUMIHIDE", 8);
    memcpy(shape, golden + 8, sizeof shape);
    assert_int_equal(n_bytes, 16 + 4 * (size_t)shape[0] * (size_t)shape[1]);
    assert_memory_equal(ids + 8, shape, 4);
    snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", name);
    test_forward f = test_forward_open(test_source_path(path), isa, SUMI_ACTIVATIONS_F32, 256);
    assert_int_equal(f.info.n_embd, shape[1]);
    double worst = worst_hidden(&f, (const int32_t *)(ids + 16), (int32_t)shape[0], (const float *)(golden + 16));
    printf("%-14s %-7s max |difference of a hidden state| %.1e\n", name, f.info.isa, worst);
    assert_true(worst <= MAX_HIDDEN_DIFFERENCE);
    test_forward_close(&f);
    free(golden);
    free(ids);
}

static void hidden_states_of_tiny_models_are_those_of_transformers(void **state)
{
    static const char *const names[] = { "qwen2-tied",   "qwen2-untied", "llama-rope3",
                                         "llama-linear", "gemma3",       "gemma3-linear" };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        compare_tiny(names[i], "ref");
        compare_tiny(names[i], NULL);
    }
}

/* ---- Real models: pooled ---- */

typedef struct worst {
    double cosine, difference;
} worst;

static void compare_pooled(test_forward *f, const int32_t *ids, int32_t n_ids, sumi_pooling pooling,
                           const float *golden, worst *w)
{
    static float got[MAX_EMBD];
    sumi_error err;
    double dot = 0, squares = 0;
    check(sumi_embed(f->ctx, ids, n_ids, pooling, false, got, &err), &err);
    for (int32_t i = 0; i < f->info.n_embd; i++) {
        double d = fabs((double)got[i] - (double)golden[i]);
        if (!(d <= w->difference)) w->difference = d;
        dot += (double)got[i] * (double)golden[i];
        squares += (double)got[i] * (double)got[i];
    }
    assert_true(fabs(squares - 1) < 1e-6);
    if (!(dot >= w->cosine)) w->cosine = dot;
}

static worst compare_model(const char *name, const char *isa, sumi_activations activations, int32_t max_ids)
{
    char path[256];
    size_t n_bytes;
    uint32_t header[2], n_ids;
    worst all = { 1, 0 };
    int n_texts = 0;
    snprintf(path, sizeof path, "tests/golden/embeddings/%s.bin", name);
    char *data = test_read_file(test_source_path(path), &n_bytes), *at = data + 16;
    assert_memory_equal(data, "SUMIEMBD", 8);
    memcpy(header, data + 8, sizeof header);
    test_forward f = test_forward_open(test_model_path(name), isa, activations, 1024);
    assert_int_equal(f.info.n_embd, header[1]);
    assert_in_range(header[1], 1, MAX_EMBD);
    for (uint32_t t = 0; t < header[0]; t++) {
        memcpy(&n_ids, at, sizeof n_ids);
        const int32_t *ids = (const int32_t *)(at + 4);
        const float *mean = (const float *)(ids + n_ids), *last = mean + header[1];
        at = (char *)(last + header[1]);
        if ((int32_t)n_ids > (test_is_short() ? SHORT_TEXT : max_ids)) continue;
        compare_pooled(&f, ids, (int32_t)n_ids, SUMI_POOL_MEAN, mean, &all);
        compare_pooled(&f, ids, (int32_t)n_ids, SUMI_POOL_LAST, last, &all);
        n_texts++;
    }
    assert_ptr_equal(at, data + n_bytes);
    assert_true(n_texts > 0);
    printf("%-12s %-7s %s: %d texts, least cosine %.7f, max |difference| %.1e\n", name, f.info.isa,
           activations == SUMI_ACTIVATIONS_F32 ? "float32" : "default", n_texts, all.cosine, all.difference);
    test_forward_close(&f);
    free(data);
    return all;
}

static void compare_real(const char *name)
{
    worst slow = compare_model(name, "ref", SUMI_ACTIVATIONS_F32, SHORT_TEXT);
    worst fast = compare_model(name, NULL, SUMI_ACTIVATIONS_F32, INT32_MAX);
    worst usual = compare_model(name, NULL, SUMI_ACTIVATIONS_AUTO, INT32_MAX);
    assert_true(slow.cosine >= MIN_COSINE && slow.difference <= MAX_DIFFERENCE);
    assert_true(fast.cosine >= MIN_COSINE && fast.difference <= MAX_DIFFERENCE);
    assert_true(usual.cosine >= MIN_COSINE_INT8);
}

static void embeddings_by_smollm2_are_those_of_transformers(void **state)
{
    (void)state;
    compare_real("smollm2");
}

static void embeddings_by_gemma3_are_those_of_transformers(void **state)
{
    (void)state;
    compare_real("gemma3-270m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hidden_states_of_tiny_models_are_those_of_transformers),
        cmocka_unit_test(embeddings_by_smollm2_are_those_of_transformers),
        cmocka_unit_test(embeddings_by_gemma3_are_those_of_transformers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
