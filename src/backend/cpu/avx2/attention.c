/* attention.c - the reference's online softmax (ref/attention.c) for a tile of rows, with AVX2.
 *
 * A block of 16 keys is two registers for each element of the head, since K has its positions innermost; avx512/
 * attention.c explains the steps, attention_rows.h how rows and positions are walked. Rows pass in sixes here: twelve
 * sums, two keys and a query fill the registers.
 *
 * head_dim and v_dim are multiples of 8, or the reference is called. */
#include "backend/cpu/attention_rows.h"
#include "backend/cpu/avx2/avx2.h"

#include "backend/cpu/ref/ref.h"

_Static_assert(KV_BLOCK == 16, "two registers of scores");

#define PASS  6
#define LANES 8

_Static_assert(ATTN_ROWS % PASS == 0 && PASS <= LANES && LANES <= ATTN_LANES, "whole passes");

static inline __m256 load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

/* 2^x: exp2_ps in avx512/attention.c, but 0 below 2^-126 and 2^127 above that. */
static inline __m256 exp2_ps(__m256 x)
{
    /* min and max return their second operand if one is NaN: so NaN survives */
    __m256 normal = _mm256_cmp_ps(x, _mm256_set1_ps(-126), _CMP_NLT_UQ);
    x = _mm256_min_ps(_mm256_set1_ps(127), _mm256_max_ps(_mm256_set1_ps(-126), x));
    __m256 n = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_sub_ps(x, n), p = _mm256_set1_ps(1.32647273e-3f);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(9.67151299e-3f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(5.55073358e-2f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(2.40222424e-1f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(6.93147004e-1f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1));
    __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_and_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(power)), normal);
}

/* p[r][t] = q[r] . k[t] of n rows and nb blocks from b on. The last block stands in for those beyond end. */
static inline __attribute__((always_inline)) void score_blocks(const attn_pass *ps, attn_blocks s, int32_t b,
                                                               int n, int nb)
{
    const uint16_t *k[2], *v[2];
    float *p[2];
    __m256 sum[4][PASS];
#pragma GCC unroll 2
    for (int j = 0; j < nb; j++) {
        int32_t block = b + j < s.end ? b + j : s.end - 1;
        k[j] = attn_keys(ps->a, block);
        v[j] = attn_values(ps->a, block);
        p[j] = attn_weights(ps, s, 0, block);
#pragma GCC unroll 6
        for (int r = 0; r < n; r++) sum[2 * j][r] = sum[2 * j + 1][r] = _mm256_setzero_ps();
    }
    const float *q = ps->q;
    for (int32_t i = 0; i < ps->a->head_dim; i++, q += PASS) {
#pragma GCC unroll 2
        for (int j = 0; j < nb; j++) {
            __m256 low = load_f16(k[j] + i * KV_BLOCK), high = load_f16(k[j] + i * KV_BLOCK + LANES);
            _mm_prefetch((const char *)(v[j] + i * KV_BLOCK), _MM_HINT_T0);
#pragma GCC unroll 6
            for (int r = 0; r < n; r++) {
                __m256 query = _mm256_broadcast_ss(q + r);
                sum[2 * j][r] = _mm256_fmadd_ps(low, query, sum[2 * j][r]);
                sum[2 * j + 1][r] = _mm256_fmadd_ps(high, query, sum[2 * j + 1][r]);
            }
        }
    }
#pragma GCC unroll 2
    for (int j = 0; j < nb; j++)
#pragma GCC unroll 6
        for (int r = 0; r < n; r++) {
            _mm256_store_ps(p[j] + r * ATTN_SEGMENT, sum[2 * j][r]);
            _mm256_store_ps(p[j] + r * ATTN_SEGMENT + LANES, sum[2 * j + 1][r]);
        }
}

static inline __attribute__((always_inline)) void scores(const attn_pass *ps, attn_blocks s, int n)
{
    const int nb = n > 2 ? 1 : 2;
    for (int32_t b = s.begin; b < s.end; b += nb) score_blocks(ps, s, b, n, nb);
}

/* The sums of four registers. */
static inline __m128 sum_of_each(__m256 a, __m256 b, __m256 c, __m256 d)
{
    __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    __m256d low = _mm256_unpacklo_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
    __m256d high = _mm256_unpackhi_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
    __m256 abcd = _mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high));
    return _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1));
}

/* Latent keys: p[r][t] = q[r] . k[t] of the first n rows, an even number, two keys at once. Lanes are elements of the head
 * here. */
