/* cpu.h - the structs of backend.h's objects on the CPU, shared by the files of this folder only. */
#ifndef SUMI_BACKEND_CPU_CPU_H
#define SUMI_BACKEND_CPU_CPU_H

#include "backend/backend.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/kv_block.h"
#include "backend/cpu/slab.h"
#include "base/mem.h"
#include "base/os/pool.h"
#include "quant/quant.h"

typedef struct cpu_backend {
    backend base; /* first: a backend* is a cpu_backend* */
    kernels k;
    sumi_activations activations;
    pool *loaders;       /* threads that pack weights; they sleep after that */
    slab_source *packed; /* provides memory for packed weights */
} cpu_backend;

/* A matrix. What the level has kernels for is copied into panels (pack.h); the rest, and the embedding, are read from the
 * file's rows. */
struct weight {
    const uint8_t *rows; /* as the file has them, row_bytes apart */
    size_t row_bytes;
    int32_t n_rows, n_cols;
    dtype type;
    int32_t input;             /* one ACT_ bit */
    uint8_t *payload, *header; /* [n_panels] streams in memory; NULL: not packed, or measured only */
    slab *memory;
    size_t payload_bytes, header_bytes; /* of one panel */
    int32_t n_panels;
};

/* Counters of a thread, on a separate cache line. */
typedef struct stream_count {
    _Alignas(MEM_ALIGN) uint64_t expert_bytes;
} stream_count;

struct stream {
    const cpu_backend *be;
    pool *threads;
    float *row; /* [n_threads][row_stride]: one row of scratch for each thread */
    size_t row_stride;
    float *partials;      /* [STREAM_PARTIALS]: sums of attention over a part of the positions */
    stream_count *counts; /* [n_threads] */
};

/* 64 MiB of address space; unused pages take no memory. Enough for a token of 32 heads of 128 in 2,000,000 positions, or
 * of 128 heads with latents of 512 in 130,000. */
#define STREAM_PARTIALS ((size_t)1 << 24)

/* Both forms are optional. f32 is row-major, [n_tokens][n_cols]; int8 is in tiles of rows (kernels.h). The matrix
 * in use may be narrower and shorter than what was allocated. */
struct act {
    int32_t max_tokens, max_cols; /* max_tokens is a multiple of ACT_TILE */
    int32_t n_tokens, n_cols;     /* of the current matrix */
    float *f32;
    q8_row int8;             /* the first row */
    _Atomic int32_t *n_left; /* [blocks of rows] products of this input that are not complete; linear.c */
};

struct kv_store {
    kv_layout layout;
    kv_block_form *forms; /* [n_layers] */
    uint8_t *data;        /* [n_blocks][layout.block_bytes] */
    size_t bytes;
};

/* The blocks of a layer in the pool. */
typedef struct layer_blocks {
    const kv_block_form *form;
    uint8_t *base; /* of block 0 */
    size_t stride; /* from a block to the next one */
    size_t table;  /* the offset of its group's table in the tables of a sequence */
} layer_blocks;

static inline layer_blocks layer_blocks_of(const kv_store *kv, int32_t layer, const batch *b)
{
    const kv_layout *l = &kv->layout;
    return (layer_blocks){ &kv->forms[layer], kv->data + l->offset[layer], l->block_bytes,
                           (size_t)l->group[layer] * (size_t)b->table_stride };
}

/* The block table of row t's sequence. */
static inline const int32_t *layer_table(const layer_blocks *l, const batch *b, int64_t t)
{
    return batch_tables(b, t) + l->table;
}

/* The block of row t. */
static inline uint8_t *layer_block(const layer_blocks *l, const batch *b, int64_t t)
{
    return l->base + (size_t)layer_table(l, b, t)[b->slot[t] / KV_BLOCK] * l->stride;
}

/* The longest row of a kernel's arguments; the length of scratch rows. */
#define CPU_MAX_COLS (1 << 18)

