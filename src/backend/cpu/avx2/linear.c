/* linear.c - matrix products with AVX2 on packed panels of 8 rows.
 *
 * maddubs multiplies unsigned weights by signed activations and adds pairs to 16 bits: 8 rows times 4 columns of one
 * token, whose 4 bytes are broadcast. Products of small weights are summed in 16 bits as long as they fit:
 *
 *   5 bits:  4 x 2 x 31 x 127 = 31496: half a block; fewer bits and MXFP4 (levels up to 24) fit all the more
 *   6 bits:  2 x 2 x 63 x 127 = 32004: two vectors
 *   8 bits:  2 x 128 x 127 = 32512 for sizes without signs, each vector by itself
 *
 * then madd widens them to 32 bits and one FMA for each token brings in the scales. A block is unpacked into the L1 cache
 * once for up to 16 tokens, which pass in fours, since 16 registers hold no more.
 *
 * Unsigned bytes up to 255 would not fit, so Q8_0 and the levels of IQ4_NL and IQ4_XS keep their sign: |w| times x with the
 * sign of w, which has no zero point to make good for.
 *
 * w = d * q + m with unsigned q: m is a minimum, or minus d times the zero point. Types with a scale for 16 columns use
 * two halves of a block. The arithmetic of one output does not depend on the number of tokens. */
#include "backend/cpu/avx2/avx2.h"

#include <string.h>

#include "backend/cpu/avx2/blocks.h"
#include "backend/cpu/panel_loop.h"

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

static inline __m256i broadcast4(const int8_t *x)
{
    int32_t v;
    memcpy(&v, x, sizeof v);
    return _mm256_set1_epi32(v);
}

static inline __m256i widen(__m256i pairs)
{
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* How many products of maddubs are summed in 16 bits. Eight of 4 bits would fit; two chains of four measured twice as
 * fast on Zen 5. */
static inline int run_length(dtype type)
{
    return pack_bits(type) == 6 ? 2 : 4;
}

/* Sums of vectors from..to-1 of q times one token's bytes, `run` of them in 16 bits at a time. */
static inline __attribute__((always_inline)) __m256i dot(const __m256i *q, const int8_t *x, int from, int to, int run)
{
    __m256i sum = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int j = from; j < to; j += run) {
        __m256i pairs = _mm256_maddubs_epi16(q[j], broadcast4(x + 4 * j));
#pragma GCC unroll 8
        for (int i = j + 1; i < j + run; i++)
            pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(q[i], broadcast4(x + 4 * i)));
        sum = j == from ? widen(pairs) : _mm256_add_epi32(sum, widen(pairs));
    }
    return sum;
}

/* The same for signed weights. */
static inline __attribute__((always_inline)) __m256i dot_signed(const block *b, const int8_t *x)
{
    __m256i even = _mm256_setzero_si256(), odd = even;
#pragma GCC unroll 4
    for (int j = 0; j < 8; j += 2) {
        __m256i x0 = _mm256_sign_epi8(broadcast4(x + 4 * j), b->w[j]), x1 = _mm256_sign_epi8(broadcast4(x + 4 * j + 4), b->w[j + 1]);
        even = _mm256_add_epi32(even, widen(_mm256_maddubs_epi16(b->q[j], x0)));
        odd = _mm256_add_epi32(odd, widen(_mm256_maddubs_epi16(b->q[j + 1], x1)));
    }
    return _mm256_add_epi32(even, odd);
}

/* sum += the block times token t of a tile's group. */
static inline __attribute__((always_inline)) __m256 multiply(const block *b, dtype type, __m256 sum,
                                                             const q8_digit *group, int32_t t)
{
    const int8_t *x = group->q + t * ACT_GROUP;
    __m256 d = _mm256_set1_ps(group->d[t]);
    const int run = run_length(type);
    if (pack_has_halves(type)) {
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            __m256 half = _mm256_cvtepi32_ps(dot(b->q, x, 4 * k, 4 * k + 4, run));
            sum = _mm256_fmadd_ps(half, _mm256_mul_ps(b->d[k], d), sum);
            sum = _mm256_fmadd_ps(b->m[k], _mm256_set1_ps(group->h[t + k * group->lanes]), sum);
        }
        return sum;
    }
    __m256i isum = is_signed(type) ? dot_signed(b, x) : dot(b->q, x, 0, 8, run);
    sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(isum), _mm256_mul_ps(b->d[0], d), sum);
    return is_signed(type) ? sum : _mm256_fmadd_ps(b->m[0], _mm256_set1_ps(group->s[t]), sum);
}

