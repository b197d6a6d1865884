/* attention_rows.h - the loops of the attention tile kernels (passes/attention.h) over rows and positions.
 *
 *   positions   | chunk 0 ................ | chunk 1 .....        separate sums, merged at the end of the chunk
 *               | segment | segment | ...                         one softmax step: scores, weights, values
 *               |b|b|b|b|b|                                       blocks of KV_BLOCK positions, one page each
 *   rows        pass 0: rows 0..11, pass 1: rows 12..23, ...      the sums of a pass are in registers
 *
 * A pass skips blocks that none of its rows sees. If only some rows see a block, the sums of the other rows do not
 * change (times 1, plus 0), so a row's value does not depend on the other rows.
 *
 * Static functions only: this file is compiled once for each level. */
#ifndef SUMI_BACKEND_CPU_ATTENTION_ROWS_H
#define SUMI_BACKEND_CPU_ATTENTION_ROWS_H

#include <string.h>

#include "backend/cpu/kernels.h"

/* Below any score, and finite, so that a row before its first position does not compute inf - inf. */
#define ATTN_NOTHING_SEEN (-1e30f)

/* Positions in a segment. The maximum, the scaling of old sums and the sum across lanes are computed once per segment. */
#define ATTN_SEGMENT 128

_Static_assert(ATTN_CHUNK % ATTN_SEGMENT == 0 && ATTN_SEGMENT % KV_BLOCK == 0, "whole segments, whole blocks");

/* Scores are exponents of 2, as exp2() is cheaper than exp(). With a soft-cap the products are scaled for
 * tanh(x) = 1 - 2 / (2^(2 x log2(e)) + 1), and the scores are scaled after tanh. */
#define ATTN_LOG2E 1.44269504f

#define ATTN_LANES 16 /* of the widest level */

/* True if the level reads the format, and keys and values fill whole registers; otherwise the level below computes them. */
static inline bool attn_fits(kv_format format, int32_t head_dim, int32_t v_dim, int32_t lanes)
{
    return format == KV_F16 && head_dim % lanes == 0 && v_dim % lanes == 0;
}

/* The softmax of a tile's rows. The sums of weights have a lane for each slot modulo the width of a register. */
typedef struct attn_tile {
    _Alignas(64) float m[ATTN_ROWS];              /* largest score of the chunk */
    _Alignas(64) float l[ATTN_ROWS * ATTN_LANES]; /* weights of the chunk */
    _Alignas(64) float shrink[ATTN_LANES];        /* the factor of a new segment on a row's old sums, in one pass */
    float total_m[ATTN_ROWS], total_l[ATTN_ROWS]; /* the same for all chunks so far; their sums are in the result */
} attn_tile;

/* Rows r0 <= r < r0 + n of a tile. */
typedef struct attn_pass {
    const attention_tile_args *a;
    attn_tile *x;
    int32_t r0, n;
    float *q;   /* [head_dim][rows of a pass], latent: [rows of a pass][head_dim]; scaled by attn_q_scale() */
    float *out; /* [n][v_dim]: the chunk's sums */
    float *p;   /* [rows of a pass][ATTN_SEGMENT]: scores, then weights */
} attn_pass;

/* Blocks begin <= b < end of the segment that starts with block segment; last: the last block to read. */
typedef struct attn_blocks {
    int32_t segment, begin, end, last;
} attn_blocks;

/* The functions of a level. rows: of a pass; divides ATTN_ROWS. */
typedef struct attn_level {
    int32_t rows;
    /* m, l and out of the pass over positions first .. last of one chunk */
    void (*sum_chunk)(const attn_pass *ps, int32_t first, int32_t last);
    float (*sum_weights)(const float *l);
    /* total (m, l, out) += the sums of the next chunk */
    void (*merge)(float *m, float *l, float *out, float next_m, float next_l, const float *next, int32_t v_dim);
    /* out /= l, and -0 becomes 0: the addition of 0 for an unseen slot may have changed -0 to 0 */
    void (*finish)(float *out, float l, int32_t v_dim);
} attn_level;

static inline const void *attn_keys(const attention_tile_args *a, int32_t block)
{
    return a->blocks + (size_t)a->table[block] * a->block_stride + a->k_offset;
}

static inline const void *attn_values(const attention_tile_args *a, int32_t block)
{
    return a->blocks + (size_t)a->table[block] * a->block_stride + a->v_offset;
}

/* The keys and values of a head in a block are too short for the prefetcher of the processor. So values are prefetched
 * while scores are computed, and the keys of the next segment while values are read; docs/kernels.md has the measurement.
 *
 * The keys to prefetch while the values of block b are read: the keys at the same place of the next segment. */
static inline const void *attn_next_keys(const attention_tile_args *a, attn_blocks s, int32_t b)
{
    int32_t next = b + ATTN_SEGMENT / KV_BLOCK;
    return attn_keys(a, next < s.last ? next : s.last);
}

/* Weights of row r of the pass, beginning at the block's first slot. */
static inline float *attn_weights(const attn_pass *ps, attn_blocks s, int32_t r, int32_t block)
{
    return ps->p + r * ATTN_SEGMENT + (block - s.segment) * KV_BLOCK;
}

/* The blocks of b's segment, from b up to position last. */
static inline attn_blocks attn_segment(int32_t b, int32_t last)
{
    const int32_t whole = ATTN_SEGMENT / KV_BLOCK;
    int32_t segment = b / whole * whole;
    last /= KV_BLOCK;
    return (attn_blocks){ segment, b, segment + whole <= last ? segment + whole : last + 1, last };
}

