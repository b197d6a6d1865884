/* attention.c - the reference's online softmax (ref/attention.c) for a tile of rows, with AVX2.
 *
 * A block of 16 keys is two registers for each element of the head, since K has its positions innermost; avx512/
 * attention.c explains the tile. Rows pass in threes here: six sums, two keys and a broadcast fill the registers.
 *
 * head_dim is a multiple of 8, or the reference is called. */
#include "backend/cpu/avx2/avx2.h"

#include "backend/cpu/ref/ref.h"

_Static_assert(KV_BLOCK == 16, "two registers of scores");

/* Below any score, and finite, so that a row that has seen nothing yet does not compute inf - inf. */
#define NOTHING_SEEN (-1e30f)
#define PASS         3 /* rows in a pass; divides ATTN_ROWS */

_Static_assert(ATTN_ROWS % PASS == 0, "whole passes");

typedef struct tile {
    _Alignas(32) float q[ATTN_MAX_HEAD * ATTN_ROWS]; /* [head_dim][ATTN_ROWS], scaled */
    _Alignas(32) float out[ATTN_ROWS * ATTN_MAX_HEAD]; /* [ATTN_ROWS][head_dim] */
    _Alignas(32) float p[ATTN_ROWS * KV_BLOCK];
    float m[ATTN_ROWS], l[ATTN_ROWS], shrink[ATTN_ROWS];
} tile;

static inline __m256 load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

/* p[r][t] = q[r] . k[t] for PASS rows from r0. */
static inline void scores(tile *x, const uint16_t *k, int32_t head_dim, int32_t r0)
{
    __m256 low[PASS], high[PASS];
#pragma GCC unroll 3
    for (int r = 0; r < PASS; r++) low[r] = high[r] = _mm256_setzero_ps();
    for (int32_t i = 0; i < head_dim; i++) {
        __m256 k0 = load_f16(k + i * KV_BLOCK), k1 = load_f16(k + i * KV_BLOCK + 8);
        const float *q = x->q + i * ATTN_ROWS + r0;
#pragma GCC unroll 3
        for (int r = 0; r < PASS; r++) {
            low[r] = _mm256_fmadd_ps(k0, _mm256_set1_ps(q[r]), low[r]);
            high[r] = _mm256_fmadd_ps(k1, _mm256_set1_ps(q[r]), high[r]);
        }
    }
#pragma GCC unroll 3
    for (int r = 0; r < PASS; r++) {
        _mm256_store_ps(x->p + (r0 + r) * KV_BLOCK, low[r]);
        _mm256_store_ps(x->p + (r0 + r) * KV_BLOCK + 8, high[r]);
    }
}

/* Lanes from <= slot < to of eight slots that begin at base. */
static inline __m256 seen_lanes(int32_t base, int32_t from, int32_t to)
{
    __m256i slot = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(base));
    __m256i late = _mm256_cmpgt_epi32(_mm256_set1_epi32(to), slot);
    return _mm256_castsi256_ps(_mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(from), slot), late));
}

/* Scores of one row to weights; the row sees slots from <= t < to. */
static inline void softmax_row(tile *x, int32_t r, int32_t from, int32_t to)
{
    const __m256 nothing = _mm256_set1_ps(NOTHING_SEEN);
    __m256 seen0 = seen_lanes(0, from, to), seen1 = seen_lanes(8, from, to);
    __m256 s0 = _mm256_blendv_ps(nothing, _mm256_load_ps(x->p + r * KV_BLOCK), seen0);
    __m256 s1 = _mm256_blendv_ps(nothing, _mm256_load_ps(x->p + r * KV_BLOCK + 8), seen1);
    float largest = max_lanes(_mm256_max_ps(s0, s1));
    largest = largest > x->m[r] ? largest : x->m[r];
    __m256 m = _mm256_set1_ps(largest);
    __m256 p0 = _mm256_and_ps(exp_ps(_mm256_sub_ps(s0, m)), seen0), p1 = _mm256_and_ps(exp_ps(_mm256_sub_ps(s1, m)), seen1);
    _mm256_store_ps(x->p + r * KV_BLOCK, p0);
    _mm256_store_ps(x->p + r * KV_BLOCK + 8, p1);
    x->shrink[r] = _mm256_cvtss_f32(exp_ps(_mm256_set1_ps(x->m[r] - largest)));
    x->m[r] = largest;
    x->l[r] = x->l[r] * x->shrink[r] + sum_lanes(_mm256_add_ps(p0, p1));
}