static inline __attribute__((always_inline)) void score_keys(const attn_pass *ps, attn_blocks s, int n)
{
    const int32_t head_dim = ps->a->head_dim;
    for (int32_t b = s.begin; b < s.end; b++) {
        const uint16_t *k = attn_keys(ps->a, b);
        float *p = attn_weights(ps, s, 0, b);
        for (int32_t t = 0; t < KV_BLOCK; t += 2, k += 2 * head_dim) {
            __m256 sum[PASS][2];
#pragma GCC unroll 6
            for (int r = 0; r < n; r++) sum[r][0] = sum[r][1] = _mm256_setzero_ps();
            for (int32_t i = 0; i < head_dim; i += LANES) {
                __m256 first = load_f16(k + i), second = load_f16(k + head_dim + i);
#pragma GCC unroll 6
                for (int r = 0; r < n; r++) {
                    __m256 query = _mm256_load_ps(ps->q + r * head_dim + i);
                    sum[r][0] = _mm256_fmadd_ps(first, query, sum[r][0]);
                    sum[r][1] = _mm256_fmadd_ps(second, query, sum[r][1]);
                }
            }
#pragma GCC unroll 3
            for (int r = 0; r < n; r += 2) {
                __m128 four = sum_of_each(sum[r][0], sum[r][1], sum[r + 1][0], sum[r + 1][1]);
                _mm_storel_pi((__m64 *)(p + r * ATTN_SEGMENT + t), four);
                _mm_storeh_pi((__m64 *)(p + (r + 1) * ATTN_SEGMENT + t), four);
            }
        }
    }
}

/* Rows behind the last one of a pass are 0. */
static void latent_scores(const attn_pass *ps, attn_blocks s)
{
    if (ps->n > 4) score_keys(ps, s, PASS);
    else if (ps->n > 2) score_keys(ps, s, 4);
    else score_keys(ps, s, 2);
}

/* Products with queries scaled by attn_q_scale() to capped scores. */
static void cap_scores(const attn_pass *ps, attn_blocks s)
{
    const __m256 cap = _mm256_set1_ps(ps->a->softcap * ATTN_LOG2E), one = _mm256_set1_ps(1),
                 two = _mm256_set1_ps(2);
    for (int32_t r = 0; r < ps->n; r++) {
        float *p = attn_weights(ps, s, r, s.begin), *end = attn_weights(ps, s, r, s.end);
        for (; p < end; p += LANES) {
            __m256 e = exp2_ps(_mm256_load_ps(p));
            __m256 tanh = _mm256_sub_ps(one, _mm256_div_ps(two, _mm256_add_ps(e, one)));
            _mm256_store_ps(p, _mm256_mul_ps(cap, tanh));
        }
    }
}

/* By what a row's slope takes for the distance to each slot. */
static void lower_scores(const attn_pass *ps, attn_blocks s)
{
    const __m256i slots = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (int32_t r = 0; r < ps->n; r++) {
        const __m256 slope = _mm256_set1_ps(ps->a->slope[ps->r0 + r] * ATTN_LOG2E);
        float *p = attn_weights(ps, s, r, s.begin);
        for (int32_t t = s.begin * KV_BLOCK; t < s.end * KV_BLOCK; t += LANES, p += LANES) {
            __m256i behind = _mm256_sub_epi32(_mm256_set1_epi32(ps->a->slot[ps->r0 + r] - t), slots);
            __m256 distance = _mm256_cvtepi32_ps(_mm256_abs_epi32(behind));
            _mm256_store_ps(p, _mm256_fnmadd_ps(slope, distance, _mm256_load_ps(p)));
        }
    }
}

/* Lanes from <= slot < to of eight slots that begin at base. */
static inline __m256 seen_lanes(int32_t base, int32_t from, int32_t to)
{
    __m256i slot = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(base));
    __m256i late = _mm256_cmpgt_epi32(_mm256_set1_epi32(to), slot);
    return _mm256_castsi256_ps(_mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(from), slot), late));
}

/* Scores of slots that row r does not see become so low that their weight is 0. */
static inline void mask_row(const attn_pass *ps, attn_blocks s, int32_t r)
{
    const __m256 unseen = _mm256_set1_ps(2 * ATTN_NOTHING_SEEN);
    int32_t from = ps->a->first[ps->r0 + r], to = ps->a->last[ps->r0 + r] + 1;
    float *p = attn_weights(ps, s, r, s.begin);
    for (int32_t t = s.begin * KV_BLOCK; t < s.end * KV_BLOCK; t += LANES, p += LANES)
        _mm256_store_ps(p, _mm256_blendv_ps(unseen, _mm256_load_ps(p), seen_lanes(t, from, to)));
}

/* m becomes the largest score of row r, shrink the logarithm of the factor of its old sums. */
static inline void raise_maximum(const attn_pass *ps, attn_blocks s, int32_t r)
{
    float *m = &ps->x->m[ps->r0 + r], old = *m;
    const float *p = attn_weights(ps, s, r, s.begin), *end = attn_weights(ps, s, r, s.end);
    if (!attn_sees_all(ps, s, r)) mask_row(ps, s, r);
    __m256 largest = _mm256_load_ps(p);
    for (p += LANES; p < end; p += LANES) largest = _mm256_max_ps(largest, _mm256_load_ps(p));
    float new = v_largest(largest);
    *m = new > old ? new : old;
    ps->x->shrink[r] = old - *m;
}