/* True if row r of the pass sees every slot of the blocks. */
static inline bool attn_sees_all(const attn_pass *ps, attn_blocks s, int32_t r)
{
    const attention_tile_args *a = ps->a;
    return a->first[ps->r0 + r] <= s.begin * KV_BLOCK && a->last[ps->r0 + r] >= s.end * KV_BLOCK - 1;
}

static inline float attn_q_scale(const attention_tile_args *a)
{
    return a->softcap > 0 ? a->scale / a->softcap * (2 * ATTN_LOG2E) : a->scale * ATTN_LOG2E;
}

static inline void attn_load_q(const attn_pass *ps, int32_t n_rows)
{
    float scale = attn_q_scale(ps->a);
    int32_t head_dim = ps->a->head_dim;
    for (int32_t r = 0; r < n_rows; r++)
        for (int32_t i = 0; i < head_dim; i++)
            ps->q[ps->a->latent ? r * head_dim + i : i * n_rows + r] = r < ps->n ? ps->a->q[ps->r0 + r][i] * scale : 0;
}

/* The range of positions that at least one of the rows sees. */
static inline void attn_seen(const attention_tile_args *a, int32_t r0, int32_t n, int32_t *first, int32_t *last)
{
    *first = a->first[r0];
    *last = a->last[r0];
    for (int32_t r = r0 + 1; r < r0 + n; r++) {
        *first = a->first[r] < *first ? a->first[r] : *first;
        *last = a->last[r] > *last ? a->last[r] : *last;
    }
}

static inline attn_pass attn_pass_at(const attn_level *level, const attention_tile_args *a, attn_tile *x, int32_t r0)
{
    int32_t n = a->n_rows - r0 < level->rows ? a->n_rows - r0 : level->rows;
    float *out = a->scratch + ATTN_ROWS * ATTN_MAX_HEAD, *p = out + ATTN_ROWS * ATTN_MAX_HEAD;
    return (attn_pass){ a, x, r0, n, a->scratch + r0 * a->head_dim, out, p };
}

/* Adds the sums of a chunk over the pass's positions to the result; of a partial row they are the result. */
static inline void attn_add_chunk(const attn_level *level, const attn_pass *ps, int32_t chunk)
{
    const attention_tile_args *a = ps->a;
    int32_t first, last, begin = chunk * ATTN_CHUNK, end = begin + ATTN_CHUNK - 1;
    attn_seen(a, ps->r0, ps->n, &first, &last);
    if (last < begin || first > end) return;
    level->sum_chunk(ps, first > begin ? first : begin, last < end ? last : end);
    for (int32_t r = 0; r < ps->n; r++) {
        int32_t row = ps->r0 + r;
        float *out = a->out[row], *sums = ps->out + r * a->v_dim;
        float l = level->sum_weights(ps->x->l + row * ATTN_LANES);
        if (a->chunk == ATTN_ALL) {
            level->merge(&ps->x->total_m[row], &ps->x->total_l[row], out, ps->x->m[row], l, sums, a->v_dim);
        } else {
            memcpy(out, sums, (size_t)a->v_dim * sizeof *out);
            out[a->v_dim] = ps->x->m[row];
            out[a->v_dim + 1] = l;
        }
    }
}

/* The last step of a row. A sink is one more score, of a position whose value is 0: the sink only increases the sum of
 * weights. */
static inline void attn_finish(const attn_level *level, float m, float l, float *out, const float *sink, int32_t v_dim)
{
    static const float nothing[ATTN_MAX_HEAD];
    if (sink) level->merge(&m, &l, out, *sink * ATTN_LOG2E, 1, nothing, v_dim);
    level->finish(out, l, v_dim);
}

/* The tile kernel of a level. */
static inline void attn_attend(const attn_level *level, const attention_tile_args *a)
{
    attn_tile x;
    int32_t first, last;
    bool all = a->chunk == ATTN_ALL;
    for (int32_t r0 = 0; r0 < a->n_rows; r0 += level->rows) {
        attn_pass ps = attn_pass_at(level, a, &x, r0);
        attn_load_q(&ps, level->rows);
    }
    for (int32_t r = 0; r < a->n_rows && all; r++) {
        x.total_m[r] = ATTN_NOTHING_SEEN;
        x.total_l[r] = 0;
        memset(a->out[r], 0, (size_t)a->v_dim * sizeof *a->out[r]);
    }
    attn_seen(a, 0, a->n_rows, &first, &last);
    for (int32_t chunk = all ? first / ATTN_CHUNK : a->chunk; chunk <= (all ? last / ATTN_CHUNK : a->chunk); chunk++)
        for (int32_t r0 = 0; r0 < a->n_rows; r0 += level->rows) {
            attn_pass ps = attn_pass_at(level, a, &x, r0);
            attn_add_chunk(level, &ps, chunk);
        }
    for (int32_t r = 0; r < a->n_rows && all; r++)
        attn_finish(level, x.total_m[r], x.total_l[r], a->out[r], a->sink[r], a->v_dim);
}

/* The merge kernel of a level. */
static inline void attn_merge(const attn_level *level, const attention_merge_args *a)
{
    float m = ATTN_NOTHING_SEEN, l = 0;
    memset(a->out, 0, (size_t)a->v_dim * sizeof *a->out);
    for (int32_t c = 0; c < a->n; c++) {
        const float *p = a->partials + (size_t)c * a->stride;
        level->merge(&m, &l, a->out, p[a->v_dim], p[a->v_dim + 1], p, a->v_dim);
    }
    attn_finish(level, m, l, a->out, a->sink, a->v_dim);
}

#endif
