/* kernels.c - the choice of kernels. Complete without any SIMD; each level overrides the one below. */
#include "backend/cpu/kernels.h"

void kernels_init(kernels *k, cpu_level level)
{
    *k = (kernels){ .level = level };
    kernels_init_ref(k);
#if defined(__x86_64__)
    if (level >= CPU_AVX2) kernels_init_avx2(k);
    if (level >= CPU_AVXVNNI) kernels_init_avxvnni(k);
    if (level >= CPU_AVX512) kernels_init_avx512(k);
    if (level >= CPU_AMX) kernels_init_amx(k);
#endif
}
