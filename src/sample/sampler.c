/* sampler.c - the pipeline from logits to a token. See sampler.h for the order of its steps.
 *
 * A row of 262,144 logits is one megabyte, so the passes over it take most of the time: one to check it and find the maximum
 * of each block, and one for the sum of its exponentials if the log-probability of the choice or a rule needs the sum.
 * Everything else reads few blocks. Bias and penalties replace single logits, and a mask excludes tokens (row.h).
 *
 * All memory is reserved when the sampler is created. Memory for candidates and seen tokens is allocated by the system
 * only as it is touched: about 10 KiB for a sampler with the default settings. Threads: one at a time for one sampler. */
#include "sample/sampler.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/rng.h"
#include "sample/penalties.h"
#include "sample/row.h"
#include "sample/top.h"

enum {
    SMALL_VOCAB = 4096, /* up to this size, all tokens may be candidates */
    MAX_PENALTY_LAST_N = 1 << 24
};
#define GREEDY_BELOW 1e-5f /* vLLM's bound: a lower temperature is greedy */

struct sumi_sampler {
    sumi_sampling params; /* bias points to the copy below */
    int32_t n_vocab;
    const row_kernels *kernels;
    sumi_logit_bias *bias; /* [params.n_bias], rising ids */
    penalties seen;        /* seen.seen NULL when no penalty is set */
    row_patch *patches;    /* [max_patches], mapped; NULL without bias and penalties */
    int32_t max_patches;
    sumi_choice *heap; /* [top_k] when uses_heap() */
    candidates cand;
    float *maxima;     /* [n_blocks] of the row */
    double *sums;      /* [n_blocks] masses of the blocks */
    float raw_max;     /* of the last row: its maximum and log(sum(exp)), before any setting */
    double raw_sum;    /* 0: not known */
    uint64_t n_chosen; /* counter of the random numbers */
};

sumi_sampling sumi_sampling_default(void)
{
    return (sumi_sampling){ .temperature = 0.8f,
                            .top_k = 40,
                            .top_p = 0.95f,
                            .min_p = 0.05f,
                            .typical_p = 1.0f,
                            .repeat_penalty = 1.0f,
                            .penalty_last_n = 64 };
}

static sumi_status check_range(const char *name, float value, float low, float high, sumi_error *err)
{
    if (value >= low && value <= high) return SUMI_OK; /* false for NaN */
    return sumi_fail(err, SUMI_EINVAL, "sampling: %s is %g; it must be between %g and %g", name, (double)value,
                     (double)low, (double)high);
}

static sumi_status check_bias(const sumi_sampling *p, int32_t n_vocab, sumi_error *err)
{
    if (p->n_bias < 0 || (p->n_bias > 0 && !p->bias))
        return sumi_fail(err, SUMI_EINVAL, "sampling: n_bias is %d", (int)p->n_bias);
    for (int32_t i = 0; i < p->n_bias; i++) {
        if (p->bias[i].id < 0 || p->bias[i].id >= n_vocab)
            return sumi_fail(err, SUMI_EINVAL, "sampling: bias for token %d, but the vocabulary has %d",
                             (int)p->bias[i].id, (int)n_vocab);
        if (!(p->bias[i].bias <= FLT_MAX)) /* -inf forbids a token, which is fine */
            return sumi_fail(err, SUMI_EINVAL, "sampling: bias of token %d is %g; it must be a number below infinity",
                             (int)p->bias[i].id, (double)p->bias[i].bias);
    }
    return SUMI_OK;
}

