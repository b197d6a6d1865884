/* cpu.h - the instruction sets of the processor, and the number of processors that the process may use. */
#ifndef SUMI_BASE_OS_CPU_H
#define SUMI_BASE_OS_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Levels of the instruction set, in rising order. All but the first are for x86-64. A level is available only if the
 * processor has all its instructions and the operating system saves its registers (XGETBV). Each level includes the levels
 * before it, with one exception: most processors with AVX-512 lack AVX-VNNI. */
typedef enum cpu_level {
    CPU_REF,     /* plain C, on every processor */
    CPU_AVX2,    /* AVX2, FMA, F16C, BMI2: Haswell (2013), Zen */
    CPU_AVXVNNI, /* and dpbusd on 32 bytes: Alder Lake (2021), Zen 5 */
    CPU_AVX512,  /* AVX-512 F, BW, VL, DQ and VNNI: Ice Lake (2019), Zen 4 */
    CPU_AMX,     /* and AMX tiles of int8: Sapphire Rapids (2023) */
    CPU_N_LEVELS,
} cpu_level;

/* Single extensions: a bit is set only if the processor has the extension and the operating system allows it. */
enum {
    CPU_HAS_AVX2 = 1,         /* AVX2, FMA, F16C, BMI2 */
    CPU_HAS_AVX_VNNI = 2,     /* dpbusd on 32 bytes: Alder Lake, Zen 5 */
    CPU_HAS_AVX512 = 4,       /* F, BW, VL, DQ */
    CPU_HAS_AVX512_VNNI = 8,  /* dpbusd on 64 bytes */
    CPU_HAS_AVX512_BF16 = 16, /* Cooper Lake, Zen 4 */
    CPU_HAS_AMX_INT8 = 32,    /* tiles: Sapphire Rapids */
    CPU_HAS_AMX_BF16 = 64,
};

/* A mask of CPU_HAS_ bits. If the processor has tiles, this requests Linux's permission to use them, for the whole
 * process: threads that start later have the permission, too. */
uint32_t cpu_features(void);

cpu_level cpu_best_level(void);
bool cpu_has_level(cpu_level level);
const char *cpu_level_name(cpu_level level); /* "ref", "avx2", "avxvnni", "avx512", "amx" */
bool cpu_level_from_name(const char *name, cpu_level *level);

/* Bytes of the data cache of level 1, 2 or 3, as one processor sees it; 0: unknown, or there is none. */
size_t cpu_cache_bytes(int level);

int32_t cpu_count(void); /* processors that this process may run on, at least 1 */

#endif
