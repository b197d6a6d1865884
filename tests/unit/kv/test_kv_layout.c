/* test_kv_layout.c - layers in groups: of one kind, of equal size, with few empty places. */
#include "kv/kv_layout.h"

#include "test_support.h"

/* Every `period`-th layer sees all tokens, the others `window`. */
static kv_layout layout_of(int32_t n_layers, int32_t period, int32_t window)
{
    int32_t windows[KV_MAX_LAYERS] = { 0 };
    kv_layout l;
    for (int32_t i = 0; i < n_layers; i++) windows[i] = (i + 1) % period ? window : 0;
    kv_layout_init(&l, n_layers, windows, 2, 64, false);
    bool taken[KV_MAX_LAYERS] = { false };
    for (int32_t i = 0; i < n_layers; i++) {
        assert_in_range(l.group[i], 0, l.n_groups - 1);
        assert_in_range(l.place[i], 0, l.group_size - 1);
        assert_int_equal(l.window[l.group[i]], windows[i]);
        bool *place = &taken[l.group[i] * l.group_size + l.place[i]];
        assert_false(*place);
        *place = true;
    }
    int32_t n_places = l.n_groups * l.group_size;
    assert_true(n_places >= n_layers && (n_places - n_layers) * 25 <= n_layers);
    for (int32_t g = 1; g < l.n_groups; g++)
        assert_true(l.window[g] || !l.window[g - 1]); /* those that see all come first */
    return l;
}

static void layers_that_are_alike_are_one_group(void **state)
{
    (void)state;
    kv_layout l = layout_of(30, 1, 0);
    assert_int_equal(l.n_groups, 1);
    assert_int_equal(l.group_size, 30);
    assert_int_equal(kv_block_bytes(&l), 30 * 2 * 2 * 64 * 16 * 2);
    l = layout_of(32, KV_MAX_LAYERS, 4096);
    assert_int_equal(l.n_groups, 1);
    l = layout_of(1, 1, 0);
    assert_int_equal(l.group_size, 1);
}

static void groups_are_as_large_as_few_empty_places_allow(void **state)
{
    (void)state;
    kv_layout l = layout_of(18, 6, 512); /* Gemma 3 270M: 3 and 15 */
    assert_int_equal(l.group_size, 3);
    assert_int_equal(l.n_groups, 6);
    l = layout_of(26, 6, 512); /* 1B: 4 and 22 */
    assert_int_equal(l.group_size, 2);
    l = layout_of(34, 6, 1024); /* 4B: 5 and 29, one place is empty */
    assert_int_equal(l.group_size, 5);
    assert_int_equal(l.n_groups, 7);
    assert_int_equal(kv_token_bytes(&l), 35 * 2 * 2 * 64 * 2);
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

/* DeepSeek-V2: 27 layers of 16 heads with keys of 192 and values of 128 would be 10,240 bytes a token and layer. */
static void a_latent_layer_caches_one_row_for_each_token(void **state)
{
    (void)state;
    int32_t windows[27] = { 0 };
    kv_layout l;
    kv_layout_init(&l, 27, windows, 1, 512 + 64, false);
    kv_layout_make_latent(&l, 512);
    assert_int_equal(kv_block_bytes(&l), 27 * 16 * (512 + 64) * 2);
    assert_int_equal(kv_token_bytes(&l), 27 * (512 + 64) * 2);
    assert_int_equal(kv_k_offset(&l, 0), 0);
    assert_int_equal(kv_v_offset(&l, 0), 0);
    assert_int_equal(kv_v_stride(&l), 576);
    kv_layout_init(&l, 27, windows, 2, 64, true);
    assert_int_equal(kv_block_bytes(&l), 27 * 16 * 2 * (64 + 64) * 4);
    assert_int_equal(kv_v_offset(&l, 1) - kv_k_offset(&l, 1), 16 * 64);
    assert_int_equal(kv_v_stride(&l), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_that_are_alike_are_one_group),
        cmocka_unit_test(groups_are_as_large_as_few_empty_places_allow),
        cmocka_unit_test(a_sequence_never_holds_more_than_its_bound),
        cmocka_unit_test(a_latent_layer_caches_one_row_for_each_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
