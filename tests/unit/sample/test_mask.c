/* test_mask.c - a row of which some tokens are not allowed: every result is that of a copy of the row in which their logits
 * are -inf, bit for bit, at every level of the instruction set; but log-probabilities are those of the whole row. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sample/row.h"
#include "sample/sampler.h"
#include "test_support.h"

enum { N_MOST = 7000, N_KINDS = 7 };

static float x[N_MOST], without[N_MOST]; /* a row, and what a mask leaves of it */
static uint64_t allowed[N_MOST / TOKEN_SET_BITS + 1];

static void random_row(test_rng *r, int32_t n, float spread)
{
    for (int32_t i = 0; i < n; i++) x[i] = test_rng_range(r, 0, 19) ? test_rng_normal(r) * spread : -INFINITY;
    x[test_rng_range(r, 0, n - 1)] = 3; /* one is not -inf */
}

/* kind 0: all tokens; 1: all but a few; 2: half; 3: one in 50; 4: an interval; 5: one token; 6: all but the most probable.
 * Bits beyond the vocabulary are random. */
static void random_mask(test_rng *r, int32_t n, int kind)
{
    int32_t from = test_rng_range(r, 0, n - 1), to = test_rng_range(r, from, n - 1), best = 0;
    for (size_t w = 0; w < token_set_words(n); w++) allowed[w] = (uint64_t)test_rng_u32(r) << 32 | test_rng_u32(r);
    for (int32_t i = 0; i < n; i++) {
        bool in[] = { true,
                      test_rng_range(r, 0, 200) > 0,
                      test_rng_range(r, 0, 1) == 0,
                      test_rng_range(r, 0, 49) == 0,
                      i >= from && i <= to,
                      i == from,
                      true };
        if (in[kind]) token_set_add(allowed, i);
        else token_set_remove(allowed, i);
        if (x[i] > x[best]) best = i;
    }
    if (kind == 6) token_set_remove(allowed, best);
    for (int32_t i = 0; i < n; i++) without[i] = token_set_has(allowed, i) ? x[i] : -INFINITY;
}

static bool leaves_a_token(int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (without[i] > -INFINITY) return true;
    return false;
}

/* ---- Sets and passes ---- */

static void a_set_is_full_if_no_token_is_missing(void **state)
{
    (void)state;
    uint64_t set[4];
    for (int32_t n = 1; n <= 200; n++) {
        assert_int_equal(token_set_words(n), (n + 63) / 64);
        for (int32_t missing = 0; missing < 200; missing++) {
            memset(set, 0xff, sizeof set);
            token_set_remove(set, missing);
            assert_false(token_set_has(set, missing));
            assert_int_equal(token_set_is_full(set, n), missing >= n);
            token_set_add(set, missing);
            assert_true(token_set_has(set, missing) && token_set_is_full(set, n));
        }
    }
}

static void passes_over_a_masked_row_are_those_over_a_copy(void **state)
{
    (void)state;
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++) {
        const row_kernels *k = row_kernels_for((cpu_level)level);
        test_rng r = test_rng_init(2);
        for (int32_t n = 1; n < 4 * ROW_BLOCK; n += n < 150 ? 1 : 97) {
            static float copy[4 * ROW_BLOCK];
            float max, want_max, maxima[4], want[4];
            random_row(&r, n, 4);
            random_mask(&r, n, n % N_KINDS);
            if (n % 3 == 0) x[test_rng_range(&r, 0, n - 1)] = NAN; /* at an allowed token or not */
            bool has_nan = k->maxima(want, x, n);
            want_max = -INFINITY;
            for (int32_t b = 0; b < row_n_blocks(n); b++) want_max = fmaxf(want_max, want[b]);
            assert_int_equal(has_nan, n % 3 == 0);
            assert_int_equal(k->masked_maxima(maxima, &max, x, n, allowed), has_nan);
            assert_true(max == want_max);
            for (int32_t i = 0; i < n; i++) without[i] = token_set_has(allowed, i) ? x[i] : -INFINITY;
            k->maxima(want, without, n);
            assert_memory_equal(maxima, want, (size_t)row_n_blocks(n) * sizeof *maxima);
            k->mask(copy, x, n, allowed);
            assert_memory_equal(copy, without, (size_t)n * sizeof *copy);
            memcpy(copy, x, (size_t)n * sizeof *copy);
            k->mask(copy, copy, n, allowed);
            assert_memory_equal(copy, without, (size_t)n * sizeof *copy);
        }
        printf("%s: masked as a copy\n", cpu_level_name((cpu_level)level));
    }
}

