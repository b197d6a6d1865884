/* test_kernels.c - products and attention of every level of the instruction set against the reference kernels, on random
 * and edge shapes. The kernels that work on one row are in test_row_kernels.c.
 *
 * Integers must match exactly. Sums of n float products may differ by rounding:
 *   |a - b| <= 2 g sum|terms|,  g = n u / (1 - n u), u = 2^-24   (Higham, Accuracy and Stability, 3.1). */
#include "backend/cpu/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/pack.h"
#include "base/fp16.h"
#include "quant/blocks.h"
#include "quant/quant.h"
#include "amx_emulated.h"
#include "levels.h"

#define MAX_N 2304

static kernels ref;

/* A test of packed products runs for the tiles of AMX everywhere that AVX-512 is, if only emulated. */
static void for_each_product_level(void (*test)(const kernels *k, test_rng *rng))
{
    kernels k;
    test_for_each_level(test);
    if (cpu_best_level() < CPU_AVX512) {
        print_message("  level amx not emulated: it needs AVX-512\n");
        return;
    }
    kernels_init(&k, CPU_AVX512);
    k.level = CPU_AMX;
    kernels_emulate_amx(&k);
    test_run_level(test, &k, ", emulated");
}

/* Tiles of int8 activations, of two digits. */
typedef struct digit {
    _Alignas(64) int8_t q[MAX_N * PANELS_TOKENS];
    float d[MAX_N / 32 * PANELS_TOKENS], s[MAX_N / 32 * PANELS_TOKENS], h[MAX_N / 16 * PANELS_TOKENS];
} digit;

typedef struct tiles {
    digit first, left;
    uint8_t more[MAX_N / 32 * PANELS_TOKENS];
} tiles;

static q8_digit digit_row(digit *x, int32_t t, int32_t lanes)
{
    return (q8_digit){ x->q + t * ACT_GROUP, x->d + t, x->s + t, x->h + t, lanes };
}

/* Row t of n columns. */
static q8_row tile_row(tiles *x, int32_t t, int32_t n, int32_t lanes)
{
    int32_t lane = t % lanes;
    q8_row first = { digit_row(&x->first, lane, lanes), digit_row(&x->left, lane, lanes), x->more + lane };
    return q8_row_at(&first, t / lanes * (n / ACT_GROUP));
}

static void copy_group(const q8_digit *to, const q8_digit *from)
{
    memcpy(to->q, from->q, ACT_GROUP);
    to->d[0] = from->d[0];
    to->s[0] = from->s[0];
    to->h[0] = from->h[0];
    to->h[to->lanes] = from->h[from->lanes];
}

/* The same row of n columns in tiles of one row. */
static q8_row copy_row(tiles *x, const q8_row *row, int32_t n)
{
    q8_row to = tile_row(x, 0, n, 1);
    for (int32_t g = 0; g < n / ACT_GROUP; g++) {
        q8_row a = q8_row_at(&to, g), b = q8_row_at(row, g);
        copy_group(&a.first, &b.first);
        copy_group(&a.left, &b.left);
        *a.more = *b.more;
    }
    return to;
}

static void quantised_rows_are_equal(const kernels *k, test_rng *rng)
{
    static digit digits[2];
    static float x[MAX_N];
    for (int round = 0; round < 300; round++) {
        int32_t n = 32 * test_rng_range(rng, 1, MAX_N / 32), lanes = act_lanes(test_rng_range(rng, 1, 8));
        int32_t lane = test_rng_range(rng, 0, lanes - 1);
        q8_digit a = digit_row(&digits[0], lane, lanes), b = digit_row(&digits[1], lane, lanes);
        test_fill_normal(rng, x, n, expf(4 * test_rng_normal(rng)));
        if (round % 3 == 0) memset(x, 0, 32 * sizeof *x); /* a group of zeros has scale 0, not NaN */
        if (round % 5 == 0) x[n - 1] = 1e30f;
        ref.quantize_row(&a, x, n);
        k->quantize_row(&b, x, n);
        assert_memory_equal(&digits[0], &digits[1], sizeof digits[0]); /* nothing beside the row was written either */
        for (int32_t i = 0; i < n; i++) {
            float d = a.d[i / 32 * lanes], q = a.q[i / 32 * lanes * ACT_GROUP + i % 32];
            if (fabsf(d * q - x[i]) > 0.501f * d) fail_msg("n %d: element %d", n, i);
        }
    }
}