static sumi_status check_params(const sumi_sampling *p, int32_t n_vocab, sumi_error *err)
{
    const struct {
        const char *name;
        float value, low, high;
    } ranges[] = {
        { "temperature", p->temperature, 0, 100 },
        { "top_p", p->top_p, 0, 1 },
        { "min_p", p->min_p, 0, 1 },
        { "typical_p", p->typical_p, FLT_MIN, 1 },
        { "repeat_penalty", p->repeat_penalty, 0.001f, 1000 },
        { "frequency_penalty", p->frequency_penalty, -1000, 1000 },
        { "presence_penalty", p->presence_penalty, -1000, 1000 },
    };
    if (n_vocab < 1) return sumi_fail(err, SUMI_EINVAL, "sampling: a vocabulary of %d tokens", (int)n_vocab);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        sumi_status st = check_range(ranges[i].name, ranges[i].value, ranges[i].low, ranges[i].high, err);
        if (st != SUMI_OK) return st;
    }
    if (p->top_k < 0) return sumi_fail(err, SUMI_EINVAL, "sampling: top_k is %d; 0 keeps all", (int)p->top_k);
    if (p->penalty_last_n < -1 || p->penalty_last_n > MAX_PENALTY_LAST_N)
        return sumi_fail(err, SUMI_EINVAL, "sampling: penalty_last_n is %d; it must be between -1 (all) and %d",
                         (int)p->penalty_last_n, MAX_PENALTY_LAST_N);
    return check_bias(p, n_vocab, err);
}

/* A heap is fast where it starts with a bound, see top.h. Otherwise candidates are collected until there are top_k. */
static bool uses_heap(const sumi_sampler *s)
{
    return s->params.top_k > 0 && s->params.top_k <= row_n_blocks(s->n_vocab);
}

/* Without a truncation, in a large vocabulary, no candidates are collected: see draw_from_all(). */
static bool draws_from_all(const sumi_sampler *s)
{
    const sumi_sampling *p = &s->params;
    bool truncated = (p->top_k > 0 && p->top_k < s->n_vocab) || p->top_p < 1 || p->min_p > 0 || p->typical_p < 1;
    return !truncated && p->temperature >= GREEDY_BELOW && s->n_vocab > SMALL_VOCAB;
}

static bool has_penalties(const sumi_sampling *p)
{
    return p->penalty_last_n != 0 && (p->repeat_penalty != 1 || p->frequency_penalty != 0 || p->presence_penalty != 0);
}

static int compare_bias(const void *a, const void *b)
{
    const sumi_logit_bias *x = a, *y = b;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : (x->bias > y->bias) - (x->bias < y->bias);
}

/* Allocates bias and penalties, and memory for the logits that they replace. */
static bool create_patches(sumi_sampler *s, const sumi_sampling *params)
{
    int32_t n_bias = params->n_bias;
    if (n_bias > 0) {
        if (!(s->bias = calloc((size_t)n_bias, sizeof *s->bias))) return false;
        memcpy(s->bias, params->bias, (size_t)n_bias * sizeof *s->bias);
        qsort(s->bias, (size_t)n_bias, sizeof *s->bias, compare_bias);
    }
    s->params.bias = s->bias;
    if (has_penalties(params) && penalties_init(&s->seen, s->n_vocab, params->penalty_last_n) != SUMI_OK) return false;
    if (!s->bias && !s->seen.seen) return true;
    s->max_patches = n_bias < s->n_vocab - s->seen.max_seen ? n_bias + s->seen.max_seen : s->n_vocab;
    return (s->patches = mem_map((size_t)s->max_patches * sizeof *s->patches)) != NULL;
}

static bool create_memory(sumi_sampler *s)
{
    size_t n_blocks = (size_t)row_n_blocks(s->n_vocab);
    int32_t n_cand = uses_heap(s) ? s->params.top_k : draws_from_all(s) ? ROW_BLOCK : s->n_vocab;
    if (s->params.temperature < GREEDY_BELOW) n_cand = 1;
    s->maxima = calloc(n_blocks, sizeof *s->maxima);
    s->sums = calloc(n_blocks, sizeof *s->sums);
    if (uses_heap(s) && !(s->heap = calloc((size_t)s->params.top_k, sizeof *s->heap))) return false;
    return s->maxima && s->sums && candidates_init(&s->cand, n_cand) == SUMI_OK;
}

