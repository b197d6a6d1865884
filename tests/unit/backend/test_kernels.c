/* test_kernels.c - every level of the instruction set against the reference kernels, on random and edge shapes.
 *
 * Integers must match exactly. Sums of n float products may differ by rounding:
 *   |a - b| <= 2 g sum|terms|,  g = n u / (1 - n u), u = 2^-24   (Higham, Accuracy and Stability, 3.1). */
#include "backend/cpu/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fp16.h"
#include "quant/quant.h"
#include "test_support.h"

#define MAX_N 2304

static kernels ref;

static double gamma_of(double n)
{
    return n * 0x1p-24 / (1 - n * 0x1p-24);
}

/* Runs test for each level above ref that the machine has. */
static void for_each_level(void (*test)(const kernels *k, test_rng *rng))
{
    for (int level = CPU_AVX2; level <= (int)cpu_best_level(); level++) {
        kernels k;
        test_rng rng = test_rng_init(11);
        kernels_init(&k, (cpu_level)level);
        print_message("  level %s\n", cpu_level_name((cpu_level)level));
        test(&k, &rng);
    }
}

static void fill(test_rng *rng, float *x, int32_t n, float scale)
{
    for (int32_t i = 0; i < n; i++) x[i] = scale * test_rng_normal(rng);
}

static void quantised_rows_are_equal(const kernels *k, test_rng *rng)
{
    float x[MAX_N], d[2][MAX_N / 32], s[2][MAX_N / 32];
    int8_t q[2][MAX_N];
    for (int round = 0; round < 300; round++) {
        int32_t n = 32 * test_rng_range(rng, 1, MAX_N / 32);
        fill(rng, x, n, expf(4 * test_rng_normal(rng)));
        if (round % 3 == 0) memset(x, 0, 32 * sizeof *x); /* a group of zeros has scale 0, not NaN */
        if (round % 5 == 0) x[n - 1] = 1e30f;
        ref.quantize_row(q[0], d[0], s[0], x, n);
        k->quantize_row(q[1], d[1], s[1], x, n);
        assert_memory_equal(q[0], q[1], (size_t)n);
        assert_memory_equal(d[0], d[1], (size_t)n / 32 * sizeof(float));
        assert_memory_equal(s[0], s[1], (size_t)n / 32 * sizeof(float));
        for (int32_t i = 0; i < n; i++)
            if (fabsf(d[0][i / 32] * q[0][i] - x[i]) > 0.501f * d[0][i / 32]) fail_msg("n %d: element %d", n, i);
    }
}

static void the_int8_quantisation_is_the_same_at_every_level(void **state)
{
    (void)state;
    for_each_level(quantised_rows_are_equal);
}

/* The formula of a kernel may split w into an offset and a remainder, each no larger than the largest weight of the
 * block and its span; the bound allows for that. */
static void dots_are_close(const kernels *k, test_rng *rng)
{
    static float x[MAX_N], w[MAX_N], decoded[MAX_N], d[MAX_N / 32], s[MAX_N / 32];
    static int8_t q[MAX_N];
    static uint8_t packed[MAX_N * 4];
    static const dtype types[] = { DTYPE_Q4_1, DTYPE_Q5_0, DTYPE_Q8_0, DTYPE_Q4_K, DTYPE_Q6_K };
    for (size_t type = 0; type < sizeof types / sizeof *types; type++) {
        const dtype_info *t = dtype_find(types[type]);
        if (k->dot_q8[t->type] == ref.dot_q8[t->type]) fail_msg("%s has no kernel of its own", t->name);
        for (int round = 0; round < 100; round++) {
            int32_t n = t->block_elems * test_rng_range(rng, 1, MAX_N / t->block_elems);
            fill(rng, x, n, expf(test_rng_normal(rng)));
            fill(rng, w, n, expf(test_rng_normal(rng)));
            quant_find(t->type)->encode(w, packed, n);
            quant_find(t->type)->decode(packed, decoded, n);
            ref.quantize_row(q, d, s, x, n);
            q8_row row = { q, d, s };
            double terms = 0;
            for (int32_t b = 0; b < n; b += t->block_elems) {
                float largest = 0;
                for (int32_t i = b; i < b + t->block_elems; i++) largest = fmaxf(largest, fabsf(decoded[i]));
                for (int32_t i = b; i < b + t->block_elems; i++) terms += 4 * largest * fabsf(d[i / 32] * (float)q[i]);
            }
            float expected = ref.dot_q8[t->type](packed, &row, n), got = k->dot_q8[t->type](packed, &row, n);
            if (!(fabs((double)expected - got) <= 2 * gamma_of(n / 4 + 8) * terms))
                fail_msg("%s n %d: %.9g, reference %.9g", t->name, n, got, expected);
        }
    }
}

