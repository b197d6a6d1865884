/* test_sampler.c - the pipeline: cases worked by hand, the golden distributions of transformers (see
 * tests/golden/make_sampling.py), the frequencies of what is drawn, and what must not matter. */
#include "sample/sampler.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test_support.h"

static sumi_sampling plain(void) /* draws from the model's own distribution */
{
    return (sumi_sampling){ .temperature = 1, .top_p = 1, .typical_p = 1, .repeat_penalty = 1, .penalty_last_n = -1 };
}

static sumi_sampler *create(int32_t n_vocab, const sumi_sampling *params)
{
    sumi_sampler *s;
    sumi_error err;
    if (sumi_sampler_create(&s, n_vocab, params, &err) != SUMI_OK) fail_msg("%s", err.message);
    return s;
}

static int32_t next(sumi_sampler *s, const float *logits)
{
    sumi_choice choice;
    sumi_error err;
    if (sumi_sampler_next(s, logits, &choice, &err) != SUMI_OK) fail_msg("%s", err.message);
    return choice.id;
}

static const candidates *shape(sumi_sampler *s, const float *logits)
{
    const candidates *c;
    sumi_error err;
    if (sampler_shape(s, logits, NULL, &c, &err) != SUMI_OK) fail_msg("%s", err.message);
    return c;
}

static void greedy_takes_the_best_token_and_the_lower_id_of_equals(void **state)
{
    (void)state;
    sumi_sampling params = plain();
    params.temperature = 0;
    sumi_sampler *s = create(5, &params);
    assert_int_equal(next(s, (float[]){ 1, 3, 2, 3, -1 }), 1);
    assert_int_equal(next(s, (float[]){ -INFINITY, -5, -INFINITY, -4, -9 }), 3);
    sumi_sampler_destroy(s);
}

static void the_log_probability_is_that_of_the_model_itself(void **state)
{
    (void)state;
    sumi_sampling params = plain();
    params.temperature = 0;
    params.bias = &(sumi_logit_bias){ .id = 2, .bias = 100 };
    params.n_bias = 1;
    sumi_sampler *s = create(3, &params);
    sumi_choice choice;
    /* Probabilities 1/2, 1/3, 1/6, shifted by 1000: exp() would overflow without subtracting the maximum. */
    float logits[] = { 1000 + logf(3), 1000 + logf(2), 1000 };
    assert_int_equal(sumi_sampler_next(s, logits, &choice, NULL), SUMI_OK);
    assert_int_equal(choice.id, 2);
    assert_true(fabs(choice.logprob - log(1.0 / 6)) < 1e-4); /* 1000 + x has a unit of 6e-5 */
    sumi_sampler_destroy(s);
}

static void without_the_log_probability_the_same_tokens_are_chosen(void **state)
{
    (void)state;
    enum { N = 3000 };
    static float logits[N];
    test_rng r = test_rng_init(12);
    for (int i = 0; i < N; i++) logits[i] = test_rng_normal(&r) * 2;
    for (int i = 0; i < 4; i++) {
        sumi_sampling with = plain();
        with.top_p = i % 2 ? 0.9f : 1;
        with.temperature = i / 2 ? 0.7f : 1;
        sumi_sampling without = with;
        without.skip_logprob = true;
        sumi_sampler *a = create(N, &with), *b = create(N, &without);
        for (int t = 0; t < 50; t++) {
            sumi_choice x, y;
            assert_int_equal(sumi_sampler_next(a, logits, &x, NULL), SUMI_OK);
            assert_int_equal(sumi_sampler_next(b, logits, &y, NULL), SUMI_OK);
            assert_int_equal(x.id, y.id);
            assert_true(x.logprob < 0 && isnan(y.logprob));
        }
        sumi_sampler_destroy(a);
        sumi_sampler_destroy(b);
    }
}

