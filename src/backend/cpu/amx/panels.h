/* panels.h - matrix products with AMX tiles on the packed panels of AVX-512.
 *
 * A block of 32 columns of a panel, unpacked (avx512/blocks.h), is eight vectors of 16 rows x 4 columns: just what the
 * right factor of a tile product looks like. Sixteen tokens of the activations (kernels.h) are the left one:
 *
 *   a [16 tokens][32] int8   x   b [8][16 rows][4] uint8   =   c [16 tokens][16 rows] int32     TDPBSUD
 *        tile of q, 32 apart         block.q, 64 apart            then  sum += c * (d * dx) + m * s  with AVX-512
 *
 * Types with a scale for 16 columns multiply halves: 16 of a's columns, 4 of b's rows.
 *
 * Weights are unpacked once for all tokens of a call: CHUNK groups of SHARE panels at a time, which stay in L1 together
 * with the part of a tile of activations that they meet.
 *
 *   for SHARE panels:  for CHUNK groups:   unpack | for each tile of tokens: for each panel: its 16 sums in registers,
 *                                                 |   BATCH tile products, then BATCH times 16 scaled additions
 *
 * Integer sums are exact, and product.h defines what is done with them, group after group. So the bits are those of
 * avx512/linear.c, which also serves a tile with few tokens.
 *
 * Cost of 16 tokens x 16 rows x 32 columns, estimated, not measured: TDPBSUD takes 16 cycles (one for each row of a)
 * whatever its depth; the 16 scaled additions are 64 vector instructions (convert, multiply, two
 * multiply-adds), two a cycle: 32 cycles, and these decide. AVX-512 alone needs 8 VPDPBUSD more for each token: 96 cycles.
 * While a batch is scaled, the processor looks ahead to the tile products of the next one.
 *
 * The file that includes this one has included the tile instructions: tile.h, or their emulation in a test. Static, as all
 * helpers of a level: see avx2/vec.h. */
#ifndef SUMI_BACKEND_CPU_AMX_PANELS_H
#define SUMI_BACKEND_CPU_AMX_PANELS_H

#include "backend/cpu/avx512/product.h"

#define CHUNK 8 /* groups: as many as share a header in K-quants */
#define SHARE 2
#define BATCH 4

/* Tokens of a tile from which on tiles pay: 4 tokens take AVX-512 about 24 cycles for a block. */
#define MIN_TOKENS 5

/* 24 KiB: half of an L1 cache; a tile's part of the activations is 6 KiB more. */
typedef struct scratch {
    block blocks[SHARE][CHUNK];
    _Alignas(64) int32_t isum[BATCH][ACT_TILE][LANES];
    _Alignas(64) float sum[SHARE][PANELS_TOKENS][LANES];
} scratch;

_Static_assert(ACT_TILE == TILE_ROWS && LANES * 4 == TILE_ROW_BYTES, "a tile of tokens by a panel is a tile");

/* Tiles 0 to 3 are products, 4 and 5 activations, 6 and 7 weights. */
static inline void configure(bool halves)
{
    tile_config config = { .palette = 1 };
    int cols = halves ? ACT_GROUP / 2 : ACT_GROUP;
    for (int i = 0; i < N_TILES; i++) {
        config.rows[i] = (uint8_t)(i < 6 ? ACT_TILE : cols / 4);
        config.row_bytes[i] = (uint16_t)(i == 4 || i == 5 ? cols : TILE_ROW_BYTES);
    }
    tile_configure(&config);
}

/* Where the factors of product i begin: group i, or its halves 2 i and 2 i + 1. */
static inline const int8_t *x_of(const int8_t *q, bool halves, int i)
{
    return halves ? q + i / 2 * (ACT_TILE * ACT_GROUP) + i % 2 * (ACT_GROUP / 2) : q + i * (ACT_TILE * ACT_GROUP);
}

static inline const __m512i *w_of(const block *blocks, bool halves, int i)
{
    return halves ? blocks[i / 2].q + i % 2 * 4 : blocks[i].q;
}

/* isum[j] of n products from i on. Neighbours use different tiles, so that none waits for the one before. */
static inline __attribute__((always_inline)) void multiply_tiles(scratch *w, const block *blocks, const int8_t *q,
                                                                 bool halves, int i, int n)
{
#define PRODUCT(j, c, a, b)                                          \
    do {                                                             \
        tile_load(a, x_of(q, halves, i + (j)), ACT_GROUP);           \
        tile_load(b, w_of(blocks, halves, i + (j)), TILE_ROW_BYTES); \
        tile_zero(c);                                                \
        tile_multiply(c, a, b);                                      \
        tile_store(c, w->isum[j], TILE_ROW_BYTES);                   \
    } while (0)
    if (n == BATCH) {
        PRODUCT(0, 0, 4, 6);
        PRODUCT(1, 1, 5, 7);
        PRODUCT(2, 2, 4, 6);
        PRODUCT(3, 3, 5, 7);
    } else {
        for (int j = 0; j < n; j++) PRODUCT(j, 0, 4, 6);
    }
#undef PRODUCT
}