static void quantised_dot_products_agree_with_the_reference(void **state)
{
    (void)state;
    for_each_level(dots_are_close);
}

static void float_dots_are_close(const kernels *k, test_rng *rng)
{
    static float a[MAX_N], b[MAX_N];
    for (int round = 0; round < 500; round++) {
        int32_t n = round < 70 ? round : test_rng_range(rng, 1, MAX_N);
        double terms = 0;
        fill(rng, a, n, 1);
        fill(rng, b, n, 1);
        for (int32_t i = 0; i < n; i++) terms += fabs((double)a[i] * b[i]);
        float expected = ref.dot_f32(a, b, n), got = k->dot_f32(a, b, n);
        if (fabs((double)expected - got) > 2 * gamma_of(n) * terms) fail_msg("n %d: %.9g, %.9g", n, got, expected);
    }
}

static void float_dot_products_agree_with_the_reference(void **state)
{
    (void)state;
    for_each_level(float_dots_are_close);
}

static void rows_are_close(const kernels *k, test_rng *rng)
{
    static float x[MAX_N], w[MAX_N], y[2][MAX_N], cos_sin[MAX_N];
    static uint16_t h[2][MAX_N];
    for (int round = 0; round < 300; round++) {
        int32_t n = round < 40 ? round + 1 : test_rng_range(rng, 1, MAX_N);
        fill(rng, x, n, expf(test_rng_normal(rng)));
        fill(rng, w, n, 1);
        ref.rmsnorm_row(y[0], x, w, n, 1e-6f);
        k->rmsnorm_row(y[1], x, w, n, 1e-6f);
        for (int32_t i = 0; i < n; i++) /* the scale differs by the rounding of a sum of squares, halved by the root */
            if (fabs((double)y[0][i] - y[1][i]) > (gamma_of(n) + 0x1p-22) * fabs(y[0][i])) fail_msg("norm n %d: %d", n, i);
        for (int kind = GLU_SILU; kind <= GLU_GELU_TANH; kind++) {
            ref.glu_row(y[0], x, w, n, (glu_kind)kind);
            k->glu_row(y[1], x, w, n, (glu_kind)kind);
            for (int32_t i = 0; i < n; i++) /* the argument of exp() is good to 4 ulp, and exp() magnifies that */
                if (fabs((double)y[0][i] - y[1][i]) > 0x1p-20 * fabs(w[i]) * (fabs(x[i]) + 1))
                    fail_msg("glu %d n %d: f(%g) %g is %g, reference %g", kind, n, x[i], w[i], y[1][i], y[0][i]);
        }
        int32_t n_rot = n - n % 2;
        for (int32_t i = 0; i < n_rot / 2; i++) {
            cos_sin[2 * i] = cosf(w[i]);
            cos_sin[2 * i + 1] = sinf(w[i]);
        }
        for (int pairing = ROPE_ADJACENT; pairing <= ROPE_HALVES; pairing++) {
            memcpy(y[0], x, (size_t)n * sizeof *x);
            memcpy(y[1], x, (size_t)n * sizeof *x);
            ref.rope_head(y[0], cos_sin, n_rot, (rope_pairing)pairing);
            k->rope_head(y[1], cos_sin, n_rot, (rope_pairing)pairing);
            assert_memory_equal(y[0], y[1], (size_t)n * sizeof(float)); /* two products and a sum: no freedom */
        }
        ref.to_f16(h[0], x, n);
        k->to_f16(h[1], x, n);
        assert_memory_equal(h[0], h[1], (size_t)n * sizeof(uint16_t));
    }
}

