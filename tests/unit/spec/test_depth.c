/* test_depth.c - how many guessed tokens a step checks: odds from what happened, and the best choice by trying all. */
#include "spec/depth.h"

#include <math.h>

#include "test_support.h"

static void odds_follow_what_happened(void **state)
{
    (void)state;
    spec_odds own = { 0 }, all = { 0 };
    double before = spec_probability(&own, &all, 5);
    for (int i = 0; i < 200; i++) spec_note(&own, 5, false, 0.95f);
    assert_true(spec_probability(&own, &all, 5) < 0.2 * before);
    assert_true(spec_probability(&own, &all, 8) < 0.2 * before); /* 5 to 8 are one range */
    assert_true(spec_probability(&own, &all, 9) > before);
    for (int i = 0; i < 200; i++) spec_note(&own, 5, true, 0.95f);
    assert_true(spec_probability(&own, &all, 5) > 0.9);
    for (int32_t match = 1; match < 100;
         match++) /* a longer match is a better guess, until it is known to be otherwise */
        assert_true(spec_probability(&(spec_odds){ 0 }, &all, match + 1) >=
                    spec_probability(&(spec_odds){ 0 }, &all, match));
    for (int i = 0; i < 200; i++) spec_note(&all, 3, true, 0.999f);
    assert_true(spec_probability(&(spec_odds){ 0 }, &all, 3) >
                0.9); /* a new sequence begins with what all others saw */
}

static double rate(const spec_candidate *c, const int32_t *n, int32_t n_candidates, const spec_odds *all, double sure,
                   double us, double row_us)
{
    for (int32_t i = 0; i < n_candidates; i++) {
        double chance = 1;
        for (int32_t k = 0; k < n[i]; k++) {
            chance *= spec_probability(c[i].odds, all, c[i].match + k);
            sure += chance;
            us += row_us;
        }
    }
    return sure / us;
}

/* Tokens per microsecond of the choice are those of the best of all choices. */
static void the_choice_is_the_best_one(void **state)
{
    (void)state;
    test_rng rng = test_rng_init(1);
    for (int round = 0; round < 300; round++) {
        spec_odds all = { 0 }, own[3] = { 0 };
        spec_candidate c[3];
        for (int32_t i = 0; i < 3; i++) {
            c[i] = (spec_candidate){ .match = test_rng_range(&rng, 1, 40),
                                     .n = test_rng_range(&rng, 0, 5),
                                     .odds = &own[i] };
            for (int k = test_rng_range(&rng, 0, 60); k > 0; k--)
                spec_note(&own[i], test_rng_range(&rng, 1, 50), test_rng_range(&rng, 0, 2) > 0, 0.95f);
        }
        double sure = test_rng_range(&rng, 3, 10), us = 1000, row_us = test_rng_range(&rng, 0, 400), best = 0;
        spec_choose(c, 3, &all, sure, us, row_us, 100);
        for (int32_t a = 0; a <= c[0].n; a++)
            for (int32_t b = 0; b <= c[1].n; b++)
                for (int32_t d = 0; d <= c[2].n; d++)
                    best = fmax(best, rate(c, (int32_t[]){ a, b, d }, 3, &all, sure, us, row_us));
        double chosen = rate(c, (int32_t[]){ c[0].n_chosen, c[1].n_chosen, c[2].n_chosen }, 3, &all, sure, us, row_us);
        assert_true(chosen >= best * (1 - 1e-12));
    }
}

static void rows_are_limited_and_dear_rows_are_not_taken(void **state)
{
    (void)state;
    spec_odds all = { 0 }, own = { 0 };
    spec_candidate c[2] = { { .match = 20, .n = 16, .odds = &own }, { .match = 3, .n = 16, .odds = &own } };
    spec_choose(c, 2, &all, 2, 1000, 0, 20); /* rows that cost nothing */
    assert_int_equal(c[0].n_chosen + c[1].n_chosen, 20);
    assert_true(c[0].n_chosen > c[1].n_chosen);
    spec_choose(c, 2, &all, 2, 1000, 500, 20); /* every row takes as long as each token takes now */
    assert_int_equal(c[0].n_chosen + c[1].n_chosen, 0);
    spec_choose(c, 0, &all, 2, 1000, 0, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odds_follow_what_happened),
        cmocka_unit_test(the_choice_is_the_best_one),
        cmocka_unit_test(rows_are_limited_and_dear_rows_are_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