/* Numbers of all bit patterns: NaNs of both kinds, infinities, denormals. */
static float any_float(test_rng *rng)
{
    static const uint32_t special[] = { 0x7fc00000, 0xffc00001, 0x7f800001, 0x7f800000, 0xff800000, 0x00000001,
                                        0x807fffff, 0x03000000, 0x03800000, 0x04000000, 0x7f7fffff, 0xff7fffff };
    const uint32_t n = sizeof special / sizeof *special;
    uint32_t bits = (uint32_t)test_rng_range(rng, 0, 2 * (int32_t)n);
    float v;
    bits = bits < n ? special[bits] : test_rng_u32(rng);
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* What a group must be: zeros under NaN where something is not finite; -128 never. */
static void check_group(const q8_digit *group, const float *x)
{
    bool is_finite = true;
    for (int32_t i = 0; i < 32; i++) is_finite = is_finite && isfinite(x[i]);
    assert_true(isfinite(group->d[0]) == is_finite);
    for (int32_t i = 0; i < 32; i++) assert_true(is_finite ? group->q[i] != -128 : group->q[i] == 0);
    if (is_finite) return;
    assert_true(isnan(group->d[0]) && isnan(group->s[0]) && isnan(group->h[0]) && isnan(group->h[group->lanes]));
}

static void rows_of_any_floats_are_equal(const kernels *k, test_rng *rng)
{
    static digit digits[2];
    static float x[MAX_N];
    for (int round = 0; round < 300; round++) {
        int32_t n = 32 * test_rng_range(rng, 1, MAX_N / 32), lanes = act_lanes(test_rng_range(rng, 1, 8));
        q8_digit a = digit_row(&digits[0], lanes - 1, lanes), b = digit_row(&digits[1], lanes - 1, lanes);
        for (int32_t g = 0; g < n / 32; g++) { /* groups with one such number, with several, and of one size */
            test_fill_normal(rng, x + 32 * g, 32, ldexpf(1, test_rng_range(rng, -149, 120)));
            for (int32_t i = 0; i < 32; i++)
                if (test_rng_range(rng, 0, g % 3 ? 60 : 3) == 0) x[32 * g + i] = any_float(rng);
        }
        ref.quantize_row(&a, x, n);
        k->quantize_row(&b, x, n);
        assert_memory_equal(&digits[0], &digits[1], sizeof digits[0]);
        for (int32_t g = 0; g < n / 32; g++) {
            q8_digit group = q8_digit_at(&a, g);
            check_group(&group, x + 32 * g);
        }
    }
}

static void what_is_not_finite_stays_so_in_int8_at_every_level(void **state)
{
    (void)state;
    test_rng rng = test_rng_init(5);
    rows_of_any_floats_are_equal(&ref, &rng);
    test_for_each_level(rows_of_any_floats_are_equal);
}

static void the_int8_quantisation_is_the_same_at_every_level(void **state)
{
    (void)state;
    test_for_each_level(quantised_rows_are_equal);
}

/* A random product of one type: rows as in the file, packed, a tile of activations, a bias and old values of y. */
typedef struct product {
    const dtype_info *type;
    int32_t n_rows, n_cols, n_tokens, lanes, n_panels;
    bool add;
    panels_args args;
    uint8_t *rows, *payload, *header;
    float *bias, *y;
    tiles x;
} product;

enum { MAX_ROWS = 300 };

/* Random weights as the file has them. A type that sumi only reads gets random bytes under a scale that makes its largest
 * weight about scale. */
static void encode_row(test_rng *rng, const dtype_info *type, void *row, const float *w, int32_t n, float scale)
{
    if (quant_find(type->type)->encode) {
        quant_find(type->type)->encode(w, row, n);
        return;
    }
    assert_int_equal(type->type, DTYPE_IQ4_XS);
    block_iq4_xs *b = row;
    for (int32_t i = 0; i < n / QK_K; i++) {
        for (size_t j = 0; j < sizeof *b; j++) ((uint8_t *)&b[i])[j] = (uint8_t)test_rng_range(rng, 0, 255);
        b[i].d = fp16_from_f32(scale / (32 * 127));
    }
}

static void make_product(product *p, const kernels *k, const dtype_info *type, test_rng *rng)
{
    static float w[MAX_N], x[MAX_N];
    const pack_format *f = pack_find(type->type);
    p->type = type;
    p->n_rows = test_rng_range(rng, 1, test_rng_range(rng, 1, MAX_ROWS));
    p->n_cols = type->block_elems * test_rng_range(rng, 1, 1024 / type->block_elems);
    p->n_tokens = test_rng_range(rng, 1, test_rng_range(rng, 1, PANELS_TOKENS));
    p->lanes = test_rng_range(rng, 0, 3) ? act_lanes(p->n_tokens) : ACT_TILE;
    p->n_panels = (p->n_rows + k->panel_rows - 1) / k->panel_rows;
    p->add = test_rng_range(rng, 0, 1);
    size_t row_bytes = dtype_row_bytes(type->type, p->n_cols);
    size_t payload = pack_payload_bytes(f, k->panel_rows, p->n_cols),
           header = pack_header_bytes(f, k->panel_rows, p->n_cols);
    p->rows = malloc((size_t)p->n_rows * row_bytes); /* exact sizes: ASan sees a byte too far */
    p->payload = calloc((size_t)p->n_panels, payload);
    p->header = calloc((size_t)p->n_panels, header);
    p->bias = malloc((size_t)p->n_rows * sizeof(float));
    p->y = malloc((size_t)p->n_rows * (size_t)p->n_tokens * sizeof(float));
    float scale = expf(test_rng_normal(rng));
    for (int32_t r = 0; r < p->n_rows; r++) {
        test_fill_normal(rng, w, p->n_cols, scale);
        encode_row(rng, type, p->rows + (size_t)r * row_bytes, w, p->n_cols, scale);
    }
    for (int32_t i = 0; i < p->n_panels; i++) {
        int32_t row = i * k->panel_rows, left = p->n_rows - row;
        pack_panel(k, type->type, p->payload + (size_t)i * payload, p->header + (size_t)i * header,
                   p->rows + (size_t)row * row_bytes, row_bytes, left < k->panel_rows ? left : k->panel_rows,
                   p->n_cols);
    }
    for (int32_t t = 0; t < p->n_tokens; t++) {
        q8_row row = tile_row(&p->x, t, p->n_cols, p->lanes);
        test_fill_normal(rng, x, p->n_cols, expf(test_rng_normal(rng)));
        ref.quantize_row(&row.first, x, p->n_cols);
        test_fill_normal(rng, x, p->n_cols,
                         expf(test_rng_normal(rng)) / 127); /* any second digit does for a test of products */
        ref.quantize_row(&row.left, x, p->n_cols);
        for (int32_t g = 0; g < p->n_cols / 32; g++) row.more[g * p->lanes] = test_rng_range(rng, 0, 5) == 0;
    }
    test_fill_normal(rng, p->bias, p->n_rows, 1);
    test_fill_normal(rng, p->y, p->n_rows * p->n_tokens, 1);
    p->args = (panels_args){ .payload = p->payload,
                             .header = p->header,
                             .payload_bytes = payload,
                             .header_bytes = header,
                             .n_panels = p->n_panels,
                             .n_groups = p->n_cols / ACT_GROUP,
                             .x_groups = p->n_cols / ACT_GROUP,
                             .n_rows = p->n_rows,
                             .n_tokens = p->n_tokens,
                             .x = tile_row(&p->x, 0, p->n_cols, p->lanes),
                             .y_stride = (size_t)p->n_rows,
                             .bias = test_rng_range(rng, 0, 1) ? p->bias : NULL,
                             .add = p->add };
}

static void free_product(product *p)
{
    free(p->rows);
    free(p->payload);
    free(p->header);
    free(p->bias);
    free(p->y);
}

static float size_of(const q8_digit *x, int32_t i)
{
    q8_digit at = q8_digit_at(x, i / ACT_GROUP);
    return fabsf(at.d[0] * at.q[i % ACT_GROUP]);
}

/* A kernel splits a weight into d * q and an offset, each at most about four times the largest weight of its block in
 * size: that bounds the terms of its sum. */
static double sum_of_terms(product *p, int32_t row, int32_t token)
{
    static float w[MAX_N];
    double terms = 0;
    q8_row x = tile_row(&p->x, token, p->n_cols, p->lanes);
    quant_find(p->type->type)->decode(p->rows + (size_t)row * dtype_row_bytes(p->type->type, p->n_cols), w, p->n_cols);
    for (int32_t b = 0; b < p->n_cols; b += p->type->block_elems) {
        float largest = 0;
        for (int32_t i = b; i < b + p->type->block_elems; i++) largest = fmaxf(largest, fabsf(w[i]));
        for (int32_t i = b; i < b + p->type->block_elems; i++)
            terms += 4 * largest * (size_of(&x.first, i) + x.more[i / 32 * p->lanes] * size_of(&x.left, i));
    }
    return terms;
}

static void check_product(product *p, const kernels *k)
{
    float *got = malloc((size_t)p->n_rows * (size_t)p->n_tokens * sizeof(float));
    memcpy(got, p->y, (size_t)p->n_rows * (size_t)p->n_tokens * sizeof(float));
    p->args.y = got;
    k->panels[p->type->type](&p->args);
    for (int32_t t = 0; t < p->n_tokens; t++)
        for (int32_t r = 0; r < p->n_rows; r++) {
            q8_row x = tile_row(&p->x, t, p->n_cols, p->lanes);
            size_t at = (size_t)t * (size_t)p->n_rows + (size_t)r;
            double old = p->add ? p->y[at] : 0, bias = p->args.bias ? p->bias[r] : 0;
            float dot = ref.dot_q8(p->type->type, p->rows + (size_t)r * dtype_row_bytes(p->type->type, p->n_cols), &x,
                                   p->n_cols);
            double expected = dot + bias + old, terms = sum_of_terms(p, r, t) + fabs(bias) + fabs(old);
            if (!(fabs(expected - got[at]) <= 2 * test_gamma(p->n_cols / 4 + 8) * terms))
                fail_msg("%s %d x %d, %d tokens: [%d][%d] %.9g, reference %.9g", p->type->name, p->n_rows, p->n_cols,
                         p->n_tokens, t, r, got[at], expected);
        }
    /* Each token alone gives the same bits, in its tile or in one of its own. */
    static tiles own;
    float *alone = malloc((size_t)p->n_rows * sizeof(float));
    for (int32_t t = 0; t < p->n_tokens; t++) {
        panels_args one = p->args;
        one.n_tokens = 1;
        one.x = tile_row(&p->x, t, p->n_cols, p->lanes);
        if (t % 2 || p->lanes < ACT_TILE) one.x = copy_row(&own, &one.x, p->n_cols);
        one.y = alone;
        memcpy(alone, p->y + (size_t)t * (size_t)p->n_rows, (size_t)p->n_rows * sizeof(float));
        k->panels[p->type->type](&one);
        assert_memory_equal(alone, got + (size_t)t * (size_t)p->n_rows, (size_t)p->n_rows * sizeof(float));
    }
    free(alone);
    free(got);
}

/* A token with a number that is not finite: NaN in all of its row of the result, and nothing in those of the others. */
static void a_nan_spreads(const kernels *k, test_rng *rng)
{
    static product p;
    float x[32] = { [7] = NAN };
    for (int type = 0; type < DTYPE_MAX; type++) {
        if (!k->panels[type]) continue;
        make_product(&p, k, dtype_find((uint32_t)type), rng);
        int32_t bad = test_rng_range(rng, 0, p.n_tokens - 1), group = test_rng_range(rng, 0, p.n_cols / 32 - 1);
        q8_row row = tile_row(&p.x, bad, p.n_cols, p.lanes);
        q8_row at = q8_row_at(&row, group);
        ref.quantize_row(&at.first, x, 32);
        at.more[0] = 0;
        p.args.y = p.y;
        k->panels[type](&p.args);
        for (int32_t t = 0; t < p.n_tokens; t++)
            for (int32_t r = 0; r < p.n_rows; r++)
                if (isnan(p.y[(size_t)t * (size_t)p.n_rows + (size_t)r]) != (t == bad))
                    fail_msg("%s: [%d][%d] of %d tokens, NaN in %d", p.type->name, t, r, p.n_tokens, bad);
        free_product(&p);
    }
}

static void a_nan_of_a_token_reaches_its_result_and_no_other(void **state)
{
    (void)state;
    for_each_product_level(a_nan_spreads);
}

static void products_are_close(const kernels *k, test_rng *rng)
{
    static product p;
    for (int type = 0; type < DTYPE_MAX; type++) {
        const dtype_info *t = dtype_find((uint32_t)type);
        assert_true((t && t->block_elems > 1) == (k->panels[type] != NULL));
        for (int round = 0; round < 10 && k->panels[type]; round++) {
            make_product(&p, k, t, rng);
            check_product(&p, k);
            free_product(&p);
        }
    }
}

static void packed_products_agree_with_the_reference_and_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    for_each_product_level(products_are_close);
}