static inline void store(const panels_args *a, int32_t panel, int32_t t, __m256 sum)
{
    float *y = a->y + (size_t)t * a->y_stride + (size_t)panel * ROWS;
    int32_t left = a->n_rows - panel * ROWS;
    __m256i mask = lanes_below(left < ROWS ? left : ROWS);
    if (a->bias) sum = _mm256_add_ps(sum, _mm256_maskload_ps(a->bias + (size_t)panel * ROWS, mask));
    if (a->add) sum = _mm256_add_ps(sum, _mm256_maskload_ps(y, mask));
    _mm256_maskstore_ps(y, mask, sum);
}

/* One panel times n rows of a tile of `lanes`; n is a constant where this is inlined, n_tokens <= n of them are stored. */
static inline __attribute__((always_inline)) void panel_times(const panels_args *a, int32_t panel, dtype type,
                                                              int n, int lanes)
{
    const size_t payload_step = ROWS * 4 * (size_t)pack_bits(type);
    const uint8_t *payload = a->payload + (size_t)panel * a->payload_bytes;
    const uint8_t *header = a->header + (size_t)panel * a->header_bytes;
    q8_digit x = a->x.first, left = a->x.left;
    const uint8_t *more = a->x.more;
    x.lanes = left.lanes = lanes;
    __m256 sum[ACT_TILE];
    for (int t = 0; t < n; t++) sum[t] = _mm256_setzero_ps();
    for (int32_t g = 0; g < a->n_groups; g++) {
        block b;
        load_block(&b, type, payload, header, g);
        for (size_t i = 0; i < payload_step; i += 64) _mm_prefetch((const char *)payload + AHEAD + i, _MM_HINT_T0);
        for (int t = 0; t < n; t++) sum[t] = multiply(&b, type, sum[t], &x, t);
        for (int t = 0; t < n && any_of(more, (size_t)n); t++)
            if (more[t]) sum[t] = multiply(&b, type, sum[t], &left, t);
        payload += payload_step;
        x = q8_digit_at(&x, 1);
        left = q8_digit_at(&left, 1);
        more += lanes;
    }
    for (int t = 0; t < n; t++)
        if (t < a->n_tokens) store(a, panel, t, sum[t]);
}

DEFINE_PANELS(q4_0, avx2, DTYPE_Q4_0)
DEFINE_PANELS(q4_1, avx2, DTYPE_Q4_1)
DEFINE_PANELS(q5_0, avx2, DTYPE_Q5_0)
DEFINE_PANELS(q5_1, avx2, DTYPE_Q5_1)
DEFINE_PANELS(q8_0, avx2, DTYPE_Q8_0)
DEFINE_PANELS(q4_k, avx2, DTYPE_Q4_K)
DEFINE_PANELS(q5_k, avx2, DTYPE_Q5_K)
DEFINE_PANELS(q6_k, avx2, DTYPE_Q6_K)
DEFINE_PANELS(q2_k, avx2, DTYPE_Q2_K)
DEFINE_PANELS(q3_k, avx2, DTYPE_Q3_K)
DEFINE_PANELS(iq4_nl, avx2, DTYPE_IQ4_NL)
DEFINE_PANELS(iq4_xs, avx2, DTYPE_IQ4_XS)
DEFINE_PANELS(tq1_0, avx2, DTYPE_TQ1_0)
DEFINE_PANELS(tq2_0, avx2, DTYPE_TQ2_0)
DEFINE_PANELS(mxfp4, avx2, DTYPE_MXFP4)