/* Scores of row r to weights, which are added to l. */
static inline void weigh(const attn_pass *ps, attn_blocks s, int32_t r)
{
    float *p = attn_weights(ps, s, r, s.begin), *l = ps->x->l + (ps->r0 + r) * ATTN_LANES;
    const float *end = attn_weights(ps, s, r, s.end);
    const __m256 m = _mm256_set1_ps(ps->x->m[ps->r0 + r]);
    __m256 sum = _mm256_mul_ps(_mm256_load_ps(l), _mm256_set1_ps(ps->x->shrink[r]));
    for (; p < end; p += LANES) {
        __m256 w = exp2_ps(_mm256_sub_ps(_mm256_load_ps(p), m));
        _mm256_store_ps(p, w);
        sum = _mm256_add_ps(sum, w);
    }
    _mm256_store_ps(l, sum);
}

/* All maxima first: a maximum across lanes takes long, and those of different rows overlap. */
static inline void softmax(const attn_pass *ps, attn_blocks s)
{
    float *shrink = ps->x->shrink;
    for (int32_t r = 0; r < ps->n; r++) raise_maximum(ps, s, r);
    _mm256_store_ps(shrink, exp2_ps(_mm256_load_ps(shrink)));
    for (int32_t r = 0; r < ps->n; r++) weigh(ps, s, r);
}

/* out[r][i..] of n rows and nc registers of columns. */
static inline __attribute__((always_inline)) void add_columns(const attn_pass *ps, attn_blocks s, int32_t i,
                                                              int n, int nc)
{
    int32_t v_dim = ps->a->v_dim, v_stride = (int32_t)(ps->a->v_stride / sizeof(uint16_t));
    float *out = ps->out + i;
    __m256 sum[PASS][4];
#pragma GCC unroll 6
    for (int r = 0; r < n; r++)
#pragma GCC unroll 4
        for (int c = 0; c < nc; c++)
            sum[r][c] = _mm256_mul_ps(_mm256_load_ps(out + r * v_dim + c * LANES),
                                      _mm256_set1_ps(ps->x->shrink[r]));
    for (int32_t b = s.begin; b < s.end; b++) {
        const uint16_t *v = attn_values(ps->a, b), *next = attn_next_keys(ps->a, s, b);
        const float *p = attn_weights(ps, s, 0, b);
        v += i;
        next += i * KV_BLOCK;
        for (int32_t t = 0; t < KV_BLOCK; t++, v += v_stride) {
            __m256 value[4];
            _mm_prefetch((const char *)(next + t * nc * LANES), _MM_HINT_T0);
#pragma GCC unroll 4
            for (int c = 0; c < nc; c++) value[c] = load_f16(v + c * LANES);
#pragma GCC unroll 6
            for (int r = 0; r < n; r++) {
                __m256 w = _mm256_broadcast_ss(p + r * ATTN_SEGMENT + t);
#pragma GCC unroll 4
                for (int c = 0; c < nc; c++) sum[r][c] = _mm256_fmadd_ps(value[c], w, sum[r][c]);
            }
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < n; r++)
#pragma GCC unroll 4
        for (int c = 0; c < nc; c++) _mm256_store_ps(out + r * v_dim + c * LANES, sum[r][c]);
}

static inline __attribute__((always_inline)) void values(const attn_pass *ps, attn_blocks s, int n)
{
    const int nc = n > 2 ? 2 : 4;
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
    else sum_rows(ps, first, last, PASS);
}

static float sum_weights(const float *l)
{
    return v_sum(_mm256_load_ps(l));
}

static void merge(float *m, float *l, float *out, float next_m, float next_l, const float *next,
                  int32_t v_dim)
{
    float largest = next_m > *m ? next_m : *m;
    __m256 old = exp2_ps(_mm256_set1_ps(*m - largest)), new = exp2_ps(_mm256_set1_ps(next_m - largest));
    *m = largest;
    *l = *l * _mm256_cvtss_f32(old) + next_l * _mm256_cvtss_f32(new);
    for (int32_t i = 0; i < v_dim; i += LANES) {
        __m256 sum = _mm256_mul_ps(_mm256_loadu_ps(out + i), old);
        _mm256_storeu_ps(out + i, _mm256_fmadd_ps(_mm256_loadu_ps(next + i), new, sum));
    }
}

static void finish(float *out, float l, int32_t v_dim)
{
    const __m256 sum = _mm256_set1_ps(l);
    for (int32_t i = 0; i < v_dim; i += LANES)
        _mm256_storeu_ps(out + i,
                         _mm256_add_ps(_mm256_div_ps(_mm256_loadu_ps(out + i), sum), _mm256_setzero_ps()));
}

static const attn_level level = { PASS, sum_chunk, sum_weights, merge, finish };

void attention_tile_avx2(const attention_tile_args *a)
{
    if (!attn_fits(a->format, a->head_dim, a->v_dim, LANES)) attention_tile_ref(a);
    else attn_attend(&level, a);
}

void attention_merge_avx2(const attention_merge_args *a)
{
    if (!attn_fits(a->format, a->head_dim, a->v_dim, LANES)) attention_merge_ref(a);
    else attn_merge(&level, a);
}