/* Bytes that hold the largest integers of either sign, or as good as: the types put their fields anywhere. */
static void fill_extreme(const dtype_info *t, uint8_t *row, int32_t n, int pattern)
{
    static const uint8_t bytes[] = { 0x00, 0xff, 0x0f, 0xf0, 0x80, 0x7f };
    uint16_t d = fp16_from_f32(0.01f);
    memset(row, bytes[pattern], dtype_row_bytes(t->type, n));
    for (int32_t i = 0; i < n / t->block_elems; i++, row += t->block_bytes) {
        switch (t->type) { /* the scales, which may not be infinite */
        case DTYPE_MXFP4: row[0] = 120; break;
        case DTYPE_Q2_K: memcpy(row + 80, &d, 2), memcpy(row + 82, &d, 2); break;
        case DTYPE_Q4_1:
        case DTYPE_Q5_1:
        case DTYPE_Q4_K:
        case DTYPE_Q5_K: memcpy(row, &d, 2), memcpy(row + 2, &d, 2); break;
        case DTYPE_Q3_K:
        case DTYPE_Q6_K:
        case DTYPE_TQ1_0:
        case DTYPE_TQ2_0: memcpy(row + t->block_bytes - 2, &d, 2); break;
        default: memcpy(row, &d, 2);
        }
    }
}

