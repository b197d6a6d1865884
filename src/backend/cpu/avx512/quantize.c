/* quantize.c - activations to int8 with AVX-512. The same bits as the reference.
 *
 * A group of 32 is two registers, and what is slow about it are the sums across lanes: its largest value, and the sums of
 * its halves. So 16 groups go together, and their lanes are folded while they are transposed: each step puts two
 * registers side by side and halves what is left of both (transpose_max()), until one register holds one value of each
 * group. The scales of 16 groups are then one division.
 *
 * The largest magnitude is found among the bits of the floats without their signs, as integers: their order is that of the
 * numbers, with infinity and then NaN above all of them, where a maximum of floats forgets a NaN. */
#include "backend/cpu/avx512/avx512.h"

#include <assert.h>

#define LANES            16 /* groups that go together */
#define BITS_OF_INFINITY 0x7f800000

static inline __m512 max_bits(__m512 a, __m512 b) /* of magnitudes */
{
    return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}

/* A group by itself, for the end of a row. */
static inline void quantize_group(const q8_digit *out, const float *x)
{
    __m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
    int32_t bits = _mm512_reduce_max_epi32(_mm512_castps_si512(max_bits(_mm512_abs_ps(a), _mm512_abs_ps(b))));
    if (bits >= BITS_OF_INFINITY) {
        q8_set_nan(out);
        return;
    }
    float largest = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(bits))), d = largest / 127.0f;
    __m512 inverse = _mm512_set1_ps(largest > Q8_LEAST ? 127.0f / largest : 0.0f);
    __m512i ia = _mm512_cvtps_epi32(_mm512_mul_ps(a, inverse)), ib = _mm512_cvtps_epi32(_mm512_mul_ps(b, inverse));
    _mm_storeu_si128((__m128i *)out->q, _mm512_cvtsepi32_epi8(ia));
    _mm_storeu_si128((__m128i *)(out->q + 16), _mm512_cvtsepi32_epi8(ib));
    int32_t h0 = _mm512_reduce_add_epi32(ia), h1 = _mm512_reduce_add_epi32(ib);
    *out->d = d;
    *out->s = d * (float)(h0 + h1);
    out->h[0] = d * (float)h0;
    out->h[out->lanes] = d * (float)h1;
}

/* Quarters 0, 2 (or 1, 3) of a and b: | a | a | b | b |. */
#define EVEN_QUARTERS(a, b) _mm512_shuffle_f32x4(a, b, _MM_SHUFFLE(2, 0, 2, 0))
#define ODD_QUARTERS(a, b)  _mm512_shuffle_f32x4(a, b, _MM_SHUFFLE(3, 1, 3, 1))

/* Lane i: the largest lane of v[i]. */
static inline __m512 transpose_max(const __m512 v[LANES])
{
    __m512 r[8], s[4], t[2];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) /* | v[i] | v[i] | v[i+8] | v[i+8] | */
        r[i] = max_bits(EVEN_QUARTERS(v[i], v[i + 8]), ODD_QUARTERS(v[i], v[i + 8]));
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) /* | v[i] | v[i+8] | v[i+4] | v[i+12] |, each in 4 lanes */
        s[i] = max_bits(EVEN_QUARTERS(r[i], r[i + 4]), ODD_QUARTERS(r[i], r[i + 4]));
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) { /* each quarter: i, i + 2 in 2 lanes */
        __m512 low = _mm512_shuffle_ps(s[i], s[i + 2], _MM_SHUFFLE(1, 0, 1, 0));
        t[i] = max_bits(low, _mm512_shuffle_ps(s[i], s[i + 2], _MM_SHUFFLE(3, 2, 3, 2)));
    }
    __m512 even = _mm512_shuffle_ps(t[0], t[1], _MM_SHUFFLE(2, 0, 2, 0)); /* each quarter: 0, 2, 1, 3 */
    __m512 all = max_bits(even, _mm512_shuffle_ps(t[0], t[1], _MM_SHUFFLE(3, 1, 3, 1)));
    /* lane of v[i]: quarter of i / 4 in the order 0, 8, 4, 12; place of i % 4 in the order 0, 2, 1, 3 */
    const __m512i order = _mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15);
    return _mm512_permutexvar_ps(order, all);
}

/* The 16 sums of the halves of eight groups, in the order of memory: q holds them one after the other. */
static inline __m512i sums_of_halves(const int8_t *q)
{
    __m512 v[4], t[2];
    const __m512i ones = _mm512_set1_epi8(1);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) /* each quarter: a half, as 4 sums */
        v[i] = _mm512_castsi512_ps(_mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, _mm512_load_si512(q + 64 * i)));
