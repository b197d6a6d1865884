/* backend.c - creation and destruction of the CPU backend's objects. */
#include "backend/cpu/cpu.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"

static void stream_destroy(stream *s)
{
    if (!s) return;
    pool_destroy(s->threads);
    mem_free(s->row);
    mem_free(s->counts);
    mem_unmap(s->partials, STREAM_PARTIALS * sizeof(float));
    free(s);
}

static sumi_status stream_create(const backend *be, stream **out, int32_t n_threads, sumi_error *err)
{
    *out = NULL;
    stream *s = calloc(1, sizeof *s);
    if (!s) return sumi_fail(err, SUMI_ENOMEM, "out of memory for a stream");
    s->be = (const cpu_backend *)be;
    s->row_stride = CPU_MAX_COLS;
    s->row = mem_alloc((size_t)n_threads * s->row_stride * sizeof(float));
    s->partials = mem_map(STREAM_PARTIALS * sizeof(float));
    s->counts = mem_alloc((size_t)n_threads * sizeof *s->counts);
    sumi_status status = SUMI_ENOMEM;
    if (s->row && s->partials && s->counts) status = pool_create(&s->threads, n_threads, err);
    else sumi_fail(err, status, "out of memory for the scratch of %d threads", n_threads);
    if (status != SUMI_OK) {
        stream_destroy(s);
        return status;
    }
    *out = s;
    return SUMI_OK;
}

static sumi_status stream_pin(stream *s, sumi_error *err)
{
    return pool_pin(s->threads, err);
}

static uint64_t expert_bytes(const stream *s)
{
    uint64_t n = 0;
    for (int32_t i = 0; i < pool_n_threads(s->threads); i++) n += s->counts[i].expert_bytes;
    return n;
}

float *stream_row(const stream *s, int32_t thread)
{
    return s->row + (size_t)thread * s->row_stride;
}

static void free_digit(q8_digit *r)
{
    mem_free(r->q);
    mem_free(r->d);
    mem_free(r->s);
    mem_free(r->h);
}

void cpu_act_destroy(act *a)
{
    if (!a) return;
    mem_free(a->f32);
    free_digit(&a->int8.first);
    free_digit(&a->int8.left);
    mem_free(a->int8.more);
    free(a->n_left);
    free(a);
}

static bool alloc_digit(q8_digit *r, size_t n)
{
    size_t n_groups = n / ACT_GROUP;
    r->q = mem_alloc(n);
    r->d = mem_alloc(n_groups * sizeof *r->d);
    r->s = mem_alloc(n_groups * sizeof *r->s);
    r->h = mem_alloc(n_groups * 2 * sizeof *r->h);
    return r->q && r->d && r->s && r->h;
}

static bool alloc_int8(q8_row *r, size_t n)
{
    r->more = mem_alloc(n / ACT_GROUP);
    return r->more && alloc_digit(&r->first, n) && alloc_digit(&r->left, n);
}

sumi_status cpu_act_create(const backend *be, act **out, int32_t max_tokens, int32_t max_cols, int32_t forms,
                           sumi_error *err)
{
    (void)be;
    *out = NULL;
    if (max_cols > CPU_MAX_COLS) /* rows pass through the scratch of a thread */
        return sumi_fail(err, SUMI_EUNSUPPORTED, "activations of %d columns: the CPU backend takes at most %d",
                         max_cols, CPU_MAX_COLS);
    act *a = calloc(1, sizeof *a);
    if (!a) goto fail;
    a->max_tokens = (int32_t)mem_round_up((size_t)max_tokens, ACT_TILE);
    a->max_cols = max_cols;
    size_t n = (size_t)a->max_tokens * (size_t)max_cols;
    a->n_left = calloc((size_t)a->max_tokens / ACT_TILE + 1, sizeof *a->n_left);
    if (!a->n_left) goto fail;
    if (forms & ACT_F32 && !(a->f32 = mem_alloc(n * sizeof *a->f32))) goto fail;
    if (forms & ACT_INT8 && !alloc_int8(&a->int8, n)) goto fail;
    *out = a;
    return SUMI_OK;
fail:
    cpu_act_destroy(a);
    return sumi_fail(err, SUMI_ENOMEM, "out of memory for activations of %d x %d", max_tokens, max_cols);
}

