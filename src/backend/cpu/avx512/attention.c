/* attention.c - the reference's online softmax (ref/attention.c) for a tile of rows, with AVX-512.
 *
 * A block of 16 keys is one register for each element of the head, since K has its positions innermost:
 *
 *   scores:  s[r] += q[r][i] * K[i][0..15]         for all i, all rows r: one load of K serves every row
 *   values:  out[r][i..i+15] += p[r][t] * V[t][i..i+15]
 *
 * so nothing is summed across lanes but the 16 weights of a block. Rows of a tile may see different positions: a slot
 * that a row does not see has weight 0, and a block of which it sees nothing leaves its m, l and out as they are
 * (times 1, plus 0). Each row's operations are the same whatever the size of the tile.
 *
 * head_dim is a multiple of 16, or the AVX2 kernel is called. */
#include "backend/cpu/avx512/avx512.h"

_Static_assert(KV_BLOCK == 16, "one register of scores");

/* Below any score, and finite, so that a row that has seen nothing yet does not compute inf - inf. */
#define NOTHING_SEEN (-1e30f)

typedef struct tile {
    _Alignas(64) float q[ATTN_MAX_HEAD * ATTN_ROWS]; /* [head_dim][ATTN_ROWS], scaled */
    _Alignas(64) float out[ATTN_ROWS * ATTN_MAX_HEAD]; /* [ATTN_ROWS][head_dim] */
    _Alignas(64) float p[ATTN_ROWS * KV_BLOCK];
    float m[ATTN_ROWS], l[ATTN_ROWS], shrink[ATTN_ROWS];
} tile;

static inline __m512 load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

/* p[r][t] = q[r] . k[t]. Two sums for each row, of even and odd elements, keep both multipliers busy. */
static inline __attribute__((always_inline)) void scores(tile *x, const uint16_t *k, int32_t head_dim, int n)
{
    __m512 even[ATTN_ROWS], odd[ATTN_ROWS];
#pragma GCC unroll 12
    for (int r = 0; r < n; r++) even[r] = odd[r] = _mm512_setzero_ps();
    for (int32_t i = 0; i < head_dim; i += 2) {
        __m512 k0 = load_f16(k + i * KV_BLOCK), k1 = load_f16(k + (i + 1) * KV_BLOCK);
        const float *q = x->q + i * ATTN_ROWS;
#pragma GCC unroll 12
        for (int r = 0; r < n; r++) {
            even[r] = _mm512_fmadd_ps(k0, _mm512_set1_ps(q[r]), even[r]);
            odd[r] = _mm512_fmadd_ps(k1, _mm512_set1_ps(q[ATTN_ROWS + r]), odd[r]);
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < n; r++) _mm512_store_ps(x->p + r * KV_BLOCK, _mm512_add_ps(even[r], odd[r]));
}

/* Scores of one row to weights; seen: the slots that the row sees. */
static inline void softmax_row(tile *x, int32_t r, __mmask16 seen)
{
    __m512 s = _mm512_mask_load_ps(_mm512_set1_ps(NOTHING_SEEN), seen, x->p + r * KV_BLOCK);
    float largest = _mm512_reduce_max_ps(s);
    largest = largest > x->m[r] ? largest : x->m[r];
    __m512 p = _mm512_maskz_mov_ps(seen, exp_ps(_mm512_sub_ps(s, _mm512_set1_ps(largest))));
    _mm512_store_ps(x->p + r * KV_BLOCK, p);
    x->shrink[r] = _mm512_cvtss_f32(exp_ps(_mm512_set1_ps(x->m[r] - largest)));
    x->m[r] = largest;
    x->l[r] = x->l[r] * x->shrink[r] + _mm512_reduce_add_ps(p);
}

static inline __attribute__((always_inline)) void values(tile *x, const uint16_t *v, int32_t head_dim, int n)
{
    for (int32_t i = 0; i < head_dim; i += 16) {
        __m512 out[ATTN_ROWS];
#pragma GCC unroll 12
        for (int r = 0; r < n; r++)
            out[r] = _mm512_mul_ps(_mm512_load_ps(x->out + r * head_dim + i), _mm512_set1_ps(x->shrink[r]));
        for (int32_t t = 0; t < KV_BLOCK; t++) {
            __m512 row = load_f16(v + t * head_dim + i);
#pragma GCC unroll 12
            for (int r = 0; r < n; r++) out[r] = _mm512_fmadd_ps(row, _mm512_set1_ps(x->p[r * KV_BLOCK + t]), out[r]);
        }
#pragma GCC unroll 12
        for (int r = 0; r < n; r++) _mm512_store_ps(x->out + r * head_dim + i, out[r]);
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

/* n >= n_rows is a constant where this is inlined. */
static inline __attribute__((always_inline)) void attend(const attention_tile_args *a, tile *x, int n)
{
    int32_t begin = a->first[0], end = a->last[0];
    init_rows(a, x, n);
    for (int32_t r = 1; r < a->n_rows; r++) {
        begin = a->first[r] < begin ? a->first[r] : begin;
        end = a->last[r] > end ? a->last[r] : end;
    }
    for (int32_t b = begin / KV_BLOCK; b <= end / KV_BLOCK; b++) {
        const uint16_t *block = (const uint16_t *)a->blocks + (size_t)a->table[b] * a->block_elems;
        scores(x, block + a->k_offset, a->head_dim, n);
        for (int32_t r = 0; r < a->n_rows; r++) {
            int32_t from = a->first[r] - b * KV_BLOCK, to = a->last[r] - b * KV_BLOCK + 1;
            softmax_row(x, r, lanes_below(to > 0 ? to : 0) & (__mmask16)~lanes_below(from > 0 ? from : 0));
        }
        values(x, block + a->v_offset, a->head_dim, n);
    }
}

void attention_tile_avx512(const attention_tile_args *a)
{
    if (a->f32 || a->head_dim % 16) {
        attention_tile_avx2(a);
        return;
    }
    tile x;
    if (a->n_rows == 1) attend(a, &x, 1);
    else if (a->n_rows <= 3) attend(a, &x, 3);
    else if (a->n_rows <= 4) attend(a, &x, 4);
    else if (a->n_rows <= 8) attend(a, &x, 8);
    else attend(a, &x, ATTN_ROWS);
    /* + 0 makes a -0, which an unseen slot may or may not have turned into 0, always 0 */
    for (int32_t r = 0; r < a->n_rows; r++)
        for (int32_t i = 0; i < a->head_dim; i++) a->out[r][i] = x.out[r * a->head_dim + i] / x.l[r] + 0.0f;
}
