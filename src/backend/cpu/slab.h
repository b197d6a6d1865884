/* slab.h - the memory of packed weights: allocations in large mappings.
 *
 * A model has hundreds of matrices, many smaller than a huge page. Separate mappings would have pages of 4 KiB, and the
 * page faults would take as long as packing. A slab is one large mapping. Allocations are taken from it one after the
 * other. It is unmapped when its last allocation is given back. Pages without an allocation are never touched, so they
 * take no memory.
 *
 *   slab   | matrix | matrix | matrix |          |     64 MiB, or as large as one larger allocation
 *
 * Threads: one at a time for a source and its allocations. */
#ifndef SUMI_BACKEND_CPU_SLAB_H
#define SUMI_BACKEND_CPU_SLAB_H

#include "base/os/numa.h"

typedef struct slab slab;

typedef struct slab_source {
    slab *current;    /* the slab to cut from, NULL at first; the owner of the source gives it back at the end */
    numa_nodes nodes; /* nodes over which new slabs are spread; n 0: not spread */
} slab_source;

/* Zeroed memory at a multiple of MEM_ALIGN; *owner is for slab_give_back(). ENOMEM, or an error of
 * numa_spread(). */
SUMI_MUST_USE sumi_status slab_take(slab_source *source, size_t bytes, uint8_t **memory, slab **owner, sumi_error *err);

/* Gives back an allocation in the slab, or a source's reference to its current slab. s may be NULL. */
void slab_give_back(slab *s);

#endif
