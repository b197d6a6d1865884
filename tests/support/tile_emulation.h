/* tile_emulation.h - the tile instructions of AMX in plain C, under the names of src/backend/cpu/amx/tile.h.
 *
 * Follows the operation sections of the Intel SDM line by line (volume 2: LDTILECFG, TILELOADD, TILESTORED, TILEZERO,
 * TDPBSUD, TILERELEASE; volume 1, chapter 18), for palette 1. What raises an exception there fails the test here.
 * Registers are those of the thread, as on the processor. */
#ifndef TILE_EMULATION_H
#define TILE_EMULATION_H

#include <stddef.h>
#include <stdint.h>

#include "backend/cpu/amx/tile_config.h"

void emulate_configure(const tile_config *config);
void emulate_load(int t, const void *base, size_t stride);
void emulate_store(int t, void *base, size_t stride);
void emulate_zero(int t);
void emulate_multiply(int c, int a, int b);
void emulate_release(void);

#define tile_configure(config)   emulate_configure(config)
#define tile_load(t, p, stride)  emulate_load(t, p, stride)
#define tile_store(t, p, stride) emulate_store(t, p, stride)
#define tile_zero(t)             emulate_zero(t)
#define tile_multiply(c, a, b)   emulate_multiply(c, a, b)
#define tile_release()           emulate_release()

#endif
