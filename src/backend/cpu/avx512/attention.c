/* attention.c - the reference's online softmax (ref/attention.c) for a tile of rows, with AVX-512.
 *
 * A block of 16 keys is one register for each element of the head, since K has its positions innermost:
 *
 *   scores:  s[r][block] += q[r][i] * K[block][i][0..15]       two to four blocks at once: a load of q serves all of
 *                                                              them, a load of K every row
 *   weights: w = 2^(s - m), m the largest so far               over a segment of up to 8 blocks
 *   values:  out[r][i..i+15] += w[r][t] * V[t][i..i+15]        the sums stay in registers over the segment
 *
 * Each sum is one chain of multiply-adds in order of i or t, so a row's operations are the same whatever shares its
 * registers; attention_rows.h tells how rows and positions are walked.
 *
 * Latent keys are rows, whose scores are sums across lanes: latent_scores().
 *
 * head_dim and v_dim are multiples of 16, or the AVX2 kernel is called. */
#include "backend/cpu/attention_rows.h"
#include "backend/cpu/avx512/avx512.h"

_Static_assert(KV_BLOCK == 16, "one register of scores");

#define PASS  12 /* rows: 24 sums, two keys and a query fill the registers */
#define LANES 16

_Static_assert(ATTN_ROWS % PASS == 0 && LANES <= ATTN_LANES, "whole passes");

static inline __m512 load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

/* 2^x for x <= 127, within 2 units in the last place: 2^n times a polynomial of degree 5 in x - n, |x - n| <= 1/2,
 * fitted to the least relative error with 2^0 = 1. Small x give 0, NaN stays. */
