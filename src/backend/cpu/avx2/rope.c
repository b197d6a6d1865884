/* rope.c - rotary positions with AVX2: four adjacent pairs, or eight pairs of halves, at a time. */
#include "backend/cpu/avx2/avx2.h"

static void rotate_pair(float *a, float *b, float c, float s)
{
    float x = *a, y = *b;
    *a = x * c - y * s;
    *b = x * s + y * c;
}

/* cos_sin lies as (c0 s0 c1 s1 ...), as do adjacent pairs (a0 b0 a1 b1 ...). */
static void rotate_adjacent(float *x, const float *cos_sin, int32_t half)
{
    int32_t i = 0;
    for (; i + 4 <= half; i += 4) {
        __m256 cs = _mm256_loadu_ps(cos_sin + 2 * i), v = _mm256_loadu_ps(x + 2 * i);
        __m256 c = _mm256_moveldup_ps(cs), s = _mm256_movehdup_ps(cs), swapped = _mm256_permute_ps(v, 0xb1);
        _mm256_storeu_ps(x + 2 * i, _mm256_addsub_ps(_mm256_mul_ps(v, c), _mm256_mul_ps(swapped, s)));
    }
    for (; i < half; i++) rotate_pair(x + 2 * i, x + 2 * i + 1, cos_sin[2 * i], cos_sin[2 * i + 1]);
}

static void rotate_halves(float *x, const float *cos_sin, int32_t half)
{
    const __m256i split = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
    int32_t i = 0;
    for (; i + 8 <= half; i += 8) {
        __m256 lo = _mm256_permutevar8x32_ps(_mm256_loadu_ps(cos_sin + 2 * i), split);
        __m256 hi = _mm256_permutevar8x32_ps(_mm256_loadu_ps(cos_sin + 2 * i + 8), split);
        __m256 c = _mm256_permute2f128_ps(lo, hi, 0x20), s = _mm256_permute2f128_ps(lo, hi, 0x31);
        __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + half + i);
        _mm256_storeu_ps(x + i, _mm256_sub_ps(_mm256_mul_ps(a, c), _mm256_mul_ps(b, s)));
        _mm256_storeu_ps(x + half + i, _mm256_add_ps(_mm256_mul_ps(a, s), _mm256_mul_ps(b, c)));
    }
    for (; i < half; i++) rotate_pair(x + i, x + half + i, cos_sin[2 * i], cos_sin[2 * i + 1]);
}

void rope_head_avx2(float *x, const float *cos_sin, int32_t n_rot, rope_pairing pairing)
{
    if (pairing == ROPE_ADJACENT) rotate_adjacent(x, cos_sin, n_rot / 2);
    else rotate_halves(x, cos_sin, n_rot / 2);
}
