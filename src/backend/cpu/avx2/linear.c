/* linear.c - matrix products with AVX2 on packed panels of 8 rows.
 *
 * maddubs multiplies unsigned weights by signed activations and adds pairs to 16 bits: 8 rows times 4 columns of one
 * token, whose 4 bytes are broadcast. Products of small weights are summed in 16 bits as long as they fit:
 *
 *   4 bits:  8 x 2 x 15 x 127 = 30480: a whole block of 32 columns           5 bits:  half a block, 31496
 *   6 bits:  2 x 2 x 63 x 127 = 32004: two vectors                           8 bits:  split, see below
 *
 * then madd widens them to 32 bits and one FMA for each token brings in the scales. A block is unpacked into the L1 cache
 * once for up to 16 tokens, which pass in fours, since 16 registers hold no more.
 *
 * 8-bit weights (0..255 after adding 128) are split into nibbles, q = 16 high + low, each of which sums as 4 bits do.
 *
 * w = d * q + m with unsigned q: m is a minimum, or minus d times the zero point. Types with a scale for 16 columns use
 * two halves of a block. The arithmetic of one output does not depend on the number of tokens. */
#include "backend/cpu/avx2/avx2.h"

#include <string.h>

#include "backend/cpu/pack.h"

#define ROWS 8

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

/* 32 columns of a panel, ready to multiply. high: the upper nibbles of 8-bit weights. Halves share d and m unless the
 * type has a scale for 16 columns. */
typedef struct block {
    __m256i q[8], high[8];
    __m256 d[2], m[2];
} block;

static inline __m256i load32(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline __m256 load_halves(const uint8_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static inline __m256 load_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

static inline __m256 load_signed_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

static inline void load_nibbles(block *b, const uint8_t *p)
{
    const __m256i low = _mm256_set1_epi8(15);
    for (int k = 0; k < 4; k++) {
        __m256i v = load32(p + 32 * k);
        b->q[2 * k] = _mm256_and_si256(v, low);
        b->q[2 * k + 1] = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
    }
}

/* Adds bit 4 from a vector of bit planes; shifts of 16-bit lanes move neighbours' bits into places that are cleared. */
static inline void load_fifth_bits(block *b, const uint8_t *p)
{
    __m256i v = load32(p), bit = _mm256_set1_epi8(16);
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
        __m256i moved = j < 4 ? _mm256_slli_epi16(v, 4 - j) : _mm256_srli_epi16(v, j - 4);
        b->q[j] = _mm256_or_si256(b->q[j], _mm256_and_si256(moved, bit));
    }
}

static inline void load_pairs(block *b, const uint8_t *p)
{
    const __m256i bits = _mm256_set1_epi8(0x30);
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
        __m256i v = load32(p + j / 4 * 32);
        int shift = 4 - 2 * (j % 4);
        __m256i moved = shift >= 0 ? _mm256_slli_epi16(v, shift) : _mm256_srli_epi16(v, -shift);
        b->q[j] = _mm256_or_si256(b->q[j], _mm256_and_si256(moved, bits));
    }
}

static inline void load_split_bytes(block *b, const uint8_t *p)
{
    const __m256i low = _mm256_set1_epi8(15);
    for (int j = 0; j < 8; j++) {
        __m256i v = load32(p + 32 * j);
        b->q[j] = _mm256_and_si256(v, low);
        b->high[j] = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
    }
}

