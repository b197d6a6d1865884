/* mem.c - see mem.h. */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

void *mem_alloc(size_t bytes)
{
    if (bytes > SIZE_MAX - HUGE_PAGE) return NULL;
    bool huge = bytes >= 4 * HUGE_PAGE;
    size_t align = huge ? HUGE_PAGE : MEM_ALIGN;
    size_t rounded = mem_round_up(bytes ? bytes : 1, align);
    void *p = aligned_alloc(align, rounded);
    if (!p) return NULL;
    if (huge) madvise(p, rounded, MADV_HUGEPAGE); /* only a wish: failing changes speed, not results */
    memset(p, 0, rounded);
    return p;
}

void mem_free(void *p)
{
    free(p);
}

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
