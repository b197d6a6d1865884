/* test_linear.c - the matrix product of the CPU backend as the model calls it: every type, several products of one input,
 * up to 300 tokens. The kernels are tested in test_kernels.c; here, that rows end where they belong, and that neither the
 * other tokens nor the number of threads change a bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/os/cpu.h"
#include "quant/quant.h"
#include "test_support.h"

enum { N_COLS = 512, MAX_TOKENS = 300, N_OUTS = 2 };

/* n rows of x, normalised by the backend. */
static void make_act(const backend *be, stream *s, act *a, float *x, int32_t n)
{
    static float ones[N_COLS];
    for (int i = 0; i < N_COLS; i++) ones[i] = 1;
    row_op op = { .kind = ROW_NORM,
                  .norm = { .out = a,
                            .forms = ACT_F32 | ACT_INT8,
                            .x = x,
                            .norm = { NORM_RMS, ones, NULL },
                            .n_embd = N_COLS,
                            .eps = 1e-6f } };
    be->rows(s, &op, n);
}

static void one_type(const backend *be, stream *threads[2], act *a, const dtype_info *type, test_rng *rng)
{
    int32_t n_tokens = test_rng_range(rng, 1, MAX_TOKENS), n_rows[N_OUTS];
    size_t row_bytes = dtype_row_bytes(type->type, N_COLS);
    float w[N_COLS], *x = malloc(sizeof *x * N_COLS * (size_t)n_tokens), *y[2][N_OUTS];
    uint8_t *rows[N_OUTS];
    linear_out outs[N_OUTS];
    weight *weights[N_OUTS];
    for (int i = 0; i < N_COLS * n_tokens; i++) x[i] = test_rng_normal(rng);
    for (int o = 0; o < N_OUTS; o++) {
        n_rows[o] = test_rng_range(rng, 1, 100);
        rows[o] = malloc((size_t)n_rows[o] * row_bytes);
        for (int32_t r = 0; r < n_rows[o]; r++) {
            for (int i = 0; i < N_COLS; i++) w[i] = test_rng_normal(rng);
            quant_find(type->type)->encode(w, rows[o] + (size_t)r * row_bytes, N_COLS);
        }
        for (int v = 0; v < 2; v++) y[v][o] = calloc((size_t)(n_rows[o] * n_tokens), sizeof(float));
        assert_int_equal(be->weight_create(be, &weights[o], type->type, rows[o], n_rows[o], N_COLS, NULL), SUMI_OK);
        outs[o] = (linear_out){ .w = weights[o], .y = y[0][o] };
    }
    make_act(be, threads[0], a, x, n_tokens);
    be->linear(threads[0], a, outs, N_OUTS, NULL);
    for (int32_t t = 0; t < n_tokens; t++) {
        for (int o = 0; o < N_OUTS; o++) outs[o].y = y[1][o] + (size_t)t * (size_t)n_rows[o];
        make_act(be, threads[1], a, x + (size_t)t * N_COLS, 1);
        be->linear(threads[1], a, outs, N_OUTS, NULL);
    }
    for (int o = 0; o < N_OUTS; o++) {
        size_t n = (size_t)(n_rows[o] * n_tokens);
        for (size_t i = 0; i < n; i++)
            if (memcmp(&y[0][o][i], &y[1][o][i], sizeof(float)) != 0 || y[0][o][i] == 0)
                fail_msg("%s, %d tokens, %d rows: element %zu is %.9g, alone %.9g", type->name, n_tokens, n_rows[o], i,
                         y[0][o][i], y[1][o][i]);
        be->weight_destroy(weights[o]);
        free(rows[o]), free(y[0][o]), free(y[1][o]);
    }
    free(x);
}

