/* test_encode.c - encoders: those that the Python package gguf has too against it, byte for byte (goldens in
 * tests/golden/quant); the others, and all, by their error.
 *
 * The bounds: the K-quant and IQ4_NL encoders must not be worse (in the error that they minimise) than the plain way of
 * choosing a block, done here in a few lines, whose error per element is at most half a step; and a block that some
 * decoder produced must be found again. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "quant/fit.h"
#include "quant/quant.h"
#include "test_support.h"

#define N 4096 /* elements of a random row: whole blocks of every type */

static const dtype k_quants[] = { DTYPE_Q2_K, DTYPE_Q3_K, DTYPE_Q4_K, DTYPE_Q5_K, DTYPE_Q6_K };
static const dtype written[] = { DTYPE_F32,  DTYPE_F16,  DTYPE_BF16,   DTYPE_F64,   DTYPE_Q4_0,  DTYPE_Q4_1,
                                 DTYPE_Q5_0, DTYPE_Q5_1, DTYPE_Q8_0,   DTYPE_Q2_K,  DTYPE_Q3_K,  DTYPE_Q4_K,
                                 DTYPE_Q5_K, DTYPE_Q6_K, DTYPE_IQ4_NL, DTYPE_TQ1_0, DTYPE_TQ2_0, DTYPE_MXFP4 };
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* x through the type and back. */
static void round_trip(dtype type, const float *x, float *y, int64_t n)
{
    const quant_traits *q = quant_find(type);
    void *blocks = mem_alloc(dtype_row_bytes(type, n));
    assert_non_null(blocks);
    q->encode(x, blocks, n);
    q->decode(blocks, y, n);
    mem_free(blocks);
}

static double rms(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
    return sqrt(sum / (double)n);
}

/* Root mean square of the error, as a share of that of x. */
static double relative_error(const float *x, const float *y, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
    return sqrt(sum / (double)n) / rms(x, n);
}

/* ---- Against the reference ---- */

static void check_golden(const dtype_info *t)
{
    char path[128];
    snprintf(path, sizeof path, "tests/golden/quant/%s.encode.bin", t->name);
    size_t n_file;
    char *file = test_read_file(test_source_path(path), &n_file);
    uint32_t head[3];
    memcpy(head, file, sizeof head);
    size_t n = (size_t)head[0] * head[2], n_bytes = (size_t)head[0] * head[1];
    assert_int_equal(n_file, sizeof head + n * sizeof(float) + n_bytes);
    float *x = malloc(n * sizeof *x);
    uint8_t *got = mem_alloc(n_bytes);
    memcpy(x, file + sizeof head, n * sizeof *x);
    quant_find(t->type)->encode(x, got, (int64_t)n);
    const uint8_t *want = (const uint8_t *)file + sizeof head + n * sizeof *x;
    for (size_t i = 0; i < n_bytes; i++)
        if (got[i] != want[i])
            fail_msg("%s: block %zu, byte %zu: %d, expected %d", t->name, i / head[1], i % head[1], got[i], want[i]);
    free(x);
    mem_free(got);
    free(file);
}

static void simple_types_are_encoded_as_the_reference_does(void **state)
{
    (void)state;
    static const dtype types[] = { DTYPE_F16,  DTYPE_BF16, DTYPE_Q4_0,  DTYPE_Q4_1,  DTYPE_Q5_0,
                                   DTYPE_Q5_1, DTYPE_Q8_0, DTYPE_TQ1_0, DTYPE_TQ2_0, DTYPE_MXFP4 };
    for (size_t i = 0; i < COUNT(types); i++) check_golden(dtype_find((uint32_t)types[i]));
}

/* ---- By their error ---- */

/* Kinds of rows that weights come in, and some that they do not. */
static void fill(float *x, int64_t n, int kind, test_rng *r)
{
    for (int64_t i = 0; i < n; i++) {
        float g = test_rng_normal(r);
        switch (kind) {
        case 0: x[i] = g; break;
        case 1: x[i] = 0.02f * g; break;
        case 2: x[i] = g * g * g; break;                            /* heavy tails */
        case 3: x[i] = 0.05f * g + (i % 61 == 0 ? 3.0f : 0); break; /* outliers */
        case 4: x[i] = 0.5f + 0.1f * g; break;                      /* all of one sign */
        case 5: x[i] = -1 - 0.2f * fabsf(g); break;
        case 6: x[i] = 1000 * g; break;
        default: x[i] = (float)(i % 17) - 8; break;
        }
    }
}
#define N_KINDS 8

