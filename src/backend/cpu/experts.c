/* experts.c - the feed-forward sub-layers of a mixture of experts.
 *
 * Two loops over threads, one for gate and up, one for down. The panels of all used experts are numbered end to end and cut
 * into units as in linear(). Each unit is multiplied with all tokens of its expert, so weights are read from memory once:
 *
 *             expert 2        expert 5        expert 7           rows
 *            |gate    up     |gate    up     |gate    up     |
 *   units:   | 0    | 1    | 2  | 3  |4|5| | | | | | | | | | |  a pair of token and expert each
 *
 * A unit of rows waits for the panels of its expert: the gated activation of a pair, after the first loop; after the second
 * the sum over a token's experts, in the order of the choice, and the operation `then`. As in linear.c,
 * every unit that it waits for was claimed earlier. */
#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "backend/cpu/product.h"
#include "backend/cpu/routing.h"

#define ROWS_GRAIN 2

typedef struct experts_job {
    stream *s;
    routing *r;
    const act *x;
    const experts_args *a;
    const row_op *then;
    int32_t n_panels; /* of one expert, in this loop */
    panel_runs runs;  /* of all that are used */
} experts_job;

/* The input of the matrices gate and up of a group: a single token need not be copied. */
static act group_input(const experts_job *j, const expert_group *g)
{
    return j->x->n_tokens == 1 ? *j->x : act_part(j->r->in, g->first, g->n_rows);
}

static float *row_of(float *rows, const routing *r, const routed_pair *p, int32_t n)
{
    return rows + (size_t)(r->groups[p->group].first + p->row) * (size_t)n;
}

/* The expert's row of a bias [n_experts][n]. */
static const float *bias_of(const float *bias, int32_t expert, int32_t n)
{
    return bias ? bias + (size_t)expert * (size_t)n : NULL;
}

/* gate and up of an expert, or down: returns how many matrices. */
static int32_t up_outs(const experts_job *j, const expert_group *g, linear_out outs[2])
{
    const experts_args *a = j->a;
    size_t first = (size_t)g->first * (size_t)a->n_ff;
    int32_t n = 0;
    outs[n++] = (linear_out){ .w = a->up[g->expert],
                              .bias = bias_of(a->b_up, g->expert, a->n_ff),
                              .y = j->r->up + first };
    if (a->gate)
        outs[n++] = (linear_out){ .w = a->gate[g->expert],
                                  .bias = bias_of(a->b_gate, g->expert, a->n_ff),
                                  .y = j->r->gate + first };
    return n;
}

static int32_t down_outs(const experts_job *j, const expert_group *g, linear_out outs[2])
{
    const experts_args *a = j->a;
    outs[0] = (linear_out){ .w = a->down[g->expert],
                            .bias = bias_of(a->b_down, g->expert, a->n_embd),
                            .y = j->r->out + (size_t)g->first * (size_t)a->n_embd };
    return 1;
}

/* Some panels of an expert times all of its tokens. Only the first tokens' products read them from memory. */
static void expert_products(const experts_job *j, const act *x, const linear_out *outs, int32_t n_outs, range panels,
                            int32_t thread)
{
    for (int32_t t = 0; t < x->n_tokens; t += PANELS_TOKENS) {
        int32_t end = t + PANELS_TOKENS < x->n_tokens ? t + PANELS_TOKENS : x->n_tokens;
        size_t n_bytes = product_run(j->s, x, outs, n_outs, panels, (range){ t, end }, thread);
        if (t == 0) j->s->counts[thread].expert_bytes += n_bytes;
    }
}

/* A unit of panels, which may be of several experts. */
static void products_unit(const experts_job *j, int32_t unit, bool is_down, int32_t thread)
{
    routing *r = j->r;
    range run = panel_runs_at(&j->runs, unit);
    while (run.begin < run.end) {
        int32_t g = run.begin / j->n_panels, first = g * j->n_panels, end = run.end - first;
        range panels = { run.begin - first, end < j->n_panels ? end : j->n_panels };
        const expert_group *group = &r->groups[g];
        linear_out outs[2];
        int32_t n_outs = is_down ? down_outs(j, group, outs) : up_outs(j, group, outs);
        act x = is_down ? act_part(r->ff, group->first, group->n_rows) : group_input(j, group);
        expert_products(j, &x, outs, n_outs, panels, thread);
        atomic_fetch_sub_explicit(&r->n_left[g], panels.end - panels.begin, memory_order_release);
        run.begin = first + panels.end;
    }
}

