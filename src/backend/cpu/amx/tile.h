/* tile.h - the instructions of AMX that panels.h needs. Tile numbers are literals, since instructions name them.
 *
 *   tile_configure(config)       shapes of all tiles, which become zero
 *   tile_load(t, p, stride)      the tile's rows from p, stride bytes apart
 *   tile_store(t, p, stride)     and back
 *   tile_zero(t)
 *   tile_multiply(c, a, b)       c[i][j] += sum over k, n of a[i][4 k + n] * b[k][4 j + n]
 *                                a: signed bytes; b: unsigned bytes, c: 32-bit integers, which wrap around
 *   tile_release()               no shapes, no contents: nothing to save when the thread is put aside
 *
 * Tiles are registers of the thread. tests/support/tile_emulation.h has the same names in plain C. */
#ifndef SUMI_BACKEND_CPU_AMX_TILE_H
#define SUMI_BACKEND_CPU_AMX_TILE_H

#include <immintrin.h>

#include "backend/cpu/amx/tile_config.h"

/* gcc's intrinsics do not name the memory that they read: without this, stores to it could be left out or come later. */
#define TILE_READS(p) __asm__ volatile("" : : "r"(p) : "memory")

#define tile_configure(config)          \
    do {                                \
        const tile_config *c_ = config; \
        TILE_READS(c_);                 \
        _tile_loadconfig(c_);           \
    } while (0)

#define tile_load(t, p, stride)     \
    do {                            \
        const void *p_ = p;         \
        TILE_READS(p_);             \
        _tile_loadd(t, p_, stride); \
    } while (0)

#define tile_store(t, p, stride) _tile_stored(t, p, stride)
#define tile_zero(t)             _tile_zero(t)
#define tile_multiply(c, a, b)   _tile_dpbsud(c, a, b)
#define tile_release()           _tile_release()

#endif
