/* routing.c - see routing.h. */
#include "backend/cpu/routing.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"

/* Places of the k largest of x [n], largest first, of equal ones the lower place first. NaN compares as not larger, so
 * a row with NaN has k different places, too. */
static void find_largest(const float *x, int32_t n, int32_t *places, int32_t k)
{
    int32_t n_found = 0;
    for (int32_t i = 0; i < n; i++) {
        if (n_found == k && !(x[i] > x[places[k - 1]])) continue;
        int32_t at = n_found < k ? n_found++ : k - 1;
        for (; at > 0 && x[i] > x[places[at - 1]]; at--) places[at] = places[at - 1];
        places[at] = i;
    }
}

static void softmax(float *y, const float *x, int32_t n)
{
    float max = x[0], sum = 0;
    for (int32_t i = 1; i < n; i++) max = x[i] > max ? x[i] : max;
    for (int32_t i = 0; i < n; i++) sum += y[i] = expf(x[i] - max);
    for (int32_t i = 0; i < n; i++) y[i] /= sum;
}

/* The sum of the n_best largest of x [n]. */
static float sum_of_best(const float *x, int32_t n, int32_t n_best)
{
    int32_t places[ROUTER_MAX_GROUP_BEST];
    float sum = 0;
    find_largest(x, n, places, n_best);
    for (int32_t i = 0; i < n_best; i++) sum += x[places[i]];
    return sum;
}

/* Excludes all experts outside the best groups from the choice. */
static void drop_groups(const router *r, float *choice)
{
    float score[ROUTER_MAX_GROUPS];
    int32_t best[ROUTER_MAX_GROUPS], n = r->n_experts / r->n_groups;
    uint64_t kept = 0;
    for (int32_t g = 0; g < r->n_groups; g++) score[g] = sum_of_best(choice + g * n, n, r->n_group_best);
    find_largest(score, r->n_groups, best, r->n_used_groups);
    for (int32_t i = 0; i < r->n_used_groups; i++) kept |= (uint64_t)1 << best[i];
    for (int32_t e = 0; e < r->n_experts; e++)
        if (!(kept >> (e / n) & 1)) choice[e] = -INFINITY;
}

/* Scores of the chosen experts as weights. */
static void weigh(const router *r, float *weights)
{
    float sum = 0;
    if (r->kind == ROUTER_SOFTMAX_CHOSEN) softmax(weights, weights, r->n_used);
    for (int32_t i = 0; i < r->n_used; i++) sum += weights[i];
    if (r->normalised && sum > 0)
        for (int32_t i = 0; i < r->n_used; i++) weights[i] /= sum;
    for (int32_t i = 0; i < r->n_used; i++) weights[i] *= r->scale;
}

void routing_choose(const route_args *a, int32_t t, float *scratch)
{
    const router *r = a->router;
    int32_t n = r->n_experts;
    size_t first = (size_t)t * (size_t)r->n_used;
    const float *logits = a->logits + (size_t)t * (size_t)n;
    float *score = scratch, *choice = scratch + n, *weights = a->out->weights + first;
    int32_t *chosen = a->out->chosen + first;
    for (int32_t i = 0; i < n; i++) score[i] = r->kind == ROUTER_SIGMOID ? sigmoid(logits[i]) : logits[i];
    if (r->kind == ROUTER_SOFTMAX) softmax(score, score, n);
    for (int32_t i = 0; i < n; i++) choice[i] = score[i] + (r->choice_bias ? r->choice_bias[i] : 0);
    if (r->n_used_groups < r->n_groups) drop_groups(r, choice);
    find_largest(choice, n, chosen, r->n_used);
    for (int32_t i = 0; i < r->n_used; i++) weights[i] = score[chosen[i]];
    weigh(r, weights);
}

