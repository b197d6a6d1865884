/* test_kv_block.c - the inside of a block: elements are where kv_block.h draws them, at every level, and what is stored comes
 * back. test_attention.c has layers of different formats in one store. */
#include "backend/cpu/kv_block.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fp16.h"
#include "levels.h"
#include "test_support.h"

enum { N_KV_HEADS = 3, MAX_DIM = 24, MAX_BYTES = N_KV_HEADS * KV_BLOCK * 2 * MAX_DIM * 4 + 64 };

static const kv_shape SHAPES[] = {
    { KV_F16, 1, 8, 8, false },
    { KV_F16, N_KV_HEADS, 24, 24, false },
    { KV_F16, N_KV_HEADS, 6, 10, false },
    { KV_F16, 1, 24, 16, true },
    { KV_F16, 1, 5, 3, true },
    { KV_F32, 1, 8, 8, false },
    { KV_F32, N_KV_HEADS, 24, 24, false },
    { KV_F32, N_KV_HEADS, 6, 10, false },
    { KV_F32, 1, 24, 16, true },
    { KV_F32, 1, 5, 3, true },
};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES };

/* Numbers of the elements in a block, as the drawing says: heads; K [head_dim][KV_BLOCK], V [KV_BLOCK][v_dim]; latents
 * [KV_BLOCK][head_dim]. */
static size_t drawn_key(const kv_shape *s, int32_t slot, int32_t head, int32_t i)
{
    if (s->latent) return (size_t)(slot * s->head_dim + i);
    return (size_t)(head * KV_BLOCK * (s->head_dim + s->v_dim) + i * KV_BLOCK + slot);
}

static size_t drawn_value(const kv_shape *s, int32_t slot, int32_t head, int32_t i)
{
    if (s->latent) return drawn_key(s, slot, 0, i);
    return (size_t)(head * KV_BLOCK * (s->head_dim + s->v_dim) + KV_BLOCK * s->head_dim + slot * s->v_dim + i);
}

static size_t elem_bytes(const kv_shape *s)
{
    return s->format == KV_F32 ? 4 : 2;
}

static void put_drawn(const kv_shape *s, uint8_t *block, size_t at, float x)
{
    uint16_t half = fp16_from_f32(x);
    memcpy(block + at * elem_bytes(s), s->format == KV_F32 ? (const void *)&x : &half, elem_bytes(s));
}

static float as_stored(const kv_shape *s, float x)
{
    return s->format == KV_F32 ? x : fp16_to_f32(fp16_from_f32(x));
}

/* Slots in any order, some of them twice: the bytes of the whole block, and what is read from it. */
static void check_shape(const kernels *k, test_rng *rng, const kv_shape *s)
{
    static _Alignas(64) uint8_t block[MAX_BYTES], drawn[MAX_BYTES];
    static float keys[KV_BLOCK][N_KV_HEADS][MAX_DIM], values[KV_BLOCK][N_KV_HEADS][MAX_DIM];
    float key[MAX_DIM], value[MAX_DIM];
    const kv_block_form f = kv_block_form_of(s);
    assert_true(f.bytes <= sizeof block && f.bytes % 64 == 0);
    memset(block, 0, sizeof block);
    memset(drawn, 0, sizeof drawn);
    for (int32_t n = 0; n < 2 * KV_BLOCK; n++)
        for (int32_t h = 0, slot = n * 7 % KV_BLOCK; h < s->n_kv_heads; h++) {
            test_fill_normal(rng, keys[slot][h], MAX_DIM, 3);
            test_fill_normal(rng, values[slot][h], MAX_DIM, 3);
            kv_block_store(&f, k, block, slot, h, keys[slot][h], s->latent ? NULL : values[slot][h]);
        }
    for (int32_t slot = 0; slot < KV_BLOCK; slot++)
        for (int32_t h = 0; h < s->n_kv_heads; h++) {
            const float *v = s->latent ? keys[slot][h] : values[slot][h];
            for (int32_t i = 0; i < s->head_dim; i++) put_drawn(s, drawn, drawn_key(s, slot, h, i), keys[slot][h][i]);
            for (int32_t i = 0; i < s->v_dim; i++) put_drawn(s, drawn, drawn_value(s, slot, h, i), v[i]);
            kv_block_load(&f, block, slot, h, key, value);
            for (int32_t i = 0; i < s->head_dim; i++) assert_true(key[i] == as_stored(s, keys[slot][h][i]));
            for (int32_t i = 0; i < s->v_dim; i++) assert_true(value[i] == as_stored(s, v[i]));
        }
    assert_memory_equal(block, drawn, sizeof block);
    assert_int_equal(kv_k_offset(&f, s->n_kv_heads - 1), drawn_key(s, 0, s->n_kv_heads - 1, 0) * elem_bytes(s));
    assert_int_equal(kv_v_offset(&f, s->n_kv_heads - 1), drawn_value(s, 0, s->n_kv_heads - 1, 0) * elem_bytes(s));
}

