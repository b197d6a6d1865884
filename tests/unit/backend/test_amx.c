/* test_amx.c - the level amx on emulated tiles, and on real ones where the machine has them; and the emulation itself.
 *
 * The level promises the bits of avx512, whatever the shape. test_kernels.c compares both with the reference. */
#include "backend/cpu/cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "amx_emulated.h"
#include "backend/cpu/amx/tile_config.h"
#include "test_support.h"
#include "tile_emulation.h"

/* ---- The emulation ---- */

static tile_config shapes(int m, int k, int n)
{
    tile_config c = { .palette = 1 };
    c.rows[0] = c.rows[1] = (uint8_t)m;
    c.rows[2] = (uint8_t)(k / 4);
    c.row_bytes[0] = c.row_bytes[2] = (uint16_t)(4 * n);
    c.row_bytes[1] = (uint16_t)k;
    return c;
}

static void a_product_worked_by_hand(void **state)
{
    (void)state;
    const tile_config config = shapes(2, 4, 3);
    const int8_t a[2][4] = { { 1, -2, 3, -128 }, { 0, 127, 0, -1 } };
    const uint8_t b[3][4] = { { 1, 1, 1, 1 }, { 255, 0, 0, 255 }, { 0, 200, 10, 0 } };
    int32_t c[2][3] = { { 1000, 0, 0 }, { 0, 0, INT32_MAX } };
    const int32_t expected[2][3] = { { 1000 - 126, 255 - 128 * 255, -400 + 30 },
                                     { 126, -255, (int32_t)((uint32_t)INT32_MAX + 127 * 200) } };
    emulate_configure(&config);
    emulate_load(0, c, 12);
    emulate_load(1, a, 4);
    emulate_load(2, b, 12);
    emulate_multiply(0, 1, 2);
    emulate_store(0, c, 12);
    emulate_release();
    assert_memory_equal(c, expected, sizeof c);
}

static void random_products_are_those_of_matrices(void **state)
{
    (void)state;
    test_rng rng = test_rng_init(3);
    for (int round = 0; round < 200; round++) {
        int m = test_rng_range(&rng, 1, 16), k = 4 * test_rng_range(&rng, 1, 16), n = test_rng_range(&rng, 1, 16);
        const tile_config config = shapes(m, k, n);
        static int8_t a[16][70];
        static uint8_t b[16][64];
        static int32_t c[16][20], old[16][20];
        for (int i = 0; i < 16 * 70; i++) a[i / 70][i % 70] = (int8_t)test_rng_u32(&rng);
        for (int i = 0; i < 16 * 64; i++) b[i / 64][i % 64] = (uint8_t)test_rng_u32(&rng);
        for (int i = 0; i < 16 * 20; i++) c[i / 20][i % 20] = old[i / 20][i % 20] = test_rng_range(&rng, -1000, 1000);
        emulate_configure(&config);
        emulate_load(0, c, sizeof c[0]);
        emulate_load(1, a, sizeof a[0]);
        emulate_load(2, b, sizeof b[0]);
        emulate_multiply(0, 1, 2);
        emulate_store(0, c, sizeof c[0]);
        for (int i = 0; i < 16 * 20; i++) { /* and nothing else is written */
            int row = i / 20, col = i % 20, sum = old[row][col];
            for (int j = 0; j < k && row < m && col < n; j++) sum += a[row][j] * b[j / 4][4 * col + j % 4];
            assert_int_equal(c[row][col], sum);
        }
        emulate_release();
    }
}

