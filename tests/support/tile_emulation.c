/* tile_emulation.c - see tile_emulation.h. Names are those of the SDM: colsb is the bytes of a row. */
#include "tile_emulation.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct tile {
    uint16_t colsb;
    uint8_t rows;
    uint8_t row[TILE_ROWS][TILE_ROW_BYTES];
} tile;

static _Thread_local bool tiles_configured;
static _Thread_local uint8_t start_row;
static _Thread_local tile tiles[N_TILES];

/* abort() works on every thread, which cmocka's fail() does not. */
static void fault_if(bool wrong, const char *what)
{
    if (!wrong) return;
    fprintf(stderr, "tile emulation: %s\n", what);
    abort();
}

static tile *used(int t)
{
    fault_if(!tiles_configured, "#UD: no configuration");
    fault_if(t < 0 || t >= N_TILES, "no such tile");
    fault_if(tiles[t].rows == 0 || tiles[t].colsb == 0, "#UD: a tile that is not configured");
    return &tiles[t];
}

static void write_row_and_zero(tile *t, int r, const uint8_t *data, int nbytes)
{
    memcpy(t->row[r], data, (size_t)nbytes);
    memset(t->row[r] + nbytes, 0, (size_t)(TILE_ROW_BYTES - nbytes));
}

static void zero_upper_rows(tile *t, int r)
{
    for (int i = r; i < TILE_ROWS; i++) memset(t->row[i], 0, TILE_ROW_BYTES);
}

void emulate_configure(const tile_config *config)
{
    static const uint8_t zeros[14];
    fault_if(config->palette > 1, "#GP: palette");
    fault_if(memcmp(config->reserved, zeros, sizeof zeros) != 0, "#GP: reserved bytes");
    if (config->palette == 0) {
        emulate_release();
        return;
    }
    for (int i = 0; i < 16; i++) {
        fault_if(i >= N_TILES && (config->rows[i] || config->row_bytes[i]), "#GP: a ninth tile");
        fault_if(config->rows[i] > TILE_ROWS || config->row_bytes[i] > TILE_ROW_BYTES, "#GP: too large");
        fault_if((config->rows[i] == 0) != (config->row_bytes[i] == 0), "#GP: rows without columns");
    }
    memset(tiles, 0, sizeof tiles);
    for (int i = 0; i < N_TILES; i++) {
        tiles[i].rows = config->rows[i];
        tiles[i].colsb = config->row_bytes[i];
    }
    start_row = config->start_row;
    tiles_configured = true;
}

void emulate_load(int n, const void *base, size_t stride)
{
    tile *t = used(n);
    int start = start_row;
    fault_if(start >= t->rows, "#GP: start row");
    while (start < t->rows) {
        write_row_and_zero(t, start, (const uint8_t *)base + (size_t)start * stride, t->colsb);
        start++;
    }
    zero_upper_rows(t, t->rows);
    start_row = 0;
}

void emulate_store(int n, void *base, size_t stride)
{
    tile *t = used(n);
    int start = start_row;
    fault_if(start >= t->rows, "#GP: start row");
    while (start < t->rows) {
        memcpy((uint8_t *)base + (size_t)start * stride, t->row[start], t->colsb);
        start++;
    }
    start_row = 0;
}

void emulate_zero(int n)
{
    zero_upper_rows(used(n), 0);
    start_row = 0;
}

/* c + the four products; unsigned, since the sum wraps around. */
static uint32_t dpbd_su(uint32_t c, const uint8_t *x, const uint8_t *y)
{
    for (int i = 0; i < 4; i++) c += (uint32_t)((int32_t)(int8_t)x[i] * (int32_t)y[i]);
    return c;
}

void emulate_multiply(int srcdest, int src1, int src2)
{
    tile *c = used(srcdest);
    const tile *a = used(src1), *b = used(src2);
    fault_if(srcdest == src1 || srcdest == src2 || src1 == src2, "#UD: a tile twice");
    fault_if(c->colsb % 4 || a->colsb % 4 || b->colsb % 4, "#UD: columns that are not dwords");
    fault_if(c->rows != a->rows || a->colsb / 4 != b->rows || c->colsb != b->colsb, "#UD: shapes do not fit");
    for (int m = 0; m < c->rows; m++) {
        uint32_t tmp[TILE_ROW_BYTES / 4];
        memcpy(tmp, c->row[m], sizeof tmp);
        for (int k = 0; k < a->colsb / 4; k++)
            for (int n = 0; n < b->colsb / 4; n++) tmp[n] = dpbd_su(tmp[n], a->row[m] + 4 * k, b->row[k] + 4 * n);
        write_row_and_zero(c, m, (const uint8_t *)tmp, c->colsb);
    }
    zero_upper_rows(c, c->rows);
    start_row = 0;
}

void emulate_release(void)
{
    memset(tiles, 0, sizeof tiles);
    start_row = 0;
    tiles_configured = false;
}
