/* linear.c - dot products with AVX-512 VNNI.
 *
 * dpbusd multiplies 64 unsigned by 64 signed bytes and adds quadruples to sixteen 32-bit sums: two groups of 32 at a
 * time, lanes 0-7 the first, lanes 8-15 the second. Weights are made unsigned by an offset; what that adds, like a
 * minimum, is the offset times the group's sum s. */
#include "backend/cpu/avx512/avx512.h"

#include <assert.h>
#include <string.h>

#include "quant/blocks.h"

float dot_f32_avx512(const float *a, const float *b, int32_t n)
{
    __m512 sum[4] = { _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps() };
    int32_t i = 0;
    for (; i + 64 <= n; i += 64)
        for (int j = 0; j < 4; j++)
            sum[j] = _mm512_fmadd_ps(_mm512_loadu_ps(a + i + 16 * j), _mm512_loadu_ps(b + i + 16 * j), sum[j]);
    for (; i < n; i += 16) {
        __mmask16 mask = lanes_below(n - i);
        sum[0] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i), sum[0]);
    }
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3])));
}

/* A group of 32 weights: unsigned bytes q, with w = d * q + m. */
typedef struct group {
    __m256i q;
    float d, m;
} group;

static inline __m256i load_nibbles(const uint8_t *qs)
{
    __m128i v = _mm_loadu_si128((const __m128i *)qs);
    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(v, 4), v), _mm256_set1_epi8(15));
}

static inline group load_q4_1(const block_q4_1 *b)
{
    return (group){ load_nibbles(b->qs), half_to_float(b->d), half_to_float(b->m) };
}

static inline group load_q5_0(const block_q5_0 *b)
{
    uint32_t bits;
    memcpy(&bits, b->qh, sizeof bits);
    float d = half_to_float(b->d);
    __m256i fifth = _mm256_maskz_set1_epi8((__mmask32)bits, 16);
    return (group){ _mm256_or_si256(load_nibbles(b->qs), fifth), d, -16 * d };
}

static inline group load_q8_0(const block_q8_0 *b)
{
    float d = half_to_float(b->d);
    __m256i q = _mm256_loadu_si256((const __m256i *)b->qs);
    return (group){ _mm256_xor_si256(q, _mm256_set1_epi8((char)0x80)), d, -128 * d }; /* flips -128..127 to 0..255 */
}

static inline __m512 two_floats(float low, float high)
{
    return _mm512_insertf32x8(_mm512_set1_ps(low), _mm256_set1_ps(high), 1);
}

/* One dot product for each type of 32 elements; an odd group at the end takes the low half. */
#define DEFINE_DOT(name, block)                                                                                \
    float dot_##name##_avx512(const void *w, const q8_row *x, int32_t n)                                       \
    {                                                                                                          \
        const block *b = w;                                                                                    \
        int32_t g = 0, n_groups = n / QK;                                                                      \
        __m512 sum = _mm512_setzero_ps();                                                                      \
        float offset = 0;                                                                                      \
        for (; g + 2 <= n_groups; g += 2) {                                                                    \
            group g0 = load_##name(b + g), g1 = load_##name(b + g + 1);                                        \
            __m512i q = _mm512_inserti64x4(_mm512_castsi256_si512(g0.q), g1.q, 1);                             \
            __m512i dot = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q, _mm512_loadu_si512(x->q + g * QK));   \
            __m512 d = two_floats(g0.d * x->d[g], g1.d * x->d[g + 1]);                                         \
            sum = _mm512_fmadd_ps(d, _mm512_cvtepi32_ps(dot), sum);                                            \
            offset += g0.m * x->s[g] + g1.m * x->s[g + 1];                                                     \
        }                                                                                                      \
        if (g < n_groups) {                                                                                    \
            group g0 = load_##name(b + g);                                                                     \
            __m256i v = _mm256_loadu_si256((const __m256i *)(x->q + g * QK));                                  \
            __m256 dot = _mm256_cvtepi32_ps(_mm256_dpbusd_epi32(_mm256_setzero_si256(), g0.q, v));             \
            __m512 wide = _mm512_insertf32x8(_mm512_setzero_ps(), dot, 0);                                     \
            sum = _mm512_fmadd_ps(_mm512_set1_ps(g0.d * x->d[g]), wide, sum);                                  \
            offset += g0.m * x->s[g];                                                                          \
        }                                                                                                      \
        return _mm512_reduce_add_ps(sum) + offset;                                                             \
    }

DEFINE_DOT(q4_1, block_q4_1)
DEFINE_DOT(q5_0, block_q5_0)
DEFINE_DOT(q8_0, block_q8_0)

