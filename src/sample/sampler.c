/* sampler.c - the pipeline from logits to a token. See sampler.h for the order of its steps.
 *
 * A row of 262,144 logits is one megabyte, so the passes over it are what counts: one to check it and find the
 * maximum, one for the sum of its exponentials (the log-probability of the choice needs it), one or two to collect
 * the candidates, after which everything works on those few. Bias and penalties need a copy of the row; nothing else
 * does. All memory is allocated when the sampler is created. Threads: one sampler, one thread at a time. */
#include "sample/sampler.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/rng.h"
#include "sample/penalties.h"
#include "sample/row.h"
#include "sample/top.h"

enum {
    HEAP_MAX = 8192,    /* a larger top_k is cut by truncate_top_k(), whose cost does not grow with k */
    DRAW_BLOCK = 4096,  /* logits whose weights are added up together in a draw from the whole vocabulary */
    MAX_PENALTY_LAST_N = 1 << 24
};
#define GREEDY_BELOW 1e-5f /* vLLM's bound: a lower temperature leaves nothing to draw */

struct sumi_sampler {
    sumi_sampling params;  /* bias points to the copy below */
    int32_t n_vocab;
    sumi_logit_bias *bias; /* [params.n_bias] */
    float *adjusted;       /* [n_vocab] logits after bias and penalties; NULL when there are none */
    penalties seen;        /* counts NULL when no penalty is set */
    sumi_choice *heap;     /* [top_k] when top_k is small */
    candidates cand;
    float raw_max;         /* of the last row: its maximum and log(sum(exp)), before any setting */
    double raw_sum;
    double *blocks;        /* mass of each DRAW_BLOCK logits; NULL unless the whole vocabulary is drawn from */
    uint64_t n_chosen;     /* counter of the random numbers */
};

