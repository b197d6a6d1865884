/* panel_loop.h - the loop of AVX2 and AVX-512 over tiles of tokens and panels of weights. A macro only: the file is
 * compiled once for each level. */
#ifndef SUMI_BACKEND_CPU_PANEL_LOOP_H
#define SUMI_BACKEND_CPU_PANEL_LOOP_H

#include "backend/cpu/kernels.h"

/* Prefetch distance of weights, bytes: the processor's prefetcher stops at the end of a page. Gain: 5 to 10 % with 1
 * token, 15 % with 4 (Zen 5). */
#define AHEAD 4096

/* A function for each type: tile by tile, so that a tile of activations stays in L1 while the panels stream past, and
 * the panels in L2 for the next tile. Each level defines rows_times(): a panel times the n_tokens rows of a tile. */
#define DEFINE_PANELS(name, level, type)                                      \
    void panels_##name##_##level(const panels_args *all)                      \
    {                                                                         \
        for (int32_t t = 0; t < all->n_tokens; t += ACT_TILE) {               \
            const panels_args a = panels_tile(all, t);                        \
            for (int32_t p = 0; p < a.n_panels; p++) rows_times(&a, p, type); \
        }                                                                     \
    }

#endif
