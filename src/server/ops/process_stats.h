/* process_stats.h - the system's numbers of this process: memory, time, files. Source: proc(5), getrusage(2). */
#ifndef SUMI_SERVER_OPS_PROCESS_STATS_H
#define SUMI_SERVER_OPS_PROCESS_STATS_H

#include <stdint.h>

#include "sumi.h"

typedef struct process_stats {
    uint64_t resident_bytes, virtual_bytes;
    double cpu_s; /* of all threads, in user and system mode */
    int32_t n_files;
    uint64_t max_files;
} process_stats;

/* EIO: /proc is not there. ENOMEM. */
SUMI_MUST_USE sumi_status process_stats_read(process_stats *p);

#endif
