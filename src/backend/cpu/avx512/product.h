/* product.h - what a block of weights adds to the sums of a token, with AVX-512.
 *
 *   sum += isum * (d * dx) + m * s       isum: the integer sum of 32 columns, or of a half
 *
 * w = d * q + m with unsigned q: m is a minimum, or minus d times the zero point. Types with a scale for 16 columns use
 * two halves of a block. The levels that include this differ in how they come to isum, which is exact, and so give the
 * same bits. Static: see avx2/vec.h. */
#ifndef SUMI_BACKEND_CPU_AVX512_PRODUCT_H
#define SUMI_BACKEND_CPU_AVX512_PRODUCT_H

#include <string.h>

#include "backend/cpu/avx512/blocks.h"
#include "backend/cpu/passes/store_rows.h"

static inline __m512i broadcast4(const int8_t *x)
{
    int32_t v;
    memcpy(&v, x, sizeof v);
    return _mm512_set1_epi32(v);
}

/* sum += isum * (d * dx) + m * s */
static inline __m512 add_scaled(__m512 sum, __m512i isum, __m512 d, float dx, __m512 m, float s)
{
    sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(isum), _mm512_mul_ps(d, _mm512_set1_ps(dx)), sum);
    return _mm512_fmadd_ps(m, _mm512_set1_ps(s), sum);
}

/* sum += the block times token t of a tile's group. */
static inline __attribute__((always_inline)) __m512 multiply(const block *b, bool halves, __m512 sum,
                                                             const q8_digit *group, int32_t t)
{
    const int8_t *x = group->q + t * ACT_GROUP;
    const float *h = group->h + t;
    float d = group->d[t];
    __m512i isum = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) isum = _mm512_dpbusd_epi32(isum, b->q[j], broadcast4(x + 4 * j));
    if (halves) {
        sum = add_scaled(sum, isum, b->d[0], d, b->m[0], h[0]);
        isum = _mm512_setzero_si512();
    }
#pragma GCC unroll 4
    for (int j = 4; j < 8; j++) isum = _mm512_dpbusd_epi32(isum, b->q[j], broadcast4(x + 4 * j));
    return add_scaled(sum, isum, b->d[halves], d, b->m[halves], halves ? h[group->lanes] : group->s[t]);
}

/* Token t of the tile, rows of a panel; n_rows cuts the last one. */
static inline void store(const panels_args *a, int32_t panel, int32_t t, __m512 sum)
{
    store_rows(a->y + (size_t)t * a->y_stride, a->bias, a->add, panel * LANES, a->n_rows, sum);
}

#endif