static void one_extreme_product(const kernels *k, const dtype_info *type, int pattern, int sign)
{
    enum { N = 512 };
    static tiles x;
    float xs[N], ws[N], y[ACT_TILE], largest = 0;
    const pack_format *f = pack_find(type->type);
    size_t row_bytes = dtype_row_bytes(type->type, N);
    size_t payload = pack_payload_bytes(f, k->panel_rows, N), header = pack_header_bytes(f, k->panel_rows, N);
    uint8_t *row = calloc(1, row_bytes), *packed = calloc(1, payload), *head = calloc(1, header);
    for (int i = 0; i < N; i++) xs[i] = sign ? -1.0f : 1.0f;
    for (int32_t t = 0; t < ACT_TILE; t++) {
        q8_row xr = tile_row(&x, t, N, ACT_TILE);
        ref.quantize_row(&xr.first, xs, N);
    }
    q8_row xr = tile_row(&x, 0, N, ACT_TILE);
    fill_extreme(type, row, N, pattern);
    quant_find(type->type)->decode(row, ws, N);
    for (int i = 0; i < N; i++) largest = fmaxf(largest, fabsf(ws[i]));
    pack_panel(k, type->type, packed, head, row, row_bytes, 1, N);
    panels_args a = { .payload = packed,
                      .header = head,
                      .payload_bytes = payload,
                      .header_bytes = header,
                      .n_panels = 1,
                      .n_groups = N / 32,
                      .x_groups = N / 32,
                      .n_rows = 1,
                      .n_tokens = ACT_TILE,
                      .x = xr,
                      .y = y,
                      .y_stride = 1 };
    k->panels[type->type](&a);
    float expected = ref.dot_q8(type->type, row, &xr, N);
    /* a sum of 16 bits that saturates is off by some per cent; minima may hide most of a sum: 100 */
    for (int32_t t = 0; t < ACT_TILE; t++)
        if (!(fabsf(y[t] - expected) <= 100 * (float)test_gamma(N) * N * largest + 1e-4f))
            fail_msg("%s, bytes %d: [%d] %g, reference %g", type->name, pattern, t, y[t], expected);
    free(row);
    free(packed);
    free(head);
}