static void bias_and_penalties_change_only_their_tokens(void **state)
{
    (void)state;
    enum { N = 2000 };
    static float logits[N], want[N];
    test_rng r = test_rng_init(15);
    sumi_logit_bias bias[40];
    for (int round = 0; round < 50; round++) {
        int32_t seen[60], count[N] = { 0 };
        for (int i = 0; i < N; i++) want[i] = logits[i] = test_rng_normal(&r);
        sumi_sampling params = plain();
        params.bias = bias;
        params.n_bias = 40;
        params.repeat_penalty = 1.5f;
        params.frequency_penalty = 0.125f;
        params.penalty_last_n = round % 2 ? 50 : -1;
        params.min_p = 1e-6f;
        for (int i = 0; i < 40; i++) {
            bias[i] = (sumi_logit_bias){ test_rng_range(&r, 0, N - 1), 0.25f * (float)test_rng_range(&r, -8, 8) };
            want[bias[i].id] +=
                bias[i].bias; /* quarters on a float of 24 bits: the order of equals does not matter much */
        }
        for (int i = 0; i < 60; i++) seen[i] = round % 3 ? test_rng_range(&r, 0, N - 1) : test_rng_range(&r, 0, 20);
        for (int i = round % 2 ? 10 : 0; i < 60; i++) count[seen[i]]++;
        sumi_sampler *s = create(N, &params);
        sumi_sampler_accept(s, seen, 60);
        const candidates *c = shape(s, logits);
        assert_int_equal(c->n, N);
        float max = -INFINITY;
        for (int i = 0; i < N; i++) {
            if (count[i]) want[i] = (want[i] > 0 ? want[i] / 1.5f : want[i] * 1.5f) - 0.125f * (float)count[i];
            if (want[i] > max) max = want[i];
        }
        for (int i = 0; i < N; i++)
            if (fabsf(c->x[i] - (want[i] - max)) > 2e-6f)
                fail_msg("round %d: token %d is %g", round, i, (double)c->x[i]);
        sumi_sampler_destroy(s);
    }
}

static void hand_worked_truncations_keep_the_right_tokens(void **state)
{
    (void)state;
    /* Probabilities 0.1, 0.4, 0.2, 0.3. Entropy 1.28; surprises 2.30, 0.92, 1.61, 1.20: nearest are 3, 2, 1, 0. */
    float logits[] = { logf(0.1f), logf(0.4f), logf(0.2f), logf(0.3f) };
    static const struct {
        int32_t top_k;
        float top_p, min_p, typical_p;
        int32_t n, ids[4];
    } cases[] = {
        { 0, 1, 0, 1, 4, { 0, 1, 2, 3 } },  { 2, 1, 0, 1, 2, { 1, 3 } },
        { 9, 1, 0, 1, 4, { 0, 1, 2, 3 } },  { 0, 0.65f, 0, 1, 2, { 1, 3 } },
        { 0, 0.75f, 0, 1, 3, { 1, 2, 3 } }, { 0, 0, 0, 1, 1, { 1 } },
        { 0, 1, 0.45f, 1, 3, { 1, 2, 3 } }, { 0, 1, 1, 1, 1, { 1 } },
        { 0, 1, 0, 0.25f, 1, { 3 } },       { 0, 1, 0, 0.45f, 2, { 2, 3 } },
        { 0, 1, 0, 0.85f, 3, { 1, 2, 3 } }, { 2, 0.5f, 0, 1, 1, { 1 } }, /* 0.4 of 0.7 is 0.57 */
        { 0, 1, 0.8f, 0.45f, 1, { 3 } }, /* min-p compares with the best that typical left */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sumi_sampling params = plain();
        params.top_k = cases[i].top_k;
        params.top_p = cases[i].top_p;
        params.min_p = cases[i].min_p;
        params.typical_p = cases[i].typical_p;
        sumi_sampler *s = create(4, &params);
        const candidates *c = shape(s, logits);
        if (c->n != cases[i].n || memcmp(c->ids, cases[i].ids, (size_t)c->n * sizeof *c->ids))
            fail_msg("case %zu: %d tokens kept, the first is %d", i, (int)c->n, (int)c->ids[0]);
        sumi_sampler_destroy(s);
    }
}