#define ADD(a, b) _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)))
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++)
        t[i] = ADD(_mm512_shuffle_ps(v[i], v[i + 2], _MM_SHUFFLE(1, 0, 1, 0)),
                   _mm512_shuffle_ps(v[i], v[i + 2], _MM_SHUFFLE(3, 2, 3, 2)));
    __m512 all = ADD(_mm512_shuffle_ps(t[0], t[1], _MM_SHUFFLE(2, 0, 2, 0)),
                     _mm512_shuffle_ps(t[0], t[1], _MM_SHUFFLE(3, 1, 3, 1)));
#undef ADD
    /* quarter k holds half k of the vectors 0, 2, 1, 3; memory has vector by vector */
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, _mm512_castps_si512(all));
}

/* In a tile of one row groups follow each other; h [2 LANES] are the sums of their halves. */
static inline void put_groups(const q8_digit *out, const int8_t *q, const float *d, const float *h)
{
    const __m512i evens = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odds = _mm512_add_epi32(evens, _mm512_set1_epi32(1));
    const __m512i low = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    __m512 scale = _mm512_load_ps(d), h0 = _mm512_load_ps(h), h1 = _mm512_load_ps(h + 16);
    __m512 sums = _mm512_add_ps(_mm512_permutex2var_ps(h0, evens, h1), _mm512_permutex2var_ps(h0, odds, h1));
    for (int i = 0; i < LANES * ACT_GROUP; i += 64) _mm512_storeu_si512(out->q + i, _mm512_load_si512(q + i));
    _mm512_storeu_ps(out->d, scale);
    _mm512_storeu_ps(out->s, _mm512_mul_ps(scale, sums));
    _mm512_storeu_ps(out->h, _mm512_mul_ps(_mm512_permutexvar_ps(low, scale), h0));
    _mm512_storeu_ps(out->h + 16,
                     _mm512_mul_ps(_mm512_permutexvar_ps(_mm512_add_epi32(low, _mm512_set1_epi32(8)), scale), h1));
}

static void quantize_groups(const q8_digit *out, const float *x)
{
    _Alignas(64) int8_t q[LANES * ACT_GROUP];
    _Alignas(64) float d[LANES], inverse[LANES], h[2 * LANES];
    __m512 v[LANES];
#pragma GCC unroll 16
    for (int g = 0; g < LANES; g++) {
        __m512 a = _mm512_loadu_ps(x + g * ACT_GROUP), b = _mm512_loadu_ps(x + g * ACT_GROUP + 16);
        v[g] = max_bits(_mm512_abs_ps(a), _mm512_abs_ps(b));
    }
    __m512 largest = transpose_max(v), limit = _mm512_set1_ps(127);
    __mmask16 positive = _mm512_cmp_ps_mask(largest, _mm512_set1_ps(Q8_LEAST), _CMP_GT_OQ);
    __mmask16 bad = _mm512_cmpge_epi32_mask(_mm512_castps_si512(largest), _mm512_set1_epi32(BITS_OF_INFINITY));
    _mm512_store_ps(d, _mm512_div_ps(largest, limit));
    _mm512_store_ps(inverse, _mm512_maskz_div_ps(positive, limit, largest));
    for (int i = 0; i < 2 * LANES; i++) {
        __m512i r = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + 16 * i), _mm512_set1_ps(inverse[i / 2])));
        _mm_store_si128((__m128i *)(q + 16 * i), _mm512_cvtsepi32_epi8(r));
    }
    for (int i = 0; i < 2; i++) _mm512_store_ps(h + 16 * i, _mm512_cvtepi32_ps(sums_of_halves(q + 256 * i)));
    if (out->lanes == 1) put_groups(out, q, d, h);
    for (int g = 0; g < LANES && out->lanes > 1; g++) {
        q8_digit to = q8_digit_at(out, g);
        _mm256_storeu_si256((__m256i *)to.q, _mm256_load_si256((__m256i *)(q + g * ACT_GROUP)));
        to.d[0] = d[g];
        to.s[0] = d[g] * (h[2 * g] + h[2 * g + 1]); /* integers below 2^24: exact */
        to.h[0] = d[g] * h[2 * g];
        to.h[to.lanes] = d[g] * h[2 * g + 1];
    }
    for (uint32_t left = bad; left; left &= left - 1) {
        q8_digit to = q8_digit_at(out, __builtin_ctz(left));
        q8_set_nan(&to);
    }
}

void quantize_row_avx512(const q8_digit *out, const float *x, int32_t n)
{
    assert(n % ACT_GROUP == 0);
    int32_t n_groups = n / ACT_GROUP, g = 0;
    for (; g + LANES <= n_groups; g += LANES) {
        q8_digit groups = q8_digit_at(out, g);
        quantize_groups(&groups, x + (size_t)g * ACT_GROUP);
    }
    for (; g < n_groups; g++) {
        q8_digit group = q8_digit_at(out, g);
        quantize_group(&group, x + (size_t)g * ACT_GROUP);
    }
}
