/* attention.h - the reference's online softmax (ref/attention.c) for a tile of rows.
 *
 * A block of 16 keys is one vector for each element of the head, or two of 8 floats, since K has its positions innermost:
 *
 *   scores:  s[r][block] += q[r][i] * K[block][i][0..15]       some blocks at once: a load of q serves all of them, a
 *                                                              load of K every row
 *   weights: w = 2^(s - m), m the largest so far               over a segment of up to 8 blocks
 *   values:  out[r][i..i+LANES-1] += w[r][t] * V[t][i..]       the sums stay in registers over the segment
 *
 * Each sum is one chain of multiply-adds in order of i or t, so a row's operations are the same whatever shares its
 * registers; attention_rows.h tells how rows and positions are walked.
 *
 * Latent keys are rows, whose scores are sums across lanes: latent_scores().
 *
 * head_dim and v_dim are multiples of LANES, or the level below is called. Before the level includes this file it defines
 *
 *   PASS        rows of a pass: with two vectors of sums for each of them, two keys and a query fill the registers
 *   FEW_ROWS    up to so many rows have four vectors of sums each
 *   PREFETCH    elements of K between two prefetches
 *   KEYS        latent keys at once
 *   store_key_scores(p, q, a, b)    p[j], q[j] = the sums of the lanes of a[j], b[j], j < KEYS */
#ifndef SUMI_BACKEND_CPU_PASSES_ATTENTION_H
#define SUMI_BACKEND_CPU_PASSES_ATTENTION_H

#include "backend/cpu/attention_rows.h"
#include "backend/cpu/passes/exp.h"

#define PARTS (KV_BLOCK / LANES) /* vectors of a block's positions */

_Static_assert(KV_BLOCK % LANES == 0 && PASS <= LANES && LANES <= ATTN_LANES, "whole vectors");
_Static_assert(ATTN_ROWS % PASS == 0, "whole passes");

/* Vectors of sums for each of n rows. */
static inline __attribute__((always_inline)) int sums_of_row(int n)
{
    return n > FEW_ROWS ? 2 : 4;
}

/* p[r][t] = q[r] . k[t] of n rows and nb blocks from b on. The last block stands in for those beyond end. */
static inline __attribute__((always_inline)) void score_blocks(const attn_pass *ps, attn_blocks s, int32_t b, int n,
                                                               int nb)
{
    const uint16_t *k[4], *v[4];
    float *p[4];
    vf sum[4][PASS];
#pragma GCC unroll 4
    for (int j = 0; j < nb; j++) {
        int32_t block = b + j < s.end ? b + j : s.end - 1;
        k[j] = attn_keys(ps->a, block);
        v[j] = attn_values(ps->a, block);
        p[j] = attn_weights(ps, s, 0, block);
    }
#pragma GCC unroll 4
    for (int j = 0; j < nb * PARTS; j++)
#pragma GCC unroll 12
        for (int r = 0; r < n; r++) sum[j][r] = v_set(0);
    const float *q = ps->q;
    for (int32_t i = 0; i < ps->a->head_dim; i++, q += PASS) {
        vf key[4];
#pragma GCC unroll 4
        for (int j = 0; j < nb * PARTS; j++) {
            key[j] = v_load_f16(k[j / PARTS] + i * KV_BLOCK + j % PARTS * LANES);
            if (j % PARTS == 0) _mm_prefetch((const char *)(v[j / PARTS] + i * KV_BLOCK), _MM_HINT_T0);
        }
#pragma GCC unroll 12
        for (int r = 0; r < n; r++) {
            vf query = v_set(q[r]);
#pragma GCC unroll 4
            for (int j = 0; j < nb * PARTS; j++) sum[j][r] = v_fma(key[j], query, sum[j][r]);
        }
    }
#pragma GCC unroll 4
    for (int j = 0; j < nb * PARTS; j++)
#pragma GCC unroll 12
        for (int r = 0; r < n; r++) v_store(p[j / PARTS] + r * ATTN_SEGMENT + j % PARTS * LANES, sum[j][r]);
}

/* A single block may be left of pairs; fours are computed as fours. */
static inline __attribute__((always_inline)) void scores(const attn_pass *ps, attn_blocks s, int n)
{
    const int nb = sums_of_row(n) / PARTS;
    int32_t b = s.begin, end = nb == 2 ? s.end - 1 : s.end;
    for (; b < end; b += nb) score_blocks(ps, s, b, n, nb);
    if (b < s.end) score_blocks(ps, s, b, n, 1);
}

/* Latent keys: p[r][t] = q[r] . k[t] of rows r0 <= r < r0 + n, an even number, KEYS keys at once. Lanes are elements of the
 * head here, so a score is summed across them in the end: a tree for a whole row of 576 elements. */
