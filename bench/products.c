/* products.c - what the product kernels make of one core: rows of a quantised matrix times some tokens.
 *
 *   cc -O2 -Iinclude -Isrc bench/products.c -o build/bench-products build/release/libsumi_bench.a build/release/libsumi.a \
 *      -lpthread -lm && build/bench-products [LEVEL [TYPE [COLUMNS]]]
 *
 * For each type: 10^9 operations per second (a multiplication and an addition count as two) with 1 to 64 tokens, and in the
 * last column the share of the level's int8 limit (src/bench/limits.h) at 64 tokens. Weights are random and fit into the L2
 * cache. A figure is the best of many runs: other work can only make a run slower. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/cpu/kernels.h"
#include "backend/cpu/pack.h"
#include "bench/limits.h"
#include "quant/quant.h"

enum { N_PANELS = 8, RUNS = 60 };
static const int32_t tokens[] = { 1, 2, 3, 4, 5, 6, 8, 12, 16, 32, 64 };
#define N_TOKENS (int32_t)(sizeof tokens / sizeof *tokens)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *zeroed(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 4096 + 63) / 64 * 64);
    if (!p) exit(1);
    return memset(p, 0, bytes + 4096);
}

static float noise(void)
{
    return (float)(rand() % 2001 - 1000) / 1000.0f;
}

typedef struct digit_memory {
    int8_t *q;
    float *d, *s, *h;
} digit_memory;

static digit_memory digit_create(size_t n)
{
    return (digit_memory){ zeroed(n), zeroed(n / 8), zeroed(n / 8), zeroed(n / 4) };
}

static q8_digit lane_of(const digit_memory *m, int32_t lane, int32_t lanes)
{
    return (q8_digit){ m->q + lane * ACT_GROUP, m->d + lane, m->s + lane, m->h + lane, lanes };
}

/* Best seconds of one call. */
static double best_of(const kernels *k, dtype type, const panels_args *a)
{
    double best = 1e9;
    for (int i = 0; i < RUNS; i++) {
        double start = now(), took;
        k->panels[type](a);
        took = now() - start;
        if (took < best) best = took;
    }
    return best;
}

static void measure(const kernels *k, dtype type, int32_t n_cols, double limit)
{
    const pack_format *f = pack_find(type);
    const dtype_info *info = dtype_find((uint32_t)type);
    int32_t n_rows = N_PANELS * k->panel_rows, n_groups = n_cols / ACT_GROUP;
    size_t row_bytes = (size_t)(n_cols / info->block_elems) * (size_t)info->block_bytes;
    size_t payload_bytes = pack_payload_bytes(f, k->panel_rows, n_cols),
           header_bytes = pack_header_bytes(f, k->panel_rows, n_cols), n = (size_t)PANELS_TOKENS * (size_t)n_cols;
    uint8_t *rows = zeroed(row_bytes * (size_t)n_rows), *payload = zeroed(payload_bytes * N_PANELS),
            *header = zeroed(header_bytes * N_PANELS), *more = zeroed(n / 32);
    float *x = zeroed(4 * (size_t)n_cols), *y = zeroed(4 * (size_t)n_rows * PANELS_TOKENS);
    digit_memory first = digit_create(n), left = digit_create(n);
    for (size_t i = 0; i < row_bytes * (size_t)n_rows; i++)
        rows[i] = (uint8_t)(64 + rand() % 56); /* no scale is NaN or tiny */
    for (int32_t p = 0; p < N_PANELS; p++)
        pack_panel(k, type, payload + (size_t)p * payload_bytes, header + (size_t)p * header_bytes,
                   rows + (size_t)(p * k->panel_rows) * row_bytes, row_bytes, k->panel_rows, n_cols);
    printf("%-7s", info->name);
    double rate = 0;
    for (int32_t i = 0; i < N_TOKENS; i++) {
        int32_t m = tokens[i], lanes = act_lanes(m);
        panels_args a = { payload,
                          header,
                          payload_bytes,
                          header_bytes,
                          N_PANELS,
                          n_groups,
                          n_groups,
                          n_rows,
                          m,
                          { lane_of(&first, 0, lanes), lane_of(&left, 0, lanes), more },
                          y,
                          (size_t)n_rows,
                          NULL,
                          false };
        for (int32_t t = 0; t < m; t++) {
            q8_digit lane = lane_of(&first, t % lanes, lanes), at = q8_digit_at(&lane, t / lanes * n_groups);
            for (int32_t c = 0; c < n_cols; c++) x[c] = noise();
            k->quantize_row(&at, x, n_cols);
        }
        rate = 2.0 * n_rows * n_cols * m / best_of(k, type, &a) / 1e9;
        printf(" %6.0f", rate);
        fflush(stdout);
    }
    printf("   %3.0f %%\n", 100 * rate / limit);
    void *all[] = { rows,    payload, header,  more,   x,      y,      first.q,
                    first.d, first.s, first.h, left.q, left.d, left.s, left.h };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

int main(int argc, char **argv)
{
    cpu_level level = cpu_best_level();
    if (argc > 1 && !cpu_level_from_name(argv[1], &level)) return fprintf(stderr, "no level %s\n", argv[1]), 2;
    kernels k;
    kernels_init(&k, level);
    pool *p;
    if (pool_create(&p, 1, NULL) != SUMI_OK) return 1;
    const limit_loop *loop = limits_find(cpu_level_name(level), "int8");
    double limit = loop ? limits_rate(p, loop, 200) : 0;
    printf("%s: int8 limit %.0f\n%-7s", cpu_level_name(level), limit, "tokens");
    for (int32_t i = 0; i < N_TOKENS; i++) printf(" %6d", tokens[i]);
    putchar('\n');
    for (int32_t type = 0; type < DTYPE_MAX; type++) {
        const dtype_info *info = dtype_find((uint32_t)type);
        if (!k.panels[type] || (argc > 2 && strcmp(argv[2], info->name) != 0)) continue;
        measure(&k, (dtype)type, argc > 3 ? atoi(argv[3]) : 1536, limit);
    }
    pool_destroy(p);
    return 0;
}