static void configuring_and_zeroing_clear_a_tile(void **state)
{
    (void)state;
    const tile_config config = shapes(16, 64, 16);
    uint8_t ones[1024], got[1024];
    const uint8_t zeros[1024] = { 0 };
    memset(ones, 1, sizeof ones);
    emulate_configure(&config);
    emulate_load(0, ones, 64);
    emulate_configure(&config);
    emulate_store(0, got, 64);
    assert_memory_equal(got, zeros, sizeof got);
    emulate_load(0, ones, 64);
    emulate_store(0, got, 64);
    assert_memory_equal(got, ones, sizeof got);
    emulate_zero(0);
    emulate_store(0, got, 64);
    assert_memory_equal(got, zeros, sizeof got);
    emulate_release();
}

/* ---- Products of a backend: threads, units, blocks of tokens, two matrices laid end to end ---- */

enum { MAX_ROWS = 300, MAX_TOKENS = 300, MAX_COLS = 1536 };

typedef struct product {
    dtype type[2];
    int32_t n_rows[2], n_cols, n_tokens, n_threads;
    uint8_t *rows[2];
    weight *w[2];
    float *old[2], *bias;
    bool add;
    act *x;
} product;

static dtype random_type(test_rng *rng, const kernels *k)
{
    for (;;) {
        dtype type = (dtype)test_rng_range(rng, 0, DTYPE_MAX - 1);
        if (k->panels[type]) return type;
    }
}

static float *random_floats(test_rng *rng, size_t n)
{
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) x[i] = test_rng_normal(rng);
    return x;
}

/* Any bytes are weights, but for a bit that would make a half infinite, and NaN hides differences. Types have their scales
 * in different places, so all bytes lose it. */
static uint8_t *random_weights(test_rng *rng, size_t n)
{
    uint8_t *p = malloc(n);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(test_rng_u32(rng) & 0xbf);
    return p;
}

static void make_matrices(product *p, test_rng *rng, const cpu_backend *be)
{
    for (int i = 0; i < 2; i++) p->type[i] = random_type(rng, &be->k);
    int32_t a = dtype_find(p->type[0])->block_elems, b = dtype_find(p->type[1])->block_elems, block = a > b ? a : b;
    p->n_cols = block * test_rng_range(rng, 1, MAX_COLS / block);
    for (int i = 0; i < 2; i++) {
        p->n_rows[i] = test_rng_range(rng, 1, test_rng_range(rng, 1, MAX_ROWS));
        p->rows[i] = random_weights(rng, (size_t)p->n_rows[i] * dtype_row_bytes(p->type[i], p->n_cols));
        p->old[i] = random_floats(rng, (size_t)p->n_rows[i] * (size_t)p->n_tokens);
        assert_int_equal(be->base.weight_create(&be->base, &p->w[i], p->type[i], p->rows[i], p->n_rows[i], p->n_cols,
                                                NULL),
                         SUMI_OK);
    }
}

static void make_product(product *p, test_rng *rng, const cpu_backend *be)
{
    p->n_tokens = test_rng_range(rng, 1, test_rng_range(rng, 1, MAX_TOKENS));
    p->n_threads = test_rng_range(rng, 1, 3);
    p->add = test_rng_range(rng, 0, 1);
    p->bias = random_floats(rng, MAX_ROWS);
    make_matrices(p, rng, be);
    assert_int_equal(be->base.act_create(&be->base, &p->x, p->n_tokens, p->n_cols, ACT_INT8, NULL), SUMI_OK);
    act_resize(p->x, p->n_tokens, p->n_cols);
    for (int32_t t = 0; t < p->n_tokens; t++) {
        float *x = random_floats(rng, (size_t)p->n_cols);
        for (int i = 0; i < 3; i++) x[test_rng_range(rng, 0, p->n_cols - 1)] *= 50; /* outliers: second digits */
        act_store_row(be, p->x, t, x, ACT_INT8);
        free(x);
    }
}

static void free_product(product *p, const cpu_backend *be)
{
    be->base.act_destroy(p->x);
    for (int i = 0; i < 2; i++) {
        be->base.weight_destroy(p->w[i]);
        free(p->rows[i]);
        free(p->old[i]);
    }
    free(p->bias);
}

