/* pack.c - the integers of one row into its lane of a panel, with AVX2: the bytes of ref/pack.c.
 *
 * The 32 integers of a block are one register; its eight 32-bit parts are the column quadruples of pack.h. Parts that share
 * a vector of the payload are shifted to their places and joined inside the register, then stored one by one. */
#include "backend/cpu/avx2/avx2.h"

#include <string.h>

#include "backend/cpu/pack.h"
#include "quant/blocks.h"

static inline __m256i load32(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* Bytes shifted right by n bits, and masked. */
static inline __m256i field(__m256i v, int n, int mask)
{
    return _mm256_and_si256(_mm256_srl_epi16(v, _mm_cvtsi32_si128(n)), _mm256_set1_epi8((char)mask));
}

static inline __m256i unpack_nibbles(const uint8_t *qs)
{
    __m128i v = _mm_loadu_si128((const __m128i *)qs);
    return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(v, 4), v), _mm256_set1_epi8(15));
}

/* Bit i of qh as bit 4 of byte i. */
static inline __m256i fifth_bits(const uint8_t *qh)
{
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3,
                                            3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201ull);
    int32_t bits;
    memcpy(&bits, qh, sizeof bits);
    __m256i v = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(bits), spread), bit);
    return _mm256_and_si256(_mm256_cmpeq_epi8(v, bit), _mm256_set1_epi8(16));
}

/* Bit `sub` of each byte as bit `at`. */
static inline __m256i plane(const uint8_t *bits, int sub, int at)
{
    return _mm256_slli_epi16(field(load32(bits), sub, 1), at);
}

/* The unsigned integers of block `sub` of the super-block at p; the switch disappears, since type is a constant. */
static inline __attribute__((always_inline)) __m256i unpack(dtype type, const uint8_t *p, int sub)
{
    switch (type) {
    case DTYPE_Q4_0: return unpack_nibbles(((const block_q4_0 *)p)->qs);
    case DTYPE_Q4_1: return unpack_nibbles(((const block_q4_1 *)p)->qs);
    case DTYPE_IQ4_NL: return unpack_nibbles(((const block_iq4_nl *)p)->qs);
    case DTYPE_MXFP4: return unpack_nibbles(((const block_mxfp4 *)p)->qs);
    case DTYPE_Q5_0:
        return _mm256_or_si256(unpack_nibbles(((const block_q5_0 *)p)->qs), fifth_bits(((const block_q5_0 *)p)->qh));
    case DTYPE_Q5_1:
        return _mm256_or_si256(unpack_nibbles(((const block_q5_1 *)p)->qs), fifth_bits(((const block_q5_1 *)p)->qh));
    case DTYPE_Q8_0: return _mm256_xor_si256(load32(((const block_q8_0 *)p)->qs), _mm256_set1_epi8((char)0x80));
    case DTYPE_Q2_K: return field(load32(((const block_q2_k *)p)->qs + sub / 4 * 32), 2 * (sub % 4), 3);
    case DTYPE_TQ2_0: return field(load32(((const block_tq2_0 *)p)->qs + sub / 4 * 32), 2 * (sub % 4), 3);
    case DTYPE_Q3_K:
        return _mm256_or_si256(field(load32(((const block_q3_k *)p)->qs + sub / 4 * 32), 2 * (sub % 4), 3),
                               plane(((const block_q3_k *)p)->hmask, sub, 2));
    case DTYPE_Q4_K: return field(load32(((const block_q4_k *)p)->qs + sub / 2 * 32), sub % 2 * 4, 15);
    case DTYPE_Q5_K:
        return _mm256_or_si256(field(load32(((const block_q5_k *)p)->qs + sub / 2 * 32), sub % 2 * 4, 15),
                               plane(((const block_q5_k *)p)->qh, sub, 4));
    case DTYPE_Q6_K: {
        const block_q6_k *b = (const block_q6_k *)p;
        __m256i low = field(load32(b->ql + sub / 4 * 64 + sub % 2 * 32), sub % 4 / 2 * 4, 15);
        return _mm256_or_si256(low, _mm256_slli_epi16(field(load32(b->qh + sub / 4 * 32), sub % 4 * 2, 3), 4));
    }
    default: /* IQ4_XS */ return unpack_nibbles(((const block_iq4_xs *)p)->qs + 16 * sub);
    }
}

static inline void put(uint8_t *lane, __m128i v)
{
    int32_t part = _mm_cvtsi128_si32(v);
    memcpy(lane, &part, sizeof part);
}

