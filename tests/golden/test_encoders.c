/* test_encoders.c - encoders against transformers in float32: every hidden state of tiny models, and sentences through
 * all-MiniLM-L6-v2, from text to vector (make_encoders.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"
#include "hf_folder.h"

/* Both sides compute in float32; states have elements of about 1. Measured on Zen 3: 1.9e-5 (modern-bert, plain C); twice that. */
#define MAX_DIFFERENCE 4e-5
/* Vectors of length 1, as in test_embeddings.c; with the defaults keys and values are rounded to f16. */
#define MIN_COSINE          0.999999
#define MIN_COSINE_DEFAULTS 0.9999

enum {
    N_SENTENCES = 100,
    MAX_EMBD = 1024,
    FEW = 12 /* at the reference level, which takes a second for each */
};

static void check(sumi_status status, const sumi_error *err)
{
    if (status != SUMI_OK) fail_msg("%s", err->message);
}

/* The largest difference of a state of one text. */
static double worst_state(test_forward *f, const int32_t *ids, int32_t n_ids, const float *golden)
{
    sumi_error err;
    int32_t seq, n_embd = f->info.n_embd;
    double worst = 0;
    check(sumi_seq_open(f->ctx, &seq, &err), &err);
    sumi_span span = { seq, n_ids, ids, SUMI_WANT_HIDDEN_ALL };
    check(sumi_step(f->ctx, &span, 1, &err), &err);
    assert_int_equal(sumi_n_hidden_rows(f->ctx), n_ids);
    assert_int_equal(sumi_n_logit_rows(f->ctx), 0);
    for (int32_t i = 0; i < n_ids * n_embd; i++) {
        double d = fabs((double)sumi_hidden(f->ctx, i / n_embd)[i % n_embd] - (double)golden[i]);
        if (!(d <= worst)) worst = d; /* a NaN is the worst */
    }
    sumi_seq_close(f->ctx, seq);
    return worst;
}

/* model: a folder with the same weights; NULL: the GGUF file. */
static void compare(const char *name, const char *model, sumi_pooling pooling, const char *isa)
{
    char path[256];
    size_t n_bytes;
    uint32_t header[2], n_ids;
    double worst = 0;
    snprintf(path, sizeof path, "tests/golden/tiny/%s.states", name);
    char *data = test_read_file(test_source_path(path), &n_bytes), *at = data + 16;
    assert_memory_equal(data, "SUMIENCO", 8);
    memcpy(header, data + 8, sizeof header);
    snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", name);
    test_forward f = test_forward_open(model ? model : test_source_path(path), isa, SUMI_ACTIVATIONS_F32, 0);
    assert_true(f.info.is_encoder);
    assert_int_equal(f.info.pooling, pooling);
    assert_int_equal(f.info.n_embd, header[1]);
    for (uint32_t t = 0; t < header[0]; t++) {
        memcpy(&n_ids, at, sizeof n_ids);
        const int32_t *ids = (const int32_t *)(at + 4);
        const float *golden = (const float *)(ids + n_ids);
        at = (char *)(golden + n_ids * header[1]);
        assert_true(at <= data + n_bytes);
        worst = fmax(worst, worst_state(&f, ids, (int32_t)n_ids, golden));
    }
    assert_ptr_equal(at, data + n_bytes);
    printf("%-12s %-7s max |difference of a hidden state| %.1e\n", name, f.info.isa, worst);
    assert_true(worst <= MAX_DIFFERENCE);
    test_forward_close(&f);
    free(data);
}

static void hidden_states_of_tiny_encoders_are_those_of_transformers(void **state)
{
    static const struct {
        const char *name;
        sumi_pooling pooling;
    } models[] = { { "bert", SUMI_POOL_MEAN },
                   { "nomic-bert", SUMI_POOL_CLS },
                   { "eurobert", SUMI_POOL_LAST },
                   { "jina-bert-v2", SUMI_POOL_MEAN },
                   { "modern-bert", SUMI_POOL_CLS } };
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        compare(models[i].name, NULL, models[i].pooling, "ref");
        compare(models[i].name, NULL, models[i].pooling, NULL);
    }
}