_Static_assert(CPU_MAX_COLS >= ATTN_SCRATCH, "a scratch row serves as the scratch of attention_tile");

q8_row act_q8_row(const act *a, int32_t t); /* row t of the int8 form */

/* Stores a finished row of an act in the requested forms. x may be the row of a->f32 itself. */
void act_store_row(const cpu_backend *be, act *a, int32_t t, const float *x, int32_t forms);
void act_resize(act *a, int32_t n_tokens, int32_t n_cols);

/* Copies row `row` of x to row t of `to`, in all forms that both have. Both have the same number of columns. */
void act_copy_row(act *to, int32_t t, const act *x, int32_t row);

/* Rows first .. first + n_rows - 1 of the memory of an act, as an act that is valid as long as a. It has own tiles: first
 * must be a multiple of the lanes of n_rows rows (kernels.h), and rows up to the next multiple belong to it too. */
act act_part(const act *a, int32_t first, int32_t n_rows);

/* y = norm(x), [n]; y == x is allowed. */
void norm_run(const kernels *k, const norm *w, float *y, const float *x, int32_t n, float eps);

/* A row operation in two parts: prepare sets the size of the output, for n rows; run computes one row. */
void row_op_prepare(const row_op *op, int32_t n);
void row_op_run(stream *s, const row_op *op, int32_t row, int32_t thread);

/* One row of f32 scratch for a thread. */
float *stream_row(const stream *s, int32_t thread);

/* Row r of a weight as floats, y [n_cols]. */
void weight_row(const kernels *k, const weight *w, int32_t r, float *y);

/* The operations, by file. */
size_t cpu_kv_block_bytes(const backend *be, const kv_shape *shape);
sumi_status cpu_kv_create(const backend *be, kv_store **out, const kv_layout *layout, const kv_shape *shapes,
                          int32_t n_blocks, sumi_error *err);
void cpu_kv_destroy(kv_store *kv);
kv_memory cpu_kv_memory(kv_store *kv);
sumi_status cpu_weight_create(const backend *be, weight **out, dtype type, const void *data, int64_t n_rows,
                              int64_t n_cols, sumi_error *err);
sumi_status cpu_table_create(const backend *be, weight **out, dtype type, const void *data, int64_t n_rows,
                             int64_t n_cols, sumi_error *err);
void cpu_weight_destroy(weight *w);
int32_t cpu_weight_input(const weight *w);
size_t cpu_weight_bytes(const weight *w);
bool cpu_copies_weights(const backend *be, dtype type);
void cpu_embed(stream *s, float *y, const weight *w, const int32_t *ids, int32_t n_tokens, float scale, bool add);
void cpu_linear(stream *s, const act *x, const linear_out *outs, int32_t n_outs, const row_op *then);
sumi_status cpu_act_create(const backend *be, act **out, int32_t max_tokens, int32_t max_cols, int32_t forms,
                           sumi_error *err);
void cpu_act_destroy(act *a);
sumi_status cpu_routing_create(const backend *be, routing **out, const routing_limits *limits, sumi_error *err);
void cpu_routing_destroy(routing *r);
void cpu_experts(stream *s, routing *r, const act *x, const experts_args *args, const row_op *then);
void cpu_rows(stream *s, const row_op *op, int32_t n);
void cpu_gather(stream *s, float *x, const int32_t *rows, int32_t n, int32_t n_cols);
void cpu_rope_angles(stream *s, float *cos_sin, const int32_t *pos, int32_t n_tokens, const float *freqs, int32_t n_rot,
                     float size);
void cpu_qkv_store(stream *s, kv_store *kv, int32_t layer, const batch *b, const qkv_args *args);
void cpu_latent_store(stream *s, kv_store *kv, int32_t layer, const batch *b, const latent_args *args);
void cpu_attention(stream *s, act *out, int32_t forms, const kv_store *kv, int32_t layer, const batch *b,
                   const attention_args *args);

#endif
