/* product.h - a panel of weights times a tile of tokens, with registers of 32 bytes.
 *
 *   sum += isum * (d * dx) + m * s       isum: the integer sum of 32 columns, or of a half
 *
 * w = d * q + m with unsigned q: m is a minimum, or minus d times the zero point; signed weights (blocks.h) have none. Types
 * with a scale for 16 columns use two halves of a block. The arithmetic of one output does not depend on the number of
 * tokens.
 *
 * The levels that include this differ in how they come to isum, which is exact: before they do, they define
 *
 *   __m256i dot_block(const block *b, dtype type, const int8_t *x, int from, int to)
 *
 * the sum of vectors from .. to-1 of a block times one token's bytes x. Static: see vec.h. */
#ifndef SUMI_BACKEND_CPU_AVX2_PRODUCT_H
#define SUMI_BACKEND_CPU_AVX2_PRODUCT_H

#include "backend/cpu/avx2/blocks.h"
#include "backend/cpu/panel_loop.h"
#include "backend/cpu/passes/store_rows.h"

static inline __attribute__((always_inline)) __m256i dot_block(const block *b, dtype type, const int8_t *x, int from,
                                                               int to);

static inline __m256i broadcast4(const int8_t *x)
{
    int32_t v;
    memcpy(&v, x, sizeof v);
    return _mm256_set1_epi32(v);
}

/* sum += isum * (d * dx) */
static inline __m256 add_scaled(__m256 sum, __m256i isum, __m256 d, __m256 dx)
{
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(isum), _mm256_mul_ps(d, dx), sum);
}

/* sum += the block times token t of a tile's group. */
static inline __attribute__((always_inline)) __m256 multiply(const block *b, dtype type, __m256 sum,
                                                             const q8_digit *group, int32_t t)
{
    const int8_t *x = group->q + t * ACT_GROUP;
    __m256 dx = _mm256_set1_ps(group->d[t]);
    if (!pack_has_halves(type)) {
        sum = add_scaled(sum, dot_block(b, type, x, 0, 8), b->d[0], dx);
        return is_signed(type) ? sum : _mm256_fmadd_ps(b->m[0], _mm256_set1_ps(group->s[t]), sum);
    }
#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
        sum = add_scaled(sum, dot_block(b, type, x, 4 * k, 4 * k + 4), b->d[k], dx);
        sum = _mm256_fmadd_ps(b->m[k], _mm256_set1_ps(group->h[t + k * group->lanes]), sum);
    }
    return sum;
}

static inline void store(const panels_args *a, int32_t panel, int32_t t, __m256 sum)
{
    store_rows(a->y + (size_t)t * a->y_stride, a->bias, a->add, panel * LANES, a->n_rows, sum);
}

/* One panel times n rows of a tile of `lanes`; one of the two is a constant where this is inlined. n_tokens <= n rows are
 * stored. */
static inline __attribute__((always_inline)) void panel_times(const panels_args *a, int32_t panel, dtype type, int n,
                                                              int lanes)
{
    const size_t payload_step = VECTOR * (size_t)pack_bits(type);
    const uint8_t *payload = a->payload + (size_t)panel * a->payload_bytes;
    const uint8_t *header = a->header + (size_t)panel * a->header_bytes;
    q8_digit x = a->x.first, left = a->x.left;
    const uint8_t *more = a->x.more;
    const int n_flags = __builtin_constant_p(n) ? n : lanes; /* a row that is not stored may be flagged */
    x.lanes = left.lanes = lanes;
    __m256 sum[ACT_TILE];
#pragma GCC unroll 16
    for (int t = 0; t < n; t++) sum[t] = _mm256_setzero_ps();
    for (int32_t g = 0; g < a->n_groups; g++) {
        block b;
        load_block(&b, type, payload, header, g);
        for (size_t i = 0; i < payload_step; i += 64) _mm_prefetch((const char *)payload + AHEAD + i, _MM_HINT_T0);
        for (int t = 0; t < n; t++) sum[t] = multiply(&b, type, sum[t], &x, t);
        for (int t = 0; t < n && any_of(more, (size_t)n_flags); t++)
            if (more[t]) sum[t] = multiply(&b, type, sum[t], &left, t);
        payload += payload_step;
        x = q8_digit_at(&x, 1);
        left = q8_digit_at(&left, 1);
        more += lanes;
    }
    for (int t = 0; t < n; t++)
        if (t < a->n_tokens) store(a, panel, t, sum[t]);
}

/* The sums lie in memory, so the loop over the rows may have any length. The constants make it 2 to 8 % faster; 3 rows gain
 * nothing by one of their own. */
static inline __attribute__((always_inline)) void rows_times(const panels_args *a, int32_t panel, dtype type)
{
    const int32_t n = a->n_tokens, lanes = a->x.first.lanes;
    if (lanes == 1) panel_times(a, panel, type, 1, 1);
    else if (n <= 2) panel_times(a, panel, type, 2, lanes);
    else if (n <= 4) panel_times(a, panel, type, 4, lanes);
    else if (n < ACT_TILE) panel_times(a, panel, type, n, ACT_TILE);
    else panel_times(a, panel, type, ACT_TILE, ACT_TILE);
}

#endif