/* Patches of tokens that are not allowed have no effect, and sums that are there already need not be computed again. */
static void blocks_of_a_masked_row_are_patched_too(void **state)
{
    (void)state;
    enum { N = 5 * ROW_BLOCK + 33, N_BLOCKS = 6, N_PATCHES = 40 };
    const row_kernels *k = row_kernels_best();
    test_rng rng = test_rng_init(3);
    for (int round = 0; round < 40; round++) {
        row_patch patches[N_PATCHES];
        float maxima[N_BLOCKS], want[N_BLOCKS], copy[ROW_BLOCK], raw_max;
        double sums[N_BLOCKS], again[N_BLOCKS];
        int32_t n;
        random_row(&rng, N, 4);
        random_mask(&rng, N, round % N_KINDS);
        const row plain = { .k = k, .x = x, .n = N, .maxima = maxima };
        row r = plain;
        r.allowed = allowed;
        assert_false(row_measure(&r, &raw_max));
        row_exp_sum(&plain, raw_max, 1, again, false);
        for (int32_t i = 0; i < N_PATCHES; i++) {
            patches[i] = (row_patch){ i * 40 + test_rng_range(&rng, 0, 39), test_rng_normal(&rng) * 4 };
            if (patches[i].x > raw_max) patches[i].x = raw_max;
            if (token_set_has(allowed, patches[i].id)) without[patches[i].id] = patches[i].x;
        }
        r.patches = patches;
        r.n_patches = N_PATCHES;
        row_patch_maxima(&r);
        k->maxima(want, without, N);
        assert_memory_equal(maxima, want, sizeof maxima);
        for (int32_t b = 0; b < N_BLOCKS; b++) {
            const float *block = row_block(&r, b, &n, copy);
            assert_memory_equal(block, without + b * ROW_BLOCK, (size_t)n * sizeof *copy);
        }
        row left = { .k = k, .x = without, .n = N, .maxima = want };
        double sum = row_exp_sum(&left, raw_max, 1, sums, false), sum_again = row_exp_sum(&r, raw_max, 1, again, true);
        assert_memory_equal(&sum, &sum_again, sizeof sum);
        assert_memory_equal(sums, again, sizeof sums);
    }
}

/* ---- The sampler ---- */

static const sumi_logit_bias bias[] = { { 0, -INFINITY }, { 3, 2.5f }, { 7, -1 }, { 40, 6 }, { 1023, 4 } };

/* Settings of every rule alone, and of some together. */
static sumi_sampling settings(int i, int32_t n_vocab)
{
    sumi_sampling s = {
        .temperature = 1, .top_p = 1, .typical_p = 1, .repeat_penalty = 1, .penalty_last_n = 20, .seed = 9
    };
    switch (i) {
    case 0: s.temperature = 0; break;
    case 1: break; /* a large vocabulary is drawn from without candidates */
    case 2: s.temperature = 0.7f; break;
    case 3: s.top_k = 2; break;
    case 4: s.top_k = 300; break; /* more than there are blocks */
    case 5: s.top_p = 0.9f; break;
    case 6: s.top_p = 0.4f, s.temperature = 2; break;
    case 7: s.min_p = 0.05f; break;
    case 8: s.typical_p = 0.5f; break;
    case 9: s = sumi_sampling_default(); break;
    case 10: s.top_k = 50, s.top_p = 0.8f, s.min_p = 0.02f, s.typical_p = 0.9f, s.temperature = 0.8f; break;
    case 11: s.repeat_penalty = 1.3f, s.frequency_penalty = 0.5f, s.presence_penalty = 0.25f; break;
    case 12: s.repeat_penalty = 1.3f, s.top_p = 0.9f; break;
    case 13: s.temperature = 0, s.frequency_penalty = 0.5f; break;
    case 14: s.bias = bias, s.n_bias = n_vocab > 1023 ? 5 : n_vocab > 40 ? 4 : 0; break;
    case 15:
        s = sumi_sampling_default(), s.bias = bias, s.n_bias = n_vocab > 1023 ? 5 : 0, s.repeat_penalty = 1.1f;
        break;
    default: fail();
    }
    return s;
}