static void of_equal_logits_the_lower_ids_are_kept(void **state)
{
    (void)state;
    static float logits[20000];
    for (int i = 0; i < 20000; i++) logits[i] = i % 2 ? 1.0f : 0.5f;
    const int32_t ks[] = { 1, 5, 8191, 8192, 8193, 9999 }; /* on both sides of the heap's limit */
    for (size_t j = 0; j < sizeof ks / sizeof *ks; j++) {
        sumi_sampling params = plain();
        params.top_k = ks[j];
        sumi_sampler *s = create(20000, &params);
        const candidates *c = shape(s, logits);
        assert_int_equal(c->n, ks[j]);
        for (int32_t i = 0; i < c->n; i++) assert_int_equal(c->ids[i], 2 * i + 1);
        sumi_sampler_destroy(s);
    }
}

static float number(const json_t *settings, const char *key, double otherwise)
{
    const json_t *value = json_object_get(settings, key);
    return (float)(value ? json_number_value(value) : otherwise);
}

static sumi_sampling settings_of(const json_t *o)
{
    return (sumi_sampling){ .temperature = number(o, "temperature", 1),
                            .top_k = (int32_t)number(o, "top_k", 0),
                            .top_p = number(o, "top_p", 1),
                            .min_p = number(o, "min_p", 0),
                            .typical_p = number(o, "typical_p", 1),
                            .repeat_penalty = number(o, "repeat_penalty", 1),
                            .frequency_penalty = number(o, "frequency_penalty", 0),
                            .presence_penalty = number(o, "presence_penalty", 0),
                            .penalty_last_n = -1 };
}

static void distributions_equal_those_of_transformers(void **state)
{
    (void)state;
    json_error_t why;
    json_t *root = json_load_file(test_source_path("tests/golden/sampling/shapes.json"), 0, &why);
    if (!root) fail_msg("%s", why.text);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(root, "cases"), i, item)
    {
        json_t *kept = json_object_get(item, "kept"), *probs = json_object_get(item, "probs");
        json_t *values = json_object_get(item, "logits"), *seen = json_object_get(item, "seen");
        int32_t n_vocab = (int32_t)json_array_size(values);
        float logits[256];
        for (int32_t k = 0; k < n_vocab; k++) logits[k] = (float)json_number_value(json_array_get(values, (size_t)k));
        sumi_sampling params = settings_of(json_object_get(item, "settings"));
        sumi_sampler *s = create(n_vocab, &params);
        for (size_t k = 0; k < json_array_size(seen); k++) {
            int32_t id = (int32_t)json_integer_value(json_array_get(seen, k));
            sumi_sampler_accept(s, &id, 1);
        }
        const candidates *c = shape(s, logits);
        double mass = candidates_mass(c);
        if ((size_t)c->n != json_array_size(kept))
            fail_msg("case %zu: %d kept, not %zu", i, (int)c->n, json_array_size(kept));
        for (int32_t k = 0; k < c->n; k++) {
            double want = json_number_value(json_array_get(probs, (size_t)k));
            assert_int_equal(c->ids[k], json_integer_value(json_array_get(kept, (size_t)k)));
            /* float32 logits up to 12 in size: their unit, over the temperature, bounds the relative error */
            if (fabs(c->w[k] / mass - want) > 5e-6 * want) fail_msg("case %zu, token %d", i, (int)c->ids[k]);
        }
        sumi_sampler_destroy(s);
    }
    assert_true(i >= 30);
    json_decref(root);
}

/* Draws n times and compares the counts with probs: chi-square below its 99.9 % point for df = n_vocab - 1. */
static void assert_frequencies(sumi_sampler *s, const float *logits, const double *probs, int32_t n_vocab, double limit)
{
    enum { N = 20000 };
    int32_t counts[16] = { 0 };
    for (int i = 0; i < N; i++) counts[next(s, logits)]++;
    double chi2 = 0;
    for (int32_t k = 0; k < n_vocab; k++) {
        double want = probs[k] * N;
        if (want == 0) assert_int_equal(counts[k], 0);
        else chi2 += (counts[k] - want) * (counts[k] - want) / want;
    }
    if (chi2 > limit) fail_msg("chi-square %.1f > %.1f", chi2, limit);
}