/* Block g of a panel; the switch disappears, since type is a constant where this is inlined. */
static inline __attribute__((always_inline)) void load_block(block *b, dtype type, const uint8_t *payload,
                                                             const uint8_t *header, int32_t g)
{
    const uint8_t *super = header;
    if (type == DTYPE_Q8_0) load_split_bytes(b, payload);
    else load_nibbles(b, payload);
    if (type == DTYPE_Q5_0 || type == DTYPE_Q5_1 || type == DTYPE_Q5_K) load_fifth_bits(b, payload + 128);
    switch (type) {
    case DTYPE_Q4_0:
    case DTYPE_Q5_0:
    case DTYPE_Q8_0:
        b->d[0] = load_halves(header + (size_t)g * 16);
        b->m[0] = _mm256_mul_ps(b->d[0], _mm256_set1_ps(type == DTYPE_Q4_0 ? -8 : type == DTYPE_Q5_0 ? -16 : -128));
        return;
    case DTYPE_Q4_1:
    case DTYPE_Q5_1:
        b->d[0] = load_halves(header + (size_t)g * 32);
        b->m[0] = load_halves(header + (size_t)g * 32 + 16);
        return;
    case DTYPE_Q4_K:
    case DTYPE_Q5_K:
        super += (size_t)(g / 8) * 160;
        b->d[0] = _mm256_mul_ps(load_halves(super), load_bytes(super + 32 + 8 * (g % 8)));
        b->m[0] = _mm256_mul_ps(load_halves(super + 16), load_bytes(super + 96 + 8 * (g % 8)));
        b->m[0] = _mm256_sub_ps(_mm256_setzero_ps(), b->m[0]);
        return;
    default: /* Q6_K */
        load_pairs(b, payload + 128);
        super += (size_t)(g / 8) * 144;
        for (int k = 0; k < 2; k++) {
            b->d[k] = _mm256_mul_ps(load_halves(super), load_signed_bytes(super + 16 + 8 * (2 * (g % 8) + k)));
            b->m[k] = _mm256_mul_ps(b->d[k], _mm256_set1_ps(-32));
        }
    }
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

/* sum += the block times one token's group. */
static inline __attribute__((always_inline)) __m256 multiply(const block *b, dtype type, __m256 sum, const int8_t *x,
                                                             const float *d, const float *s, const float *h)
{
    __m256i isum;
    if (type == DTYPE_Q6_K) {
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            __m256 half = _mm256_cvtepi32_ps(dot(b->q, x, 4 * k, 4 * k + 4, 2));
            sum = _mm256_fmadd_ps(half, _mm256_mul_ps(b->d[k], _mm256_set1_ps(*d)), sum);
            sum = _mm256_fmadd_ps(b->m[k], _mm256_set1_ps(h[k * ACT_TILE]), sum);
        }
        return sum;
    }
    if (type == DTYPE_Q8_0)
        isum = _mm256_add_epi32(_mm256_slli_epi32(dot(b->high, x, 0, 8, 8), 4), dot(b->q, x, 0, 8, 8));
    else
        isum = dot(b->q, x, 0, 8, type == DTYPE_Q4_0 || type == DTYPE_Q4_1 || type == DTYPE_Q4_K ? 8 : 4);
    sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(isum), _mm256_mul_ps(b->d[0], _mm256_set1_ps(*d)), sum);
    return _mm256_fmadd_ps(b->m[0], _mm256_set1_ps(*s), sum);
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

/* Whether any row of a tile has a second digit in this group. */
static inline bool any_of(const uint8_t *more)
{
    return !_mm_testz_si128(_mm_loadu_si128((const __m128i *)more), _mm_set1_epi8(-1));
}

/* One panel times n rows of the tile; n is a constant where this is inlined, n_tokens <= n of them are stored. */
static inline __attribute__((always_inline)) void panel_times(const panels_args *a, int32_t panel, dtype type, int n)
{
    const size_t payload_step = ROWS * (type == DTYPE_Q8_0 ? 32 : type == DTYPE_Q6_K ? 24
                                        : type == DTYPE_Q5_0 || type == DTYPE_Q5_1 || type == DTYPE_Q5_K ? 20 : 16);
    const uint8_t *payload = a->payload + (size_t)panel * a->payload_bytes;
    const uint8_t *header = a->header + (size_t)panel * a->header_bytes;
    q8_digit x = a->x.first, left = a->x.left;
    const uint8_t *more = a->x.more;
    __m256 sum[ACT_TILE];
    for (int t = 0; t < n; t++) sum[t] = _mm256_setzero_ps();
    for (int32_t g = 0; g < a->n_groups; g++) {
        block b;
        load_block(&b, type, payload, header, g);
        for (int t = 0; t < n; t++) sum[t] = multiply(&b, type, sum[t], x.q + t * ACT_GROUP, x.d + t, x.s + t, x.h + t);
        for (int t = 0; t < n && any_of(more); t++)
            if (more[t]) sum[t] = multiply(&b, type, sum[t], left.q + t * ACT_GROUP, left.d + t, left.s + t, left.h + t);
        payload += payload_step;
        x = q8_digit_at(&x, 1);
        left = q8_digit_at(&left, 1);
        more += ACT_TILE;
    }
    for (int t = 0; t < n; t++)
        if (t < a->n_tokens) store(a, panel, t, sum[t]);
}

/* A function for each type. More rows are computed than asked for, up to the next size: the tile holds them. */
#define DEFINE_PANELS(name, type)                                                                              \
    void panels_##name##_avx2(const panels_args *a)                                                            \
    {                                                                                                          \
        int32_t n = a->n_tokens;                                                                               \
        for (int32_t p = 0; p < a->n_panels; p++) {                                                            \
            if (n == 1) panel_times(a, p, type, 1);                                                            \
            else if (n <= 4) panel_times(a, p, type, 4);                                                       \
            else if (n <= 8) panel_times(a, p, type, 8);                                                       \
            else panel_times(a, p, type, 16);                                                                  \
        }                                                                                                      \
    }

DEFINE_PANELS(q4_0, DTYPE_Q4_0)
DEFINE_PANELS(q4_1, DTYPE_Q4_1)
DEFINE_PANELS(q5_0, DTYPE_Q5_0)
DEFINE_PANELS(q5_1, DTYPE_Q5_1)
DEFINE_PANELS(q8_0, DTYPE_Q8_0)
DEFINE_PANELS(q4_k, DTYPE_Q4_K)
DEFINE_PANELS(q5_k, DTYPE_Q5_K)
DEFINE_PANELS(q6_k, DTYPE_Q6_K)
