/* numa.h - machines whose memory is in several places (nodes), each near to some of the processors.
 *
 * Linux puts a page on the node of the thread that touches it first. Weights are written once, by whichever threads load
 * them, and read by all: spread page by page over the nodes, every node's memory channels serve a part of each product.
 * System calls only, no library. */
#ifndef SUMI_BASE_NUMA_H
#define SUMI_BASE_NUMA_H

#include "sumi.h"

#define NUMA_FOLDER    "/sys/devices/system/node"
#define NUMA_MAX_NODES 1024 /* of Linux on x86-64: CONFIG_NODES_SHIFT <= 10 */

typedef struct numa_nodes {
    int32_t n; /* nodes that have memory; 1 where the system tells of none */
    unsigned long mask[NUMA_MAX_NODES / (8 * sizeof(unsigned long))];
} numa_nodes;

/* Reads which nodes have memory from folder (NUMA_FOLDER, or a copy of its form). EFORMAT: what the file says makes no
 * sense. A kernel without the file has one node. */
SUMI_MUST_USE sumi_status numa_read(numa_nodes *nodes, const char *folder, sumi_error *err);

/* Asks for pages of a mapping (mem_map(), not touched yet) from all nodes in turn. With one node nothing is done.
 * EUNSUPPORTED: the system refused, as containers often do. */
SUMI_MUST_USE sumi_status numa_spread(const numa_nodes *nodes, void *p, size_t bytes, sumi_error *err);

#endif