/* The eight 6-bit scales and minima of a Q4_K block, as floats (layout: quant/blocks.h). */
static inline void load_scales_k(const uint8_t *packed, __m256 *scales, __m256 *mins)
{
    uint32_t v[3], sc[2], mn[2];
    memcpy(v, packed, sizeof v);
    sc[0] = v[0] & 0x3f3f3f3f;
    mn[0] = v[1] & 0x3f3f3f3f;
    sc[1] = (v[2] & 0x0f0f0f0f) | (v[0] >> 2 & 0x30303030);
    mn[1] = (v[2] >> 4 & 0x0f0f0f0f) | (v[1] >> 2 & 0x30303030);
    *scales = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)sc)));
    *mins = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)mn)));
}

float dot_q4_k_avx512(const void *w, const q8_row *x, int32_t n)
{
    const block_q4_k *b = w;
    const __m512i spread = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    __m512 sum = _mm512_setzero_ps();
    __m256 offset = _mm256_setzero_ps();
    for (int32_t i = 0; i < n / QK_K; i++, b++) {
        __m256 scales, mins;
        load_scales_k(b->scales, &scales, &mins);
        __m256 d = _mm256_mul_ps(_mm256_set1_ps(half_to_float(b->d)), _mm256_loadu_ps(x->d + i * 8));
        __m256 m = _mm256_mul_ps(_mm256_set1_ps(half_to_float(b->dmin)), _mm256_loadu_ps(x->s + i * 8));
        __m512 factors = _mm512_castps256_ps512(_mm256_mul_ps(scales, d));
        offset = _mm256_fmadd_ps(mins, m, offset);
        for (int j = 0; j < 4; j++) {
            __m256i v = _mm256_loadu_si256((const __m256i *)(b->qs + 32 * j));
            __m512i q = _mm512_inserti64x4(_mm512_castsi256_si512(v), _mm256_srli_epi16(v, 4), 1);
            q = _mm512_and_si512(q, _mm512_set1_epi8(15));
            __m512i dot = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q, _mm512_loadu_si512(x->q + i * QK_K + 64 * j));
            __m512 f = _mm512_permutexvar_ps(_mm512_add_epi32(spread, _mm512_set1_epi32(2 * j)), factors);
            sum = _mm512_fmadd_ps(f, _mm512_cvtepi32_ps(dot), sum);
        }
    }
    return _mm512_reduce_add_ps(sum) - _mm512_reduce_add_ps(_mm512_insertf32x8(_mm512_setzero_ps(), offset, 0));
}

/* Sixteen groups of 16 with a scale each: four lanes of dot belong to a group. q - 32 is done with exact integers. */
float dot_q6_k_avx512(const void *w, const q8_row *x, int32_t n)
{
    const block_q6_k *b = w;
    const __m512i spread = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    const __m512i low = _mm512_set1_epi8(15), two = _mm512_set1_epi8(0x30), zero = _mm512_setzero_si512();
    __m512 sum = _mm512_setzero_ps();
    for (int32_t i = 0; i < n / QK_K; i++, b++) {
        __m512 dx = _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(x->d + i * 8)));
        __m512 sc = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)b->scales)));
        __m512 factors = _mm512_mul_ps(_mm512_mul_ps(sc, dx), _mm512_set1_ps(half_to_float(b->d)));
        for (int half = 0; half < 2; half++) {
            __m512i l = _mm512_loadu_si512(b->ql + half * 64);
            __m256i h = _mm256_loadu_si256((const __m256i *)(b->qh + half * 32));
            __m512i h01 = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_slli_epi16(h, 4)), _mm256_slli_epi16(h, 2), 1);
            __m512i h23 = _mm512_inserti64x4(_mm512_castsi256_si512(h), _mm256_srli_epi16(h, 2), 1);
            __m512i q[2] = {
                _mm512_or_si512(_mm512_and_si512(l, low), _mm512_and_si512(h01, two)),
                _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(l, 4), low), _mm512_and_si512(h23, two)),
            };
            for (int j = 0; j < 2; j++) {
                __m512i v = _mm512_loadu_si512(x->q + i * QK_K + half * 128 + 64 * j);
                __m512i extra = _mm512_dpbusd_epi32(zero, _mm512_set1_epi8(32), v);
                __m512i dot = _mm512_sub_epi32(_mm512_dpbusd_epi32(zero, q[j], v), extra);
                __m512 f = _mm512_permutexvar_ps(_mm512_add_epi32(spread, _mm512_set1_epi32(8 * half + 4 * j)), factors);
                sum = _mm512_fmadd_ps(f, _mm512_cvtepi32_ps(dot), sum);
            }
        }
    }
    return _mm512_reduce_add_ps(sum);
}
