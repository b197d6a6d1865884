/* test_kv_layout.c - layers in groups: of one kind, with equally many bytes for a block number, and few of them empty. */
#include "kv/kv_layout.h"

#include <string.h>

#include "test_support.h"

enum { BLOCK = 4096 };

/* The bytes of every layer's block belong to it alone: in its group, inside those of a block number. */
static void check_places(const kv_layout *l, const kv_layer *layers, int32_t n_layers)
{
    size_t used = 0;
    assert_int_equal(l->n_layers, n_layers);
    for (int32_t i = 0; i < n_layers; i++) {
        int32_t g = l->group[i];
        assert_in_range(g, 0, l->n_groups - 1);
        assert_int_equal(l->window[g], layers[i].window);
        assert_int_equal(l->format[g], layers[i].format);
        assert_int_equal(l->layer_bytes[g], layers[i].block_bytes);
        assert_true(l->offset[i] + layers[i].block_bytes <= l->block_bytes);
        for (int32_t k = 0; k < i; k++)
            assert_true(l->group[k] != g || l->offset[k] + layers[k].block_bytes <= l->offset[i] ||
                        l->offset[i] + layers[i].block_bytes <= l->offset[k]);
        used += layers[i].block_bytes;
    }
    assert_int_equal(l->empty_bytes, (size_t)l->n_groups * l->block_bytes - used);
    for (int32_t g = 1; g < l->n_groups; g++)
        assert_true(l->window[g] || !l->window[g - 1]); /* those that see all come first */
    for (int32_t i = 0; i < n_layers; i++)
        for (int32_t k = 0; k < i; k++)
            assert_int_equal(l->inside[l->group[i]] == l->inside[l->group[k]],
                             layers[i].format == layers[k].format && layers[i].block_bytes == layers[k].block_bytes);
}

/* Every `period`-th layer sees all tokens, the others `window`. */
static kv_layout layout_of(int32_t n_layers, int32_t period, int32_t window)
{
    kv_layer layers[KV_MAX_LAYERS];
    kv_layout l;
    for (int32_t i = 0; i < n_layers; i++) layers[i] = (kv_layer){ (i + 1) % period ? window : 0, 0, BLOCK };
    kv_layout_init(&l, layers, n_layers);
    check_places(&l, layers, n_layers);
    assert_true(l.empty_bytes * 25 <= (size_t)n_layers * BLOCK);
    return l;
}

static void layers_that_are_alike_are_one_group(void **state)
{
    (void)state;
    kv_layout l = layout_of(30, 1, 0);
    assert_int_equal(l.n_groups, 1);
    assert_int_equal(kv_group_size(&l, 0), 30);
    assert_int_equal(l.block_bytes, 30 * BLOCK);
    l = layout_of(32, KV_MAX_LAYERS, 4096);
    assert_int_equal(l.n_groups, 1);
    l = layout_of(1, 1, 0);
    assert_int_equal(kv_group_size(&l, 0), 1);
}

static void groups_are_as_large_as_few_empty_places_allow(void **state)
{
    (void)state;
    kv_layout l = layout_of(18, 6, 512); /* Gemma 3 270M: 3 and 15 */
    assert_int_equal(kv_group_size(&l, 0), 3);
    assert_int_equal(l.n_groups, 6);
    l = layout_of(26, 6, 512); /* 1B: 4 and 22 */
    assert_int_equal(kv_group_size(&l, 0), 2);
    l = layout_of(34, 6, 1024); /* 4B: 5 and 29, one place is empty */
    assert_int_equal(kv_group_size(&l, 0), 5);
    assert_int_equal(l.n_groups, 7);
    assert_int_equal(kv_token_bytes(&l), 35 * BLOCK / KV_BLOCK);
    for (int32_t n = 1; n < 120; n++)
        for (int32_t period = 1; period < 9; period++) layout_of(n, period, 100);
}

/* Walked step by step: the most blocks between the first that a step sees and its last. */
static void a_sequence_never_holds_more_than_its_bound(void **state)
{
    (void)state;
    for (int32_t window = 1; window < 70; window += 3)
        for (int32_t step = 1; step < 40; step += 2) {
            kv_layout l = layout_of(2, KV_MAX_LAYERS, window);
            int32_t most = 0;
            for (int32_t at = 0; at < 300; at++) {
                int32_t held = kv_blocks_for(at + step) - kv_first_seen(window, at) / KV_BLOCK;
                most = held > most ? held : most;
            }
            assert_int_equal(kv_layout_seq_blocks(&l, 1000, step), most);
            assert_int_equal(kv_layout_seq_blocks(&l, 1, step), 1);
        }
    kv_layout l = layout_of(18, 6, 512);
    assert_int_equal(kv_layout_seq_blocks(&l, 4096, 1), 256 + 5 * 33);
}

/* Layers of one window and of two formats, one with twice the bytes of the other: a block number means equally many bytes in
 * all groups, so a group of the larger ones has half as many places. */
static void layers_of_different_formats_are_in_different_groups_of_equal_bytes(void **state)
{
    (void)state;
    const kv_layer layers[] = { { 0, 1, 2 * BLOCK }, { 0, 0, BLOCK }, { 0, 0, BLOCK }, { 0, 1, 2 * BLOCK } };
    kv_layout l;
    kv_layout_init(&l, layers, 4);
    check_places(&l, layers, 4);
    assert_int_equal(l.n_groups, 3);
    assert_int_equal(l.block_bytes, 2 * BLOCK);
    assert_int_equal(l.empty_bytes, 0);
    assert_int_equal(l.group[1], l.group[2]);
    assert_int_not_equal(l.group[0], l.group[3]);
    assert_int_equal(l.offset[1] + l.offset[2], BLOCK);
}

