/* test_experts.c - the choice of experts, worked by hand; and a mixture of experts on every level of the instruction set:
 * against a plain computation in double, token by token against the whole batch, bit for bit, and with the weights
 * that it reads counted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/routing.h"
#include "base/os/cpu.h"
#include "quant/quant.h"
#include "test_support.h"

enum { N_EMBD = 64, N_FF = 96, N_EXPERTS = 7, N_USED = 3, MAX_TOKENS = 300 };

/* ---- The choice ---- */

static void expect_choice(const router *r, const float *logits, const int32_t *chosen, const float *weights)
{
    int32_t got[8];
    float got_weights[8], scratch[32];
    routing out = { .chosen = got, .weights = got_weights };
    routing_choose(&(route_args){ &out, r, logits }, 0, scratch);
    for (int32_t i = 0; i < r->n_used; i++) {
        if (got[i] != chosen[i] || !(fabsf(got_weights[i] - weights[i]) < 1e-6f))
            fail_msg("choice %d: expert %d by %g, not %d by %g", (int)i, (int)got[i], got_weights[i], (int)chosen[i],
                     weights[i]);
    }
}

/* Logarithms, so that scores are simple numbers: a softmax of 1 2 3 4 has tenths. */
static const float logits_of_tenths[4] = { 0, 0.6931471805599453f, 1.0986122886681098f, 1.3862943611198906f };

static void softmax_scores_are_weights_as_they_are_or_sum_to_one(void **state)
{
    (void)state;
    router r = { .kind = ROUTER_SOFTMAX, .n_experts = 4, .n_used = 2, .n_groups = 1, .n_used_groups = 1, .scale = 1 };
    expect_choice(&r, logits_of_tenths, (int32_t[]){ 3, 2 }, (float[]){ 0.4f, 0.3f });
    r.normalised = true;
    r.scale = 7;
    expect_choice(&r, logits_of_tenths, (int32_t[]){ 3, 2 }, (float[]){ 4, 3 });
    r.normalised = false;
    r.scale = 1;
    r.kind = ROUTER_SOFTMAX_CHOSEN;
    expect_choice(&r, logits_of_tenths, (int32_t[]){ 3, 2 }, (float[]){ 4 / 7.0f, 3 / 7.0f });
}

static void sigmoid_scores_with_a_bias_choose_by_the_sum_and_weigh_by_the_score(void **state)
{
    (void)state;
    const float logits[4] = { 0, logf(3), -logf(3), logf(9) }; /* scores 0.5 0.75 0.25 0.9 */
    const float bias[4] = { 0.3f, 0, 0.6f, -0.5f };            /* compared: 0.8 0.75 0.85 0.4 */
    router r = { .kind = ROUTER_SIGMOID,
                 .n_experts = 4,
                 .n_used = 2,
                 .n_groups = 1,
                 .n_used_groups = 1,
                 .scale = 1,
                 .choice_bias = bias };
    expect_choice(&r, logits, (int32_t[]){ 2, 0 }, (float[]){ 0.25f, 0.5f });
    r.normalised = true;
    expect_choice(&r, logits, (int32_t[]){ 2, 0 }, (float[]){ 1 / 3.0f, 2 / 3.0f });
}

static void only_the_best_groups_are_chosen_from(void **state)
{
    (void)state;
    /* Scores 0.5 0.5 | 0.9 0.1 | 0.7 0.6: by their best one the groups 1 and 2 lead. With 0.5 0.5 | 0.9 0.08 | 0.7 0.6 the
     * sums of two are largest in the groups 2 and 0. */
    const float logits[6] = { 0, 0, logf(9), -logf(9), logf(7 / 3.0f), logf(1.5f) };
    router r = { .kind = ROUTER_SIGMOID,
                 .n_experts = 6,
                 .n_used = 3,
                 .n_groups = 3,
                 .n_used_groups = 2,
                 .n_group_best = 1,
                 .scale = 1 };
    expect_choice(&r, logits, (int32_t[]){ 2, 4, 5 }, (float[]){ 0.9f, 0.7f, 0.6f });
    r.n_group_best = 2;
    const float lower[6] = { 0, 0, logf(9), -logf(12), logf(7 / 3.0f), logf(1.5f) };
    expect_choice(&r, lower, (int32_t[]){ 4, 5, 0 }, (float[]){ 0.7f, 0.6f, 0.5f });
}