void act_resize(act *a, int32_t n_tokens, int32_t n_cols)
{
    assert(n_tokens <= a->max_tokens && n_cols <= a->max_cols);
    a->n_tokens = n_tokens;
    a->n_cols = n_cols;
    a->int8.first.lanes = a->int8.left.lanes = act_lanes(n_tokens);
}

static void move_digit(q8_digit *r, size_t first, size_t n_groups, int32_t lanes)
{
    if (!r->q) return;
    size_t group = first * n_groups;
    *r = (q8_digit){ r->q + group * ACT_GROUP, r->d + group, r->s + group, r->h + 2 * group, lanes };
}

act act_part(const act *a, int32_t first, int32_t n_rows)
{
    act part = *a;
    int32_t lanes = act_lanes(n_rows);
    size_t from = (size_t)first, n_groups = (size_t)(a->n_cols / ACT_GROUP);
    assert(first % lanes == 0 && first + n_rows <= a->max_tokens);
    part.n_tokens = n_rows;
    if (a->f32) part.f32 += from * (size_t)a->n_cols;
    move_digit(&part.int8.first, from, n_groups, lanes);
    move_digit(&part.int8.left, from, n_groups, lanes);
    if (a->int8.more) part.int8.more += from * n_groups;
    return part;
}

static q8_digit digit_at(const q8_digit *base, size_t first, size_t lane)
{
    return (q8_digit){ base->q + (first + lane) * ACT_GROUP, base->d + first + lane, base->s + first + lane,
                       base->h + 2 * first + lane, base->lanes };
}

q8_row act_q8_row(const act *a, int32_t t)
{
    size_t lanes = (size_t)a->int8.first.lanes, tile = (size_t)t / lanes, lane = (size_t)t % lanes;
    size_t first = tile * lanes * (size_t)(a->n_cols / ACT_GROUP); /* of d and s */
    return (q8_row){ digit_at(&a->int8.first, first, lane), digit_at(&a->int8.left, first, lane),
                     a->int8.more + first + lane };
}

/* The row's int8 form: a first digit for all groups, a second one for those with outliers. */
static void quantize(const kernels *k, const q8_row *r, const float *x, int32_t n)
{
    int32_t n_groups = n / ACT_GROUP, lanes = r->first.lanes;
    float sum = 0;
    k->quantize_row(&r->first, x, n);
    for (int32_t g = 0; g < n_groups; g++) sum += r->first.d[g * lanes];
    float limit = ACT_OUTLIER * sum / (float)n_groups;
    for (int32_t g = 0; g < n_groups; g++, x += ACT_GROUP) {
        q8_digit first = q8_digit_at(&r->first, g), left = q8_digit_at(&r->left, g);
        float rest[ACT_GROUP];
        r->more[g * lanes] = first.d[0] > limit;
        if (!r->more[g * lanes]) continue;
        for (int32_t i = 0; i < ACT_GROUP; i++) rest[i] = x[i] - first.d[0] * (float)first.q[i];
        k->quantize_row(&left, rest, ACT_GROUP);
    }
}

void act_store_row(const cpu_backend *be, act *a, int32_t t, const float *x, int32_t forms)
{
    size_t row = (size_t)t * (size_t)a->n_cols;
    if (forms & ACT_INT8) {
        q8_row out = act_q8_row(a, t);
        quantize(&be->k, &out, x, a->n_cols);
    }
    if (forms & ACT_F32 && x != a->f32 + row)
        for (int32_t i = 0; i < a->n_cols; i++) a->f32[row + (size_t)i] = x[i];
}

static void copy_digit(const q8_digit *to, const q8_digit *from, int32_t g)
{
    const q8_digit a = q8_digit_at(to, g), b = q8_digit_at(from, g);
    memcpy(a.q, b.q, ACT_GROUP);
    a.d[0] = b.d[0];
    a.s[0] = b.s[0];
    a.h[0] = b.h[0];
    a.h[a.lanes] = b.h[b.lanes];
}