/* The input of down for a pair: the gated activation. */
static void activate_pair(const experts_job *j, const routed_pair *p, int32_t thread)
{
    const experts_args *a = j->a;
    const kernels *k = &j->s->be->k;
    const expert_group *group = &j->r->groups[p->group];
    float *up = row_of(j->r->up, j->r, p, a->n_ff);
    float *gate = a->gate ? row_of(j->r->gate, j->r, p, a->n_ff) : up, *y = stream_row(j->s, thread);
    act ff = act_part(j->r->ff, group->first, group->n_rows);
    pool_wait_zero(&j->r->n_left[p->group]);
    if (a->weigh_input) { /* without biases, products are linear in their input */
        k->scale_row(up, a->n_ff, p->weight, 0);
        if (gate != up) k->scale_row(gate, a->n_ff, p->weight, 0);
    }
    k->glu_row(y, gate, gate != up ? up : NULL, a->n_ff, a->kind);
    act_store_row(j->s->be, &ff, p->row, y, a->ff_forms);
}

static void combine_token(const experts_job *j, int32_t t, int32_t thread)
{
    const experts_args *a = j->a;
    const kernels *k = &j->s->be->k;
    int32_t n_used = j->r->limits.n_used;
    float *y = a->y + (size_t)t * (size_t)a->n_embd;
    if (!a->add) memset(y, 0, (size_t)a->n_embd * sizeof *y);
    else if (a->y_gate) k->scale_row(y, a->n_embd, sigmoid(a->y_gate[t]), 0);
    for (int32_t i = 0; i < n_used; i++) {
        const routed_pair *p = &j->r->pairs[t * n_used + i];
        pool_wait_zero(&j->r->n_left[p->group]);
        k->add_row(y, row_of(j->r->out, j->r, p, a->n_embd), a->weigh_input ? 1 : p->weight, a->n_embd);
    }
    if (j->then) row_op_run(j->s, j->then, t, thread);
}

static void gather_pairs(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const experts_job *j = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        const routed_pair *p = &j->r->pairs[i];
        const expert_group *group = &j->r->groups[p->group];
        act to = act_part(j->r->in, group->first, group->n_rows);
        act_copy_row(&to, p->row, j->x, p->token);
    }
}

static void up_units(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const experts_job *j = arg;
    for (int64_t i = begin; i < end; i++)
        if (i < j->runs.n_units) products_unit(j, (int32_t)i, false, thread);
        else activate_pair(j, &j->r->pairs[i - j->runs.n_units], thread);
}

static void down_units(void *arg, int64_t begin, int64_t end, int32_t thread)
{
    const experts_job *j = arg;
    for (int64_t i = begin; i < end; i++)
        if (i < j->runs.n_units) products_unit(j, (int32_t)i, true, thread);
        else combine_token(j, (int32_t)(i - j->runs.n_units), thread);
}

/* One of the two loops: the products with n_outs matrices of each expert, and then n_rows rows. */
static void run_loop(experts_job *j, const linear_out *outs, int32_t n_outs, int32_t n_rows, pool_fn fn)
{
    routing *r = j->r;
    int32_t n_pairs = r->n_tokens * r->limits.n_used;
    j->n_panels = product_n_panels(outs, n_outs);
    j->runs = panel_runs_of(r->n_groups * j->n_panels, (n_pairs + r->n_groups - 1) / r->n_groups,
                            pool_n_threads(j->s->threads));
    for (int32_t g = 0; g < r->n_groups; g++) atomic_store_explicit(&r->n_left[g], j->n_panels, memory_order_relaxed);
    pool_for(j->s->threads, (int64_t)j->runs.n_units + n_rows, 1, fn, j);
}

void cpu_experts(stream *s, routing *r, const act *x, const experts_args *a, const row_op *then)
{
    experts_job j = { .s = s, .r = r, .x = x, .a = a, .then = then };
    int32_t n_pairs = x->n_tokens * r->limits.n_used;
    linear_out outs[2];
    assert(!a->weigh_input || !(a->b_gate || a->b_up));
    assert(r->n_tokens == x->n_tokens && a->n_ff <= r->limits.max_ff && a->n_embd == r->limits.n_embd);
    routing_group(r);
    act_resize(r->in, r->n_rows, a->n_embd);
    act_resize(r->ff, r->n_rows, a->n_ff);
    if (then) row_op_prepare(then, x->n_tokens);
    if (x->n_tokens > 1) pool_for(s->threads, n_pairs, ROWS_GRAIN, gather_pairs, &j);
    run_loop(&j, outs, up_outs(&j, &r->groups[0], outs), n_pairs, up_units);
    run_loop(&j, outs, down_outs(&j, &r->groups[0], outs), x->n_tokens, down_units);
}
