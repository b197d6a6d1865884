/* test_row.c - passes over a row against libm in double, for every length around the vector width. */
#include "sample/row.h"

#include <math.h>

#include "test_support.h"

static void sums_and_weights_agree_with_libm(void **state)
{
    (void)state;
    test_rng r = test_rng_init(1);
    float x[70], d[70], w[70];
    for (int32_t n = 1; n <= 67; n++) {
        float scale = 0.1f * (float)test_rng_range(&r, 1, 40), max = -INFINITY;
        for (int32_t i = 0; i < n; i++) {
            x[i] = test_rng_normal(&r) * 10;
            if (test_rng_range(&r, 0, 9) == 0) x[i] = -INFINITY;
        }
        x[test_rng_range(&r, 0, n - 1)] = 3;
        for (int32_t i = 0; i < n; i++)
            if (x[i] > max) max = x[i];
        row_scan scan = row_scan_values(x, n);
        assert_true(scan.max == max && !scan.has_nan);
        row_exp(d, w, x, n, max, scale);
        double sum = 0;
        for (int32_t i = 0; i < n; i++) {
            double want = exp((double)d[i]);
            sum += want;
            if (fabs(w[i] - want) > 3e-7 * want + 1.7e-38) fail_msg("n %d: exp(%g) = %g", (int)n, d[i], w[i]);
        }
        assert_true(fabs(row_exp_sum(x, n, max, scale) - sum) <= 5e-7 * sum);
    }
}

static void exp_is_accurate_over_its_whole_range(void **state)
{
    (void)state;
    float d, w, one;
    for (float x = 0; x > -87; x -= 0.00137f) {
        row_exp(&d, &w, &x, 1, 0, 1);
        double want = exp((double)x);
        if (fabs(w - want) > 3e-7 * want) fail_msg("exp(%.9g) = %.9g, not %.9g", x, w, want);
    }
    row_exp(&d, &one, &(float){ 0 }, 1, 0, 1);
    assert_true(one == 1);
    row_exp(&d, &w, &(float){ -3e38f }, 1, 3e38f, 100);
    assert_true(w == 0);
}

static void a_nan_is_found_at_every_place(void **state)
{
    (void)state;
    float x[40] = { 0 };
    for (int32_t n = 1; n <= 40; n++)
        for (int32_t at = 0; at < 40; at++) {
            x[at] = NAN;
            assert_int_equal(row_scan_values(x, n).has_nan, at < n);
            x[at] = 0;
        }
}

static void any_above_sees_each_of_its_sixteen(void **state)
{
    (void)state;
    float x[16] = { 0 };
    assert_false(row_any_above(x, 0));
    for (int i = 0; i < 16; i++) {
        x[i] = 1;
        assert_true(row_any_above(x, 0.5f));
        assert_false(row_any_above(x, 1));
        x[i] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_weights_agree_with_libm),
        cmocka_unit_test(exp_is_accurate_over_its_whole_range),
        cmocka_unit_test(a_nan_is_found_at_every_place),
        cmocka_unit_test(any_above_sees_each_of_its_sixteen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