static inline void values(tile *x, const uint16_t *v, int32_t head_dim, int32_t r0)
{
    for (int32_t i = 0; i < head_dim; i += 8) {
        __m256 out[PASS];
#pragma GCC unroll 3
        for (int r = 0; r < PASS; r++)
            out[r] = _mm256_mul_ps(_mm256_load_ps(x->out + (r0 + r) * head_dim + i), _mm256_set1_ps(x->shrink[r0 + r]));
        for (int32_t t = 0; t < KV_BLOCK; t++) {
            __m256 row = load_f16(v + t * head_dim + i);
#pragma GCC unroll 3
            for (int r = 0; r < PASS; r++)
                out[r] = _mm256_fmadd_ps(row, _mm256_set1_ps(x->p[(r0 + r) * KV_BLOCK + t]), out[r]);
        }
#pragma GCC unroll 3
        for (int r = 0; r < PASS; r++) _mm256_store_ps(x->out + (r0 + r) * head_dim + i, out[r]);
    }
}

/* Rows r < n; those beyond n_rows are zero and see nothing. */
static inline void init_rows(const attention_tile_args *a, tile *x, int32_t n)
{
    for (int32_t r = 0; r < n; r++) {
        x->m[r] = NOTHING_SEEN;
        x->l[r] = x->shrink[r] = 0;
        for (int32_t i = 0; i < a->head_dim; i++) {
            x->q[i * ATTN_ROWS + r] = r < a->n_rows ? a->q[r][i] * a->scale : 0;
            x->out[r * a->head_dim + i] = 0;
        }
        for (int32_t t = 0; t < KV_BLOCK; t++) x->p[r * KV_BLOCK + t] = 0;
    }
}

static void attend(const attention_tile_args *a, tile *x)
{
    int32_t begin = a->first[0], end = a->last[0];
    init_rows(a, x, (a->n_rows + PASS - 1) / PASS * PASS);
    for (int32_t r = 1; r < a->n_rows; r++) {
        begin = a->first[r] < begin ? a->first[r] : begin;
        end = a->last[r] > end ? a->last[r] : end;
    }
    for (int32_t b = begin / KV_BLOCK; b <= end / KV_BLOCK; b++) {
        const uint16_t *block = (const uint16_t *)a->blocks + (size_t)a->table[b] * a->block_elems;
        for (int32_t r = 0; r < a->n_rows; r += PASS) scores(x, block + a->k_offset, a->head_dim, r);
        for (int32_t r = 0; r < a->n_rows; r++)
            softmax_row(x, r, a->first[r] - b * KV_BLOCK, a->last[r] - b * KV_BLOCK + 1);
        for (int32_t r = 0; r < a->n_rows; r += PASS) values(x, block + a->v_offset, a->head_dim, r);
    }
}

void attention_tile_avx2(const attention_tile_args *a)
{
    if (a->f32 || a->head_dim % 8) {
        attention_tile_ref(a);
        return;
    }
    tile x;
    attend(a, &x);
    /* + 0 makes a -0, which an unseen slot may or may not have turned into 0, always 0 */
    for (int32_t r = 0; r < a->n_rows; r++)
        for (int32_t i = 0; i < a->head_dim; i++) a->out[r][i] = x.out[r * a->head_dim + i] / x.l[r] + 0.0f;
}
