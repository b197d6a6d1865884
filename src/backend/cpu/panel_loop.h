/* panel_loop.h - the loop of AVX2 and AVX-512 over tiles of tokens and panels of weights. A macro only: the file is
 * compiled once for each level. */
#ifndef SUMI_BACKEND_CPU_PANEL_LOOP_H
#define SUMI_BACKEND_CPU_PANEL_LOOP_H

#include "backend/cpu/kernels.h"

/* Prefetch distance of weights, bytes: the processor's prefetcher stops at the end of a page. Gain: 5 to 10 % with 1
 * token, 15 % with 4 (Zen 5). */
#define AHEAD 4096

/* A function for each type: tile by tile, so that a tile of activations stays in L1 while the panels stream past, and
 * the panels in L2 for the next tile. The number of rows is rounded up to the next size, as the tile has these rows. The
 * constants for a tile of one row and for a full tile make the loop 2 to 8 % faster. Each level defines panel_times(). */
#define DEFINE_PANELS(name, level, type)                                \
    void panels_##name##_##level(const panels_args *all)                \
    {                                                                   \
        for (int32_t t = 0; t < all->n_tokens; t += ACT_TILE) {         \
            const panels_args a = panels_tile(all, t);                  \
            const int32_t n = a.n_tokens, lanes = a.x.first.lanes;      \
            for (int32_t p = 0; p < a.n_panels; p++) {                  \
                if (lanes == 1) panel_times(&a, p, type, 1, 1);         \
                else if (n <= 2) panel_times(&a, p, type, 2, lanes);    \
                else if (n <= 4) panel_times(&a, p, type, 4, lanes);    \
                else if (n <= 8) panel_times(&a, p, type, 8, ACT_TILE); \
                else panel_times(&a, p, type, 16, ACT_TILE);            \
            }                                                           \
        }                                                               \
    }

#endif
