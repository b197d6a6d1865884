/* cpu.c - see cpu.h. Bits: Intel SDM volume 2A, CPUID; XCR0: volume 1, 13.3. */
#include "base/cpu.h"

#include <sched.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t xgetbv0(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static bool has(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

cpu_level cpu_best_level(void)
{
    uint32_t a, b1, c1, d, b7, c7;
    if (!__get_cpuid(1, &a, &b1, &c1, &d) || !has(c1, bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C)) return CPU_REF;
    uint64_t xcr0 = xgetbv0();
    if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d)) return CPU_REF;
    if ((xcr0 & 0x6) != 0x6 || !has(b7, bit_AVX2 | bit_BMI2)) return CPU_REF; /* XMM and YMM state */
    if ((xcr0 & 0xe6) != 0xe6) return CPU_AVX2;                              /* opmask, ZMM_Hi256, Hi16_ZMM */
    if (!has(b7, bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ) || !has(c7, bit_AVX512VNNI))
        return CPU_AVX2;
    return CPU_AVX512;
}
#else
cpu_level cpu_best_level(void)
{
    return CPU_REF;
}
#endif

static const char *const level_names[CPU_N_LEVELS] = { "ref", "avx2", "avx512" };

const char *cpu_level_name(cpu_level level)
{
    return level_names[level];
}

bool cpu_level_from_name(const char *name, cpu_level *level)
{
    for (int i = 0; i < CPU_N_LEVELS; i++) {
        if (strcmp(name, level_names[i]) != 0) continue;
        *level = (cpu_level)i;
        return true;
    }
    return false;
}

int32_t cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}