sumi_status sumi_sampler_create(sumi_sampler **out, int32_t n_vocab, const sumi_sampling *params, sumi_error *err)
{
    *out = NULL;
    sumi_status st = check_params(params, n_vocab, err);
    if (st != SUMI_OK) return st;
    sumi_sampler *s = calloc(1, sizeof *s);
    if (s) {
        s->params = *params;
        s->n_vocab = n_vocab;
        s->kernels = row_kernels_best();
    }
    if (!s || !create_patches(s, params) || !create_memory(s)) {
        sumi_sampler_destroy(s);
        return sumi_fail(err, SUMI_ENOMEM, "sampler: out of memory for a vocabulary of %d", (int)n_vocab);
    }
    *out = s;
    return SUMI_OK;
}

void sumi_sampler_destroy(sumi_sampler *s)
{
    if (!s) return;
    candidates_deinit(&s->cand);
    penalties_deinit(&s->seen);
    mem_unmap(s->patches, (size_t)s->max_patches * sizeof *s->patches);
    free(s->sums);
    free(s->maxima);
    free(s->heap);
    free(s->bias);
    free(s);
}

void sumi_sampler_accept(sumi_sampler *s, const int32_t *ids, int32_t n_ids)
{
    if (s->seen.seen) penalties_accept(&s->seen, ids, n_ids);
}

/* Reports which logit is wrong. Called only if one is. */
static sumi_status bad_logits(const float *logits, int32_t n, sumi_error *err)
{
    for (int32_t i = 0; i < n; i++)
        if (isnan(logits[i]) || logits[i] == INFINITY)
            return sumi_fail(err, SUMI_ENUMERIC,
                             "logits: %s for token %d: the model file is damaged, or its numbers overflow",
                             isnan(logits[i]) ? "not a number" : "infinity", (int)i);
    return sumi_fail(err, SUMI_ENUMERIC, "logits: minus infinity for every token");
}

/* Bias and penalties: merges two lists in the order of ids into one list of replaced logits. */
static void patch(sumi_sampler *s, row *r)
{
    int32_t i = 0, j = 0, n = 0;
    while (i < s->params.n_bias || j < s->seen.n_seen) {
        bool biased = i < s->params.n_bias && (j == s->seen.n_seen || s->bias[i].id <= s->seen.seen[j].id);
        int32_t id = biased ? s->bias[i].id : s->seen.seen[j].id;
        float x = r->x[id];
        for (; i < s->params.n_bias && s->bias[i].id == id; i++) x = fminf(x + s->bias[i].bias, FLT_MAX);
        if (j < s->seen.n_seen && s->seen.seen[j].id == id) x = penalised(x, s->seen.seen[j++].count, &s->params);
        s->patches[n++] = (row_patch){ id, x };
    }
    r->patches = s->patches;
    r->n_patches = n;
    row_patch_maxima(r);
}

static void shape_greedy(sumi_sampler *s, const row *r, float max)
{
    s->cand.n = 1;
    s->cand.ids[0] = row_find(r, max);
    s->cand.x[0] = 0;
    s->cand.w[0] = 1;
}

/* The mass of the whole row from which the token is drawn. */
static double total_mass(sumi_sampler *s, const row *r, float max, float scale)
{
    return row_exp_sum(r, max, scale, s->sums, s->raw_sum > 0 && scale == 1 && max == s->raw_max);
}

/* Lower bound on logits that can survive min-p and top-p, or have a weight above 0. Conservative by a margin for rounding,
 * so no survivor is lost. Z is the sum of all weights.
 *   min-p: w >= p.       top-p: all tokens with w < (1 - p) Z / n_vocab weigh less than (1 - p) Z together, so the
 *   nucleus is among the others. */
static float lowest_logit(const sumi_sampler *s, float max, double Z)
{
    const sumi_sampling *p = &s->params;
    double low = -87; /* exp() is 0 below, see row.h */
    if (p->top_k == 0 && p->typical_p >= 1) {
        if (p->min_p > 0) low = fmax(low, log(p->min_p));
        if (p->top_p < 1) low = fmax(low, log((1 - (double)p->top_p) * Z / s->n_vocab));
    }
    double bound = max + (low - 0.01) * p->temperature;
    bound -= 1e-6 * (fabs((double)max) + fabs(bound));
    return bound < -FLT_MAX ? -FLT_MAX : (float)bound;
}

