/* linear.c - dot products with AVX2.
 *
 * 32 weights times 32 activations: maddubs multiplies unsigned by signed bytes and adds pairs to 16 bits, madd adds
 * pairs of these to eight 32-bit sums. Integers are exact; one FMA for each group brings in the scales. Weights are
 * kept unsigned where they fit 6 bits (2 * 63 * 127 < 2^15); the constant that this leaves out, like a minimum, is
 * multiplied by the group's sum s. Bytes that need all 8 bits give their sign to the activations instead. */
#include "backend/cpu/avx2/avx2.h"

#include <assert.h>
#include <string.h>

#include "quant/blocks.h"

float dot_f32_avx2(const float *a, const float *b, int32_t n)
{
    __m256 sum[4] = { _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps() };
    int32_t i = 0;
    for (; i + 32 <= n; i += 32)
        for (int j = 0; j < 4; j++)
            sum[j] = _mm256_fmadd_ps(_mm256_loadu_ps(a + i + 8 * j), _mm256_loadu_ps(b + i + 8 * j), sum[j]);
    for (; i < n; i += 8) {
        __m256i mask = lanes_below(n - i < 8 ? n - i : 8);
        sum[0] = _mm256_fmadd_ps(_mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask), sum[0]);
    }
    return sum_lanes(_mm256_add_ps(_mm256_add_ps(sum[0], sum[1]), _mm256_add_ps(sum[2], sum[3])));
}

/* Eight sums of four products, as floats: w unsigned (6 bits), x signed. */
static inline __m256 dot_unsigned(__m256i w, __m256i x)
{
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1)));
}

/* The same for w signed. w = -128 is fine: its magnitude is read as unsigned, and |x| <= 127. */
static inline __m256 dot_signed(__m256i w, __m256i x)
{
    __m256i products = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(products, _mm256_set1_epi16(1)));
}

static inline __m256i load32(const void *p)
{
    return _mm256_loadu_si256(p);
}

/* 32 nibbles in the order of the elements: low ones first. */
static inline __m256i load_nibbles(const uint8_t *qs)
{
    __m128i v = _mm_loadu_si128((const __m128i *)qs);
    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(v, 4), v), _mm256_set1_epi8(15));
}

/* 32 bits to 32 bytes of 0 or 16. */
static inline __m256i load_fifth_bits(const uint8_t *qh)
{
    int32_t bits;
    memcpy(&bits, qh, sizeof bits);
    const __m256i byte_of = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bit_of = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i spread = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(bits), byte_of), bit_of);
    return _mm256_and_si256(_mm256_cmpeq_epi8(spread, bit_of), _mm256_set1_epi8(16));
}

float dot_q4_1_avx2(const void *w, const q8_row *x, int32_t n)
{
    const block_q4_1 *b = w;
    __m256 sum = _mm256_setzero_ps();
    float offset = 0;
    for (int32_t g = 0; g < n / QK; g++, b++) {
        __m256 dot = dot_unsigned(load_nibbles(b->qs), load32(x->q + g * QK));
        sum = _mm256_fmadd_ps(_mm256_set1_ps(half_to_float(b->d) * x->d[g]), dot, sum);
        offset += half_to_float(b->m) * x->s[g];
    }
    return sum_lanes(sum) + offset;
}

float dot_q5_0_avx2(const void *w, const q8_row *x, int32_t n)
{
    const block_q5_0 *b = w;
    __m256 sum = _mm256_setzero_ps();
    float offset = 0;
    for (int32_t g = 0; g < n / QK; g++, b++) {
        __m256i q = _mm256_or_si256(load_nibbles(b->qs), load_fifth_bits(b->qh));
        float d = half_to_float(b->d);
        sum = _mm256_fmadd_ps(_mm256_set1_ps(d * x->d[g]), dot_unsigned(q, load32(x->q + g * QK)), sum);
        offset -= 16 * d * x->s[g];
    }
    return sum_lanes(sum) + offset;
}