static void draws_follow_the_distribution(void **state)
{
    (void)state;
    float logits[] = { logf(0.05f), logf(0.3f), logf(0.25f), -INFINITY, logf(0.4f) };
    for (uint64_t seed = 0; seed < 5; seed++) {
        sumi_sampling params = plain();
        params.seed = seed;
        sumi_sampler *s = create(5, &params);
        assert_frequencies(s, logits, (double[]){ 0.05, 0.3, 0.25, 0, 0.4 }, 5, 16.3); /* df 3 */
        sumi_sampler_destroy(s);
        params.temperature = 0.5f; /* squares: 0.0025 0.09 0.0625 0.16, sum 0.315 */
        params.top_k = 3;          /* without the first: sum 0.3125 */
        s = create(5, &params);
        assert_frequencies(s, logits, (double[]){ 0, 0.288, 0.2, 0, 0.512 }, 5, 13.8); /* df 2 */
        sumi_sampler_destroy(s);
    }
}

static void draws_from_a_large_vocabulary_reach_every_part_of_it(void **state)
{
    (void)state;
    enum { N = 10001, PART = 1000, DRAWS = 20000 };
    static float logits[N];
    double mass[N / PART + 1] = { 0 }, total = 0, chi2 = 0;
    int counts[N / PART + 1] = { 0 };
    test_rng r = test_rng_init(6);
    for (int i = 0; i < N; i++) {
        logits[i] = i / PART == 3 ? -INFINITY : test_rng_normal(&r);
        mass[i / PART] += exp((double)logits[i] / 0.7);
        total += exp((double)logits[i] / 0.7);
    }
    sumi_sampling params = plain();
    params.temperature = 0.7f;
    sumi_sampler *s = create(N, &params);
    for (int i = 0; i < DRAWS; i++) counts[next(s, logits) / PART]++;
    assert_int_equal(counts[3], 0);
    for (int k = 0; k < N / PART; k++) {
        double want = mass[k] / total * DRAWS;
        if (k != 3) chi2 += (counts[k] - want) * (counts[k] - want) / want;
    }
    if (chi2 > 26.1) fail_msg("chi-square %.1f", chi2); /* 99.9 % point for df 8 */
    sumi_sampler_destroy(s);
}

static void the_same_seed_gives_the_same_tokens_whatever_runs_beside_it(void **state)
{
    (void)state;
    test_rng r = test_rng_init(4);
    enum { N = 300, STEPS = 40 };
    static float rows[STEPS][N];
    for (int t = 0; t < STEPS; t++)
        for (int i = 0; i < N; i++) rows[t][i] = test_rng_normal(&r);
    sumi_sampling params = sumi_sampling_default();
    params.temperature = 1.5f;
    params.seed = 77;
    int32_t alone[STEPS], different = 0;
    sumi_sampler *s = create(N, &params);
    for (int t = 0; t < STEPS; t++) alone[t] = next(s, rows[t]);
    sumi_sampler_destroy(s);

    sumi_sampling other_params = params;
    other_params.seed = 78;
    s = create(N, &params);
    sumi_sampler *other = create(N, &other_params);
    for (int t = 0; t < STEPS; t++) {
        different += next(other, rows[t]) != alone[t];
        assert_int_equal(next(s, rows[t]), alone[t]);
        next(other, rows[0]);
    }
    assert_true(different > STEPS / 2); /* another seed is another answer */
    sumi_sampler_destroy(s);
    sumi_sampler_destroy(other);
}

