/* row_kernels.c - the choice of a level, and the level that every processor has: four floats of the compiler's vector
 * types. */
#include "sample/row_kernels.h"

#include <string.h>

enum { LANES = 4 };
typedef float vf __attribute__((vector_size(16)));
typedef int32_t vmask __attribute__((vector_size(16)));

static inline vf v_load(const float *x)
{
    vf v;
    memcpy(&v, x, sizeof v);
    return v;
}

static inline void v_store(float *x, vf v)
{
    memcpy(x, &v, sizeof v);
}

static inline vf v_set(float x)
{
    return (vf){ x, x, x, x };
}

static inline vmask v_less(vf a, vf b)
{
    return a < b;
}

static inline vmask v_unordered(vf a)
{
    return a != a;
}

static inline vmask v_either(vmask a, vmask b)
{
    return a | b;
}

static inline vf v_keep(vmask m, vf a)
{
    return (vf)(m & (vmask)a);
}

static inline vf v_select(vmask m, vf a, vf b)
{
    return (vf)((m & (vmask)a) | (~m & (vmask)b));
}

static inline vf v_pick(uint32_t bits, vf a, vf b)
{
    const vmask lanes = { 1, 2, 4, 8 };
    int32_t v = (int32_t)bits;
    return v_select(((vmask){ v, v, v, v } & lanes) == lanes, a, b);
}

static inline vf v_max(vf a, vf b)
{
    return v_select(a > b, a, b);
}

static inline uint32_t v_bits(vmask m)
{
    m &= (vmask){ 1, 2, 4, 8 };
    return (uint32_t)(m[0] | m[1] | m[2] | m[3]);
}

static inline bool v_any(vmask m)
{
    return v_bits(m) != 0;
}

static inline vf v_exponent(vf a)
{
    return (vf)((vmask)a << 23);
}

static inline void v_add_double(double *sum, vf a)
{
    for (int l = 0; l < LANES; l++) sum[l] += (double)a[l];
}

#include "sample/row_passes.h"

const row_kernels row_kernels_base = ROW_KERNELS;

const row_kernels *row_kernels_for(cpu_level level)
{
#if defined(__x86_64__)
    if (level >= CPU_AVX512) return &row_kernels_avx512;
    if (level >= CPU_AVX2) return &row_kernels_avx2;
#endif
    (void)level;
    return &row_kernels_base;
}

const row_kernels *row_kernels_best(void)
{
#if defined(__x86_64__)
    /* The compiler's run-time library stores these; like cpu.c, it checks that the system saves wide registers. */
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni"))
        return &row_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
        return &row_kernels_avx2;
#endif
    return &row_kernels_base;
}