static void extreme_products_are_close(const kernels *k, test_rng *rng)
{
    (void)rng;
    for (int type = 0; type < DTYPE_MAX; type++)
        for (int pattern = 0; pattern < 6 && k->panels[type]; pattern++)
            for (int sign = 0; sign < 2; sign++) one_extreme_product(k, dtype_find((uint32_t)type), pattern, sign);
}

/* The sums of 16 bits must not saturate: every integer at its largest, of either sign. */
static void extreme_weights_and_activations_do_not_overflow(void **state)
{
    (void)state;
    for_each_product_level(extreme_products_are_close);
}

/* Any bytes, since packing only moves bits. */
static void packed_bytes_are_equal(const kernels *k, test_rng *rng)
{
    enum { MAX_BYTES = 1024 * 34 / 32, MAX_ROWS_PACKED = 16 };
    static uint8_t blocks[MAX_BYTES], lanes[2][MAX_ROWS_PACKED * 1024];
    for (int type = 0; type < DTYPE_MAX; type++) {
        const dtype_info *t = dtype_find((uint32_t)type);
        if (!k->panels[type] || type == DTYPE_TQ1_0) continue;
        for (int round = 0; round < 20; round++) {
            int32_t n_blocks = test_rng_range(rng, 1, 1024 / t->block_elems);
            size_t lane = 4 * (size_t)test_rng_range(rng, 0, k->panel_rows - 1);
            for (size_t i = 0; i < sizeof blocks; i++) blocks[i] = (uint8_t)test_rng_range(rng, 0, 255);
            memset(lanes, 0, sizeof lanes);
            ref.pack_row((dtype)type, lanes[0] + lane, blocks, n_blocks, k->panel_rows);
            k->pack_row((dtype)type, lanes[1] + lane, blocks, n_blocks, k->panel_rows);
            if (memcmp(lanes[0], lanes[1], sizeof lanes[0]) != 0) fail_msg("%s, %d blocks", t->name, n_blocks);
        }
    }
}