static inline __attribute__((always_inline)) void score_keys(const attn_pass *ps, attn_blocks s, int32_t r0, int n)
{
    const int32_t head_dim = ps->a->head_dim;
    const float *q = ps->q + r0 * head_dim;
    for (int32_t b = s.begin; b < s.end; b++) {
        const uint16_t *k = attn_keys(ps->a, b);
        float *p = attn_weights(ps, s, r0, b);
        for (int32_t t = 0; t < KV_BLOCK; t += KEYS, k += KEYS * head_dim) {
            vf sum[6][KEYS];
#pragma GCC unroll 6
            for (int r = 0; r < n; r++)
#pragma GCC unroll 4
                for (int j = 0; j < KEYS; j++) sum[r][j] = v_set(0);
            for (int32_t i = 0; i < head_dim; i += LANES) {
                vf key[KEYS];
#pragma GCC unroll 4
                for (int j = 0; j < KEYS; j++) key[j] = v_load_f16(k + j * head_dim + i);
#pragma GCC unroll 6
                for (int r = 0; r < n; r++) {
                    vf query = v_load(q + r * head_dim + i);
#pragma GCC unroll 4
                    for (int j = 0; j < KEYS; j++) sum[r][j] = v_fma(key[j], query, sum[r][j]);
                }
            }
#pragma GCC unroll 3
            for (int r = 0; r < n; r += 2) {
                float *scores = p + r * ATTN_SEGMENT + t;
                store_key_scores(scores, scores + ATTN_SEGMENT, sum[r], sum[r + 1]);
            }
        }
    }
}

/* Rows behind the last one of a pass are 0. */
static void latent_scores(const attn_pass *ps, attn_blocks s)
{
    for (int32_t r = 0; r < ps->n; r += 6) {
        if (ps->n - r > 4) score_keys(ps, s, r, 6);
        else if (ps->n - r > 2) score_keys(ps, s, r, 4);
        else score_keys(ps, s, r, 2);
    }
}

/* Products with queries scaled by attn_q_scale() to capped scores. */
static void cap_scores(const attn_pass *ps, attn_blocks s)
{
    const float cap = ps->a->softcap * ATTN_LOG2E;
    for (int32_t r = 0; r < ps->n; r++) {
        float *p = attn_weights(ps, s, r, s.begin), *end = attn_weights(ps, s, r, s.end);
        for (; p < end; p += LANES) v_store(p, cap * (1.0f - 2.0f / (exp2_of(v_load(p)) + 1.0f)));
    }
}

/* By what a row's slope takes for the distance to each slot. */
static void lower_scores(const attn_pass *ps, attn_blocks s)
{
    for (int32_t r = 0; r < ps->n; r++) {
        const vf slope = v_set(ps->a->slope[ps->r0 + r] * ATTN_LOG2E);
        float *p = attn_weights(ps, s, r, s.begin);
        for (int32_t t = s.begin * KV_BLOCK; t < s.end * KV_BLOCK; t += LANES, p += LANES)
            v_store(p, v_fnma(slope, v_distance(ps->a->slot[ps->r0 + r] - t), v_load(p)));
    }
}

/* Scores of slots that row r does not see become so low that their weight is 0. */
static inline void mask_row(const attn_pass *ps, attn_blocks s, int32_t r)
{
    int32_t from = ps->a->first[ps->r0 + r], to = ps->a->last[ps->r0 + r] + 1;
    float *p = attn_weights(ps, s, r, s.begin);
    for (int32_t t = s.begin * KV_BLOCK; t < s.end * KV_BLOCK; t += LANES, p += LANES)
        v_store(p, v_if(v_between(from - t, to - t), v_load(p), v_set(2 * ATTN_NOTHING_SEEN)));
}

/* m becomes the largest score of row r, shrink the logarithm of the factor of its old sums. */
static inline void raise_maximum(const attn_pass *ps, attn_blocks s, int32_t r)
{
    float *m = &ps->x->m[ps->r0 + r], old = *m;
    const float *p = attn_weights(ps, s, r, s.begin), *end = attn_weights(ps, s, r, s.end);
    if (!attn_sees_all(ps, s, r)) mask_row(ps, s, r);
    vf largest = v_load(p);
    for (p += LANES; p < end; p += LANES) largest = v_max(largest, v_load(p));
    float new = v_largest(largest);
    *m = new > old ? new : old;
    ps->x->shrink[r] = old - *m;
}

/* Scores of row r to weights, which are added to l. */
static inline void weigh(const attn_pass *ps, attn_blocks s, int32_t r)
{
    float *p = attn_weights(ps, s, r, s.begin), *l = ps->x->l + (ps->r0 + r) * ATTN_LANES;
    const vf m = v_set(ps->x->m[ps->r0 + r]);
    vf sum = v_load(l) * ps->x->shrink[r];
#pragma GCC unroll 4
    for (int32_t i = 0; i < (s.end - s.begin) * PARTS; i++, p += LANES) {
        vf w = exp2_of(v_load(p) - m);
        v_store(p, w);
        sum += w;
    }
    v_store(l, sum);
}

/* All maxima first: a maximum across lanes takes long, and those of different rows overlap. */
static inline void softmax(const attn_pass *ps, attn_blocks s)
{
    float *shrink = ps->x->shrink;
    for (int32_t r = 0; r < ps->n; r++) raise_maximum(ps, s, r);
    v_store(shrink, exp2_of(v_load(shrink)));
    for (int32_t r = 0; r < ps->n; r++) weigh(ps, s, r);
}

