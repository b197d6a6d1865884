/* cpu.h - what the processor can do, and how many of them we may use. */
#ifndef SUMI_BASE_CPU_H
#define SUMI_BASE_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* Levels of the x86-64 instruction set, each a superset of the one before. A level counts only if the processor has
 * all of it and the operating system saves its registers (XGETBV). */
typedef enum cpu_level {
    CPU_REF,    /* plain C, baseline x86-64 */
    CPU_AVX2,   /* AVX2, FMA, F16C, BMI2: Haswell (2013), Zen */
    CPU_AVX512, /* AVX-512 F, BW, VL, DQ and VNNI: Ice Lake (2019), Zen 4 */
    CPU_N_LEVELS,
} cpu_level;

cpu_level cpu_best_level(void);
const char *cpu_level_name(cpu_level level);           /* "ref", "avx2", "avx512" */
bool cpu_level_from_name(const char *name, cpu_level *level);
int32_t cpu_count(void); /* processors that this process may run on, at least 1 */

#endif