static void packing_gives_the_same_bytes_at_every_level(void **state)
{
    (void)state;
    test_for_each_level(packed_bytes_are_equal);
}

/* Products of floats: exact shapes, so that ASan sees a float too far. */
static void one_float_product(const kernels *k, const dtype_info *type, test_rng *rng)
{
    int32_t n_rows = test_rng_range(rng, 1, test_rng_range(rng, 1, 300)), n_cols = test_rng_range(rng, 1, 700);
    int32_t n_tokens = test_rng_range(rng, 1, test_rng_range(rng, 1, 40)), R = k->panel_rows,
            n_panels = (n_rows + R - 1) / R;
    size_t rows = (size_t)n_rows, cols = (size_t)n_cols, tokens = (size_t)n_tokens;
    const pack_format *f = pack_find(type->type);
    size_t row_bytes = dtype_row_bytes(type->type, n_cols), panel = pack_payload_bytes(f, R, n_cols);
    float *w = malloc(rows * cols * sizeof *w), *x = malloc(tokens * cols * sizeof *x),
          *bias = malloc(rows * sizeof *bias);
    float *old = malloc(tokens * rows * sizeof *old), *y = malloc(tokens * rows * sizeof *y),
          *alone = malloc(rows * sizeof *y);
    uint8_t *file = malloc(rows * row_bytes), *packed = calloc((size_t)n_panels, panel);
    test_fill_normal(rng, w, n_rows * n_cols, 1);
    test_fill_normal(rng, x, n_tokens * n_cols, 1);
    test_fill_normal(rng, bias, n_rows, 1);
    test_fill_normal(rng, old, n_tokens * n_rows, 1);
    quant_find(type->type)->encode(w, file, n_rows * n_cols);
    quant_find(type->type)->decode(file, w, n_rows * n_cols);
    for (int32_t p = 0; p < n_panels; p++)
        pack_panel(k, type->type, packed + (size_t)p * panel, packed, file + (size_t)(p * R) * row_bytes, row_bytes,
                   n_rows - p * R < R ? n_rows - p * R : R, n_cols);
    panels_f32_args a = { .payload = packed,
                          .payload_bytes = panel,
                          .n_panels = n_panels,
                          .n_cols = n_cols,
                          .n_rows = n_rows,
                          .n_tokens = n_tokens,
                          .x = x,
                          .x_stride = cols,
                          .y = y,
                          .y_stride = rows,
                          .bias = test_rng_range(rng, 0, 1) ? bias : NULL,
                          .add = test_rng_range(rng, 0, 1) };
    memcpy(y, old, tokens * rows * sizeof *y);
    k->panels_f32[type->type](&a);
    for (size_t t = 0; t < tokens; t++)
        for (size_t r = 0; r < rows; r++) {
            double sum = a.bias ? bias[r] : 0, terms;
            sum += a.add ? old[t * rows + r] : 0;
            terms = fabs(sum);
            for (size_t c = 0; c < cols; c++) sum += (double)w[r * cols + c] * x[t * cols + c];
            for (size_t c = 0; c < cols; c++) terms += fabs((double)w[r * cols + c] * x[t * cols + c]);
            if (!(fabs(sum - y[t * rows + r]) <= test_gamma(n_cols + 4) * terms))
                fail_msg("%s %d x %d, %d tokens: [%zu][%zu] %.9g, not %.9g", type->name, n_rows, n_cols, n_tokens, t, r,
                         y[t * rows + r], sum);
        }
    a.n_tokens = 1;
    a.y = alone;
    for (size_t t = 0; t < tokens; t++) { /* each token alone gives the same bits */
        a.x = x + t * cols;
        memcpy(alone, old + t * rows, rows * sizeof *y);
        k->panels_f32[type->type](&a);
        assert_memory_equal(alone, y + t * rows, rows * sizeof *y);
    }
    free(w), free(x), free(bias), free(old), free(y), free(alone), free(file), free(packed);
}