static void truncations_of_large_rows_equal_a_plain_sort(void **state)
{
    (void)state;
    test_rng r = test_rng_init(9);
    enum { N = 1777 };
    static float logits[N];
    static char kept[N];
    for (int round = 0; round < 60; round++) {
        float spread = round % 3 ? 4 : 0.3f;
        for (int i = 0; i < N; i++) logits[i] = test_rng_normal(&r) * spread;
        sumi_sampling params = plain();
        params.temperature = 0.25f * (float)test_rng_range(&r, 1, 12);
        if (round % 2) params.top_k = test_rng_range(&r, 1, N);
        if (round % 4) params.top_p = 0.01f * (float)test_rng_range(&r, 1, 99);
        if (round % 5 == 0) params.min_p = 0.01f * (float)test_rng_range(&r, 1, 99);
        sumi_sampler *s = create(N, &params);
        const candidates *c = shape(s, logits);
        memset(kept, 0, sizeof kept);
        for (int32_t i = 0; i < c->n; i++) kept[c->ids[i]] = 1;
        /* The oracle, in double: a token stays if fewer than k are better, the better ones have less than p of the
         * mass of the k best, and it has min_p of the best one's probability. */
        double total = 0, best = 0, weights[N];
        int32_t rank[N];
        for (int i = 0; i < N; i++) {
            weights[i] = exp((double)logits[i] / (double)params.temperature);
            if (weights[i] > best) best = weights[i];
            rank[i] = 0;
            for (int j = 0; j < N; j++) rank[i] += logits[j] > logits[i] || (logits[j] == logits[i] && j < i);
        }
        static double by_rank[N + 1];
        for (int i = 0; i < N; i++) by_rank[rank[i]] = weights[i];
        int32_t k = params.top_k ? params.top_k : N;
        for (int i = 0; i < k; i++) total += by_rank[i];
        static double before[N];
        before[0] = 0;
        for (int i = 1; i < N; i++) before[i] = before[i - 1] + by_rank[i - 1];
        for (int i = 0; i < N; i++) {
            double share = before[rank[i]] / total, margin = 1e-5;
            bool clear = fabs(share - (double)params.top_p) > margin &&
                         fabs(weights[i] / best - (double)params.min_p) > margin * (double)params.min_p;
            bool want = rank[i] < k && (share < (double)params.top_p || rank[i] == 0) &&
                        weights[i] >= (double)params.min_p * best;
            if (clear && want != kept[i]) fail_msg("round %d: token %d of rank %d", round, i, (int)rank[i]);
        }
        sumi_sampler_destroy(s);
    }
}

static void penalties_count_only_the_last_tokens(void **state)
{
    (void)state;
    float logits[] = { 2, 2, -1, 0 };
    sumi_sampling params = plain();
    params.repeat_penalty = 2;
    params.frequency_penalty = 0.25f;
    params.presence_penalty = 0.5f;
    params.penalty_last_n = 3;
    sumi_sampler *s = create(4, &params);
    sumi_sampler_accept(s, (int32_t[]){ 1, 1, 0, 2, 0, -7, 99 }, 7); /* 0, 2, 0 count; strange ids do not */
    const candidates *c = shape(s, logits);
    /* 0: 2 / 2 - 2 * 0.25 - 0.5 = 0    1: 2    2: -1 * 2 - 0.25 - 0.5 = -2.75    3: 0 */
    static const float want[] = { -2, 0, -4.75f, -2 };
    for (int i = 0; i < 4; i++) assert_true(fabsf(c->x[i] - want[i]) < 1e-6f);
    c = shape(s, logits); /* looking changes nothing */
    assert_true(fabsf(c->x[0] - want[0]) < 1e-6f);
    sumi_sampler_destroy(s);
}

static void a_bias_of_minus_infinity_forbids_a_token(void **state)
{
    (void)state;
    sumi_logit_bias bias[] = { { 0, -INFINITY }, { 2, 1.5f }, { 2, 1.5f } };
    sumi_sampling params = plain();
    params.bias = bias;
    params.n_bias = 3;
    sumi_sampler *s = create(3, &params);
    bias[0].id = 1; /* the sampler has its own copy */
    const candidates *c = shape(s, (float[]){ 50, 1, 1 });
    assert_int_equal(c->n, 2);
    assert_int_equal(c->ids[0], 1);
    assert_true(fabsf(c->x[0] + 3) < 1e-6f);
    sumi_sampler_destroy(s);
}

static void logits_that_are_not_finite_are_an_error_that_names_the_token(void **state)
{
    (void)state;
    sumi_sampling params = sumi_sampling_default();
    sumi_sampler *s = create(100, &params);
    float logits[100] = { 0 };
    sumi_choice choice;
    sumi_error err;
    for (int at = 0; at < 100; at += 33) {
        logits[at] = NAN;
        assert_int_equal(sumi_sampler_next(s, logits, &choice, &err), SUMI_ENUMERIC);
        char want[64];
        snprintf(want, sizeof want, "not a number for token %d:", at);
        assert_non_null(strstr(err.message, want));
        logits[at] = INFINITY;
        assert_int_equal(sumi_sampler_next(s, logits, &choice, &err), SUMI_ENUMERIC);
        logits[at] = -INFINITY;
        assert_int_equal(sumi_sampler_next(s, logits, &choice, &err), SUMI_OK);
    }
    for (int i = 0; i < 100; i++) logits[i] = -INFINITY;
    assert_int_equal(sumi_sampler_next(s, logits, &choice, &err), SUMI_ENUMERIC);
    sumi_sampler_destroy(s);
}

