/* attention.c - attention of a tile of rows with AVX2. */
#include "backend/cpu/avx2/avx2.h"
#include "backend/cpu/ref/ref.h"

#define PASS     6
#define FEW_ROWS 2
#define PREFETCH 32 /* a line */
#define KEYS     2

/* The sums of four vectors. */
static inline __m128 sum_of_each(__m256 a, __m256 b, __m256 c, __m256 d)
{
    __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    __m256d low = _mm256_unpacklo_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
    __m256d high = _mm256_unpackhi_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd));
    __m256 abcd = _mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high));
    return _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1));
}

static inline void store_key_scores(float *p, float *q, const vf a[KEYS], const vf b[KEYS])
{
    __m128 four = sum_of_each(a[0], a[1], b[0], b[1]);
    _mm_storel_pi((__m64 *)p, four);
    _mm_storeh_pi((__m64 *)q, four);
}

#include "backend/cpu/passes/attention.h"

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