/* Both results, end to end, by the kernels that the backend has now; the caller frees them. */
static float *run(const product *p, stream *s, size_t *bytes)
{
    size_t n[2] = { (size_t)p->n_rows[0] * (size_t)p->n_tokens, (size_t)p->n_rows[1] * (size_t)p->n_tokens };
    float *y = malloc((n[0] + n[1]) * sizeof *y);
    assert_non_null(y);
    memcpy(y, p->old[0], n[0] * sizeof *y);
    memcpy(y + n[0], p->old[1], n[1] * sizeof *y);
    linear_out outs[2] = { { .w = p->w[0], .y = y, .add = p->add }, { .w = p->w[1], .y = y + n[0], .bias = p->bias } };
    cpu_linear(s, p->x, outs, 2, NULL);
    *bytes = (n[0] + n[1]) * sizeof *y;
    return y;
}

static void check_product(const product *p, cpu_backend *be, const kernels *levels, int n_levels)
{
    stream *s;
    size_t bytes;
    assert_int_equal(be->base.stream_create(&be->base, &s, p->n_threads, NULL), SUMI_OK);
    kernels_init(&be->k, CPU_AVX512);
    float *expected = run(p, s, &bytes);
    for (size_t i = 0; i < bytes / sizeof(float); i++) assert_true(isfinite(expected[i]));
    for (int i = 0; i < n_levels; i++) {
        be->k = levels[i];
        float *got = run(p, s, &bytes);
        if (memcmp(got, expected, bytes) != 0)
            fail_msg("%s %d rows, %s %d rows, %d columns, %d tokens, %d threads", dtype_find(p->type[0])->name,
                     p->n_rows[0], dtype_find(p->type[1])->name, p->n_rows[1], p->n_cols, p->n_tokens, p->n_threads);
        free(got);
    }
    kernels_init(&be->k, CPU_AVX512);
    free(expected);
    be->base.stream_destroy(s);
}

static void products_have_the_bits_of_avx512(void **state)
{
    (void)state;
    if (cpu_best_level() < CPU_AVX512) {
        print_message("  this processor has no AVX-512, which the level amx needs, emulated or not\n");
        skip();
    }
    backend *be;
    kernels levels[2];
    test_rng rng = test_rng_init(7);
    bool real = cpu_best_level() >= CPU_AMX;
    print_message("  tiles: emulated%s\n", real ? " and real" : "; this machine has none");
    assert_int_equal(backend_cpu_create(&be, "avx512", SUMI_ACTIVATIONS_AUTO, NULL), SUMI_OK);
    kernels_init(&levels[0], CPU_AVX512);
    kernels_emulate_amx(&levels[0]);
    if (real) kernels_init(&levels[1], CPU_AMX);
    for (int round = 0; round < 60; round++) {
        product p;
        make_product(&p, &rng, (cpu_backend *)be);
        check_product(&p, (cpu_backend *)be, levels, real ? 2 : 1);
        free_product(&p, (cpu_backend *)be);
    }
    be->destroy(be);
}

static void a_machine_without_tiles_says_so(void **state)
{
    (void)state;
    backend *be;
    sumi_error err;
    if (cpu_best_level() >= CPU_AMX) {
        assert_int_equal(backend_cpu_create(&be, "amx", SUMI_ACTIVATIONS_AUTO, &err), SUMI_OK);
        assert_string_equal(be->isa, "amx");
        be->destroy(be);
        return;
    }
    assert_int_equal(backend_cpu_create(&be, "amx", SUMI_ACTIVATIONS_AUTO, &err), SUMI_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "does not have amx; its best is "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_worked_by_hand),
        cmocka_unit_test(random_products_are_those_of_matrices),
        cmocka_unit_test(configuring_and_zeroing_clear_a_tile),
        cmocka_unit_test(products_have_the_bits_of_avx512),
        cmocka_unit_test(a_machine_without_tiles_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
