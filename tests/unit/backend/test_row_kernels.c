/* test_row_kernels.c - the kernels that work on one row, at every level of the instruction set, against the reference: norms,
 * activations, scaling, rotation, sums and conversions.
 *
 * Sums of n float products may differ by rounding, see levels.h; what has no freedom must be equal bit for bit. */
#include "backend/cpu/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "levels.h"

#define MAX_N 2304

static kernels ref;

static void float_dots_are_close(const kernels *k, test_rng *rng)
{
    static float a[MAX_N], b[MAX_N];
    for (int round = 0; round < 500; round++) {
        int32_t n = round < 70 ? round : test_rng_range(rng, 1, MAX_N);
        double terms = 0;
        test_fill_normal(rng, a, n, 1);
        test_fill_normal(rng, b, n, 1);
        for (int32_t i = 0; i < n; i++) terms += fabs((double)a[i] * b[i]);
        float expected = ref.dot_f32(a, b, n), got = k->dot_f32(a, b, n);
        if (fabs((double)expected - got) > 2 * test_gamma(n) * terms) fail_msg("n %d: %.9g, %.9g", n, got, expected);
    }
}

static void float_dot_products_agree_with_the_reference(void **state)
{
    (void)state;
    test_for_each_level(float_dots_are_close);
}

/* The mean is off by gamma(n) of the mean size of x, what differs from it by that and its own rounding; the sum of squares
 * is as exact as that of RMSNorm. */
