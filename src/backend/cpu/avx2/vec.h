/* vec.h - the vector operations of ../passes with AVX2: eight floats. The same names in ../avx512/vec.h mean:
 *
 *   LANES vf                    floats in a vector; a vector, with + - * / among vectors and with a scalar
 *   v_load v_store v_set(x)     unaligned; all lanes are x
 *   v_load_f16 v_load_bf16      LANES numbers of 16 bits, unaligned
 *   vmask v_below(n)            a truth value for each lane; the lanes below n, which may be above LANES
 *   v_load_if v_store_if        the lanes of a mask; other lanes are 0, or not written
 *   v_load_up_to v_store_up_to  the same for v_below(n), in loops that need the mask for the end of a row only
 *   v_keep_up_to(n, a)          the lanes of a below n; other lanes are 0
 *   v_fma(a, b, c)              c + a b, rounded once          v_fnma(a, b, c)        c - a b, rounded once
 *   v_min(a, b) v_max(a, b)     b if one of them is NaN        v_round(a)             to the nearest integer, half to even
 *   v_if_negative(x, a, b)      a where x has its sign bit set, else b
 *   v_sum(a)                    of all lanes, in an order that is fixed for the level
 *   v_largest(a)                of the lanes
 *   v_times_pow2(a, n)          a * 2^n, n integers from -126 to 127; the two below are for n beyond that:
 *   v_exponent_in_range(x)      x in -126 .. 127, unless v_times_pow2 takes any n
 *   v_flush(x, a)               0 where x < -126, else a; a in all lanes if v_times_pow2 takes any n
 *   v_between(from, to)         the lanes l with from <= l < to; both may be below 0 or above LANES
 *   v_if(m, a, b)               a in the lanes of m, else b
 *   v_distance(x)               |x - l| in lane l, x an integer
 *
 *   vi                          4 * LANES bytes, with & | ^; or LANES integers of 32 bits
 *   v_load_bytes v_set_bytes(x) unaligned; all bytes are x                                v_add_bytes(a, b)
 *   v_left(a, n) v_right(a, n)  shifts of 16 bits by a constant
 *   v_load_table v_look_up      a table of 16 bytes; the bytes of the table at indices 0 .. 15
 *   v_load_u8 v_load_i8         LANES bytes to 32 bits                                    v_to_float(a)
 *
 * A masked load or store costs several times as much as a plain one on some processors with AVX2, so that v_load_up_to has a
 * branch here. The functions are static: a shared inline function that the linker took from an object compiled for a higher
 * level would crash on machines without that level. */
#ifndef SUMI_BACKEND_CPU_AVX2_VEC_H
#define SUMI_BACKEND_CPU_AVX2_VEC_H

#include <immintrin.h>
#include <stdint.h>

enum { LANES = 8 };
typedef __m256 vf;
typedef __m256i vi;
typedef __m256i vmask; /* all bits of a lane */

static inline vf v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline void v_store(float *p, vf a)
{
    _mm256_storeu_ps(p, a);
}

static inline vf v_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline vmask v_below(int32_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vf v_load_if(vmask m, const float *p)
{
    return _mm256_maskload_ps(p, m);
}

static inline void v_store_if(vmask m, float *p, vf a)
{
    _mm256_maskstore_ps(p, m, a);
}

static inline vf v_load_up_to(const float *p, int32_t n)
{
    return n >= LANES ? v_load(p) : v_load_if(v_below(n), p);
}

static inline void v_store_up_to(float *p, int32_t n, vf a)
{
    if (n >= LANES) v_store(p, a);
    else v_store_if(v_below(n), p, a);
}

static inline vf v_keep_up_to(int32_t n, vf a)
{
    return n >= LANES ? a : _mm256_and_ps(_mm256_castsi256_ps(v_below(n)), a);
}

static inline vf v_load_f16(const void *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static inline vf v_load_bf16(const void *p)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

static inline vf v_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vf v_fnma(vf a, vf b, vf c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

static inline vf v_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}

static inline vf v_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

static inline vf v_abs(vf a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

static inline vf v_round(vf a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vf v_if_negative(vf x, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, x);
}

/* ((0+4) + (2+6)) + ((1+5) + (3+7)) */
static inline float v_sum(vf a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline float v_largest(vf a)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

static inline vf v_times_pow2(vf a, vf n)
{
    __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return a * _mm256_castsi256_ps(power);
}

static inline vf v_exponent_in_range(vf x)
{
    return v_min(v_set(127), v_max(v_set(-126), x));
}

static inline vf v_flush(vf x, vf a)
{
    return _mm256_and_ps(a, _mm256_cmp_ps(x, v_set(-126), _CMP_NLT_UQ));
}

static inline vmask v_between(int32_t from, int32_t to)
{
    return _mm256_andnot_si256(v_below(from), v_below(to));
}

static inline vf v_if(vmask m, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(m));
}

static inline vf v_distance(int32_t x)
{
    __m256i behind = _mm256_sub_epi32(_mm256_set1_epi32(x), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    return _mm256_cvtepi32_ps(_mm256_abs_epi32(behind));
}

static inline vi v_load_bytes(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline vi v_set_bytes(char x)
{
    return _mm256_set1_epi8(x);
}

static inline vi v_add_bytes(vi a, vi b)
{
    return _mm256_add_epi8(a, b);
}

static inline __attribute__((always_inline)) vi v_left(vi a, int n)
{
    return _mm256_slli_epi16(a, n);
}

static inline __attribute__((always_inline)) vi v_right(vi a, int n)
{
    return _mm256_srli_epi16(a, n);
}

static inline vi v_load_table(const int8_t values[16])
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)values));
}

static inline vi v_look_up(vi table, vi at)
{
    return _mm256_shuffle_epi8(table, at);
}

static inline vi v_load_u8(const uint8_t *p)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

static inline vi v_load_i8(const uint8_t *p)
{
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

static inline vf v_to_float(vi a)
{
    return _mm256_cvtepi32_ps(a);
}

#endif
