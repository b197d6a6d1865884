/* test_mixture.c - the same experts in each form that files have them: as one tensor of each kind, with gate and up in one,
 * as a tensor for each matrix. Rows of the loaded matrices are read back by the backend's embed(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"
#include "gguf_builder.h"
#include "model/model.h"
#include "test_support.h"

enum { N_EMBD = 32, N_FF = 16, N_EXPERTS = 4, N_VOCAB = 4, N_MATRIX = N_FF * N_EMBD };

typedef enum form { MERGED, FUSED, SINGLE, N_FORMS } form;

static void add(gguf_builder *b, const char *name, uint64_t n, uint64_t n_rows, uint64_t n_cols, const float *data)
{
    uint64_t dims[] = { n_cols, n_rows, n };
    gb_tensor(b, name, DTYPE_F32,
              n > 1        ? 3
              : n_rows > 1 ? 2
                           : 1,
              dims, data, (size_t)(n * n_rows * n_cols) * sizeof(float));
}

/* A llama of one layer without its second block. */
static void add_llama(gguf_builder *b, const float *zeros)
{
    gb_init(b);
    gb_str(b, "general.architecture", "llama");
    gb_u32(b, "llama.block_count", 1);
    gb_u32(b, "llama.embedding_length", N_EMBD);
    gb_u32(b, "llama.feed_forward_length", N_FF);
    gb_u32(b, "llama.attention.head_count", 2);
    gb_f32(b, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    gb_u32(b, "llama.expert_count", N_EXPERTS);
    gb_u32(b, "llama.expert_used_count", 2);
    add(b, "token_embd.weight", 1, N_VOCAB, N_EMBD, zeros);
    add(b, "output_norm.weight", 1, 1, N_EMBD, zeros);
    add(b, "blk.0.attn_norm.weight", 1, 1, N_EMBD, zeros);
    add(b, "blk.0.attn_q.weight", 1, N_EMBD, N_EMBD, zeros);
    add(b, "blk.0.attn_k.weight", 1, N_EMBD, N_EMBD, zeros);
    add(b, "blk.0.attn_v.weight", 1, N_EMBD, N_EMBD, zeros);
    add(b, "blk.0.attn_output.weight", 1, N_EMBD, N_EMBD, zeros);
    add(b, "blk.0.ffn_norm.weight", 1, 1, N_EMBD, zeros);
    add(b, "blk.0.ffn_gate_inp.weight", 1, N_EXPERTS, N_EMBD, zeros);
}

typedef struct experts {
    float gate[N_EXPERTS][N_MATRIX], up[N_EXPERTS][N_MATRIX], down[N_EXPERTS][N_MATRIX];
} experts;

/* without: the last expert has no matrix of this kind of its own; NULL: it has all. */
static void add_experts(gguf_builder *b, form f, const experts *x, const char *without)
{
    static float fused[N_EXPERTS][2][N_MATRIX];
    const struct {
        const char *kind;
        const float (*data)[N_MATRIX];
        uint64_t n_rows, n_cols;
    } kinds[] = { { "gate", x->gate, N_FF, N_EMBD }, { "up", x->up, N_FF, N_EMBD }, { "down", x->down, N_EMBD, N_FF } };
    char name[64];
    for (int e = 0; e < N_EXPERTS; e++)
        for (int i = 0; i < N_MATRIX; i++) fused[e][0][i] = x->gate[e][i], fused[e][1][i] = x->up[e][i];
    if (f == FUSED) add(b, "blk.0.ffn_gate_up_exps.weight", N_EXPERTS, (uint64_t)2 * N_FF, N_EMBD, fused[0][0]);
    for (int k = f == FUSED ? 2 : 0; k < 3; k++) {
        snprintf(name, sizeof name, "blk.0.ffn_%s_exps.weight", kinds[k].kind);
        if (f != SINGLE) add(b, name, N_EXPERTS, kinds[k].n_rows, kinds[k].n_cols, kinds[k].data[0]);
        for (int e = 0; e < N_EXPERTS && f == SINGLE; e++) {
            snprintf(name, sizeof name, "blk.0.ffn_%s.%d.weight", kinds[k].kind, e);
            if (e < N_EXPERTS - 1 || !without || strcmp(kinds[k].kind, without) != 0)
                add(b, name, 1, kinds[k].n_rows, kinds[k].n_cols, kinds[k].data[e]);
        }
    }
}

static void expect_rows(const backend *be, stream *s, const weight *w, int32_t n_rows, int32_t n_cols,
                        const float *values)
{
    float row[N_EMBD];
    for (int32_t r = 0; r < n_rows; r++) {
        be->embed(s, row, w, &r, 1, 1, false);
        for (int32_t c = 0; c < n_cols; c++) assert_true(row[c] == values[r * n_cols + c]);
    }
}

/* The file and its model, which point into the bytes at *file. */
static sumi_status load(gguf_builder *b, model_source **src, uint8_t **file, const backend *be, model **m,
                        sumi_error *err)
{
    size_t n;
    *file = gb_finish(b, &n);
    assert_int_equal(gguf_open_memory(src, *file, n, "built", err), SUMI_OK);
    return model_create(m, *src, be, NULL, err);
}

static void experts_are_the_same_in_each_form_of_a_file(void **state)
{
    static experts x;
    static const float zeros[N_EMBD * N_EMBD];
    test_rng rng = test_rng_init(1);
    (void)state;
    for (int e = 0; e < N_EXPERTS; e++)
        for (int i = 0; i < N_MATRIX; i++) {
            x.gate[e][i] = test_rng_normal(&rng);
            x.up[e][i] = test_rng_normal(&rng);
            x.down[e][i] = test_rng_normal(&rng);
        }
    for (int f = 0; f < N_FORMS; f++) {
        backend *be;
        stream *s;
        gguf_builder b;
        model_source *src;
        uint8_t *file;
        model *m;
        sumi_error err;
        assert_int_equal(backend_cpu_create(&be, "ref", SUMI_ACTIVATIONS_AUTO, &err), SUMI_OK);
        assert_int_equal(be->stream_create(be, &s, 1, &err), SUMI_OK);
        add_llama(&b, zeros);
        add_experts(&b, (form)f, &x, NULL);
        if (load(&b, &src, &file, be, &m, &err) != SUMI_OK) fail_msg("form %d: %s", f, err.message);
        const mixture *y = &m->layers[0].experts;
        assert_int_equal(y->n_ff, N_FF);
        for (int e = 0; e < N_EXPERTS; e++) {
            expect_rows(be, s, y->w_gate[e], N_FF, N_EMBD, x.gate[e]);
            expect_rows(be, s, y->w_up[e], N_FF, N_EMBD, x.up[e]);
            expect_rows(be, s, y->w_down[e], N_EMBD, N_FF, x.down[e]);
        }
        model_destroy(m);
        model_source_close(src);
        free(file);
        be->stream_destroy(s);
        be->destroy(be);
    }
}

static void an_expert_without_a_matrix_is_named(void **state)
{
    static experts x;
    static const float zeros[N_EMBD * N_EMBD];
    static const char *const kinds[] = { "gate", "up", "down" };
    (void)state;
    for (int k = 0; k < 3; k++) {
        backend *be;
        gguf_builder b;
        model_source *src;
        uint8_t *file;
        model *m;
        sumi_error err;
        char name[64];
        assert_int_equal(backend_cpu_create(&be, "ref", SUMI_ACTIVATIONS_AUTO, &err), SUMI_OK);
        add_llama(&b, zeros);
        add_experts(&b, SINGLE, &x, kinds[k]);
        assert_int_equal(load(&b, &src, &file, be, &m, &err), SUMI_EFORMAT);
        snprintf(name, sizeof name, "'blk.0.ffn_%s.%d.weight' is missing", kinds[k], N_EXPERTS - 1);
        if (!strstr(err.message, name)) fail_msg("%s", err.message);
        model_source_close(src);
        free(file);
        be->destroy(be);
    }
}

static void experts_of_different_types_are_named(void **state)
{
    static experts x;
    static const float zeros[N_EMBD * N_EMBD];
    uint64_t dims[] = { N_FF, N_EMBD };
    backend *be;
    gguf_builder b;
    model_source *src;
    uint8_t *file;
    model *m;
    sumi_error err;
    (void)state;
    assert_int_equal(backend_cpu_create(&be, "ref", SUMI_ACTIVATIONS_AUTO, &err), SUMI_OK);
    add_llama(&b, zeros);
    add_experts(&b, SINGLE, &x, "down");
    gb_tensor(&b, "blk.0.ffn_down.3.weight", DTYPE_F16, 2, dims, zeros, N_MATRIX * sizeof(uint16_t));
    assert_int_equal(load(&b, &src, &file, be, &m, &err), SUMI_EUNSUPPORTED);
    if (!strstr(err.message, "'blk.0.ffn_down.3.weight' is F16, not F32")) fail_msg("%s", err.message);
    model_source_close(src);
    free(file);
    be->destroy(be);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(experts_are_the_same_in_each_form_of_a_file),
        cmocka_unit_test(experts_of_different_types_are_named),
        cmocka_unit_test(an_expert_without_a_matrix_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
