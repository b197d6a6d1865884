/* cpu.c - see cpu.h. Bits: Intel SDM volume 2A, CPUID; XCR0: volume 1, 13.3. */
#include "base/os/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has(uint32_t word, uint32_t bits)
{
    return (word & bits) == bits;
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t xgetbv0(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

/* Bits of XCR0: XMM and YMM; also opmask, ZMM_Hi256 and Hi16_ZMM; tile configuration and data. */
#define STATE_AVX    UINT64_C(0x6)
#define STATE_AVX512 UINT64_C(0xe6)
#define STATE_TILES  UINT64_C(0x60000)

/* Leaf 7: of the first sub-leaf EDX, of the second EAX. cpuid.h names these differently from compiler to compiler. */
#define BIT_AMX_BF16    (1u << 22)
#define BIT_AMX_TILE    (1u << 24)
#define BIT_AMX_INT8    (1u << 25)
#define BIT_AVX_VNNI    (1u << 4)
#define BIT_AVX512_BF16 (1u << 5)

/* Linux allows tiles only to programs that request them (Documentation/arch/x86/xstate.rst), because their registers take
 * 8 KiB in each signal frame. */
static bool may_use_tiles(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

uint32_t cpu_features(void)
{
    uint32_t a, b1, c1, d1, a7, b7, c7, d7, a71 = 0, b, c, d, found = 0;
    if (!__get_cpuid(1, &a, &b1, &c1, &d1) || !has(c1, bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C)) return 0;
    if (!__get_cpuid_count(7, 0, &a7, &b7, &c7, &d7)) return 0; /* a7: the last sub-leaf */
    uint64_t state = xgetbv0();
    if ((state & STATE_AVX) != STATE_AVX || !has(b7, bit_AVX2 | bit_BMI2)) return 0;
    if (a7 >= 1 && !__get_cpuid_count(7, 1, &a71, &b, &c, &d)) a71 = 0;
    found |= CPU_HAS_AVX2 | (has(a71, BIT_AVX_VNNI) ? CPU_HAS_AVX_VNNI : 0);
    if ((state & STATE_AVX512) == STATE_AVX512 && has(b7, bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ))
        found |= CPU_HAS_AVX512 | (has(c7, bit_AVX512VNNI) ? CPU_HAS_AVX512_VNNI : 0) |
                 (has(a71, BIT_AVX512_BF16) ? CPU_HAS_AVX512_BF16 : 0);
    if ((state & STATE_TILES) == STATE_TILES && has(d7, BIT_AMX_TILE) && may_use_tiles())
        found |= (has(d7, BIT_AMX_INT8) ? CPU_HAS_AMX_INT8 : 0) | (has(d7, BIT_AMX_BF16) ? CPU_HAS_AMX_BF16 : 0);
    return found;
}
#else
uint32_t cpu_features(void)
{
    return 0;
}
#endif

/* What each level needs. Tiles without AVX-512 do not exist. */
static const uint32_t level_needs[CPU_N_LEVELS] = {
    [CPU_AVX2] = CPU_HAS_AVX2,
    [CPU_AVXVNNI] = CPU_HAS_AVX2 | CPU_HAS_AVX_VNNI,
    [CPU_AVX512] = CPU_HAS_AVX2 | CPU_HAS_AVX512 | CPU_HAS_AVX512_VNNI,
    [CPU_AMX] = CPU_HAS_AVX2 | CPU_HAS_AVX512 | CPU_HAS_AVX512_VNNI | CPU_HAS_AMX_INT8,
};

bool cpu_has_level(cpu_level level)
{
    return has(cpu_features(), level_needs[level]);
}

cpu_level cpu_best_level(void)
{
    uint32_t found = cpu_features();
    cpu_level best = CPU_AMX;
    while (!has(found, level_needs[best])) best--;
    return best;
}

static const char *const level_names[CPU_N_LEVELS] = { "ref", "avx2", "avxvnni", "avx512", "amx" };

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

/* A line of /sys/devices/system/cpu/cpu0/cache/indexN/NAME; "" if there is none. */
static void cache_entry(int index, const char *name, char *line, size_t n_line)
{
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    FILE *f = fopen(path, "re");
    if (!f || !fgets(line, (int)n_line, f)) line[0] = '\0';
    if (f) fclose(f);
}

/* sysconf() knows these too, but counts every L3 cache of an AMD package as one. */
size_t cpu_cache_bytes(int level)
{
    for (int i = 0; i < 8; i++) {
        char of[32], type[32], size[32];
        cache_entry(i, "level", of, sizeof of);
        cache_entry(i, "type", type, sizeof type);
        cache_entry(i, "size", size, sizeof size);
        if (atoi(of) == level && strncmp(type, "Instruction", 11) != 0) return (size_t)atoi(size) << 10; /* "512K" */
    }
    return 0;
}

int32_t cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}