static void float_products_are_close(const kernels *k, test_rng *rng)
{
    for (int type = 0; type < DTYPE_MAX; type++) {
        const dtype_info *t = dtype_find((uint32_t)type);
        assert_true((t && t->block_elems == 1) == (k->panels_f32[type] != NULL));
        for (int round = 0; round < 25 && k->panels_f32[type]; round++) one_float_product(k, t, rng);
    }
}

static void products_of_floats_are_right_and_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    test_for_each_level(float_products_are_close);
}

static void no_type_takes_much_more_memory_packed_than_in_the_file(void **state)
{
    (void)state;
    enum { COLS = 2048 };
    for (int type = 0; type < DTYPE_MAX; type++) {
        if (!dtype_find((uint32_t)type)) continue;
        const pack_format *f = pack_find((dtype)type);
        size_t packed = pack_payload_bytes(f, 16, COLS) + pack_header_bytes(f, 16, COLS);
        size_t file = 16 * dtype_row_bytes((dtype)type, COLS);
        if ((double)packed > 1.15 * (double)file)
            fail_msg("%s: %zu bytes, %zu in the file", dtype_find((uint32_t)type)->name, packed, file);
    }
}

/* Random pages: the blocks of a sequence lie anywhere; keys that no row may see are NaN, values any finite number. */
enum { N_BLOCKS = 12, MAX_HEAD = 256 };

static void fill_pages(test_rng *rng, uint16_t *pages, const int32_t *table, int32_t head_dim, int32_t n_positions)
{
    size_t head = (size_t)KV_BLOCK * (size_t)head_dim, dim = (size_t)head_dim;
    for (size_t i = 0; i < N_BLOCKS * 2 * head; i++) pages[i] = i / head % 2 ? 0x7bff : 0x7e00; /* 65504 and NaN */
    for (int32_t p = 0; p < n_positions; p++) {
        uint16_t *block = pages + (size_t)table[p / KV_BLOCK] * 2 * head, slot = (uint16_t)(p % KV_BLOCK);
        for (size_t i = 0; i < dim; i++) {
            block[i * KV_BLOCK + slot] = fp16_from_f32(test_rng_normal(rng));
            block[head + slot * dim + i] = fp16_from_f32(test_rng_normal(rng));
        }
    }
}

