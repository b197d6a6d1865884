/* process_stats.c - see process_stats.h. */
#include "server/ops/process_stats.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Why /proc cannot be read. */
static sumi_status unreadable(void)
{
    return errno == ENOMEM ? SUMI_ENOMEM : SUMI_EIO;
}

static sumi_status read_memory(process_stats *p)
{
    unsigned long long pages, resident;
    errno = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return unreadable();
    bool ok = fscanf(f, "%llu %llu", &pages, &resident) == 2;
    sumi_status st = ok ? SUMI_OK : unreadable();
    fclose(f);
    if (!ok) return st;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    p->virtual_bytes = pages * page;
    p->resident_bytes = resident * page;
    return SUMI_OK;
}

static sumi_status count_files(process_stats *p)
{
    DIR *d = opendir("/proc/self/fd");
    if (!d) return unreadable();
    p->n_files = -1; /* without the folder itself */
    for (const struct dirent *e; (e = readdir(d));) p->n_files += e->d_name[0] != '.';
    closedir(d);
    return SUMI_OK;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

sumi_status process_stats_read(process_stats *p)
{
    struct rusage use;
    struct rlimit files;
    *p = (process_stats){ 0 };
    sumi_status st = read_memory(p);
    if (st == SUMI_OK) st = count_files(p);
    if (st != SUMI_OK) return st;
    if (getrusage(RUSAGE_SELF, &use) == 0) p->cpu_s = seconds(use.ru_utime) + seconds(use.ru_stime);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) p->max_files = files.rlim_cur;
    return SUMI_OK;
}