static void collect(sumi_sampler *s, const row *r, float bound, int32_t last_tie, float max)
{
    candidates *c = &s->cand;
    candidates_collect(c, r, bound, last_tie);
    s->kernels->exp(c->x, c->w, c->x, c->n, max, 1 / s->params.temperature);
}

/* Collects at least the k best: logits that reach the smallest maximum of a block; if these are fewer than k, logits above
 * a somewhat lower bound; if these are fewer than k, all. */
static void collect_best(sumi_sampler *s, const row *r, int32_t k, float max)
{
    float low = max;
    for (int32_t b = 0; b < row_n_blocks(r->n); b++)
        if (r->maxima[b] < low && r->maxima[b] > -INFINITY) low = r->maxima[b];
    double depth = (double)max - (double)low;
    for (int round = 0; round < 4; round++, depth *= 1.5) {
        if (depth == 0 || max - depth < -FLT_MAX) break;
        collect(s, r, (float)(max - depth), INT32_MAX, max);
        if (s->cand.n >= k) return;
    }
    collect(s, r, -FLT_MAX, INT32_MAX, max);
}

/* Collects at least the nucleus: most of its mass is near the maximum, so the bound is lowered by e^3 until the mass is
 * enough, or down to low, below which no logit matters: 30 steps are e^-90. */
static void collect_nucleus(sumi_sampler *s, const row *r, float low, float max, double mass)
{
    const double step = 3 * (double)s->params.temperature, enough = mass * (1 + 1e-9);
    for (int round = 1; round <= 30 && max - round * step > low; round++) {
        collect(s, r, (float)(max - round * step), INT32_MAX, max);
        if (candidates_mass(&s->cand) >= enough) return;
    }
    collect(s, r, low, INT32_MAX, max);
}

/* Collects the candidates, weighs them and cuts the list. */
static void shape_draw(sumi_sampler *s, const row *r, float max)
{
    const sumi_sampling *p = &s->params;
    candidates *c = &s->cand;
    bool needs_mass = p->top_k == 0 && p->top_p < 1 && p->typical_p >= 1;
    double Z = needs_mass ? total_mass(s, r, max, 1 / p->temperature) : 0;
    if (uses_heap(s)) {
        int32_t n = top_heap(r, 0, p->top_k, s->heap, 0); /* > 0: the maximum is finite */
        bool full = n == p->top_k;
        collect(s, r, full ? s->heap[0].logprob : -FLT_MAX, full ? s->heap[0].id : INT32_MAX, max);
    } else if (p->top_k > 0) {
        collect_best(s, r, p->top_k, max);
    } else if (needs_mass) {
        collect_nucleus(s, r, lowest_logit(s, max, Z), max, p->top_p * Z);
    } else {
        collect(s, r, lowest_logit(s, max, Z), INT32_MAX, max);
    }
    if (p->top_k > 0) truncate_top_k(c, p->top_k);
    if (p->typical_p < 1) truncate_typical(c, p->typical_p);
    if (p->top_p < 1) truncate_top_p(c, p->top_p, needs_mass ? Z : candidates_mass(c));
    if (p->min_p > 0) truncate_min_p(c, p->min_p);
}