static void of_equal_scores_the_first_wins_and_nan_still_gives_different_experts(void **state)
{
    (void)state;
    const float equal[4] = { 1, 1, 1, 1 };
    router r = { .kind = ROUTER_SOFTMAX, .n_experts = 4, .n_used = 3, .n_groups = 1, .n_used_groups = 1, .scale = 1 };
    expect_choice(&r, equal, (int32_t[]){ 0, 1, 2 }, (float[]){ 0.25f, 0.25f, 0.25f });
    float none[4] = { NAN, NAN, NAN, NAN }, scratch[8], weights[3];
    int32_t chosen[3];
    for (int i = 0; i < 2; i++, none[1] = 1) {
        routing out = { .chosen = chosen, .weights = weights };
        routing_choose(&(route_args){ &out, &r, none }, 0, scratch);
        for (int k = 0; k < 3; k++) {
            assert_in_range(chosen[k], 0, 3);
            for (int j = 0; j < k; j++) assert_int_not_equal(chosen[j], chosen[k]);
        }
    }
}

static void each_expert_has_a_group_whose_rows_are_its_tokens_in_order(void **state)
{
    (void)state;
    backend *be;
    routing *r;
    routing_limits limits = { .max_tokens = 40,
                              .n_experts = 9,
                              .n_used = 2,
                              .n_embd = 32,
                              .max_ff = 32,
                              .in_forms = ACT_F32,
                              .ff_forms = ACT_F32 };
    test_rng rng = test_rng_init(3);
    assert_int_equal(backend_cpu_create(&be, "ref", SUMI_ACTIVATIONS_AUTO, NULL), SUMI_OK);
    assert_int_equal(be->routing_create(be, &r, &limits, NULL), SUMI_OK);
    for (int round = 0; round < 200; round++) {
        r->n_tokens = test_rng_range(&rng, 1, 40);
        for (int32_t t = 0; t < r->n_tokens; t++) {
            r->chosen[2 * t] = test_rng_range(&rng, 0, 7);
            r->chosen[2 * t + 1] = r->chosen[2 * t] + 1;
        }
        routing_group(r);
        int32_t n_rows = 0, last_token[9], end = 0;
        for (int e = 0; e < 9; e++) last_token[e] = -1;
        for (int32_t g = 0; g < r->n_groups; g++) {
            const expert_group *group = &r->groups[g];
            int32_t lanes = act_lanes(group->n_rows);
            assert_true(group->first >= end && group->first % lanes == 0);
            assert_true(g == 0 || group->expert > r->groups[g - 1].expert);
            end = group->first + (int32_t)mem_round_up((size_t)group->n_rows, (size_t)lanes);
            n_rows += group->n_rows;
        }
        assert_int_equal(n_rows, 2 * r->n_tokens);
        assert_true(end <= r->n_rows);
        for (int32_t i = 0; i < 2 * r->n_tokens; i++) {
            const routed_pair *p = &r->pairs[i];
            const expert_group *group = &r->groups[p->group];
            assert_int_equal(p->token, i / 2);
            assert_int_equal(group->expert, r->chosen[i]);
            assert_in_range(p->row, 0, group->n_rows - 1);
            assert_true(p->token > last_token[group->expert]);
            last_token[group->expert] = p->token;
        }
    }
    be->routing_destroy(r);
    be->destroy(be);
}

/* ---- The experts ---- */

enum { GATE, UP, DOWN, N_MATRICES };

typedef struct fixture {
    backend *be;
    stream *threads[2]; /* of 3 threads, and of 1 */
    routing *routing;
    act *in;
    float *values[N_MATRICES]; /* what the weights decode to, [N_EXPERTS][N_FF * N_EMBD] */
    uint8_t *bytes[N_MATRICES];
    weight *w[N_MATRICES][N_EXPERTS];
    float bias[N_MATRICES][N_EXPERTS * N_FF];
    size_t expert_bytes; /* of the three matrices of one expert */
    float x[MAX_TOKENS * N_EMBD], logits[MAX_TOKENS * N_EXPERTS], y_gate[MAX_TOKENS];
    float y[3][MAX_TOKENS * N_EMBD];
} fixture;