/* The format alone divides them: they may be equally large. So does the window alone. */
static void a_group_has_one_window_and_one_format(void **state)
{
    (void)state;
    kv_layer layers[8];
    kv_layout l;
    for (int32_t i = 0; i < 8; i++) layers[i] = (kv_layer){ i % 2 ? 100 : 0, i / 2 % 2, BLOCK };
    kv_layout_init(&l, layers, 8);
    check_places(&l, layers, 8);
    assert_int_equal(l.n_groups, 4);
    assert_int_equal(kv_group_size(&l, 0), 2);
}

/* Bytes that do not fit together, random kinds: the pool's bytes are never shared, and a model in one format is never
 * cut worse because of another model's. */
static void any_mixture_of_kinds_has_its_places(void **state)
{
    (void)state;
    test_rng rng = test_rng_init(3);
    kv_layer layers[60];
    kv_layout l;
    for (int32_t round = 0; round < 2000; round++) {
        int32_t n = test_rng_range(&rng, 1, 60), n_formats = test_rng_range(&rng, 1, 4),
                n_windows = test_rng_range(&rng, 1, 3);
        size_t bytes[4];
        for (int32_t f = 0; f < 4; f++) bytes[f] = 64 * (size_t)test_rng_range(&rng, 1, 200);
        for (int32_t i = 0; i < n; i++) {
            int32_t f = test_rng_range(&rng, 0, n_formats - 1);
            layers[i] = (kv_layer){ 100 * test_rng_range(&rng, 0, n_windows - 1), f / 2, bytes[f] };
        }
        kv_layout_init(&l, layers, n);
        check_places(&l, layers, n);
    }
}

static void the_largest_layers_do_not_overflow(void **state)
{
    (void)state;
    static kv_layer layers[KV_MAX_LAYERS];
    kv_layout l;
    for (int32_t i = 0; i < KV_MAX_LAYERS; i++) layers[i] = (kv_layer){ i, i, KV_MAX_LAYER_BYTES - (size_t)i };
    kv_layout_init(&l, layers, KV_MAX_LAYERS); /* every layer is a kind of its own */
    assert_int_equal(l.n_groups, KV_MAX_LAYERS);
    assert_int_equal(l.block_bytes, KV_MAX_LAYER_BYTES);
    assert_int_equal(l.empty_bytes, (size_t)KV_MAX_LAYERS * (KV_MAX_LAYERS - 1) / 2);
    for (int32_t i = 0; i < KV_MAX_LAYERS; i++) layers[i] = (kv_layer){ 0, 0, KV_MAX_LAYER_BYTES };
    kv_layout_init(&l, layers, KV_MAX_LAYERS);
    assert_int_equal(l.n_groups, 1);
    assert_int_equal(l.block_bytes, (size_t)KV_MAX_LAYERS * KV_MAX_LAYER_BYTES);
    assert_int_equal(l.offset[KV_MAX_LAYERS - 1], (size_t)(KV_MAX_LAYERS - 1) * KV_MAX_LAYER_BYTES);
}

static void layers_of_an_encoder_share_one_place(void **state)
{
    (void)state;
    kv_layout l;
    kv_layout_init_shared(&l, (kv_layer){ 0, 0, BLOCK }, 12);
    assert_int_equal(l.n_layers, 12);
    assert_int_equal(l.n_groups, 1);
    assert_int_equal(l.block_bytes, BLOCK);
    assert_int_equal(l.empty_bytes, 0);
    for (int32_t i = 0; i < 12; i++) assert_int_equal(l.group[i] + (int64_t)l.offset[i], 0);
}

/* What a file's header compares. */
static void layouts_of_other_windows_formats_or_bytes_have_other_numbers(void **state)
{
    (void)state;
    const kv_layer layers[] = { { 0, 0, BLOCK }, { 64, 0, BLOCK } };
    kv_layout l;
    kv_layout_init(&l, layers, 2);
    const uint64_t hash = kv_layout_hash(&l);
    for (int change = 0; change < 4; change++) {
        kv_layer other[2];
        memcpy(other, layers, sizeof other);
        if (change == 1) other[1].window = 65;
        if (change == 2) other[1].format = 1;
        if (change == 3) other[0].block_bytes = other[1].block_bytes = 2 * BLOCK;
        kv_layout_init(&l, other, 2);
        assert_int_equal(kv_layout_hash(&l) == hash, change == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_that_are_alike_are_one_group),
        cmocka_unit_test(groups_are_as_large_as_few_empty_places_allow),
        cmocka_unit_test(a_sequence_never_holds_more_than_its_bound),
        cmocka_unit_test(layers_of_different_formats_are_in_different_groups_of_equal_bytes),
        cmocka_unit_test(a_group_has_one_window_and_one_format),
        cmocka_unit_test(any_mixture_of_kinds_has_its_places),
        cmocka_unit_test(the_largest_layers_do_not_overflow),
        cmocka_unit_test(layers_of_an_encoder_share_one_place),
        cmocka_unit_test(layouts_of_other_windows_formats_or_bytes_have_other_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