/* Groups of the experts that are used, with their numbers of rows. */
static void make_groups(routing *r)
{
    int32_t n_pairs = r->n_tokens * r->limits.n_used;
    for (int32_t e = 0; e < r->limits.n_experts; e++) r->group_of[e] = 0;
    for (int32_t i = 0; i < n_pairs; i++) r->group_of[r->chosen[i]]++;
    r->n_groups = r->n_rows = 0;
    for (int32_t e = 0; e < r->limits.n_experts; e++) {
        int32_t n = r->group_of[e], lanes = act_lanes(n);
        if (n == 0) continue;
        int32_t first = (int32_t)mem_round_up((size_t)r->n_rows, (size_t)lanes);
        r->group_of[e] = r->n_groups;
        r->groups[r->n_groups++] = (expert_group){ e, first, n };
        r->n_rows = (int32_t)mem_round_up((size_t)(first + n), (size_t)lanes);
    }
}

void routing_group(routing *r)
{
    make_groups(r);
    for (int32_t g = 0; g < r->n_groups; g++) r->groups[g].n_rows = 0; /* counted again as they fill */
    for (int32_t t = 0, i = 0; t < r->n_tokens; t++)
        for (int32_t k = 0; k < r->limits.n_used; k++, i++) {
            int32_t g = r->group_of[r->chosen[i]];
            r->pairs[i] = (routed_pair){ t, g, r->groups[g].n_rows++, r->weights[i] };
        }
}

/* The most rows that all groups can have: a group fills its last tile up, and may begin at a multiple of a tile. */
static int64_t most_rows(const routing_limits *l)
{
    int64_t n_pairs = (int64_t)l->max_tokens * l->n_used, n_groups = n_pairs < l->n_experts ? n_pairs : l->n_experts;
    return n_pairs + n_groups * 2 * (ACT_TILE - 1);
}

static bool alloc_tables(routing *r)
{
    size_t n_pairs = (size_t)r->limits.max_tokens * (size_t)r->limits.n_used;
    size_t n_experts = (size_t)r->limits.n_experts;
    r->chosen = calloc(n_pairs, sizeof *r->chosen);
    r->weights = calloc(n_pairs, sizeof *r->weights);
    r->pairs = calloc(n_pairs, sizeof *r->pairs);
    r->group_of = calloc(n_experts, sizeof *r->group_of);
    r->groups = calloc(n_experts, sizeof *r->groups);
    r->n_left = calloc(n_experts, sizeof *r->n_left);
    return r->chosen && r->weights && r->pairs && r->group_of && r->groups && r->n_left;
}

sumi_status cpu_routing_create(const backend *be, routing **out, const routing_limits *l, sumi_error *err)
{
    int64_t n_rows = most_rows(l);
    sumi_status status = SUMI_ENOMEM;
    *out = NULL;
    assert(l->n_used <= l->n_experts && 2 * l->n_experts <= CPU_MAX_COLS);
    routing *r = calloc(1, sizeof *r);
    if (!r || n_rows > INT32_MAX / 2) goto fail;
    r->limits = *l;
    r->ff_bytes = (size_t)n_rows * (size_t)l->max_ff * sizeof(float);
    r->out_bytes = (size_t)n_rows * (size_t)l->n_embd * sizeof(float);
    if (!alloc_tables(r)) goto fail;
    if (!(r->gate = mem_map(r->ff_bytes)) || !(r->up = mem_map(r->ff_bytes)) || !(r->out = mem_map(r->out_bytes)))
        goto fail;
    if ((status = cpu_act_create(be, &r->in, (int32_t)n_rows, l->n_embd, l->in_forms, err))) goto destroy;
    if ((status = cpu_act_create(be, &r->ff, (int32_t)n_rows, l->max_ff, l->ff_forms, err))) goto destroy;
    *out = r;
    return SUMI_OK;
fail:
    sumi_fail(err, status, "out of memory for the experts of %d tokens", l->max_tokens);
destroy:
    cpu_routing_destroy(r);
    return status;
}

void cpu_routing_destroy(routing *r)
{
    if (!r) return;
    void *tables[] = { r->chosen, r->weights, r->pairs, r->group_of, r->groups, (void *)r->n_left };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) free(tables[i]);
    mem_unmap(r->gate, r->ff_bytes);
    mem_unmap(r->up, r->ff_bytes);
    mem_unmap(r->out, r->out_bytes);
    cpu_act_destroy(r->in);
    cpu_act_destroy(r->ff);
    free(r);
}
