/* vec.h - the vector operations of ../passes with AVX-512: sixteen floats. ../avx2/vec.h says what each operation is and why
 * the functions are static. */
#ifndef SUMI_BACKEND_CPU_AVX512_VEC_H
#define SUMI_BACKEND_CPU_AVX512_VEC_H

#include <immintrin.h>
#include <stdint.h>

enum { LANES = 16 };
typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vmask;

static inline vf v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline void v_store(float *p, vf a)
{
    _mm512_storeu_ps(p, a);
}

static inline vf v_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline vmask v_below(int32_t n)
{
    return n >= LANES ? (vmask)0xffff : (vmask)((1u << n) - 1);
}

static inline vf v_load_if(vmask m, const float *p)
{
    return _mm512_maskz_loadu_ps(m, p);
}

static inline void v_store_if(vmask m, float *p, vf a)
{
    _mm512_mask_storeu_ps(p, m, a);
}

static inline vf v_load_up_to(const float *p, int32_t n)
{
    return v_load_if(v_below(n), p);
}

static inline void v_store_up_to(float *p, int32_t n, vf a)
{
    v_store_if(v_below(n), p, a);
}

static inline vf v_keep_up_to(int32_t n, vf a)
{
    return _mm512_maskz_mov_ps(v_below(n), a);
}

static inline vf v_load_f16(const void *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline vf v_load_bf16(const void *p)
{
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

static inline vf v_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vf v_fnma(vf a, vf b, vf c)
{
    return _mm512_fnmadd_ps(a, b, c);
}

static inline vf v_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}

static inline vf v_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

static inline vf v_abs(vf a)
{
    return _mm512_abs_ps(a);
}

static inline vf v_round(vf a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vf v_if_negative(vf x, vf a, vf b)
{
    return _mm512_mask_mov_ps(b, _mm512_movepi32_mask(_mm512_castps_si512(x)), a);
}

/* The upper half is added to the lower half until one lane is left. */
static inline float v_sum(vf a)
{
    return _mm512_reduce_add_ps(a);
}

static inline float v_largest(vf a)
{
    return _mm512_reduce_max_ps(a);
}

static inline vf v_times_pow2(vf a, vf n)
{
    return _mm512_scalef_ps(a, n);
}

static inline vf v_exponent_in_range(vf x)
{
    return x;
}

static inline vf v_flush(vf x, vf a)
{
    (void)x;
    return a;
}

static inline vmask v_between(int32_t from, int32_t to)
{
    return v_below(to > 0 ? to : 0) & (vmask)~v_below(from > 0 ? from : 0);
}

static inline vf v_if(vmask m, vf a, vf b)
{
    return _mm512_mask_mov_ps(b, m, a);
}

static inline vf v_distance(int32_t x)
{
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_cvtepi32_ps(_mm512_abs_epi32(_mm512_sub_epi32(_mm512_set1_epi32(x), lanes)));
}

static inline vi v_load_bytes(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline vi v_set_bytes(char x)
{
    return _mm512_set1_epi8(x);
}

static inline vi v_add_bytes(vi a, vi b)
{
    return _mm512_add_epi8(a, b);
}

static inline __attribute__((always_inline)) vi v_left(vi a, int n)
{
    return _mm512_slli_epi16(a, (unsigned)n);
}

static inline __attribute__((always_inline)) vi v_right(vi a, int n)
{
    return _mm512_srli_epi16(a, (unsigned)n);
}

static inline vi v_load_table(const int8_t values[16])
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)values));
}

static inline vi v_look_up(vi table, vi at)
{
    return _mm512_shuffle_epi8(table, at);
}

static inline vi v_load_u8(const uint8_t *p)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}

static inline vi v_load_i8(const uint8_t *p)
{
    return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
}

static inline vf v_to_float(vi a)
{
    return _mm512_cvtepi32_ps(a);
}

#endif