void act_copy_row(act *to, int32_t t, const act *x, int32_t row)
{
    size_t n = (size_t)x->n_cols;
    assert(to->n_cols == x->n_cols);
    if (to->f32 && x->f32) memcpy(to->f32 + (size_t)t * n, x->f32 + (size_t)row * n, n * sizeof *to->f32);
    if (!to->int8.more || !x->int8.more) return;
    const q8_row a = act_q8_row(to, t), b = act_q8_row(x, row);
    for (int32_t g = 0; g < x->n_cols / ACT_GROUP; g++) {
        uint8_t more = a.more[g * a.first.lanes] = b.more[g * b.first.lanes];
        copy_digit(&a.first, &b.first, g);
        if (more) copy_digit(&a.left, &b.left, g);
    }
}

/* Tries one page first, so that a refusal is reported before any work. */
static sumi_status spread_weights(backend *base, sumi_error *err)
{
    numa_nodes nodes;
    sumi_status status = numa_read(&nodes, NUMA_FOLDER, err);
    if (status != SUMI_OK) return status;
    const size_t bytes = 4096;
    void *page = mem_map(bytes);
    if (!page) return sumi_fail(err, SUMI_ENOMEM, "out of memory for the backend");
    status = numa_spread(&nodes, page, bytes, err);
    mem_unmap(page, bytes);
    if (status == SUMI_OK) ((cpu_backend *)base)->packed->nodes = nodes;
    return status;
}

static void destroy(backend *base)
{
    cpu_backend *be = (cpu_backend *)base;
    pool_destroy(be->loaders);
    if (be->packed) slab_give_back(be->packed->current);
    free(be->packed);
    free(be);
}

sumi_status backend_cpu_create(backend **out, const char *isa, sumi_activations activations, sumi_error *err)
{
    *out = NULL;
    cpu_level level = cpu_best_level();
    if (isa && !cpu_level_from_name(isa, &level))
        return sumi_fail(err, SUMI_EINVAL, "no instruction set '%s'; known: ref, avx2, avxvnni, avx512, amx", isa);
    if (!cpu_has_level(level))
        return sumi_fail(err, SUMI_EUNSUPPORTED, "this machine (processor and system) does not have %s; its best is %s",
                         cpu_level_name(level), cpu_level_name(cpu_best_level()));
    cpu_backend *be = calloc(1, sizeof *be);
    if (!be) return sumi_fail(err, SUMI_ENOMEM, "out of memory for the backend");
    be->packed = calloc(1, sizeof *be->packed);
    sumi_status status = be->packed ? pool_create(&be->loaders, cpu_count(), err)
                                    : sumi_fail(err, SUMI_ENOMEM, "out of memory for the backend");
    if (status != SUMI_OK) {
        destroy(&be->base);
        return status;
    }
    kernels_init(&be->k, level);
    be->activations = activations;
    be->base = (backend){
        .isa = cpu_level_name(level),
        .kv_format = activations == SUMI_ACTIVATIONS_F32 ? KV_F32 : KV_F16,
        .destroy = destroy,
        .weight_create = cpu_weight_create,
        .table_create = cpu_table_create,
        .weight_destroy = cpu_weight_destroy,
        .weight_input = cpu_weight_input,
        .weight_bytes = cpu_weight_bytes,
        .copies_weights = cpu_copies_weights,
        .stream_create = stream_create,
        .stream_destroy = stream_destroy,
        .stream_pin = stream_pin,
        .spread_weights = spread_weights,
        .act_create = cpu_act_create,
        .act_destroy = cpu_act_destroy,
        .routing_create = cpu_routing_create,
        .routing_destroy = cpu_routing_destroy,
        .experts = cpu_experts,
        .expert_bytes = expert_bytes,
        .kv_block_bytes = cpu_kv_block_bytes,
        .kv_create = cpu_kv_create,
        .kv_destroy = cpu_kv_destroy,
        .kv_memory = cpu_kv_memory,
        .embed = cpu_embed,
        .gather = cpu_gather,
        .rows = cpu_rows,
        .linear = cpu_linear,
        .rope_angles = cpu_rope_angles,
        .qkv_store = cpu_qkv_store,
        .latent_store = cpu_latent_store,
        .attention = cpu_attention,
    };
    *out = &be->base;
    return SUMI_OK;
}