float dot_q8_0_avx2(const void *w, const q8_row *x, int32_t n)
{
    const block_q8_0 *b = w;
    __m256 sum = _mm256_setzero_ps();
    for (int32_t g = 0; g < n / QK; g++, b++) {
        __m256 dot = dot_signed(load32(b->qs), load32(x->q + g * QK));
        sum = _mm256_fmadd_ps(_mm256_set1_ps(half_to_float(b->d) * x->d[g]), dot, sum);
    }
    return sum_lanes(sum);
}

/* The eight 6-bit scales and minima of a Q4_K or Q5_K block, as floats (layout: quant/blocks.h). */
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

float dot_q4_k_avx2(const void *w, const q8_row *x, int32_t n)
{
    const block_q4_k *b = w;
    const __m256i low = _mm256_set1_epi8(15);
    __m256 sum = _mm256_setzero_ps(), offset = _mm256_setzero_ps();
    for (int32_t i = 0; i < n / QK_K; i++, b++) {
        const int8_t *q = x->q + i * QK_K;
        __m256 scales, mins;
        load_scales_k(b->scales, &scales, &mins);
        __m256 d = _mm256_mul_ps(_mm256_set1_ps(half_to_float(b->d)), _mm256_loadu_ps(x->d + i * 8));
        __m256 m = _mm256_mul_ps(_mm256_set1_ps(half_to_float(b->dmin)), _mm256_loadu_ps(x->s + i * 8));
        float factor[8];
        _mm256_storeu_ps(factor, _mm256_mul_ps(scales, d));
        offset = _mm256_fmadd_ps(mins, m, offset);
        for (int j = 0; j < 4; j++) {
            __m256i v = load32(b->qs + 32 * j);
            __m256 dot0 = dot_unsigned(_mm256_and_si256(v, low), load32(q + 64 * j));
            __m256 dot1 = dot_unsigned(_mm256_and_si256(_mm256_srli_epi16(v, 4), low), load32(q + 64 * j + 32));
            sum = _mm256_fmadd_ps(_mm256_set1_ps(factor[2 * j]), dot0, sum);
            sum = _mm256_fmadd_ps(_mm256_set1_ps(factor[2 * j + 1]), dot1, sum);
        }
    }
    return sum_lanes(sum) - sum_lanes(offset);
}

/* 32 elements of Q6_K with their two scales: scales go into the widening multiplication, the sums stay exact. */
static inline __m256 dot_q6(__m256i q, __m256i x, const int8_t *scales)
{
    q = _mm256_sub_epi8(q, _mm256_set1_epi8(32));
    __m256i products = _mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(x, q));
    __m256i sc = _mm256_set_m128i(_mm_set1_epi16(scales[1]), _mm_set1_epi16(scales[0]));
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(products, sc));
}

float dot_q6_k_avx2(const void *w, const q8_row *x, int32_t n)
{
    const block_q6_k *b = w;
    const __m256i low = _mm256_set1_epi8(15), two = _mm256_set1_epi8(0x30);
    __m256 sum = _mm256_setzero_ps();
    for (int32_t i = 0; i < n / QK_K; i++, b++) {
        float d = half_to_float(b->d);
        for (int half = 0; half < 2; half++) {
            const int8_t *q = x->q + i * QK_K + half * 128, *sc = b->scales + half * 8;
            const float *dx = x->d + i * 8 + half * 4;
            __m256i l0 = load32(b->ql + half * 64), l1 = load32(b->ql + half * 64 + 32), h = load32(b->qh + half * 32);
            __m256i group[4] = {
                _mm256_or_si256(_mm256_and_si256(l0, low), _mm256_and_si256(_mm256_slli_epi16(h, 4), two)),
                _mm256_or_si256(_mm256_and_si256(l1, low), _mm256_and_si256(_mm256_slli_epi16(h, 2), two)),
                _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(l0, 4), low), _mm256_and_si256(h, two)),
                _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(l1, 4), low),
                                _mm256_and_si256(_mm256_srli_epi16(h, 2), two)),
            };
            for (int j = 0; j < 4; j++)
                sum = _mm256_fmadd_ps(_mm256_set1_ps(d * dx[j]), dot_q6(group[j], load32(q + 32 * j), sc + 2 * j), sum);
        }
    }
    return sum_lanes(sum);
}