enum { N_SETTINGS = 16 };

/* What sampler_shape() does not list. */
static bool has_no_candidates(const sumi_sampling *s, int32_t n_vocab)
{
    return n_vocab > 4096 && s->temperature > 0 && !s->top_k && s->top_p >= 1 && s->min_p <= 0 && s->typical_p >= 1;
}

static sumi_sampler *create(const sumi_sampling *params, int32_t n_vocab, cpu_level level)
{
    sumi_sampler *s;
    sumi_error err;
    if (sumi_sampler_create(&s, n_vocab, params, &err) != SUMI_OK) fail_msg("%s", err.message);
    sampler_set_level(s, level);
    return s;
}

static void assert_same_candidates(sumi_sampler *masked, sumi_sampler *plain)
{
    const candidates *a, *b;
    sumi_error err;
    if (sampler_shape(masked, x, allowed, &a, &err) != SUMI_OK) fail_msg("%s", err.message);
    if (sampler_shape(plain, without, NULL, &b, &err) != SUMI_OK) fail_msg("%s", err.message);
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->ids, b->ids, (size_t)a->n * sizeof *a->ids);
    assert_memory_equal(a->x, b->x, (size_t)a->n * sizeof *a->x);
    assert_memory_equal(a->w, b->w, (size_t)a->n * sizeof *a->w);
}

/* Some choices from rows with masks of all kinds, beside those from copies without the tokens that are not allowed. */
static void compare_choices(const sumi_sampling *params, int32_t n_vocab, cpu_level level, test_rng *r)
{
    sumi_sampler *masked = create(params, n_vocab, level), *plain = create(params, n_vocab, level);
    for (int kind = 0; kind < N_KINDS; kind++) {
        sumi_choice got, want;
        sumi_error err;
        double sum = 0;
        random_row(r, n_vocab, kind % 2 ? 1 : 5);
        random_mask(r, n_vocab, kind);
        if (!leaves_a_token(n_vocab) || (params->n_bias && kind == 5)) continue;
        if (!has_no_candidates(params, n_vocab)) assert_same_candidates(masked, plain);
        if (sampler_next(masked, x, allowed, &got, &err) != SUMI_OK) fail_msg("%s", err.message);
        assert_int_equal(sumi_sampler_next(plain, without, &want, NULL), SUMI_OK);
        assert_true(token_set_has(allowed, got.id));
        assert_int_equal(got.id, want.id);
        for (int32_t i = 0; i < n_vocab; i++) sum += exp((double)x[i]);
        if (params->skip_logprob) assert_true(isnan(got.logprob));
        else assert_true(fabs((double)x[got.id] - log(sum) - (double)got.logprob) < 4e-6);
    }
    sumi_sampler_destroy(masked);
    sumi_sampler_destroy(plain);
}

static void a_choice_under_a_mask_is_that_of_a_row_without_the_other_tokens(void **state)
{
    (void)state;
    const int32_t sizes[] = { 1, 63, 65, 512, 1777, 5000, N_MOST };
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            test_rng r = test_rng_init(17 + k);
            for (int i = 0; i < N_SETTINGS; i++) {
                sumi_sampling params = settings(i, sizes[k]);
                params.skip_logprob = (i + (int)k) % 2;
                compare_choices(&params, sizes[k], (cpu_level)level, &r);
            }
        }
}

static void a_full_mask_changes_nothing(void **state)
{
    (void)state;
    enum { N = 6000 };
    test_rng r = test_rng_init(5);
    memset(allowed, 0xff, sizeof allowed);
    for (int i = 0; i < N_SETTINGS; i++) {
        sumi_sampling params = settings(i, N);
        sumi_sampler *a = create(&params, N, cpu_best_level()), *b = create(&params, N, cpu_best_level());
        for (int t = 0; t < 10; t++) {
            sumi_choice with, none;
            random_row(&r, N, 4);
            assert_int_equal(sampler_next(a, x, allowed, &with, NULL), SUMI_OK);
            assert_int_equal(sumi_sampler_next(b, x, &none, NULL), SUMI_OK);
            assert_memory_equal(&with, &none, sizeof with);
        }
        sumi_sampler_destroy(a);
        sumi_sampler_destroy(b);
    }
}

