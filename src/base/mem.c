/* mem.c - see mem.h. */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

void *mem_alloc(size_t bytes)
{
    if (bytes > SIZE_MAX - MEM_ALIGN) return NULL;
    size_t rounded = mem_round_up(bytes ? bytes : 1, MEM_ALIGN);
    void *p = aligned_alloc(MEM_ALIGN, rounded);
    if (p) memset(p, 0, rounded);
    return p;
}

void mem_free(void *p)
{
    free(p);
}

void *mem_map(size_t bytes)
{
    if (bytes == 0) bytes = 1;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return NULL;
    if (bytes >= 4 * HUGE_PAGE) madvise(p, bytes, MADV_HUGEPAGE); /* a wish: failing changes speed, not results */
    return p;
}

void mem_unmap(void *p, size_t bytes)
{
    if (p) munmap(p, bytes ? bytes : 1);
}

#ifndef NDEBUG
static _Thread_local bool forbidden;

void mem_forbid(void)
{
    forbidden = true;
}

void mem_permit(void)
{
    forbidden = false;
}

bool mem_is_forbidden(void)
{
    return forbidden;
}
#endif

size_t mem_available_bytes(void)
{
    FILE *f = fopen("/proc/meminfo", "re");
    if (!f) return 0;
    char line[128];
    unsigned long long kib = 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1) break;
    fclose(f);
    return (size_t)kib * 1024;
}
