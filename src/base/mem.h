/* mem.h - products of sizes that may overflow, and memory aligned for vector loads and huge pages. */
#ifndef SUMI_BASE_MEM_H
#define SUMI_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEM_ALIGN 64 /* one cache line, one AVX-512 register */

/* Zeroed memory at a multiple of MEM_ALIGN. Free with mem_free(). NULL: no memory. */
void *mem_alloc(size_t bytes);
void mem_free(void *p);

/* The same for large memory that may be used only in part: a page is allocated, zeroed, when it is first touched, as a
 * huge page if the system offers them. Free with mem_unmap() and the same size. NULL: no memory. */
void *mem_map(size_t bytes);
void mem_unmap(void *p, size_t bytes);

/* *out = a * b; false if the product does not fit. */
static inline bool mem_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline size_t mem_round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

/* In builds with assertions: between mem_forbid() and mem_permit() nothing may be allocated in this thread, nor in the threads
 * of a pool that work for it. Test programs with a malloc() of their own abort if something is (tests/failing). */
#ifdef NDEBUG
static inline void mem_forbid(void) {}
static inline void mem_permit(void) {}
static inline bool mem_is_forbidden(void)
{
    return false;
}
#else
void mem_forbid(void);
void mem_permit(void);
bool mem_is_forbidden(void);
#endif

size_t mem_available_bytes(void); /* available memory according to /proc/meminfo; 0: unknown */

#endif