static void check_level(const kernels *k, test_rng *rng)
{
    for (int32_t i = 0; i < N_SHAPES; i++) check_shape(k, rng, &SHAPES[i]);
}

static void every_level_stores_each_element_where_it_is_drawn(void **state)
{
    (void)state;
    test_for_each_level(check_level);
}

/* Attention multiplies values of unseen slots with 0. A key that overflows shows as a score that is not finite. */
static void values_in_f16_are_finite_and_keys_are_not_changed(void **state)
{
    (void)state;
    const float x[4] = { INFINITY, -1e6f, NAN, 65504 };
    for (int latent = 0; latent < 2; latent++) {
        const kv_shape s = { KV_F16, 1, 4, latent ? 2 : 4, latent };
        const kv_block_form f = kv_block_form_of(&s);
        uint8_t block[KV_BLOCK * 2 * 4 * 2];
        float key[4], value[4];
        kernels k;
        kernels_init(&k, CPU_REF);
        kv_block_store(&f, &k, block, 3, 0, x, latent ? NULL : x);
        kv_block_load(&f, block, 3, 0, key, value);
        assert_true(value[0] == 65504 && value[1] == -65504);
        assert_true(latent || (fabsf(value[2]) == 65504 && value[3] == 65504));
        assert_true(latent ? key[0] == 65504 : isinf(key[0])); /* the value is the beginning of a latent */
        assert_true(isnan(key[2]) && key[3] == 65504);
    }
}

static size_t bytes_of(kv_format format, int32_t n_kv_heads, int32_t head_dim, int32_t latent)
{
    backend *be;
    assert_int_equal(backend_cpu_create(&be, NULL, SUMI_ACTIVATIONS_AUTO, NULL), SUMI_OK);
    kv_shape shape = { format, n_kv_heads, head_dim, latent ? latent : head_dim, latent > 0 };
    size_t bytes = be->kv_block_bytes(be, &shape);
    be->destroy(be);
    return bytes;
}

/* SmolLM2: 3 heads of 64. DeepSeek-V2: a row of 512 + 64; 16 heads with keys of 192 and values of 128 would be nine times
 * that. */
static void a_block_has_the_bytes_of_its_shape_and_format(void **state)
{
    (void)state;
    assert_int_equal(bytes_of(KV_F16, 3, 64, 0), 16 * 3 * (64 + 64) * 2);
    assert_int_equal(bytes_of(KV_F32, 3, 64, 0), 16 * 3 * (64 + 64) * 4);
    assert_int_equal(bytes_of(KV_F16, 1, 512 + 64, 512), 16 * (512 + 64) * 2);
    assert_int_equal(bytes_of(KV_F32, 1, 512 + 64, 512), 16 * (512 + 64) * 4);
    assert_int_equal(bytes_of(KV_F16, 1 << 20, 512, 0),
                     (size_t)16 * (1 << 20) * 1024 * 2); /* the most that a file can ask */
    assert_true(bytes_of(KV_F32, 1 << 20, 512, 0) <= KV_MAX_LAYER_BYTES);
}

static void more_memory_than_can_be_counted_is_refused(void **state)
{
    (void)state;
    backend *be;
    kv_store *kv;
    sumi_error err;
    kv_layout layout;
    static kv_layer layers[KV_MAX_LAYERS];
    static kv_shape shapes[KV_MAX_LAYERS];
    assert_int_equal(backend_cpu_create(&be, NULL, SUMI_ACTIVATIONS_F32, NULL), SUMI_OK);
    for (int32_t i = 0; i < KV_MAX_LAYERS; i++) {
        shapes[i] = (kv_shape){ be->kv_format, 1 << 20, 512, 512, false };
        layers[i] = (kv_layer){ .format = KV_F32, .block_bytes = be->kv_block_bytes(be, &shapes[i]) };
    }
    kv_layout_init(&layout, layers, KV_MAX_LAYERS);
    assert_int_equal(be->kv_create(be, &kv, &layout, shapes, INT32_MAX, &err), SUMI_ENOMEM);
    assert_null(kv);
    assert_non_null(strstr(err.message, "no memory for 2147483647 blocks of"));
    be->destroy(be);
}

static void every_format_has_a_name_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(kv_format_name(KV_F16), "f16");
    assert_string_equal(kv_format_name(KV_F32), "f32");
    for (int a = 0; a < KV_N_FORMATS; a++)
        for (int b = 0; b < a; b++) assert_string_not_equal(kv_format_name((kv_format)a), kv_format_name((kv_format)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_stores_each_element_where_it_is_drawn),
        cmocka_unit_test(values_in_f16_are_finite_and_keys_are_not_changed),
        cmocka_unit_test(a_block_has_the_bytes_of_its_shape_and_format),
        cmocka_unit_test(more_memory_than_can_be_counted_is_refused),
        cmocka_unit_test(every_format_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