static void extreme_logits_and_temperatures_still_give_a_token(void **state)
{
    (void)state;
    const float temperatures[] = { 1e-5f, 1e-3f, 1, 100 };
    float logits[] = { -3e38f, 3e38f, 2.9e38f, -INFINITY, 0 };
    for (size_t i = 0; i < 4; i++) {
        for (int32_t k = 0; k < 5; k++) {
            sumi_sampling params = plain();
            params.temperature = temperatures[i];
            params.top_k = k;
            params.typical_p = k % 2 ? 0.5f : 1;
            params.top_p = 0.9f;
            params.repeat_penalty = 0.001f;
            sumi_sampler *s = create(5, &params);
            for (int n = 0; n < 3; n++) assert_int_equal(next(s, logits), 1);
            sumi_sampler_destroy(s);
        }
    }
}

static void each_bad_parameter_is_named(void **state)
{
    (void)state;
    sumi_sampling p[14];
    for (int i = 0; i < 14; i++) p[i] = sumi_sampling_default();
    static const char *names[] = { "temperature",
                                   "temperature",
                                   "top_k",
                                   "top_p",
                                   "top_p",
                                   "min_p",
                                   "typical_p",
                                   "repeat_penalty",
                                   "frequency_penalty",
                                   "presence_penalty",
                                   "penalty_last_n",
                                   "n_bias",
                                   "bias for token 10",
                                   "bias of token 1" };
    p[0].temperature = -1, p[1].temperature = NAN, p[2].top_k = -1, p[3].top_p = 1.01f, p[4].top_p = NAN;
    p[5].min_p = -0.1f, p[6].typical_p = 0, p[7].repeat_penalty = 0, p[8].frequency_penalty = INFINITY;
    p[9].presence_penalty = -INFINITY, p[10].penalty_last_n = -2, p[11].n_bias = 1;
    p[12].bias = &(sumi_logit_bias){ .id = 10 }, p[12].n_bias = 1;
    p[13].bias = &(sumi_logit_bias){ .id = 1, .bias = NAN }, p[13].n_bias = 1;
    for (int i = 0; i < 14; i++) {
        sumi_sampler *s = (sumi_sampler *)&p;
        sumi_error err;
        assert_int_equal(sumi_sampler_create(&s, 10, &p[i], &err), SUMI_EINVAL);
        assert_null(s);
        if (!strstr(err.message, names[i])) fail_msg("\"%s\" does not name %s", err.message, names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_best_token_and_the_lower_id_of_equals),
        cmocka_unit_test(the_log_probability_is_that_of_the_model_itself),
        cmocka_unit_test(without_the_log_probability_the_same_tokens_are_chosen),
        cmocka_unit_test(bias_and_penalties_change_only_their_tokens),
        cmocka_unit_test(hand_worked_truncations_keep_the_right_tokens),
        cmocka_unit_test(of_equal_logits_the_lower_ids_are_kept),
        cmocka_unit_test(distributions_equal_those_of_transformers),
        cmocka_unit_test(draws_follow_the_distribution),
        cmocka_unit_test(draws_from_a_large_vocabulary_reach_every_part_of_it),
        cmocka_unit_test(the_same_seed_gives_the_same_tokens_whatever_runs_beside_it),
        cmocka_unit_test(truncations_of_large_rows_equal_a_plain_sort),
        cmocka_unit_test(penalties_count_only_the_last_tokens),
        cmocka_unit_test(a_bias_of_minus_infinity_forbids_a_token),
        cmocka_unit_test(logits_that_are_not_finite_are_an_error_that_names_the_token),
        cmocka_unit_test(extreme_logits_and_temperatures_still_give_a_token),
        cmocka_unit_test(each_bad_parameter_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
