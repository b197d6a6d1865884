/* test_row.c - passes over a row: against libm in double, for every length around the vector widths, and the levels of
 * the instruction set against each other, bit for bit. */
#include "sample/row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "test_support.h"

enum { N_LONG = 3 * ROW_BLOCK + 77 };

static float random_logit(test_rng *r)
{
    return test_rng_range(r, 0, 9) == 0 ? -INFINITY : test_rng_normal(r) * 10;
}

static void sums_and_weights_agree_with_libm(void **state)
{
    (void)state;
    const row_kernels *k = row_kernels_for(CPU_REF);
    test_rng r = test_rng_init(1);
    float x[150], d[150], w[150];
    for (int32_t n = 1; n <= 150; n++) {
        float scale = 0.1f * (float)test_rng_range(&r, 1, 40), max = -INFINITY, found;
        for (int32_t i = 0; i < n; i++) x[i] = random_logit(&r);
        x[test_rng_range(&r, 0, n - 1)] = 3;
        for (int32_t i = 0; i < n; i++)
            if (x[i] > max) max = x[i];
        assert_false(k->maxima(&found, x, n));
        assert_true(found == max);
        k->exp(d, w, x, n, max, scale);
        double sum = 0;
        for (int32_t i = 0; i < n; i++) {
            double want = exp((double)d[i]);
            sum += want;
            if (fabs(w[i] - want) > 3e-7 * want + 1.7e-38) fail_msg("n %d: exp(%g) = %g", (int)n, d[i], w[i]);
        }
        assert_true(fabs(k->exp_sum(x, n, max, scale) - sum) <= 5e-7 * sum);
    }
}

static void exp_is_accurate_over_its_whole_range(void **state)
{
    (void)state;
    const row_kernels *k = row_kernels_for(CPU_REF);
    float d, w, one;
    for (float x = 0; x > -87; x -= 0.00137f) {
        k->exp(&d, &w, &x, 1, 0, 1);
        double want = exp((double)x);
        if (fabs(w - want) > 3e-7 * want) fail_msg("exp(%.9g) = %.9g, not %.9g", x, w, want);
    }
    k->exp(&d, &one, &(float){ 0 }, 1, 0, 1);
    assert_true(one == 1);
    k->exp(&d, &w, &(float){ -3e38f }, 1, 3e38f, 100);
    assert_true(w == 0);
    assert_true(k->exp_sum(&(float){ -INFINITY }, 1, 0, 1) == 0);
}

static void all_levels_give_the_same_bits(void **state)
{
    (void)state;
    const row_kernels *base = row_kernels_for(CPU_REF);
    assert_ptr_equal(row_kernels_best(), row_kernels_for(cpu_best_level()));
    static float x[N_LONG], d[2][N_LONG], w[2][N_LONG];
    for (int level = CPU_REF + 1; level <= (int)cpu_best_level(); level++) {
        const row_kernels *k = row_kernels_for((cpu_level)level);
        test_rng r = test_rng_init(5);
        for (int32_t n = 1; n <= N_LONG; n += n < 200 ? 1 : 61) {
            float maxima[2][4], max = -INFINITY, scale = 0.1f * (float)test_rng_range(&r, 1, 40);
            int32_t at[2][ROW_BLOCK], m = n < ROW_BLOCK ? n : ROW_BLOCK, n_blocks = row_n_blocks(n);
            for (int32_t i = 0; i < n; i++) x[i] = random_logit(&r);
            assert_false(base->maxima(maxima[0], x, n) || k->maxima(maxima[1], x, n));
            assert_memory_equal(maxima[0], maxima[1], (size_t)n_blocks * sizeof(float));
            for (int32_t b = 0; b < n_blocks; b++) max = fmaxf(max, maxima[0][b]);
            if (max == -INFINITY) continue;
            double sums[2] = { base->exp_sum(x, n, max, scale), k->exp_sum(x, n, max, scale) };
            assert_memory_equal(&sums[0], &sums[1], sizeof(double));
            base->exp(d[0], w[0], x, n, max, scale);
            k->exp(d[1], w[1], x, n, max, scale);
            assert_memory_equal(d[0], d[1], (size_t)n * sizeof(float));
            assert_memory_equal(w[0], w[1], (size_t)n * sizeof(float));
            int32_t n_above = base->above(at[0], x, m, 1.5f);
            assert_int_equal(k->above(at[1], x, m, 1.5f), n_above);
            assert_memory_equal(at[0], at[1], (size_t)n_above * sizeof(int32_t));
        }
        printf("%s: same bits as the base\n", cpu_level_name((cpu_level)level));
    }
}

