/* backend.c - creation and destruction of the CPU backend's objects. */
#include "backend/cpu/cpu.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

static sumi_status weight_create(const backend *be, weight **out, dtype type, const void *data, int64_t n_rows,
                                 int64_t n_cols, sumi_error *err)
{
    const cpu_backend *cpu = (const cpu_backend *)be;
    *out = NULL;
    if (n_cols > CPU_MAX_COLS || n_rows > INT32_MAX)
        return sumi_fail(err, SUMI_EUNSUPPORTED, "a matrix of %lld x %lld is larger than the CPU backend takes",
                         (long long)n_rows, (long long)n_cols);
    weight *w = calloc(1, sizeof *w);
    if (!w) return sumi_fail(err, SUMI_ENOMEM, "out of memory for a weight");
    bool int8 = cpu->activations == SUMI_ACTIVATIONS_AUTO && cpu->k.dot_q8[type] != NULL;
    *w = (weight){ .data = data, .row_bytes = dtype_row_bytes(type, n_cols), .n_rows = (int32_t)n_rows,
                   .n_cols = (int32_t)n_cols, .type = type, .input = int8 ? ACT_INT8 : ACT_F32 };
    *out = w;
    return SUMI_OK;
}

static void weight_destroy(weight *w)
{
    free(w);
}

static int32_t weight_input(const weight *w)
{
    return w->input;
}

static void stream_destroy(stream *s)
{
    if (!s) return;
    pool_destroy(s->threads);
    mem_free(s->row);
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
    sumi_status status = s->row ? pool_create(&s->threads, n_threads, err)
                                : sumi_fail(err, SUMI_ENOMEM, "out of memory for the scratch of %d threads", n_threads);
    if (status != SUMI_OK) {
        stream_destroy(s);
        return status;
    }
    *out = s;
    return SUMI_OK;
}

float *stream_row(const stream *s, int32_t thread)
{
    return s->row + (size_t)thread * s->row_stride;
}

static void act_destroy(act *a)
{
    if (!a) return;
    mem_free(a->f32);
    mem_free(a->q);
    mem_free(a->d);
    mem_free(a->s);
    free(a);
}

static sumi_status act_create(const backend *be, act **out, int32_t max_tokens, int32_t max_cols, int32_t forms,
                              sumi_error *err)
{
    (void)be;
    *out = NULL;
    size_t n = (size_t)max_tokens * (size_t)max_cols, n_groups = n / ACT_GROUP;
    act *a = calloc(1, sizeof *a);
    if (!a) goto fail;
    a->max_tokens = max_tokens;
    a->max_cols = max_cols;
    if (forms & ACT_F32 && !(a->f32 = mem_alloc(n * sizeof *a->f32))) goto fail;
    if (forms & ACT_INT8) {
        if (!(a->q = mem_alloc(n)) || !(a->d = mem_alloc(n_groups * sizeof *a->d))) goto fail;
        if (!(a->s = mem_alloc(n_groups * sizeof *a->s))) goto fail;
    }
    *out = a;
    return SUMI_OK;
fail:
    act_destroy(a);
    return sumi_fail(err, SUMI_ENOMEM, "out of memory for activations of %d x %d", max_tokens, max_cols);
}

void act_resize(act *a, int32_t n_tokens, int32_t n_cols)
{
    assert(n_tokens <= a->max_tokens && n_cols <= a->max_cols);
    a->n_tokens = n_tokens;
    a->n_cols = n_cols;
}

q8_row act_q8_row(const act *a, int32_t t)
{
    size_t groups = (size_t)t * (size_t)(a->n_cols / ACT_GROUP);
    return (q8_row){ a->q + (size_t)t * (size_t)a->n_cols, a->d + groups, a->s + groups };
}

void act_store_row(const cpu_backend *be, act *a, int32_t t, const float *x, int32_t forms)
{
    size_t row = (size_t)t * (size_t)a->n_cols, groups = row / ACT_GROUP;
    if (forms & ACT_INT8) be->k.quantize_row(a->q + row, a->d + groups, a->s + groups, x, a->n_cols);
    if (forms & ACT_F32 && x != a->f32 + row)
        for (int32_t i = 0; i < a->n_cols; i++) a->f32[row + (size_t)i] = x[i];
}

static void kv_destroy(kv_store *kv)
{
    if (!kv) return;
    mem_unmap(kv->data, kv->bytes);
    free(kv);
}

static sumi_status kv_create(const backend *be, kv_store **out, const kv_layout *layout, int32_t n_blocks,
                             sumi_error *err)
{
    (void)be;
    *out = NULL;
    size_t bytes;
    kv_store *kv = calloc(1, sizeof *kv);
    if (!kv || !mem_mul(kv_block_bytes(layout), (size_t)n_blocks, &bytes) || !(kv->data = mem_map(bytes))) {
        free(kv);
        return sumi_fail(err, SUMI_ENOMEM, "kv cache: no memory for %d blocks of %zu bytes", n_blocks,
                         kv_block_bytes(layout));
    }
    kv->layout = *layout;
    kv->n_blocks = n_blocks;
    kv->bytes = bytes;
    *out = kv;
    return SUMI_OK;
}

static void destroy(backend *be)
{
    free(be);
}

sumi_status backend_cpu_create(backend **out, const char *isa, sumi_activations activations, sumi_error *err)
{
    *out = NULL;
    cpu_level best = cpu_best_level(), level = best;
    if (isa && !cpu_level_from_name(isa, &level))
        return sumi_fail(err, SUMI_EINVAL, "no instruction set '%s'; known: ref, avx2, avx512", isa);
    if (level > best)
        return sumi_fail(err, SUMI_EUNSUPPORTED, "this processor does not have %s; its best is %s",
                         cpu_level_name(level), cpu_level_name(best));
    cpu_backend *be = calloc(1, sizeof *be);
    if (!be) return sumi_fail(err, SUMI_ENOMEM, "out of memory for the backend");
    kernels_init(&be->k, level);
    be->activations = activations;
    be->base = (backend){
        .isa = cpu_level_name(level), .destroy = destroy,
        .weight_create = weight_create, .weight_destroy = weight_destroy, .weight_input = weight_input,
        .stream_create = stream_create, .stream_destroy = stream_destroy,
        .act_create = act_create, .act_destroy = act_destroy,
        .kv_create = kv_create, .kv_destroy = kv_destroy,
        .embed = cpu_embed, .rmsnorm = cpu_rmsnorm, .add_rmsnorm = cpu_add_rmsnorm, .linear = cpu_linear,
        .rope_angles = cpu_rope_angles, .qkv_store = cpu_qkv_store, .attention = cpu_attention, .glu = cpu_glu,
    };
    *out = &be->base;
    return SUMI_OK;
}