static void attention_is_close(const kernels *k, test_rng *rng)
{
    static uint16_t pages[N_BLOCKS * 2 * KV_BLOCK * MAX_HEAD];
    static float q[ATTN_ROWS * MAX_HEAD], out[3][ATTN_ROWS * MAX_HEAD];
    static _Alignas(64) float scratch[ATTN_SCRATCH];
    static const int32_t head_dims[] = { 64, 80, 96, 128, 256, 8, 24, 6 };
    for (int round = 0; round < 200; round++) {
        int32_t head_dim = head_dims[round % 8], table[N_BLOCKS];
        size_t head = (size_t)KV_BLOCK * (size_t)head_dim;
        int32_t n_positions = test_rng_range(rng, 1, N_BLOCKS * KV_BLOCK);
        for (int32_t b = 0; b < N_BLOCKS; b++) table[b] = (b * 5 + round) % N_BLOCKS;
        fill_pages(rng, pages, table, head_dim, n_positions);
        test_fill_normal(rng, q, ATTN_ROWS * MAX_HEAD, 1);
        attention_tile_args a = { .head_dim = head_dim,
                                  .n_rows = test_rng_range(rng, 1, ATTN_ROWS),
                                  .format = KV_F16,
                                  .blocks = (const uint8_t *)pages,
                                  .block_stride = 4 * head,
                                  .v_offset = 2 * head,
                                  .v_stride = 2 * (size_t)head_dim,
                                  .table = table,
                                  .scale = 1 / sqrtf((float)head_dim),
                                  .chunk = ATTN_ALL,
                                  .scratch = scratch };
        for (int32_t r = 0; r < a.n_rows; r++) {
            a.q[r] = q + r * head_dim;
            a.last[r] = test_rng_range(rng, 0, n_positions - 1);
            a.first[r] = test_rng_range(rng, 0, 1) ? 0 : test_rng_range(rng, 0, a.last[r]);
        }
        for (int version = 0; version < 3; version++) {
            for (int32_t r = 0; r < a.n_rows; r++) a.out[r] = out[version] + r * head_dim;
            if (version == 0) ref.attention_tile(&a);
            if (version == 1) k->attention_tile(&a);
        }
        for (int32_t r = 0; r < a.n_rows; r++) { /* each row alone */
            attention_tile_args one = a;
            one.n_rows = 1;
            one.q[0] = a.q[r], one.out[0] = a.out[r], one.first[0] = a.first[r], one.last[0] = a.last[r];
            k->attention_tile(&one);
        }
        assert_memory_equal(out[1], out[2], (size_t)(a.n_rows * head_dim) * sizeof(float));
        /* A score is a sum of head_dim terms of size about 1, so weights differ by gamma(head_dim) * 8; values are
         * about 1 and weights sum to 1. */
        for (int32_t i = 0; i < a.n_rows * head_dim; i++)
            if (!(fabsf(out[0][i] - out[1][i]) <= 8 * (float)test_gamma(head_dim) + 0x1p-18f))
                fail_msg("head_dim %d, row %d: %d..%d: %g, reference %g", head_dim, i / head_dim, a.first[i / head_dim],
                         a.last[i / head_dim], out[1][i], out[0][i]);
    }
}

static void attention_over_pages_agrees_with_the_reference_and_rows_are_independent(void **state)
{
    (void)state;
    test_for_each_level(attention_is_close);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_int8_quantisation_is_the_same_at_every_level),
        cmocka_unit_test(what_is_not_finite_stays_so_in_int8_at_every_level),
        cmocka_unit_test(packed_products_agree_with_the_reference_and_do_not_depend_on_the_batch),
        cmocka_unit_test(a_nan_of_a_token_reaches_its_result_and_no_other),
        cmocka_unit_test(extreme_weights_and_activations_do_not_overflow),
        cmocka_unit_test(packing_gives_the_same_bytes_at_every_level),
        cmocka_unit_test(products_of_floats_are_right_and_do_not_depend_on_the_batch),
        cmocka_unit_test(no_type_takes_much_more_memory_packed_than_in_the_file),
        cmocka_unit_test(attention_over_pages_agrees_with_the_reference_and_rows_are_independent),
    };
    kernels_init(&ref, CPU_REF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