static fixture *make(cpu_level level, sumi_activations activations, dtype type, uint64_t seed)
{
    fixture *f = calloc(1, sizeof *f);
    test_rng rng = test_rng_init(seed);
    const size_t n = N_FF * N_EMBD;
    assert_non_null(f);
    assert_int_equal(backend_cpu_create(&f->be, cpu_level_name(level), activations, NULL), SUMI_OK);
    for (int i = 0; i < 2; i++) assert_int_equal(f->be->stream_create(f->be, &f->threads[i], 3 - 2 * i, NULL), SUMI_OK);
    for (int m = 0; m < N_MATRICES; m++) {
        int32_t n_rows = m == DOWN ? N_EMBD : N_FF, n_cols = m == DOWN ? N_FF : N_EMBD;
        size_t n_bytes = (size_t)n_rows * dtype_row_bytes(type, n_cols);
        f->values[m] = malloc(N_EXPERTS * n * sizeof(float));
        f->bytes[m] = malloc(N_EXPERTS * n_bytes);
        for (size_t i = 0; i < N_EXPERTS * n; i++) f->values[m][i] = test_rng_normal(&rng) / 8;
        for (int i = 0; i < N_EXPERTS * N_FF; i++) f->bias[m][i] = test_rng_normal(&rng) / 4;
        for (size_t e = 0; e < N_EXPERTS; e++) {
            uint8_t *bytes = f->bytes[m] + e * n_bytes;
            quant_find(type)->encode(f->values[m] + e * n, bytes, (int64_t)n);
            quant_find(type)->decode(bytes, f->values[m] + e * n, (int64_t)n);
            assert_int_equal(f->be->weight_create(f->be, &f->w[m][e], type, bytes, n_rows, n_cols, NULL), SUMI_OK);
        }
        f->expert_bytes += f->be->weight_bytes(f->w[m][0]);
    }
    int32_t form = f->be->weight_input(f->w[UP][0]);
    routing_limits limits = { MAX_TOKENS, N_EXPERTS, N_USED, N_EMBD, N_FF, form, form };
    assert_int_equal(f->be->routing_create(f->be, &f->routing, &limits, NULL), SUMI_OK);
    assert_int_equal(f->be->act_create(f->be, &f->in, MAX_TOKENS, N_EMBD, ACT_F32 | ACT_INT8, NULL), SUMI_OK);
    for (int i = 0; i < MAX_TOKENS * N_EMBD; i++) f->x[i] = test_rng_normal(&rng);
    for (int i = 0; i < MAX_TOKENS * N_EXPERTS; i++) f->logits[i] = test_rng_normal(&rng);
    for (int i = 0; i < MAX_TOKENS; i++) f->y_gate[i] = test_rng_normal(&rng);
    return f;
}

static void destroy(fixture *f)
{
    for (int m = 0; m < N_MATRICES; m++) {
        for (int e = 0; e < N_EXPERTS; e++) f->be->weight_destroy(f->w[m][e]);
        free(f->values[m]);
        free(f->bytes[m]);
    }
    f->be->act_destroy(f->in);
    f->be->routing_destroy(f->routing);
    for (int i = 0; i < 2; i++) f->be->stream_destroy(f->threads[i]);
    f->be->destroy(f->be);
    free(f);
}

static const router plain_router = { .kind = ROUTER_SOFTMAX,
                                     .n_experts = N_EXPERTS,
                                     .n_used = N_USED,
                                     .n_groups = 1,
                                     .n_used_groups = 1,
                                     .normalised = true,
                                     .scale = 1.5f };

/* What the tests vary of a mixture. */
typedef struct variant {
    bool gated, biases, weigh_input, shared;
} variant;

