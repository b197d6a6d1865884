/* attention.c - attention of a tile of rows with AVX-512. */
#include "backend/cpu/avx512/avx512.h"

#define PASS     12
#define FEW_ROWS 6
#define PREFETCH 16 /* half a line */
#define KEYS     4

/* The sums of four vectors. */
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

static inline void store_key_scores(float *p, float *q, const vf a[KEYS], const vf b[KEYS])
{
    _mm_store_ps(p, sum_of_each(a[0], a[1], a[2], a[3]));
    _mm_store_ps(q, sum_of_each(b[0], b[1], b[2], b[3]));
}

#include "backend/cpu/passes/attention.h"

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
