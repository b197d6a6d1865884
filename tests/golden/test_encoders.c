/* test_encoders.c - encoders against transformers in float32: every hidden state of tiny models (make_encoders.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"

/* Both sides compute in float32; states have elements of about 1. */
#define MAX_DIFFERENCE 1e-4

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

static void compare(const char *name, sumi_pooling pooling, const char *isa)
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
    test_forward f = test_forward_open(test_source_path(path), isa, SUMI_ACTIVATIONS_F32, 0);
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
                   { "eurobert", SUMI_POOL_LAST }, { "jina-bert-v2", SUMI_POOL_MEAN }, { "modern-bert", SUMI_POOL_CLS } };
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        compare(models[i].name, models[i].pooling, "ref");
        compare(models[i].name, models[i].pooling, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hidden_states_of_tiny_encoders_are_those_of_transformers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
