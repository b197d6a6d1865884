/* tile_config.h - what LDTILECFG reads (Intel SDM volume 1, chapter 18; volume 2A, LDTILECFG).
 *
 * Palette 1: eight tiles of at most 16 rows of 64 bytes. Entries 8 to 15 and the reserved bytes are zero. */
#ifndef SUMI_BACKEND_CPU_AMX_TILE_CONFIG_H
#define SUMI_BACKEND_CPU_AMX_TILE_CONFIG_H

#include <stdint.h>

#define N_TILES        8
#define TILE_ROWS      16
#define TILE_ROW_BYTES 64

typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

_Static_assert(sizeof(tile_config) == 64, "fixed by the instruction");

#endif