static inline __m512 exp2_ps(__m512 x)
{
    __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_sub_ps(x, n), p = _mm512_set1_ps(1.32647273e-3f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(9.67151299e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.55073358e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(2.40222424e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(6.93147004e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
    return _mm512_scalef_ps(p, n);
}

/* p[r][t] = q[r] . k[t] of n rows and nb blocks from b on. The last block stands in for those beyond end. */
static inline __attribute__((always_inline)) void score_blocks(const attn_pass *ps, attn_blocks s, int32_t b,
                                                               int n, int nb)
{
    const uint16_t *k[4], *v[4];
    __m512 sum[4][PASS];
    float *p[4];
#pragma GCC unroll 4
    for (int j = 0; j < nb; j++) {
        int32_t block = b + j < s.end ? b + j : s.end - 1;
        k[j] = attn_keys(ps->a, block);
        v[j] = attn_values(ps->a, block);
        p[j] = attn_weights(ps, s, 0, block);
#pragma GCC unroll 12
        for (int r = 0; r < n; r++) sum[j][r] = _mm512_setzero_ps();
    }
    const float *q = ps->q;
    for (int32_t i = 0; i < ps->a->head_dim; i++, q += PASS) {
        __m512 key[4];
#pragma GCC unroll 4
        for (int j = 0; j < nb; j++) {
            key[j] = load_f16(k[j] + i * KV_BLOCK);
            _mm_prefetch((const char *)(v[j] + i * KV_BLOCK), _MM_HINT_T0);
        }
#pragma GCC unroll 12
        for (int r = 0; r < n; r++) {
            __m512 query = _mm512_set1_ps(q[r]);
#pragma GCC unroll 4
            for (int j = 0; j < nb; j++) sum[j][r] = _mm512_fmadd_ps(key[j], query, sum[j][r]);
        }
    }
#pragma GCC unroll 4
    for (int j = 0; j < nb; j++)
#pragma GCC unroll 12
        for (int r = 0; r < n; r++) _mm512_store_ps(p[j] + r * ATTN_SEGMENT, sum[j][r]);
}

static inline __attribute__((always_inline)) void scores(const attn_pass *ps, attn_blocks s, int n)
{
    int32_t b = s.begin;
    if (n > 6) {
        for (; b + 2 <= s.end; b += 2) score_blocks(ps, s, b, n, 2);
        if (b < s.end) score_blocks(ps, s, b, n, 1);
    } else {
        for (; b < s.end; b += 4) score_blocks(ps, s, b, n, 4);
    }
}

/* The sums of four registers. */
static inline __m128 sum_of_each(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    __m512d low = _mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    __m512d high = _mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd));
    __m512 abcd = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(abcd), _mm512_extractf32x8_ps(abcd, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

/* Latent keys: p[r][t] = q[r] . k[t] of rows r0 <= r < r0 + n, four keys at once. Lanes are elements of the head here, so a
 * score is summed across them in the end: a tree for a whole row of 576 elements. */
static inline __attribute__((always_inline)) void score_keys(const attn_pass *ps, attn_blocks s, int32_t r0,
                                                             int n)
{
    const int32_t head_dim = ps->a->head_dim;
    const float *q = ps->q + r0 * head_dim;
    for (int32_t b = s.begin; b < s.end; b++) {
        const uint16_t *k = attn_keys(ps->a, b);
        float *p = attn_weights(ps, s, r0, b);
        for (int32_t t = 0; t < KV_BLOCK; t += 4, k += 4 * head_dim) {
            __m512 sum[6][4];
#pragma GCC unroll 6
            for (int r = 0; r < n; r++)
#pragma GCC unroll 4
                for (int j = 0; j < 4; j++) sum[r][j] = _mm512_setzero_ps();
            for (int32_t i = 0; i < head_dim; i += LANES) {
                __m512 key[4];
#pragma GCC unroll 4
                for (int j = 0; j < 4; j++) key[j] = load_f16(k + j * head_dim + i);
#pragma GCC unroll 6
                for (int r = 0; r < n; r++) {
                    __m512 query = _mm512_load_ps(q + r * head_dim + i);
#pragma GCC unroll 4
                    for (int j = 0; j < 4; j++) sum[r][j] = _mm512_fmadd_ps(key[j], query, sum[r][j]);
                }
            }
#pragma GCC unroll 6
            for (int r = 0; r < n; r++)
                _mm_store_ps(p + r * ATTN_SEGMENT + t,
                             sum_of_each(sum[r][0], sum[r][1], sum[r][2], sum[r][3]));
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
    const __m512 cap = _mm512_set1_ps(ps->a->softcap * ATTN_LOG2E), one = _mm512_set1_ps(1),
                 two = _mm512_set1_ps(2);
    for (int32_t r = 0; r < ps->n; r++)
        for (int32_t b = s.begin; b < s.end; b++) {
            float *p = attn_weights(ps, s, r, b);
            __m512 e = exp2_ps(_mm512_load_ps(p));
            __m512 tanh = _mm512_sub_ps(one, _mm512_div_ps(two, _mm512_add_ps(e, one)));
            _mm512_store_ps(p, _mm512_mul_ps(cap, tanh));
        }
}

/* By what a row's slope takes for the distance to each slot. */
static void lower_scores(const attn_pass *ps, attn_blocks s)
{
    const __m512i slots = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int32_t r = 0; r < ps->n; r++) {
        const __m512 slope = _mm512_set1_ps(ps->a->slope[ps->r0 + r] * ATTN_LOG2E);
        for (int32_t b = s.begin; b < s.end; b++) {
            float *p = attn_weights(ps, s, r, b);
            __m512i behind = _mm512_sub_epi32(_mm512_set1_epi32(ps->a->slot[ps->r0 + r] - b * KV_BLOCK), slots);
            __m512 distance = _mm512_cvtepi32_ps(_mm512_abs_epi32(behind));
            _mm512_store_ps(p, _mm512_fnmadd_ps(slope, distance, _mm512_load_ps(p)));
        }
    }
}

/* Slots of a block that row r sees. */
static inline __mmask16 seen_slots(const attention_tile_args *a, int32_t r, int32_t block)
{
    int32_t from = a->first[r] - block * KV_BLOCK, to = a->last[r] - block * KV_BLOCK + 1;
    return v_below(to > 0 ? to : 0) & (__mmask16)~v_below(from > 0 ? from : 0);
}

/* Scores of slots that row r does not see become so low that their weight is 0. */
static inline void mask_row(const attn_pass *ps, attn_blocks s, int32_t r)
{
    for (int32_t b = s.begin; b < s.end; b++) {
        float *p = attn_weights(ps, s, r, b);
        __mmask16 seen = seen_slots(ps->a, ps->r0 + r, b);
        _mm512_store_ps(p,
                        _mm512_mask_mov_ps(_mm512_set1_ps(2 * ATTN_NOTHING_SEEN), seen, _mm512_load_ps(p)));
    }
}

/* m becomes the largest score of row r, shrink the logarithm of the factor of its old sums. */
static inline void raise_maximum(const attn_pass *ps, attn_blocks s, int32_t r)
{
    float *m = &ps->x->m[ps->r0 + r], *p = attn_weights(ps, s, r, s.begin), old = *m;
    if (!attn_sees_all(ps, s, r)) mask_row(ps, s, r);
    __m512 largest = _mm512_load_ps(p);
    for (int32_t b = 1; b < s.end - s.begin; b++)
        largest = _mm512_max_ps(largest, _mm512_load_ps(p + b * KV_BLOCK));
    float new = _mm512_reduce_max_ps(largest);
    *m = new > old ? new : old;
    ps->x->shrink[r] = old - *m;
}

/* Scores of row r to weights, which are added to l. */
static inline void weigh(const attn_pass *ps, attn_blocks s, int32_t r)
{
    float *p = attn_weights(ps, s, r, s.begin), *l = ps->x->l + (ps->r0 + r) * ATTN_LANES;
    const __m512 m = _mm512_set1_ps(ps->x->m[ps->r0 + r]);
    __m512 sum = _mm512_mul_ps(_mm512_load_ps(l), _mm512_set1_ps(ps->x->shrink[r]));
#pragma GCC unroll 4
    for (int32_t b = 0; b < s.end - s.begin; b++, p += KV_BLOCK) {
        __m512 w = exp2_ps(_mm512_sub_ps(_mm512_load_ps(p), m));
        _mm512_store_ps(p, w);
        sum = _mm512_add_ps(sum, w);
    }
    _mm512_store_ps(l, sum);
}

/* All maxima first: a maximum across lanes takes long, and those of different rows overlap. */
static inline void softmax(const attn_pass *ps, attn_blocks s)
{
    float *shrink = ps->x->shrink;
    for (int32_t r = 0; r < ps->n; r++) raise_maximum(ps, s, r);
    _mm512_store_ps(shrink, exp2_ps(_mm512_load_ps(shrink)));
    for (int32_t r = 0; r < ps->n; r++) weigh(ps, s, r);
}

/* out[r][i..] of n rows and nc registers of columns. */
static inline __attribute__((always_inline)) void add_columns(const attn_pass *ps, attn_blocks s, int32_t i,
                                                              int n, int nc)
{
    int32_t v_dim = ps->a->v_dim, v_stride = (int32_t)(ps->a->v_stride / sizeof(uint16_t));
    __m512 sum[PASS][8];
    float *out = ps->out + i;
#pragma GCC unroll 12
    for (int r = 0; r < n; r++)
#pragma GCC unroll 8
        for (int c = 0; c < nc; c++)
            sum[r][c] = _mm512_mul_ps(_mm512_load_ps(out + r * v_dim + c * LANES),
                                      _mm512_set1_ps(ps->x->shrink[r]));
    for (int32_t b = s.begin; b < s.end; b++) {
        const uint16_t *v = attn_values(ps->a, b), *next = attn_next_keys(ps->a, s, b);
        const float *p = attn_weights(ps, s, 0, b);
        v += i;
        next += i * KV_BLOCK;
        for (int32_t t = 0; t < KV_BLOCK; t++, v += v_stride) {
            __m512 value[8];
#pragma GCC unroll 8
            for (int c = 0; c < nc; c++) {
                value[c] = load_f16(v + c * LANES);
                /* the keys are as long as the values: half a line for each register */
                _mm_prefetch((const char *)(next + (t * nc + c) * LANES), _MM_HINT_T0);
            }
#pragma GCC unroll 12
            for (int r = 0; r < n; r++) {
                __m512 w = _mm512_set1_ps(p[r * ATTN_SEGMENT + t]);
#pragma GCC unroll 8
                for (int c = 0; c < nc; c++) sum[r][c] = _mm512_fmadd_ps(value[c], w, sum[r][c]);
            }
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < n; r++)
#pragma GCC unroll 8
        for (int c = 0; c < nc; c++) _mm512_store_ps(out + r * v_dim + c * LANES, sum[r][c]);
}

static inline __attribute__((always_inline)) void values(const attn_pass *ps, attn_blocks s, int n)
{
    const int nc = n > 6 ? 2 : 4;
    int32_t i = 0, v_dim = ps->a->v_dim;
    for (; i + nc * LANES <= v_dim; i += nc * LANES) add_columns(ps, s, i, n, nc);
    for (; i < v_dim; i += LANES) add_columns(ps, s, i, n, 1);
}

/* Sums of one pass, computed as n rows. */
static inline __attribute__((always_inline)) void sum_rows(const attn_pass *ps, int32_t first, int32_t last,
                                                           int n)
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
    else if (ps->n <= 6) sum_rows(ps, first, last, 6);
    else if (ps->n <= 8) sum_rows(ps, first, last, 8);
    else sum_rows(ps, first, last, PASS);
}

static float sum_weights(const float *l)
{
    return _mm512_reduce_add_ps(_mm512_load_ps(l));
}

static void merge(float *m, float *l, float *out, float next_m, float next_l, const float *next,
                  int32_t v_dim)
{
    float largest = next_m > *m ? next_m : *m;
    __m512 old = exp2_ps(_mm512_set1_ps(*m - largest)), new = exp2_ps(_mm512_set1_ps(next_m - largest));
    *m = largest;
    *l = *l * _mm512_cvtss_f32(old) + next_l * _mm512_cvtss_f32(new);
    for (int32_t i = 0; i < v_dim; i += LANES) {
        __m512 sum = _mm512_mul_ps(_mm512_loadu_ps(out + i), old);
        _mm512_storeu_ps(out + i, _mm512_fmadd_ps(_mm512_loadu_ps(next + i), new, sum));
    }
}

static void finish(float *out, float l, int32_t v_dim)
{
    const __m512 sum = _mm512_set1_ps(l);
    for (int32_t i = 0; i < v_dim; i += LANES)
        _mm512_storeu_ps(out + i,
                         _mm512_add_ps(_mm512_div_ps(_mm512_loadu_ps(out + i), sum), _mm512_setzero_ps()));
}

static const attn_level level = { PASS, sum_chunk, sum_weights, merge, finish };

void attention_tile_avx512(const attention_tile_args *a)
{
    if (!attn_fits(a->format, a->head_dim, a->v_dim, LANES)) attention_tile_avx2(a);
    else attn_attend(&level, a);
}

void attention_merge_avx512(const attention_merge_args *a)
{
    if (!attn_fits(a->format, a->head_dim, a->v_dim, LANES)) attention_merge_avx2(a);
    else attn_merge(&level, a);
}