static void a_nan_is_found_at_every_place(void **state)
{
    (void)state;
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++) {
        const row_kernels *k = row_kernels_for((cpu_level)level);
        float x[80] = { 0 }, max;
        for (int32_t n = 1; n <= 80; n++)
            for (int32_t at = 0; at < 80; at++) {
                x[at] = NAN;
                assert_int_equal(k->maxima(&max, x, n), at < n);
                x[at] = 0;
            }
    }
}

static void above_finds_each_place_and_no_more(void **state)
{
    (void)state;
    const row_kernels *k = row_kernels_for(CPU_REF);
    float x[70] = { 0 };
    int32_t at[ROW_BLOCK];
    for (int32_t i = 0; i < 70; i++) {
        assert_int_equal(k->above(at, x, 70, 0), 0);
        x[i] = 1;
        assert_int_equal(k->above(at, x, 70, 0.5f), 1);
        assert_int_equal(at[0], i);
        assert_int_equal(k->above(at, x, i, 0.5f), 0);
        assert_int_equal(k->above(at, x, 70, 1), 0);
        x[i] = 0;
    }
}

static void patches_replace_single_logits(void **state)
{
    (void)state;
    static float x[N_LONG], want[N_LONG];
    float maxima[4], copy[ROW_BLOCK];
    test_rng rng = test_rng_init(8);
    for (int32_t i = 0; i < N_LONG; i++) want[i] = x[i] = test_rng_normal(&rng);
    x[700] = want[700] = 50;
    row_patch patches[] = { { 0, 1 }, { 511, 60 }, { 700, -INFINITY }, { 701, 2 }, { N_LONG - 1, 70 } };
    for (size_t i = 0; i < sizeof patches / sizeof *patches; i++) want[patches[i].id] = patches[i].x;
    row r = { .k = row_kernels_for(CPU_REF), .x = x, .n = N_LONG, .maxima = maxima };
    assert_false(r.k->maxima(maxima, x, N_LONG));
    assert_true(row_max(&r) == 50);
    r.patches = patches;
    r.n_patches = sizeof patches / sizeof *patches;
    row_patch_maxima(&r);
    assert_true(row_max(&r) == 70);
    assert_int_equal(row_find(&r, 70), N_LONG - 1);
    assert_int_equal(row_find(&r, 60), 511);
    for (int32_t b = 0; b < row_n_blocks(N_LONG); b++) {
        int32_t n;
        const float *block = row_block(&r, b, &n, copy);
        assert_memory_equal(block, want + b * ROW_BLOCK, (size_t)n * sizeof(float));
        assert_int_equal(block == copy, b != 2);
        float max = -INFINITY;
        for (int32_t i = 0; i < n; i++) max = fmaxf(max, block[i]);
        assert_true(maxima[b] == max);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_weights_agree_with_libm),   cmocka_unit_test(exp_is_accurate_over_its_whole_range),
        cmocka_unit_test(all_levels_give_the_same_bits),      cmocka_unit_test(a_nan_is_found_at_every_place),
        cmocka_unit_test(above_finds_each_place_and_no_more), cmocka_unit_test(patches_replace_single_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