static void layernorm_is_close(const kernels *k, const float *x, const float *w, const float *b, int32_t n)
{
    static float y[2][MAX_N];
    double mean = 0, size = 0, squares = 0;
    for (int32_t i = 0; i < n; i++) mean += x[i], size += fabs(x[i]);
    mean /= n, size /= n;
    for (int32_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    double scale = 1 / sqrt(squares / n + 1e-5);
    ref.layernorm_row(y[0], x, w, b, n, 1e-5f);
    k->layernorm_row(y[1], x, w, b, n, 1e-5f);
    for (int32_t i = 0; i < n; i++) {
        double exact = (x[i] - mean) * scale * w[i] + (b ? b[i] : 0), own = fabs(x[i] - mean) + 2 * size;
        double bound = (test_gamma(n) + 0x1p-22) * (fabs(w[i]) * scale * own + fabs(exact));
        if (!(fabs(y[1][i] - exact) <= bound) || !(fabs(y[0][i] - exact) <= bound))
            fail_msg("layernorm n %d: %d: %g, reference %g, exact %g", n, i, y[1][i], y[0][i], exact);
    }
    memcpy(y[0], x, (size_t)n * sizeof *x);
    k->layernorm_row(y[0], y[0], w, b, n, 1e-5f);
    assert_memory_equal(y[0], y[1], (size_t)n * sizeof(float)); /* in place */
}

/* Without a cap there is one product. With one, tanh() is off by 3 roundings of numbers about 1. */
static void scaling_is_close(const kernels *k, const float *x, int32_t n)
{
    static float y[2][MAX_N];
    const float scale = 0.0625f * 3, caps[] = { 0, 2 };
    for (int c = 0; c < 2; c++) {
        memcpy(y[0], x, (size_t)n * sizeof *x);
        memcpy(y[1], x, (size_t)n * sizeof *x);
        ref.scale_row(y[0], n, scale, caps[c]);
        k->scale_row(y[1], n, scale, caps[c]);
        for (int32_t i = 0; i < n; i++)
            if (!(fabs((double)y[0][i] - y[1][i]) <= caps[c] * 0x1p-21))
                fail_msg("scale n %d cap %g: %g is %g, reference %g", n, caps[c], x[i], y[1][i], y[0][i]);
    }
}

/* The argument of exp() is good to 4 ulp, and exp() magnifies that; the polynomial of GELU is off by less. */
static void activations_are_close(const kernels *k, const float *x, const float *w, int32_t n)
{
    static float y[3][MAX_N];
    for (int kind = GLU_SILU; kind <= GLU_CLAMPED; kind++) {
        ref.glu_row(y[0], x, w, n, (glu_kind)kind);
        k->glu_row(y[1], x, w, n, (glu_kind)kind);
        k->glu_row(y[2], x, NULL, n, (glu_kind)kind);
        for (int32_t i = 0; i < n; i++) {
            double size = kind == GLU_RELU2 ? x[i] * x[i] : fabs(x[i]) + 1;
            double factor = kind == GLU_CLAMPED ? fmin(fmax(w[i], -7), 7) + 1 : w[i];
            if (!(fabs((double)y[0][i] - y[1][i]) <= 0x1p-20 * fabs(factor) * size))
                fail_msg("glu %d n %d: f(%g) %g is %g, reference %g", kind, n, x[i], w[i], y[1][i], y[0][i]);
            if (y[2][i] * (float)factor != y[1][i]) fail_msg("activation %d n %d: f(%g) is %g", kind, n, x[i], y[2][i]);
        }
    }
}

static void rows_are_close(const kernels *k, test_rng *rng)
{
    static float x[MAX_N], w[MAX_N], b[MAX_N], y[2][MAX_N], cos_sin[MAX_N];
    static uint16_t h[2][MAX_N];
    for (int round = 0; round < 300; round++) {
        int32_t n = round < 40 ? round + 1 : test_rng_range(rng, 1, MAX_N);
        test_fill_normal(rng, x, n, expf(test_rng_normal(rng)));
        test_fill_normal(rng, w, n, 1);
        test_fill_normal(rng, b, n, 1);
        ref.rmsnorm_row(y[0], x, w, n, 1e-6f);
        k->rmsnorm_row(y[1], x, w, n, 1e-6f);
        for (int32_t i = 0; i < n; i++) /* the scale differs by the rounding of a sum of squares, halved by the root */
            if (fabs((double)y[0][i] - y[1][i]) > (test_gamma(n) + 0x1p-22) * fabs(y[0][i]))
                fail_msg("norm n %d: %d", n, i);
        layernorm_is_close(k, x, w, round % 2 ? b : NULL, n);
        activations_are_close(k, x, w, n);
        scaling_is_close(k, x, n);
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
        memcpy(y[0], w, (size_t)n * sizeof *w);
        memcpy(y[1], w, (size_t)n * sizeof *w);
        float scale = round % 3 ? test_rng_normal(rng) : 1;
        ref.add_row(y[0], x, scale, n);
        k->add_row(y[1], x, scale, n);
        assert_memory_equal(y[0], y[1], (size_t)n * sizeof(float));
    }
}

/* All 65,536 values of both formats, at every offset into a vector and with every tail. */
static void sixteen_bits_are_equal(const kernels *k, test_rng *rng)
{
    static uint16_t x[65536];
    static float y[2][65536];
    (void)rng;
    for (int32_t i = 0; i < 65536; i++) x[i] = (uint16_t)i;
    for (int32_t first = 0; first < 20; first++) {
        int32_t n = 65536 - 2 * first;
        for (int format = 0; format < 2; format++) {
            (format ? ref.from_bf16 : ref.from_f16)(y[0], x + first, n);
            (format ? k->from_bf16 : k->from_f16)(y[1], x + first, n);
            for (int32_t i = 0; i < n; i++)
                if (memcmp(&y[0][i], &y[1][i], sizeof(float)) != 0 && !(isnan(y[0][i]) && isnan(y[1][i])))
                    fail_msg("%s %04x", format ? "bf16" : "f16", x[first + i]);
        }
    }
}

static void sixteen_bit_floats_are_read_exactly(void **state)
{
    (void)state;
    test_for_each_level(sixteen_bits_are_equal);
}

static void row_operations_agree_with_the_reference(void **state)
{
    (void)state;
    test_for_each_level(rows_are_close);
}

static void large_arguments_of_gates_and_caps_stay_finite_and_nan_stays_nan(void **state)
{
    (void)state;
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++) {
        kernels k;
        if (!cpu_has_level((cpu_level)level)) continue;
        kernels_init(&k, (cpu_level)level);
        float gate[5] = { -1e4f, 1e4f, -90, 0, NAN }, up[5] = { 1, 1, 1, 1, 1 }, y[5];
        for (int kind = GLU_SILU; kind <= GLU_RELU2; kind++) {
            k.glu_row(y, gate, up, 5, (glu_kind)kind);
            float large = kind == GLU_RELU2 ? 1e8f : 1e4f;
            assert_true(fabsf(y[0]) < 1e-30f && y[1] == large && fabsf(y[2]) < 1e-30f && y[3] == 0 && isnan(y[4]));
        }
        up[3] = NAN;
        k.glu_row(y, gate, up, 5, GLU_CLAMPED);
        assert_true(fabsf(y[0]) < 1e-30f && fabsf(y[1] - 14) < 1e-3f && isnan(y[3]) && isnan(y[4]));
        float logits[4] = { -1e9f, 1e9f, 0, NAN };
        k.scale_row(logits, 4, 1, 30);
        assert_true(logits[0] == -30 && logits[1] == 30 && logits[2] == 0 && isnan(logits[3]));
    }
}
int main(void)
{
    kernels_init(&ref, CPU_REF);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float_dot_products_agree_with_the_reference),
        cmocka_unit_test(row_operations_agree_with_the_reference),
        cmocka_unit_test(sixteen_bit_floats_are_read_exactly),
        cmocka_unit_test(large_arguments_of_gates_and_caps_stay_finite_and_nan_stays_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