static void row_operations_agree_with_the_reference(void **state)
{
    (void)state;
    for_each_level(rows_are_close);
}

static void large_arguments_of_gates_stay_finite_and_nan_stays_nan(void **state)
{
    (void)state;
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++) {
        kernels k;
        kernels_init(&k, (cpu_level)level);
        float gate[5] = { -1e4f, 1e4f, -90, 0, NAN }, up[5] = { 1, 1, 1, 1, 1 }, y[5];
        for (int kind = GLU_SILU; kind <= GLU_GELU_TANH; kind++) {
            k.glu_row(y, gate, up, 5, (glu_kind)kind);
            assert_true(fabsf(y[0]) < 1e-30f && y[1] == 1e4f && fabsf(y[2]) < 1e-30f && y[3] == 0 && isnan(y[4]));
        }
    }
}

/* Random pages: the blocks of a sequence lie anywhere, and slots that must not be read hold NaN. */
static void attention_is_close(const kernels *k, test_rng *rng)
{
    enum { N_BLOCKS = 12, MAX_HEAD = 256 };
    static uint16_t pages[N_BLOCKS * 2 * KV_BLOCK * MAX_HEAD];
    static float q[ATTN_MAX_GROUP * MAX_HEAD], out[2][ATTN_MAX_GROUP * MAX_HEAD];
    static const int32_t head_dims[] = { 64, 80, 96, 128, 256, 8, 24, 6 };
    for (int round = 0; round < 200; round++) {
        int32_t head_dim = head_dims[round % 8], table[N_BLOCKS];
        size_t head = (size_t)KV_BLOCK * (size_t)head_dim, block = 2 * head;
        int32_t last = test_rng_range(rng, 0, N_BLOCKS * KV_BLOCK - 1), first = test_rng_range(rng, 0, 1) ? 0 : test_rng_range(rng, 0, last);
        for (int32_t b = 0; b < N_BLOCKS; b++) table[b] = (b * 5 + round) % N_BLOCKS;
        for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) pages[i] = 0x7e00;
        for (int32_t p = first; p <= last; p++)
            for (size_t i = 0; i < 2 * (size_t)head_dim; i++) {
                size_t at = (size_t)table[p / KV_BLOCK] * block + (i / (size_t)head_dim) * head;
                pages[at + (size_t)(p % KV_BLOCK) * (size_t)head_dim + i % (size_t)head_dim] =
                    fp16_from_f32(test_rng_normal(rng));
            }
        fill(rng, q, ATTN_MAX_GROUP * MAX_HEAD, 1);
        attention_row_args a = { .q = q, .head_dim = head_dim, .n_group = test_rng_range(rng, 1, ATTN_MAX_GROUP),
                                 .blocks = pages, .block_elems = block, .k_offset = 0, .v_offset = head,
                                 .table = table, .first = first, .last = last, .scale = 1 / sqrtf((float)head_dim) };
        a.out = out[0];
        ref.attention_row(&a);
        a.out = out[1];
        k->attention_row(&a);
        /* A score is a sum of head_dim terms of size about 1, so weights differ by gamma(head_dim) * 8; values are
         * about 1 and weights sum to 1. */
        for (int32_t i = 0; i < a.n_group * head_dim; i++)
            if (!(fabsf(out[0][i] - out[1][i]) <= 8 * (float)gamma_of(head_dim) + 0x1p-18f))
                fail_msg("head_dim %d, %d..%d: [%d] %g, reference %g", head_dim, first, last, i, out[1][i], out[0][i]);
    }
}

static void attention_over_pages_agrees_with_the_reference(void **state)
{
    (void)state;
    for_each_level(attention_is_close);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_int8_quantisation_is_the_same_at_every_level),
        cmocka_unit_test(quantised_dot_products_agree_with_the_reference),
        cmocka_unit_test(float_dot_products_agree_with_the_reference),
        cmocka_unit_test(row_operations_agree_with_the_reference),
        cmocka_unit_test(large_arguments_of_gates_stay_finite_and_nan_stays_nan),
        cmocka_unit_test(attention_over_pages_agrees_with_the_reference),
    };
    kernels_init(&ref, CPU_REF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