sumi_sampling sumi_sampling_default(void)
{
    return (sumi_sampling){ .temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f, .typical_p = 1.0f,
                            .repeat_penalty = 1.0f, .penalty_last_n = 64 };
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
    const struct { const char *name; float value, low, high; } ranges[] = {
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

static bool uses_heap(const sumi_sampler *s)
{
    return s->params.top_k > 0 && s->params.top_k <= HEAP_MAX && s->params.top_k < s->n_vocab;
}

/* Without a truncation, and if it is worth it, nothing is collected: see draw_from_all(). */
static bool draws_from_all(const sumi_sampler *s)
{
    const sumi_sampling *p = &s->params;
    bool truncated = (p->top_k > 0 && p->top_k < s->n_vocab) || p->top_p < 1 || p->min_p > 0 || p->typical_p < 1;
    return !truncated && p->temperature >= GREEDY_BELOW && s->n_vocab > DRAW_BLOCK;
}

static bool has_penalties(const sumi_sampling *p)
{
    return p->penalty_last_n != 0 &&
           (p->repeat_penalty != 1 || p->frequency_penalty != 0 || p->presence_penalty != 0);
}

sumi_status sumi_sampler_create(sumi_sampler **out, int32_t n_vocab, const sumi_sampling *params, sumi_error *err)
{
    *out = NULL;
    sumi_status st = check_params(params, n_vocab, err);
    if (st != SUMI_OK) return st;
    sumi_sampler *s = calloc(1, sizeof *s);
    if (!s) goto no_memory;
    s->params = *params;
    s->n_vocab = n_vocab;
    if (params->n_bias > 0) {
        if (!(s->bias = calloc((size_t)params->n_bias, sizeof *s->bias))) goto no_memory;
        memcpy(s->bias, params->bias, (size_t)params->n_bias * sizeof *s->bias);
    }
    s->params.bias = s->bias;
    if (has_penalties(params) && penalties_init(&s->seen, n_vocab, params->penalty_last_n) != SUMI_OK)
        goto no_memory;
    if ((s->bias || s->seen.counts) && !(s->adjusted = calloc((size_t)n_vocab, sizeof *s->adjusted)))
        goto no_memory;
    int32_t n_cand = n_vocab, n_blocks = n_vocab / DRAW_BLOCK + 1;
    if (uses_heap(s)) n_cand = params->top_k;
    if (draws_from_all(s)) n_cand = DRAW_BLOCK;
    if (params->temperature < GREEDY_BELOW) n_cand = 1;
    if (draws_from_all(s) && !(s->blocks = calloc((size_t)n_blocks, sizeof *s->blocks))) goto no_memory;
    if (uses_heap(s) && !(s->heap = calloc((size_t)params->top_k, sizeof *s->heap))) goto no_memory;
    if (candidates_init(&s->cand, n_cand) != SUMI_OK) goto no_memory;
    *out = s;
    return SUMI_OK;
no_memory:
    sumi_sampler_destroy(s);
    return sumi_fail(err, SUMI_ENOMEM, "sampler: out of memory for a vocabulary of %d", (int)n_vocab);
}

void sumi_sampler_destroy(sumi_sampler *s)
{
    if (!s) return;
    candidates_deinit(&s->cand);
    penalties_deinit(&s->seen);
    free(s->blocks);
    free(s->heap);
    free(s->adjusted);
    free(s->bias);
    free(s);
}

void sumi_sampler_accept(sumi_sampler *s, const int32_t *ids, int32_t n_ids)
{
    if (s->seen.counts) penalties_accept(&s->seen, ids, n_ids);
}

/* Says which logit is wrong. Called only when one is. */
static sumi_status bad_logits(const float *logits, int32_t n, sumi_error *err)
{
    for (int32_t i = 0; i < n; i++)
        if (isnan(logits[i]) || logits[i] == INFINITY)
            return sumi_fail(err, SUMI_ENUMERIC,
                             "logits: %s for token %d: the model file is damaged, or its numbers overflow",
                             isnan(logits[i]) ? "not a number" : "infinity", (int)i);
    return sumi_fail(err, SUMI_ENUMERIC, "logits: minus infinity for every token");
}

/* Bias and penalties, on a copy. */
static const float *adjust(sumi_sampler *s, const float *logits)
{
    memcpy(s->adjusted, logits, (size_t)s->n_vocab * sizeof *logits);
    for (int32_t i = 0; i < s->params.n_bias; i++) {
        float *x = &s->adjusted[s->bias[i].id];
        *x += s->bias[i].bias;
        if (*x > FLT_MAX) *x = FLT_MAX;
    }
    if (s->seen.counts) penalties_apply(&s->seen, &s->params, s->adjusted);
    return s->adjusted;
}

static void shape_greedy(sumi_sampler *s, const float *x, float max)
{
    int32_t best = 0;
    while (x[best] != max) best++; /* the scan found max in x, so this ends */
    s->cand.n = 1;
    s->cand.ids[0] = best;
    s->cand.x[0] = 0;
    s->cand.w[0] = 1;
}

/* A logit below this cannot survive the rules to come, or has weight 0: exact, since it is only used where that is
 * certain, with a margin for rounding. Z is the sum of all weights.
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

/* Collects the candidates, weighs them and cuts the list. */
static void shape_draw(sumi_sampler *s, const float *x, float max)
{
    const sumi_sampling *p = &s->params;
    candidates *c = &s->cand;
    float scale = 1 / p->temperature;
    double Z = 0;
    if (uses_heap(s)) {
        int32_t n = top_heap(x, s->n_vocab, p->top_k, s->heap); /* > 0: the scan found a finite maximum */
        if (n < p->top_k)
            candidates_collect(c, x, s->n_vocab, -FLT_MAX, INT32_MAX);
        else
            candidates_collect(c, x, s->n_vocab, s->heap[0].logprob, s->heap[0].id);
    } else {
        bool known = x != s->adjusted && scale == 1;
        Z = known ? s->raw_sum : row_exp_sum(x, s->n_vocab, max, scale);
        candidates_collect(c, x, s->n_vocab, lowest_logit(s, max, Z), INT32_MAX);
    }
    row_exp(c->x, c->w, c->x, c->n, max, scale);
    if (p->top_k > 0) truncate_top_k(c, p->top_k);
    if (p->typical_p < 1) truncate_typical(c, p->typical_p);
    if (p->top_p < 1) truncate_top_p(c, p->top_p, p->top_k > 0 || p->typical_p < 1 ? candidates_mass(c) : Z);
    if (p->min_p > 0) truncate_min_p(c, p->min_p);
}

/* Checks the row, measures it, and applies bias and penalties: *x is the row to choose from, *max its maximum. */
static sumi_status read_row(sumi_sampler *s, const float *logits, const float **x, float *max, sumi_error *err)
{
    row_scan scan = row_scan_values(logits, s->n_vocab);
    if (scan.has_nan || !isfinite(scan.max)) return bad_logits(logits, s->n_vocab, err);
    s->raw_max = scan.max;
    s->raw_sum = row_exp_sum(logits, s->n_vocab, scan.max, 1.0f);
    *x = logits;
    if (s->adjusted) {
        *x = adjust(s, logits);
        scan = row_scan_values(*x, s->n_vocab);
        if (!isfinite(scan.max))
            return sumi_fail(err, SUMI_ENUMERIC, "logits: the bias leaves no token to choose");
    }
    *max = scan.max;
    return SUMI_OK;
}

static const candidates *shape(sumi_sampler *s, const float *x, float max)
{
    if (s->params.temperature < GREEDY_BELOW)
        shape_greedy(s, x, max);
    else
        shape_draw(s, x, max);
    return &s->cand;
}

sumi_status sampler_shape(sumi_sampler *s, const float *logits, const candidates **out, sumi_error *err)
{
    const float *x;
    float max;
    assert(!draws_from_all(s));
    sumi_status st = read_row(s, logits, &x, &max, err);
    if (st == SUMI_OK) *out = shape(s, x, max);
    return st;
}

/* The candidate into whose part of [0, mass) the number target falls. */
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

/* A draw from all of x: the mass of each block first, then only the weights of the block that target falls into. */
static int32_t draw_from_all(sumi_sampler *s, const float *x, float max, double u)
{
    int32_t n_blocks = (s->n_vocab + DRAW_BLOCK - 1) / DRAW_BLOCK, best = 0, b = 0;
    float scale = 1 / s->params.temperature;
    double total = 0, before = 0;
    for (int32_t k = 0; k < n_blocks; k++) {
        int32_t n = s->n_vocab - k * DRAW_BLOCK < DRAW_BLOCK ? s->n_vocab - k * DRAW_BLOCK : DRAW_BLOCK;
        total += s->blocks[k] = row_exp_sum(x + k * DRAW_BLOCK, n, max, scale);
        if (s->blocks[k] > s->blocks[best]) best = k;
    }
    while (b < n_blocks && before + s->blocks[b] <= u * total) before += s->blocks[b++];
    if (b == n_blocks) b = best; /* u * total was rounded up to total: any block with mass will do */
    candidates *c = &s->cand;
    int32_t first = b * DRAW_BLOCK;
    c->n = s->n_vocab - first < DRAW_BLOCK ? s->n_vocab - first : DRAW_BLOCK;
    for (int32_t i = 0; i < c->n; i++) c->ids[i] = first + i;
    row_exp(c->x, c->w, x + first, c->n, max, scale);
    return draw(c, u * total - before);
}

static int32_t choose(sumi_sampler *s, const float *x, float max)
{
    double u = rng_uniform(s->params.seed, 0, s->n_chosen);
    if (draws_from_all(s)) return draw_from_all(s, x, max, u);
    const candidates *c = shape(s, x, max);
    return draw(c, u * candidates_mass(c));
}

sumi_status sumi_sampler_next(sumi_sampler *s, const float *logits, sumi_choice *choice, sumi_error *err)
{
    const float *x;
    float max;
    sumi_status st = read_row(s, logits, &x, &max, err);
    if (st != SUMI_OK) return st;
    int32_t id = choose(s, x, max);
    s->n_chosen++;
    *choice = (sumi_choice){ .id = id, .logprob = (float)((double)logits[id] - s->raw_max - log(s->raw_sum)) };
    sumi_sampler_accept(s, &id, 1);
    return SUMI_OK;
}
