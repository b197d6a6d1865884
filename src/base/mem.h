/* mem.h - sizes that may overflow, and memory that vector loads and huge pages like. */
#ifndef SUMI_BASE_MEM_H
#define SUMI_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEM_ALIGN 64 /* one cache line, one AVX-512 register */

/* Zeroed memory at a multiple of MEM_ALIGN; large pieces ask for huge pages. Free with mem_free(). NULL: no memory. */
void *mem_alloc(size_t bytes);
void mem_free(void *p);

/* *out = a * b; false if that does not fit. */
static inline bool mem_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline size_t mem_round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

size_t mem_available_bytes(void); /* memory that programs can still take, as /proc/meminfo says; 0: unknown */

#endif