/* Tokens first .. first + n - 1 into their rows of y. */
static void run(fixture *f, stream *s, variant v, int32_t first, int32_t n, float *y)
{
    static float ones[N_EMBD];
    for (int i = 0; i < N_EMBD; i++) ones[i] = 1;
    float *x = f->x + (size_t)first * N_EMBD;
    row_op normed = { .kind = ROW_NORM,
                      .norm = { .out = f->in,
                                .forms = ACT_F32 | ACT_INT8,
                                .x = x,
                                .norm = { NORM_RMS, ones, NULL },
                                .n_embd = N_EMBD,
                                .eps = 1e-6f } };
    row_op route = { .kind = ROW_ROUTE, .route = { f->routing, &plain_router, f->logits + (size_t)first * N_EXPERTS } };
    experts_args args = { .gate = v.gated ? f->w[GATE] : NULL,
                          .up = f->w[UP],
                          .down = f->w[DOWN],
                          .b_gate = v.biases ? f->bias[GATE] : NULL,
                          .b_up = v.biases ? f->bias[UP] : NULL,
                          .b_down = v.biases ? f->bias[DOWN] : NULL,
                          .n_embd = N_EMBD,
                          .n_ff = N_FF,
                          .ff_forms = f->be->weight_input(f->w[DOWN][0]),
                          .kind = GLU_SILU,
                          .weigh_input = v.weigh_input,
                          .y = y + (size_t)first * N_EMBD,
                          .add = v.shared,
                          .y_gate = v.shared ? f->y_gate + first : NULL };
    for (int32_t i = 0; i < n * N_EMBD; i++) args.y[i] = x[i];
    f->be->rows(s, &normed, n);
    f->be->rows(s, &route, n);
    f->be->experts(s, f->routing, f->in, &args, NULL);
}

static double dot(const float *w, const double *x, int32_t n)
{
    double sum = 0;
    for (int32_t i = 0; i < n; i++) sum += (double)w[i] * x[i];
    return sum;
}

static double silu(double x)
{
    return x / (1 + exp(-x));
}

/* y += share * expert(x), as its formula has it. */
static void add_expert(const fixture *f, variant v, int32_t e, double share, const double *x, double *y)
{
    double ff[N_FF], in[N_EMBD];
    const float *values[N_MATRICES], *bias[N_MATRICES];
    for (int m = 0; m < N_MATRICES; m++) {
        values[m] = f->values[m] + (size_t)e * N_FF * N_EMBD;
        bias[m] = f->bias[m] + (size_t)e * (m == DOWN ? N_EMBD : N_FF);
    }
    for (int i = 0; i < N_EMBD; i++) in[i] = v.weigh_input ? share * x[i] : x[i];
    for (size_t i = 0; i < N_FF; i++) {
        double up = dot(values[UP] + i * N_EMBD, in, N_EMBD) + (v.biases ? bias[UP][i] : 0);
        double gate = dot(values[GATE] + i * N_EMBD, in, N_EMBD) + (v.biases ? bias[GATE][i] : 0);
        ff[i] = v.gated ? silu(gate) * up : silu(up);
    }
    for (size_t i = 0; i < N_EMBD; i++)
        y[i] += (v.weigh_input ? 1 : share) * (dot(values[DOWN] + i * N_FF, ff, N_FF) + (v.biases ? bias[DOWN][i] : 0));
}

static void expect_formula(const fixture *f, variant v, const float *got, int32_t t)
{
    const float *x = f->x + (size_t)t * N_EMBD, *logits = f->logits + (size_t)t * N_EXPERTS;
    double in[N_EMBD], y[N_EMBD], squares = 0, p[N_EXPERTS], sum = 0;
    for (int i = 0; i < N_EMBD; i++) squares += (double)x[i] * x[i];
    for (int i = 0; i < N_EMBD; i++) {
        in[i] = x[i] / sqrt(squares / N_EMBD + 1e-6);
        y[i] = v.shared ? x[i] / (1 + exp(-(double)f->y_gate[t])) : 0;
    }
    for (int e = 0; e < N_EXPERTS; e++) p[e] = exp(logits[e]);
    for (int e = 0; e < N_EXPERTS; e++) { /* in the first N_USED by size? */
        int larger = 0;
        for (int o = 0; o < N_EXPERTS; o++) larger += logits[o] > logits[e];
        p[e] = larger < N_USED ? p[e] : 0;
        sum += p[e];
    }
    for (int e = 0; e < N_EXPERTS; e++)
        if (p[e] > 0) add_expert(f, v, e, plain_router.scale * p[e] / sum, in, y);
    for (int i = 0; i < N_EMBD; i++)
        if (!(fabs(got[i] - y[i]) <= 2e-5 * (1 + fabs(y[i])))) fail_msg("token %d: %g, not %g", t, got[i], y[i]);
}