/* Part 2k of each half goes to vector `step` * k of its half: the lowest one or two parts of each 64 bits. */
static inline void put_nibbles(uint8_t *lane, size_t vector, __m256i q)
{
    __m256i v = _mm256_and_si256(q, _mm256_set1_epi8(15));
    v = _mm256_or_si256(v, _mm256_srli_epi64(v, 28)); /* the upper part of each 64 bits, 4 bits to the left */
    __m128i low = _mm256_castsi256_si128(v), high = _mm256_extracti128_si256(v, 1);
    put(lane, low);
    put(lane + vector, _mm_unpackhi_epi64(low, low));
    put(lane + 2 * vector, high);
    put(lane + 3 * vector, _mm_unpackhi_epi64(high, high));
}

/* All four parts of each half, joined. */
static inline __m256i join(__m256i v)
{
    v = _mm256_or_si256(v, _mm256_shuffle_epi32(v, 0x4e));
    return _mm256_or_si256(v, _mm256_shuffle_epi32(v, 0xb1));
}

static inline void put_pairs(uint8_t *lane, size_t vector, __m256i q, int at)
{
    __m256i v = join(_mm256_sllv_epi32(field(q, at, 3), _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6)));
    put(lane, _mm256_castsi256_si128(v));
    put(lane + vector, _mm256_extracti128_si256(v, 1));
}

static inline void put_bits(uint8_t *lane, __m256i q, int at)
{
    __m256i v = join(_mm256_sllv_epi32(field(q, at, 1), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
    put(lane, _mm_or_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)));
}

static inline void put_bytes(uint8_t *lane, size_t vector, __m256i q)
{
    uint8_t bytes[32];
    _mm256_storeu_si256((__m256i *)bytes, q);
#pragma GCC unroll 8
    for (size_t j = 0; j < 8; j++) memcpy(lane + j * vector, bytes + 4 * j, 4);
}

static inline __attribute__((always_inline)) void pack(dtype type, int n_subs, size_t block_bytes, uint8_t *lane,
                                                       const uint8_t *blocks, int32_t n_blocks, size_t vector)
{
    const int32_t bits = pack_bits(type);
    for (int32_t b = 0; b < n_blocks; b++, blocks += block_bytes)
        for (int sub = 0; sub < n_subs; sub++, lane += (size_t)bits * vector) {
            __m256i q = unpack(type, blocks, sub);
            if (bits == 8) put_bytes(lane, vector, q);
            if (bits >= 4 && bits <= 6) put_nibbles(lane, vector, q);
            if (bits == 2 || bits == 3) put_pairs(lane, vector, q, 0);
            if (bits == 3) put_bits(lane + 2 * vector, q, 2);
            if (bits == 5) put_bits(lane + 4 * vector, q, 4);
            if (bits == 6) put_pairs(lane + 4 * vector, vector, q, 4);
        }
}

#define CASE(name, elems, bytes) \
    case DTYPE_##name: pack(DTYPE_##name, (elems) / PACK_COLS, bytes, lane, blocks, n_blocks, vector); return;

void pack_row_avx2(dtype type, uint8_t *lane, const uint8_t *blocks, int32_t n_blocks, int32_t panel_rows)
{
    size_t vector = (size_t)panel_rows * 4;
    switch (type) {
        CASE(Q4_0, QK, sizeof(block_q4_0))
        CASE(Q4_1, QK, sizeof(block_q4_1))
        CASE(Q5_0, QK, sizeof(block_q5_0))
        CASE(Q5_1, QK, sizeof(block_q5_1))
        CASE(Q8_0, QK, sizeof(block_q8_0))
        CASE(IQ4_NL, QK, sizeof(block_iq4_nl))
        CASE(MXFP4, QK, sizeof(block_mxfp4))
        CASE(Q2_K, QK_K, sizeof(block_q2_k))
        CASE(Q3_K, QK_K, sizeof(block_q3_k))
        CASE(Q4_K, QK_K, sizeof(block_q4_k))
        CASE(Q5_K, QK_K, sizeof(block_q5_k))
        CASE(Q6_K, QK_K, sizeof(block_q6_k))
        CASE(IQ4_XS, QK_K, sizeof(block_iq4_xs))
        CASE(TQ2_0, QK_K, sizeof(block_tq2_0))
    default: return; /* no other type has integers in its payload only: pack.c */
    }
}