static void a_product_does_not_depend_on_other_tokens_or_threads_for_any_type(void **state)
{
    (void)state;
    for (int level = CPU_AVX2; level <= (int)cpu_best_level(); level++)
        for (int form = SUMI_ACTIVATIONS_AUTO; form <= SUMI_ACTIVATIONS_F32; form++) {
            if (!cpu_has_level((cpu_level)level)) continue;
            test_rng rng = test_rng_init(31);
            backend *be;
            stream *threads[2];
            act *a;
            assert_int_equal(backend_cpu_create(&be, cpu_level_name((cpu_level)level), (sumi_activations)form, NULL),
                             SUMI_OK);
            for (int i = 0; i < 2; i++) assert_int_equal(be->stream_create(be, &threads[i], 3 - 2 * i, NULL), SUMI_OK);
            assert_int_equal(be->act_create(be, &a, MAX_TOKENS, N_COLS, ACT_F32 | ACT_INT8, NULL), SUMI_OK);
            for (int type = 0; type < DTYPE_MAX; type++) {
                const dtype_info *t = dtype_find((uint32_t)type);
                if (t && quant_find(t->type)->encode) one_type(be, threads, a, t, &rng);
            }
            be->act_destroy(a);
            for (int i = 0; i < 2; i++) be->stream_destroy(threads[i]);
            be->destroy(be);
        }
}

/* Columns FIRST .. FIRST + N_OWN - 1 of the input, into rows that are longer than the result. */
static void one_part(const backend *be, stream *s, act *a, dtype type, test_rng *rng)
{
    enum { FIRST = 64, N_OWN = 128, N_ROWS = 37, N_TOKENS = 21, STRIDE = N_ROWS + 3 };
    static float x[N_TOKENS * N_COLS], w[N_COLS], y[2][N_TOKENS * STRIDE];
    static uint8_t narrow[N_ROWS * N_OWN * 4], wide[N_ROWS * N_COLS * 4];
    for (int i = 0; i < N_TOKENS * N_COLS; i++) x[i] = test_rng_normal(rng);
    for (int r = 0; r < N_ROWS; r++) {
        memset(w, 0, sizeof w);
        for (int i = 0; i < N_OWN; i++) w[FIRST + i] = test_rng_normal(rng);
        quant_find(type)->encode(w, wide + (size_t)r * dtype_row_bytes(type, N_COLS), N_COLS);
        quant_find(type)->encode(w + FIRST, narrow + (size_t)r * dtype_row_bytes(type, N_OWN), N_OWN);
    }
    linear_out outs[2] = { { .y = y[0], .x_col = FIRST, .y_stride = STRIDE }, { .y = y[1], .y_stride = STRIDE } };
    weight *weights[2];
    assert_int_equal(be->weight_create(be, &weights[0], type, narrow, N_ROWS, N_OWN, NULL), SUMI_OK);
    assert_int_equal(be->weight_create(be, &weights[1], type, wide, N_ROWS, N_COLS, NULL), SUMI_OK);
    for (int i = 0; i < 2; i++) outs[i].w = weights[i];
    for (int i = 0; i < N_TOKENS * STRIDE; i++) y[0][i] = y[1][i] = -7;
    make_act(be, s, a, x, N_TOKENS);
    be->linear(s, a, outs, 2, NULL);
    for (int i = 0; i < N_TOKENS * STRIDE; i++) {
        bool behind = i % STRIDE >= N_ROWS;
        if (y[0][i] != y[1][i] || (y[0][i] == -7) != behind)
            fail_msg("%s at %s: element %d is %.9g, of the wide matrix %.9g", dtype_find(type)->name, be->isa, i,
                     y[0][i], y[1][i]);
    }
    for (int i = 0; i < 2; i++) be->weight_destroy(weights[i]);
}

static void a_matrix_for_some_columns_is_one_with_zeros_for_the_others(void **state)
{
    static const dtype types[] = { DTYPE_F32, DTYPE_F16, DTYPE_Q8_0, DTYPE_Q4_0, DTYPE_Q5_1 };
    (void)state;
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++) {
        if (!cpu_has_level((cpu_level)level)) continue;
        test_rng rng = test_rng_init(7);
        backend *be;
        stream *s;
        act *a;
        assert_int_equal(backend_cpu_create(&be, cpu_level_name((cpu_level)level), SUMI_ACTIVATIONS_AUTO, NULL),
                         SUMI_OK);
        assert_int_equal(be->stream_create(be, &s, 2, NULL), SUMI_OK);
        assert_int_equal(be->act_create(be, &a, MAX_TOKENS, N_COLS, ACT_F32 | ACT_INT8, NULL), SUMI_OK);
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) one_part(be, s, a, types[i], &rng);
        be->act_destroy(a);
        be->stream_destroy(s);
        be->destroy(be);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_does_not_depend_on_other_tokens_or_threads_for_any_type),
        cmocka_unit_test(a_matrix_for_some_columns_is_one_with_zeros_for_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
