/* numa.h - machines whose memory is divided into nodes, each near to some of the processors.
 *
 * Linux puts a page on the node of the thread that touches it first. Weights are written once, by the threads that load
 * them, and read by all threads. If their pages are spread over the nodes, the memory channels of every node serve a part
 * of each product. System calls only, no library. */
#ifndef SUMI_BASE_OS_NUMA_H
#define SUMI_BASE_OS_NUMA_H

#include "sumi.h"

#define NUMA_FOLDER    "/sys/devices/system/node"
#define NUMA_MAX_NODES 1024 /* of Linux on x86-64: CONFIG_NODES_SHIFT <= 10 */

typedef struct numa_nodes {
    int32_t n; /* nodes that have memory; 1 if the system does not list any */
    unsigned long mask[NUMA_MAX_NODES / (8 * sizeof(unsigned long))];
} numa_nodes;

/* Reads which nodes have memory from folder (NUMA_FOLDER, or a test folder of the same form). EFORMAT: the file is
 * malformed. A kernel without the file has one node. */
SUMI_MUST_USE sumi_status numa_read(numa_nodes *nodes, const char *folder, sumi_error *err);

/* Requests the pages of a mapping (mem_map(), not touched yet) from all nodes in turn. With one node it does nothing.
 * EUNSUPPORTED: the system refused, as in many containers. */
SUMI_MUST_USE sumi_status numa_spread(const numa_nodes *nodes, void *p, size_t bytes, sumi_error *err);

#endif