static void experts_compute_their_formula(void **state)
{
    static const variant variants[] = { { .gated = true },
                                        { .gated = true, .biases = true },
                                        { .gated = true, .weigh_input = true },
                                        { .gated = true, .shared = true },
                                        { .biases = true, .shared = true } };
    (void)state;
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++) {
        if (!cpu_has_level((cpu_level)level)) continue;
        fixture *f = make((cpu_level)level, SUMI_ACTIVATIONS_F32, DTYPE_F32, 1);
        for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
            run(f, f->threads[0], variants[i], 0, 40, f->y[0]);
            for (int32_t t = 0; t < 40; t++) expect_formula(f, variants[i], f->y[0] + (size_t)t * N_EMBD, t);
        }
        destroy(f);
    }
}

/* Experts that any of n tokens chooses, by a choice of its own. */
static int32_t n_used_experts(const fixture *f, int32_t n)
{
    bool used[N_EXPERTS] = { false };
    int32_t n_used = 0;
    for (int32_t t = 0; t < n; t++)
        for (int e = 0; e < N_EXPERTS; e++) {
            int larger = 0;
            for (int o = 0; o < N_EXPERTS; o++) larger += f->logits[t * N_EXPERTS + o] > f->logits[t * N_EXPERTS + e];
            used[e] |= larger < N_USED;
        }
    for (int e = 0; e < N_EXPERTS; e++) n_used += used[e];
    return n_used;
}

static void check_batch(fixture *f, const char *name, int32_t n)
{
    variant v = { .gated = true, .biases = true, .shared = true };
    stream *s = f->threads[0];
    uint64_t before = f->be->expert_bytes(s);
    run(f, s, v, 0, n, f->y[0]);
    uint64_t read = f->be->expert_bytes(s) - before, expected = (uint64_t)n_used_experts(f, n) * f->expert_bytes;
    if (read != expected)
        fail_msg("%s, %d tokens: %llu bytes of experts are read, not %llu", name, n, (unsigned long long)read,
                 (unsigned long long)expected);
    for (int32_t t = 0; t < n; t++) run(f, f->threads[1], v, t, 1, f->y[1]);
    for (int32_t t = 0, chunk; t < n; t += chunk) {
        chunk = n - t < 5 ? n - t : 5;
        run(f, f->threads[t % 2], v, t, chunk, f->y[2]);
    }
    for (int other = 1; other < 3; other++)
        if (memcmp(f->y[0], f->y[other], (size_t)n * N_EMBD * sizeof(float)) != 0)
            fail_msg("%s, %d tokens: alone or in fives they are others", name, n);
}

static void a_batch_reads_each_used_expert_once_and_has_the_bits_of_single_tokens(void **state)
{
    static const dtype types[] = { DTYPE_Q4_0, DTYPE_Q8_0, DTYPE_MXFP4, DTYPE_F16, DTYPE_F32 };
    static const int32_t sizes[] = { 2, 32, MAX_TOKENS };
    (void)state;
    for (int level = CPU_REF; level <= (int)cpu_best_level(); level++)
        for (size_t i = 0; i < sizeof types / sizeof *types && cpu_has_level((cpu_level)level); i++)
            for (int form = SUMI_ACTIVATIONS_AUTO; form <= SUMI_ACTIVATIONS_F32; form++) {
                fixture *f = make((cpu_level)level, (sumi_activations)form, types[i], 2 + i);
                for (size_t k = 0; k < 3; k++) check_batch(f, dtype_find(types[i])->name, sizes[k]);
                destroy(f);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_scores_are_weights_as_they_are_or_sum_to_one),
        cmocka_unit_test(sigmoid_scores_with_a_bias_choose_by_the_sum_and_weigh_by_the_score),
        cmocka_unit_test(only_the_best_groups_are_chosen_from),
        cmocka_unit_test(of_equal_scores_the_first_wins_and_nan_still_gives_different_experts),
        cmocka_unit_test(each_expert_has_a_group_whose_rows_are_its_tokens_in_order),
        cmocka_unit_test(experts_compute_their_formula),
        cmocka_unit_test(a_batch_reads_each_used_expert_once_and_has_the_bits_of_single_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