/* out[r][i..] of n rows and nc vectors of columns. */
static inline __attribute__((always_inline)) void add_columns(const attn_pass *ps, attn_blocks s, int32_t i, int n,
                                                              int nc)
{
    int32_t v_dim = ps->a->v_dim, v_stride = (int32_t)(ps->a->v_stride / sizeof(uint16_t));
    vf sum[PASS][4];
    float *out = ps->out + i;
#pragma GCC unroll 12
    for (int r = 0; r < n; r++)
#pragma GCC unroll 4
        for (int c = 0; c < nc; c++) sum[r][c] = v_load(out + r * v_dim + c * LANES) * ps->x->shrink[r];
    for (int32_t b = s.begin; b < s.end; b++) {
        const uint16_t *v = attn_values(ps->a, b), *next = attn_next_keys(ps->a, s, b);
        const float *p = attn_weights(ps, s, 0, b);
        v += i;
        next += i * KV_BLOCK;
        for (int32_t t = 0; t < KV_BLOCK; t++, v += v_stride) {
            vf value[4];
#pragma GCC unroll 4
            for (int c = 0; c < nc; c++) {
                value[c] = v_load_f16(v + c * LANES);
                /* the keys are as long as the values */
                if (c * LANES % PREFETCH == 0) _mm_prefetch((const char *)(next + (t * nc + c) * LANES), _MM_HINT_T0);
            }
#pragma GCC unroll 12
            for (int r = 0; r < n; r++) {
                vf w = v_set(p[r * ATTN_SEGMENT + t]);
#pragma GCC unroll 4
                for (int c = 0; c < nc; c++) sum[r][c] = v_fma(value[c], w, sum[r][c]);
            }
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < n; r++)
#pragma GCC unroll 4
        for (int c = 0; c < nc; c++) v_store(out + r * v_dim + c * LANES, sum[r][c]);
}

static inline __attribute__((always_inline)) void values(const attn_pass *ps, attn_blocks s, int n)
{
    const int nc = sums_of_row(n);
    int32_t i = 0, v_dim = ps->a->v_dim;
    for (; i + nc * LANES <= v_dim; i += nc * LANES) add_columns(ps, s, i, n, nc);
    for (; i < v_dim; i += LANES) add_columns(ps, s, i, n, 1);
}

/* Sums of one pass, computed as n rows. */
static inline __attribute__((always_inline)) void sum_rows(const attn_pass *ps, int32_t first, int32_t last, int n)
{
    for (int32_t r = 0; r < n; r++) ps->x->m[ps->r0 + r] = ATTN_NOTHING_SEEN;
    memset(ps->x->shrink, 0, sizeof ps->x->shrink);
    memset(ps->x->l + ps->r0 * ATTN_LANES, 0, (size_t)(n * ATTN_LANES) * sizeof(float));
    memset(ps->out, 0, (size_t)(n * ps->a->v_dim) * sizeof(float));
    for (int32_t b = first / KV_BLOCK; b <= last / KV_BLOCK;) {
        attn_blocks s = attn_segment(b, last);
        if (ps->a->latent) latent_scores(ps, s);
        else scores(ps, s, n);
        if (ps->a->softcap > 0) cap_scores(ps, s);
        if (ps->a->alibi) lower_scores(ps, s);
        softmax(ps, s);
        values(ps, s, n);
        b = s.end;
    }
}

static void sum_chunk(const attn_pass *ps, int32_t first, int32_t last)
{
    if (ps->n == 1) sum_rows(ps, first, last, 1);
    else if (ps->n == 2) sum_rows(ps, first, last, 2);
    else if (ps->n == 3) sum_rows(ps, first, last, 3);
    else if (ps->n == 4) sum_rows(ps, first, last, 4);
    else if (PASS == 6 || ps->n <= 6) sum_rows(ps, first, last, 6);
    else if (ps->n <= 8) sum_rows(ps, first, last, 8);
    else sum_rows(ps, first, last, PASS);
}

static float sum_weights(const float *l)
{
    return v_sum(v_load(l));
}

static void merge(float *m, float *l, float *out, float next_m, float next_l, const float *next, int32_t v_dim)
{
    float largest = next_m > *m ? next_m : *m;
    vf old = exp2_of(v_set(*m - largest)), new = exp2_of(v_set(next_m - largest));
    *m = largest;
    *l = *l * old[0] + next_l * new[0];
    for (int32_t i = 0; i < v_dim; i += LANES) v_store(out + i, v_fma(v_load(next + i), new, v_load(out + i) * old));
}

static void finish(float *out, float l, int32_t v_dim)
{
    for (int32_t i = 0; i < v_dim; i += LANES) v_store(out + i, v_load(out + i) / l + 0.0f);
}

static const attn_level level = { PASS, sum_chunk, sum_weights, merge, finish };

#endif