static void normal_weights_lose_as_little_as_their_bits_allow(void **state)
{
    (void)state;
    /* Relative error for a normal distribution: below that of the best fixed quantiser with as many levels (Max,
     * "Quantizing for minimum distortion", 1960: the root of 0.1175, 0.03454, 0.009497, 0.002499; 64 levels: Lloyd-Max,
     * 0.00066), which a type that adapts to each group must beat. Q8_0: a step of max/127, max of 32 normal values. */
    static const struct {
        dtype type;
        double limit;
    } rows[] = {
        { DTYPE_Q2_K, 0.343 },  { DTYPE_Q3_K, 0.186 },    { DTYPE_Q4_K, 0.0975 }, { DTYPE_Q5_K, 0.0500 },
        { DTYPE_Q6_K, 0.0257 }, { DTYPE_IQ4_NL, 0.0975 }, { DTYPE_Q8_0, 0.0060 },
    };
    static float x[N], y[N];
    test_rng r = test_rng_init(21);
    fill(x, N, 0, &r);
    for (size_t i = 0; i < COUNT(rows); i++) {
        round_trip(rows[i].type, x, y, N);
        double e = relative_error(x, y, N);
        if (getenv("SUMI_TEST_VERBOSE")) printf("%s %.4f\n", dtype_find(rows[i].type)->name, e);
        if (!(e < rows[i].limit)) fail_msg("%s: error %.4f", dtype_find(rows[i].type)->name, e);
    }
}

/* v on the grid of unit * 0..max. */
static float on_grid(float v, float unit, int max)
{
    return unit > 0 ? unit * (float)fit_round(v / unit, 0, max) : 0;
}

/* The plain way: each group's grid spans its extreme values, scales and minima are rounded to the grid that spans the
 * largest of them, each value goes to the nearest point. Error of one super-block. */
static double plain_error(dtype type, const float *x, const float *w)
{
    bool with_min = type != DTYPE_Q3_K && type != DTYPE_Q6_K;
    int group = type == DTYPE_Q4_K || type == DTYPE_Q5_K ? 32 : 16, n_groups = 256 / group;
    int q_max = type == DTYPE_Q2_K || type == DTYPE_Q3_K ? 3 : type == DTYPE_Q4_K ? 15 : 31;
    int sc_max = type == DTYPE_Q2_K ? 15 : type == DTYPE_Q3_K ? 31 : type == DTYPE_Q6_K ? 127 : 63;
    float scale[16], min[16], d = 0, dmin = 0;
    for (int j = 0; j < n_groups; j++) {
        float low = 0, high = 0;
        for (int i = j * group; i < (j + 1) * group; i++) low = fminf(low, x[i]), high = fmaxf(high, x[i]);
        scale[j] = (with_min ? high - low : fmaxf(high, -low)) / (float)q_max;
        min[j] = with_min ? -low : 0;
        d = fmaxf(d, scale[j] / (float)sc_max);
        dmin = fmaxf(dmin, min[j] / (float)sc_max);
    }
    double sum = 0;
    for (int j = 0; j < n_groups; j++)
        sum += fit_error(x + j * group, w + j * group, group, on_grid(scale[j], d, sc_max),
                         on_grid(min[j], dmin, sc_max), with_min ? 0 : -q_max - 1, q_max, NULL);
    return sum;
}

static void k_quants_are_better_than_spanning_the_extremes(void **state)
{
    (void)state;
    static float x[N], y[N];
    test_rng r = test_rng_init(22);
    for (size_t t = 0; t < COUNT(k_quants); t++)
        for (int kind = 0; kind < N_KINDS; kind++) {
            double ours = 0, plain = 0;
            fill(x, N, kind, &r);
            round_trip(k_quants[t], x, y, N);
            for (int at = 0; at < N; at += 256) {
                float w[256];
                fit_weights(x + at, 256, w);
                for (int i = 0; i < 256; i++) ours += (double)w[i] * pow((double)x[at + i] - (double)y[at + i], 2);
                plain += plain_error(k_quants[t], x + at, w);
            }
            const char *name = dtype_find(k_quants[t])->name;
            if (getenv("SUMI_TEST_VERBOSE")) printf("%s kind %d: %.3f of plain\n", name, kind, ours / plain);
            if (!(ours <= plain)) fail_msg("%s, kind %d: error %g, plain %g", name, kind, ours, plain);
        }
}

