/* test_model_bytes.c - which bytes a model is made of: those that the file had when it was opened, whatever becomes of the
 * file; and each of them is in its fingerprint. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/sumi_model.h"
#include "format/gguf.h"
#include "forward.h"
#include "hf_folder.h"
#include "test_support.h"

static const int32_t ids[] = { 3, 1, 4, 15, 9, 26, 5 };
enum { N_IDS = sizeof ids / sizeof *ids };

/* A copy of a tiny model as DIR/m.gguf. */
static const char *write_copy(const test_folder *f, const uint8_t *bytes, size_t n)
{
    static char path[128];
    test_folder_write(f, "m.gguf", bytes, n);
    snprintf(path, sizeof path, "%s/m.gguf", f->path);
    return path;
}

static kv_fingerprint fingerprint_of(const char *path)
{
    sumi_model *m;
    sumi_error err;
    if (sumi_model_open(&m, path, NULL, &err) != SUMI_OK) fail_msg("%s", err.message);
    kv_fingerprint f = model_kv_fingerprint(m, 64);
    sumi_model_close(m);
    return f;
}

static void each_byte_of_each_tensor_is_in_the_fingerprint(void **state)
{
    (void)state;
    size_t n;
    model_source *src;
    test_rng r = test_rng_init(5);
    uint8_t *bytes = (uint8_t *)test_read_file(test_source_path("tests/golden/tiny/llama-linear.gguf"), &n);
    test_folder f = test_folder_create();
    kv_fingerprint whole = fingerprint_of(write_copy(&f, bytes, n));
    kv_fingerprint again = fingerprint_of(write_copy(&f, bytes, n));
    assert_memory_equal(&whole, &again, sizeof whole);
    assert_int_equal(gguf_open_memory(&src, bytes, n, "tiny", NULL), SUMI_OK);
    for (int64_t i = 0; i < model_source_n_tensors(src); i++) {
        const source_tensor *t = model_source_tensor_at(src, i);
        size_t at = t->offset + (size_t)test_rng_range(&r, 0, (int32_t)t->n_bytes - 1);
        bytes[at] ^= 1;
        kv_fingerprint other = fingerprint_of(write_copy(&f, bytes, n));
        bytes[at] ^= 1;
        if (other.word[0] == whole.word[0] || other.word[1] == whole.word[1])
            fail_msg("tensor %lld, byte %zu of %zu does not show", (long long)i, at - t->offset, t->n_bytes);
    }
    model_source_close(src);
    free(bytes);
    test_folder_remove(&f);
}

/* Blocks of one format are none of another: in the default of --activations f32, and where one layer differs. */
static void the_format_of_each_layer_is_in_the_fingerprint(void **state)
{
    (void)state;
    sumi_model *m, *whole;
    const char *path = test_source_path("tests/golden/tiny/llama-linear.gguf");
    sumi_model_opts opts = sumi_model_opts_default();
    opts.activations = SUMI_ACTIVATIONS_F32;
    assert_int_equal(sumi_model_open(&m, path, NULL, NULL), SUMI_OK);
    assert_int_equal(sumi_model_open(&whole, path, &opts, NULL), SUMI_OK);
    kv_fingerprint f16 = model_kv_fingerprint(m, 64), f32 = model_kv_fingerprint(whole, 64);
    assert_true(f16.word[0] != f32.word[0] && f16.word[1] != f32.word[1]);
    for (int32_t i = 0; i < m->weights->h.n_layers; i++) {
        m->weights->layers[i].kv_format = KV_F32;
        kv_fingerprint mixed = model_kv_fingerprint(m, 64);
        m->weights->layers[i].kv_format = KV_F16;
        assert_true(mixed.word[0] != f16.word[0] && mixed.word[1] != f16.word[1]);
        assert_true(mixed.word[0] != f32.word[0] && mixed.word[1] != f32.word[1]);
    }
    sumi_model_close(whole);
    sumi_model_close(m);
}

static void note_row(void *user, int32_t position, const float *logits)
{
    (void)position;
    memcpy(user, logits, 8 * sizeof *logits);
}

static void what_becomes_of_the_file_later_changes_no_answer(void **state)
{
    (void)state;
    size_t n;
    float wanted[8], got[8];
    const int32_t last = N_IDS - 1;
    static const char *const levels[] = { NULL, "ref" }; /* packed weights, and rows as in the file */
    uint8_t *bytes = (uint8_t *)test_read_file(test_source_path("tests/golden/tiny/llama-linear.gguf"), &n),
            *zeros = calloc(n, 1);
    test_folder f = test_folder_create();
    assert_non_null(zeros);
    for (int level = 0; level < 2; level++)
        for (int way = 0; way < 3; way++) { /* overwritten, cut off, gone */
            const char *path = write_copy(&f, bytes, n);
            test_forward m = test_forward_open(path, levels[level], SUMI_ACTIVATIONS_AUTO, 64);
            test_forward_run(&m, ids, N_IDS, &last, 1, note_row, wanted);
            if (way == 0) write_copy(&f, zeros, n);
            if (way == 1) assert_int_equal(truncate(path, 0), 0);
            if (way == 2) assert_int_equal(unlink(path), 0);
            test_forward_run(&m, ids, N_IDS, &last, 1, note_row, got);
            assert_memory_equal(got, wanted, sizeof got);
            test_forward_close(&m);
        }
    free(bytes);
    free(zeros);
    test_folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_of_each_tensor_is_in_the_fingerprint),
        cmocka_unit_test(the_format_of_each_layer_is_in_the_fingerprint),
        cmocka_unit_test(what_becomes_of_the_file_later_changes_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
