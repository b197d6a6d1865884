/* process_stats.c - see process_stats.h. */
#include "server/ops/process_stats.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static bool read_memory(process_stats *p)
{
    unsigned long long pages, resident;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return false;
    bool ok = fscanf(f, "%llu %llu", &pages, &resident) == 2;
    fclose(f);
    if (!ok) return false;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    p->virtual_bytes = pages * page;
    p->resident_bytes = resident * page;
    return true;
}

static int32_t count_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    int32_t n = 0;
    if (!d) return 0;
    for (const struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n - 1; /* without the folder itself */
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

bool process_stats_read(process_stats *p)
{
    struct rusage use;
    struct rlimit files;
    *p = (process_stats){ 0 };
    if (!read_memory(p)) return false;
    if (getrusage(RUSAGE_SELF, &use) == 0) p->cpu_s = seconds(use.ru_utime) + seconds(use.ru_stime);
    p->n_files = count_files();
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) p->max_files = files.rlim_cur;
    return true;
}