static void what_a_block_can_hold_is_found_again(void **state)
{
    (void)state;
    /* Decoded random blocks with one ordinary d are exactly representable; encoding them must come close again. The
     * limits are loose where the levels are few: other integers may give the same numbers, and the search starts from
     * the fit of each group alone. */
    static const struct {
        dtype type;
        int d_at, dmin_at;
        double limit;
    } rows[] = {
        { DTYPE_Q8_0, 0, -1, 0.01 },   { DTYPE_Q2_K, 80, 82, 0.06 }, { DTYPE_Q3_K, 108, -1, 0.03 },
        { DTYPE_Q4_K, 0, 2, 0.02 },    { DTYPE_Q5_K, 0, 2, 0.015 },  { DTYPE_Q6_K, 208, -1, 0.01 },
        { DTYPE_IQ4_NL, 0, -1, 0.01 },
    };
    static float x[N], y[N];
    test_rng r = test_rng_init(23);
    for (size_t t = 0; t < COUNT(rows); t++) {
        const dtype_info *info = dtype_find((uint32_t)rows[t].type);
        size_t n_bytes = dtype_row_bytes(info->type, N);
        uint8_t *blocks = mem_alloc(n_bytes);
        for (size_t i = 0; i < n_bytes; i++) blocks[i] = (uint8_t)test_rng_u32(&r);
        for (uint8_t *b = blocks; b < blocks + n_bytes; b += info->block_bytes) {
            memcpy(b + rows[t].d_at, "\x66\x2e", 2);                              /* 0.1 */
            if (rows[t].dmin_at >= 0) memcpy(b + rows[t].dmin_at, "\x00\x34", 2); /* 0.25 */
        }
        quant_find(info->type)->decode(blocks, x, N);
        round_trip(info->type, x, y, N);
        double e = relative_error(x, y, N);
        if (getenv("SUMI_TEST_VERBOSE")) printf("%s %.5f\n", info->name, e);
        if (!(e < rows[t].limit)) fail_msg("%s: error %.5f", info->name, e);
        mem_free(blocks);
    }
}

static void difficult_rows_stay_finite_and_close(void **state)
{
    (void)state;
    static float x[256], y[256];
    for (int kind = 0; kind < 8; kind++)
        for (size_t t = 0; t < COUNT(written); t++) {
            for (int i = 0; i < 256; i++) {
                float v[] = { 0, -0.0f, 1e-45f * (float)i, 1e-7f, i == 7 ? 50.0f : 0, i % 2 ? 1.0f : -1.0f, -3, 6e4f };
                x[i] = v[kind];
            }
            round_trip(written[t], x, y, 256);
            float max = 0;
            for (int i = 0; i < 256; i++) max = fmaxf(max, fabsf(x[i]));
            for (int i = 0; i < 256; i++) {
                /* within the range of the row, and never off by more than it; a half's subnormals end at 6e-8 */
                if (isfinite(y[i]) && fabsf(y[i] - x[i]) <= 0.35f * max + 1e-6f) continue;
                fail_msg("%s, kind %d: element %d is %g, came back as %g", dtype_find(written[t])->name, kind, i, x[i],
                         y[i]);
            }
        }
}

static void constants_and_signs_survive(void **state)
{
    (void)state;
    static float x[256], y[256];
    for (size_t t = 0; t < COUNT(written); t++)
        for (int sign = -1; sign <= 1; sign++) {
            for (int i = 0; i < 256; i++) x[i] = (float)sign * 0.5f; /* a power of two: MXFP4 and bf16 hold it */
            round_trip(written[t], x, y, 256);
            for (int i = 0; i < 256; i++)
                if (!(fabsf(y[i] - x[i]) <= 0.0011f))
                    fail_msg("%s: %g came back as %g", dtype_find(written[t])->name, x[i], y[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simple_types_are_encoded_as_the_reference_does),
        cmocka_unit_test(normal_weights_lose_as_little_as_their_bits_allow),
        cmocka_unit_test(k_quants_are_better_than_spanning_the_extremes),
        cmocka_unit_test(what_a_block_can_hold_is_found_again),
        cmocka_unit_test(difficult_rows_stay_finite_and_close),
        cmocka_unit_test(constants_and_signs_survive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