/* It does not say how to make one embedding of them. */
static void hidden_states_from_a_folder_are_the_same(void **state)
{
    (void)state;
    test_folder f = test_hf_folder("nomic-bert");
    compare("nomic-bert", f.path, SUMI_POOL_NONE, NULL);
    test_folder_remove(&f);
}

/* The next of the sentences: its text, its ids and its embedding. */
typedef struct golden {
    char *texts, *bin, *text, *at;
    int32_t n_ids, n_embd;
    const int32_t *ids;
    const float *embedding;
} golden;

static golden golden_open(void)
{
    golden g = { 0 };
    size_t n;
    uint32_t counts[2];
    g.text = g.texts = test_read_file(test_source_path("tests/golden/minilm_sentences.txt"), &n);
    g.bin = test_read_file(test_source_path("tests/golden/embeddings/minilm.bin"), &n);
    assert_memory_equal(g.bin, "SUMISENT", 8);
    memcpy(counts, g.bin + 8, sizeof counts);
    assert_int_equal(counts[0], N_SENTENCES);
    g.n_embd = (int32_t)counts[1];
    g.at = g.bin + 16;
    return g;
}

/* g->text ends with a NUL afterwards. */
static void golden_next(golden *g, bool first)
{
    if (!first) g->text += strlen(g->text) + 1;
    *strchr(g->text, '\n') = '\0';
    memcpy(&g->n_ids, g->at, sizeof g->n_ids);
    g->ids = (const int32_t *)(g->at + 4);
    g->embedding = (const float *)(g->ids + g->n_ids);
    g->at = (char *)(g->embedding + g->n_embd);
}

static void compare_sentences(const char *isa, sumi_activations activations, int32_t n, double least)
{
    static float got[MAX_EMBD];
    golden g = golden_open();
    double worst = 1;
    test_forward f = test_forward_open(test_model_folder("minilm"), isa, activations, 0);
    assert_true(f.info.is_encoder && f.info.n_embd == g.n_embd && g.n_embd <= MAX_EMBD);
    assert_int_equal(f.info.pooling, SUMI_POOL_MEAN);
    for (int32_t i = 0; i < n; i++) {
        sumi_error err;
        int32_t *ids, n_ids;
        double cosine = 0;
        golden_next(&g, i == 0);
        check(sumi_tokenize(f.model, g.text, strlen(g.text), SUMI_TOKENIZE_BOS_EOS, &ids, &n_ids, &err), &err);
        if (n_ids != g.n_ids || memcmp(ids, g.ids, (size_t)n_ids * sizeof *ids) != 0)
            fail_msg("sentence %d: other ids than those of tokenizers: %s", (int)i + 1, g.text);
        check(sumi_embed(f.ctx, ids, n_ids, f.info.pooling, false, got, &err), &err);
        for (int32_t k = 0; k < g.n_embd; k++) cosine += (double)got[k] * (double)g.embedding[k];
        if (!(cosine >= worst)) worst = cosine;
        sumi_free(ids);
    }
    printf("minilm       %-7s %s: %d sentences, least cosine %.7f\n", f.info.isa,
           activations == SUMI_ACTIVATIONS_F32 ? "float32" : "default", (int)n, worst);
    assert_true(worst >= least);
    test_forward_close(&f);
    free(g.texts);
    free(g.bin);
}

static void sentences_through_minilm_are_as_in_transformers(void **state)
{
    (void)state;
    compare_sentences("ref", SUMI_ACTIVATIONS_F32, FEW, MIN_COSINE);
    compare_sentences(NULL, SUMI_ACTIVATIONS_F32, test_is_short() ? FEW : N_SENTENCES, MIN_COSINE);
    compare_sentences(NULL, SUMI_ACTIVATIONS_AUTO, N_SENTENCES, MIN_COSINE_DEFAULTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hidden_states_of_tiny_encoders_are_those_of_transformers),
        cmocka_unit_test(hidden_states_from_a_folder_are_the_same),
        cmocka_unit_test(sentences_through_minilm_are_as_in_transformers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
