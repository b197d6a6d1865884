/* test_top.c - the best k against repeated search for the maximum, and their log-probabilities. */
#include <math.h>

#include "sample/top.h"
#include "sumi.h"
#include "test_support.h"

static void the_best_tokens_come_first_and_equals_by_lower_id(void **state)
{
    (void)state;
    test_rng r = test_rng_init(2);
    for (int round = 0; round < 300; round++) {
        float x[200];
        bool used[200] = { 0 };
        sumi_choice top[200];
        int32_t n = test_rng_range(&r, 1, 200), k = test_rng_range(&r, 1, n);
        int32_t values = round % 2 ? 5 : 100000; /* many ties, or few */
        for (int32_t i = 0; i < n; i++) x[i] = 0.001f * (float)test_rng_range(&r, 0, values);
        double sum = 0;
        for (int32_t i = 0; i < n; i++) sum += exp((double)x[i]);
        sumi_top_logprobs(x, n, k, top);
        for (int32_t j = 0; j < k; j++) {
            int32_t best = -1;
            for (int32_t i = 0; i < n; i++)
                if (!used[i] && (best < 0 || x[i] > x[best])) best = i;
            used[best] = true;
            assert_int_equal(top[j].id, best);
            assert_int_equal(row_rank(x, n, best), j + 1);
            assert_true(fabs(top[j].logprob - (x[best] - log(sum))) < 1e-5);
        }
    }
}

static void places_beyond_the_possible_tokens_are_marked(void **state)
{
    (void)state;
    sumi_choice top[4];
    sumi_top_logprobs((float[]){ -INFINITY, 2, -INFINITY, -INFINITY }, 4, 4, top);
    assert_int_equal(top[0].id, 1);
    assert_true(top[0].logprob == 0);
    for (int i = 1; i < 4; i++) assert_true(top[i].id == -1 && top[i].logprob == -INFINITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_tokens_come_first_and_equals_by_lower_id),
        cmocka_unit_test(places_beyond_the_possible_tokens_are_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