/* Checks the row, measures it, and applies mask, bias and penalties: *r is the row to choose from, *max its maximum. */
static sumi_status read_row(sumi_sampler *s, const float *logits, const uint64_t *allowed, row *r, float *max,
                            sumi_error *err)
{
    const row plain = { .k = s->kernels, .x = logits, .n = s->n_vocab, .maxima = s->maxima };
    *r = plain;
    r->allowed = allowed;
    bool has_nan = row_measure(r, &s->raw_max);
    if (has_nan || !isfinite(s->raw_max)) return bad_logits(logits, s->n_vocab, err);
    s->raw_sum = s->params.skip_logprob ? 0 : row_exp_sum(&plain, s->raw_max, 1.0f, s->sums, false);
    *max = row_max(r);
    if (!isfinite(*max)) return sumi_fail(err, SUMI_ENUMERIC, "logits: minus infinity for every token that is allowed");
    if (!s->patches) return SUMI_OK;
    patch(s, r);
    *max = row_max(r);
    if (isfinite(*max)) return SUMI_OK;
    return sumi_fail(err, SUMI_ENUMERIC, "logits: the bias leaves no token to choose");
}

static const candidates *shape(sumi_sampler *s, const row *r, float max)
{
    if (s->params.temperature < GREEDY_BELOW) shape_greedy(s, r, max);
    else shape_draw(s, r, max);
    return &s->cand;
}

void sampler_set_level(sumi_sampler *s, cpu_level level)
{
    s->kernels = row_kernels_for(level);
}

sumi_status sampler_shape(sumi_sampler *s, const float *logits, const uint64_t *allowed, const candidates **out,
                          sumi_error *err)
{
    row r;
    float max;
    assert(!draws_from_all(s));
    sumi_status st = read_row(s, logits, allowed, &r, &max, err);
    if (st == SUMI_OK) *out = shape(s, &r, max);
    return st;
}

/* The candidate whose interval of [0, mass) contains target. */
static int32_t draw(const candidates *c, double target)
{
    double sum = 0;
    int32_t last = c->ids[0];
    for (int32_t i = 0; i < c->n; i++) {
        if (c->w[i] <= 0) continue;
        last = c->ids[i];
        sum += c->w[i];
        if (sum > target) break;
    }
    return last;
}

/* A draw from the whole row: the mass of each block first, then only the weights of the block that target falls into. */
static int32_t draw_from_all(sumi_sampler *s, const row *r, float max, double u)
{
    float scale = 1 / s->params.temperature, copy[ROW_BLOCK];
    int32_t n_blocks = row_n_blocks(r->n), best = 0, b = 0;
    double total = total_mass(s, r, max, scale), before = 0;
    while (b < n_blocks && before + s->sums[b] <= u * total) before += s->sums[b++];
    if (b == n_blocks) { /* u * total was rounded up to total: any block with mass will do */
        for (b = 0; b < n_blocks; b++)
            if (s->sums[b] > s->sums[best]) best = b;
        b = best;
    }
    candidates *c = &s->cand;
    const float *x = row_block(r, b, &c->n, copy);
    for (int32_t i = 0; i < c->n; i++) c->ids[i] = b * ROW_BLOCK + i;
    s->kernels->exp(c->x, c->w, x, c->n, max, scale);
    return draw(c, u * total - before);
}

static int32_t choose(sumi_sampler *s, const row *r, float max)
{
    double u = rng_uniform(s->params.seed, 0, s->n_chosen);
    if (draws_from_all(s)) return draw_from_all(s, r, max, u);
    const candidates *c = shape(s, r, max);
    return draw(c, u * candidates_mass(c));
}

sumi_status sampler_next(sumi_sampler *s, const float *logits, const uint64_t *allowed, sumi_choice *choice,
                         sumi_error *err)
{
    row r;
    float max;
    sumi_status st = read_row(s, logits, allowed, &r, &max, err);
    if (st != SUMI_OK) return st;
    int32_t id = choose(s, &r, max);
    s->n_chosen++;
    *choice = (sumi_choice){ .id = id, .logprob = NAN };
    if (s->raw_sum > 0) choice->logprob = (float)((double)logits[id] - s->raw_max - log(s->raw_sum));
    sumi_sampler_accept(s, &id, 1);
    return SUMI_OK;
}

sumi_status sumi_sampler_next(sumi_sampler *s, const float *logits, sumi_choice *choice, sumi_error *err)
{
    return sampler_next(s, logits, NULL, choice, err);
}