/* sums [ACT_TILE][LANES] += one tile of activations, x its first row, times n_groups blocks of a panel. */
static inline __attribute__((always_inline)) void add_blocks(scratch *w, const block *blocks, int n_groups,
                                                             const q8_row *x, float (*sums)[LANES], bool halves)
{
    const int parts = halves ? 2 : 1, n = n_groups * parts;
    __m512 sum[ACT_TILE];
#pragma GCC unroll 16
    for (int t = 0; t < ACT_TILE; t++) sum[t] = _mm512_load_ps(sums[t]);
    for (int i = 0; i < n; i += BATCH) {
        int n_products = n - i < BATCH ? n - i : BATCH;
        multiply_tiles(w, blocks, x->first.q, halves, i, n_products);
        for (int j = 0; j < n_products; j++) {
            int g = (i + j) / parts, part = (i + j) % parts;
            const q8_digit first = q8_digit_at(&x->first, g), left = q8_digit_at(&x->left, g);
            const float *s = halves ? first.h + part * ACT_TILE : first.s;
            const uint8_t *more = x->more + g * ACT_TILE;
            const block *b = blocks + g;
#pragma GCC unroll 16
            for (int t = 0; t < ACT_TILE; t++)
                sum[t] = add_scaled(sum[t], _mm512_load_si512(w->isum[j][t]), b->d[part], first.d[t], b->m[part], s[t]);
            if (part < parts - 1 || !any_of(more, ACT_TILE)) continue;
#pragma GCC unroll 16
            for (int t = 0; t < ACT_TILE; t++)
                if (more[t]) sum[t] = multiply(b, halves, sum[t], &left, t);
        }
    }
#pragma GCC unroll 16
    for (int t = 0; t < ACT_TILE; t++) _mm512_store_ps(sums[t], sum[t]);
}

/* Once unpacked, types differ in nothing but halves: two functions serve all. */
static __attribute__((noinline)) void add_whole(scratch *w, const block *blocks, int n_groups, const q8_row *x,
                                                float (*sums)[LANES])
{
    add_blocks(w, blocks, n_groups, x, sums, false);
}

static __attribute__((noinline)) void add_halves(scratch *w, const block *blocks, int n_groups, const q8_row *x,
                                                 float (*sums)[LANES])
{
    add_blocks(w, blocks, n_groups, x, sums, true);
}

/* n groups of a panel from g on. */
static inline __attribute__((always_inline)) void unpack(block *blocks, dtype type, const panels_args *a, int32_t panel,
                                                         int32_t g, int32_t n)
{
    const size_t step = LANES * 4 * (size_t)pack_bits(type);
    const uint8_t *payload = a->payload + (size_t)panel * a->payload_bytes + (size_t)g * step;
    const uint8_t *header = a->header + (size_t)panel * a->header_bytes;
    for (int32_t i = 0; i < n; i++) load_block(&blocks[i], type, payload + (size_t)i * step, header, g + i);
}

/* n <= SHARE panels from `panel` on times all tokens. */
static inline __attribute__((always_inline)) void multiply_panels(scratch *w, const panels_args *a, int32_t panel,
                                                                  int32_t n, dtype type)
{
    memset(w->sum, 0, sizeof w->sum);
    for (int32_t g = 0; g < a->n_groups; g += CHUNK) {
        int32_t n_groups = a->n_groups - g < CHUNK ? a->n_groups - g : CHUNK;
        for (int32_t i = 0; i < n; i++) unpack(w->blocks[i], type, a, panel + i, g, n_groups);
        for (int32_t t = 0; t < a->n_tokens; t += ACT_TILE) {
            q8_row x = q8_row_at(&a->x, t / ACT_TILE * a->x_groups + g);
            for (int32_t i = 0; i < n; i++)
                (pack_has_halves(type) ? add_halves : add_whole)(w, w->blocks[i], n_groups, &x, w->sum[i] + t);
        }
    }
    for (int32_t i = 0; i < n; i++)
        for (int32_t t = 0; t < a->n_tokens; t++) store(a, panel + i, t, _mm512_load_ps(w->sum[i][t]));
}

/* All panels times full tiles and a last one that may be cut, whose other lanes are computed and not stored. */
static inline __attribute__((always_inline)) void multiply_all(const panels_args *a, dtype type)
{
    scratch w;
    configure(pack_has_halves(type));
    for (int32_t p = 0; p < a->n_panels; p += SHARE)
        multiply_panels(&w, a, p, a->n_panels - p < SHARE ? a->n_panels - p : SHARE, type);
    tile_release();
}

/* A function for each type. The choice by shape is here: few tokens of a last tile go to AVX-512. */
#define DEFINE_PANELS(name, TYPE)                                   \
    static void panels_##name##_amx(const panels_args *a)           \
    {                                                               \
        panels_args tiles = *a;                                     \
        int32_t rest = a->n_tokens % ACT_TILE;                      \
        if (rest < MIN_TOKENS) tiles.n_tokens -= rest;              \
        if (tiles.n_tokens > 0) multiply_all(&tiles, DTYPE_##TYPE); \
        if (tiles.n_tokens == a->n_tokens) return;                  \
        tiles = panels_tile(a, tiles.n_tokens);                     \
        panels_##name##_avx512(&tiles);                             \
    }

FOR_EACH_PANEL_TYPE(DEFINE_PANELS)

/* Replaces the products of AVX-512. */
static inline void set_panels(kernels *k)
{
#define SET_PANELS(name, TYPE) k->panels[DTYPE_##TYPE] = panels_##name##_amx;
    FOR_EACH_PANEL_TYPE(SET_PANELS)
#undef SET_PANELS
}

#endif