static void the_only_token_that_is_allowed_is_chosen(void **state)
{
    (void)state;
    enum { N = 1200 };
    test_rng r = test_rng_init(6);
    for (int i = 0; i < N_SETTINGS; i++) {
        sumi_sampling params = settings(i, 0);
        sumi_sampler *s = create(&params, N, cpu_best_level());
        for (int t = 0; t < 20; t++) {
            int32_t only = test_rng_range(&r, 0, N - 1);
            sumi_choice choice;
            random_row(&r, N, 3);
            x[only] = -50; /* of no weight in the whole row */
            memset(allowed, 0, sizeof allowed);
            token_set_add(allowed, only);
            assert_int_equal(sampler_next(s, x, allowed, &choice, NULL), SUMI_OK);
            assert_int_equal(choice.id, only);
            assert_true(choice.logprob < -40);
        }
        sumi_sampler_destroy(s);
    }
}

static void a_mask_that_leaves_no_token_is_an_error_and_changes_nothing(void **state)
{
    (void)state;
    enum { N = 1200 };
    test_rng r = test_rng_init(7);
    for (int i = 0; i < N_SETTINGS; i++) {
        sumi_sampling params = settings(i, N);
        sumi_sampler *a = create(&params, N, cpu_best_level()), *b = create(&params, N, cpu_best_level());
        sumi_choice choice, want;
        sumi_error err;
        random_row(&r, N, 3);
        memset(allowed, 0, sizeof allowed);
        test_expect_error(sampler_next(a, x, allowed, &choice, &err), SUMI_ENUMERIC, &err,
                          "every token that is allowed");
        token_set_add(allowed, 500);
        x[500] = -INFINITY;
        test_expect_error(sampler_next(a, x, allowed, &choice, &err), SUMI_ENUMERIC, &err,
                          "every token that is allowed");
        assert_int_equal(sumi_sampler_next(a, x, &choice, NULL), SUMI_OK);
        assert_int_equal(sumi_sampler_next(b, x, &want, NULL), SUMI_OK);
        assert_memory_equal(&choice, &want, sizeof want);
        sumi_sampler_destroy(a);
        sumi_sampler_destroy(b);
    }
    sumi_sampling params = settings(1, N);
    params.bias = bias, params.n_bias = 1; /* forbids token 0 */
    sumi_sampler *s = create(&params, N, cpu_best_level());
    sumi_choice choice;
    sumi_error err;
    memset(allowed, 0, sizeof allowed);
    token_set_add(allowed, 0);
    x[0] = 1;
    test_expect_error(sampler_next(s, x, allowed, &choice, &err), SUMI_ENUMERIC, &err, "the bias leaves no token");
    sumi_sampler_destroy(s);
}

static void a_logit_that_is_not_finite_is_an_error_even_at_a_token_that_is_not_allowed(void **state)
{
    (void)state;
    enum { N = 1200 };
    test_rng r = test_rng_init(8);
    for (int i = 0; i < N_SETTINGS; i++) {
        sumi_sampling params = settings(i, N);
        sumi_sampler *s = create(&params, N, cpu_best_level());
        for (int t = 0; t < 8; t++) {
            int32_t at = test_rng_range(&r, 0, N - 1);
            sumi_choice choice;
            sumi_error err;
            char want[64];
            random_row(&r, N, 3);
            memset(allowed, 0xff, sizeof allowed);
            if (t & 1) token_set_remove(allowed, at);
            x[at] = t & 2 ? NAN : INFINITY;
            snprintf(want, sizeof want, "%s for token %d:", t & 2 ? "not a number" : "infinity", (int)at);
            test_expect_error(sampler_next(s, x, allowed, &choice, &err), SUMI_ENUMERIC, &err, want);
        }
        sumi_sampler_destroy(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_full_if_no_token_is_missing),
        cmocka_unit_test(passes_over_a_masked_row_are_those_over_a_copy),
        cmocka_unit_test(blocks_of_a_masked_row_are_patched_too),
        cmocka_unit_test(a_choice_under_a_mask_is_that_of_a_row_without_the_other_tokens),
        cmocka_unit_test(a_full_mask_changes_nothing),
        cmocka_unit_test(the_only_token_that_is_allowed_is_chosen),
        cmocka_unit_test(a_mask_that_leaves_no_token_is_an_error_and_changes_nothing),
        cmocka_unit_test(a_logit_that_is_not_finite_is_an_error_even_at_a_token_that_is_not_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
