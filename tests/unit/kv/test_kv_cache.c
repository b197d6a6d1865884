/* test_kv_cache.c - what a cache does for its sequences, case by case: room, copies before writes, windows, shared
 * prefixes, salts, eviction. */
#include "kv/kv_cache.h"

#include <string.h>

#include "kv/kv_cache_internal.h"
#include "kv_stub.h"
#include "test_support.h"

static const int32_t SEES_ALL[1] = { 0 };
static const kv_origin SHARED = { 0 };

static kv_stub small(int32_t n_blocks, bool prefix)
{
    return kv_stub_create(SEES_ALL, 1, n_blocks, 8, 400, prefix, 0);
}

static kv_cache_stats stats_of(const kv_stub *s)
{
    kv_cache_stats stats;
    kv_cache_get_stats(s->c, &stats);
    assert_int_equal(stats.n_blocks, stats.n_free + stats.n_held + stats.n_cached);
    return stats;
}

static void count_up(int32_t *ids, int32_t n, int32_t from)
{
    for (int32_t i = 0; i < n; i++) ids[i] = from + i;
}

static void a_refused_reservation_changes_nothing(void **state)
{
    (void)state;
    int32_t ids[64];
    count_up(ids, 64, 0);
    kv_stub s = small(3, false);
    int32_t seq = kv_stub_prompt(&s, SHARED, ids, 32);
    assert_int_equal(kv_cache_need(s.c, seq, 17), 2);
    assert_false(kv_cache_reserve(s.c, seq, 17));
    assert_int_equal(kv_cache_available(s.c), 1);
    assert_true(kv_cache_reserve(s.c, seq, 16));
    assert_int_equal(kv_cache_available(s.c), 0);
    assert_int_equal(kv_cache_truncate(s.c, seq, 32), 32); /* the step failed: reserved blocks go back */
    assert_int_equal(kv_cache_available(s.c), 1);
    kv_cache_close(s.c, seq);
    assert_int_equal(stats_of(&s).n_free, 3);
    kv_stub_destroy(&s);
}

/* The index says that two blocks could be evicted, and has none. */
static void a_block_that_cannot_be_evicted_after_all_is_a_refusal(void **state)
{
    (void)state;
    const int32_t windows[2] = { 0, 300 };
    int32_t ids[64];
    count_up(ids, 64, 0);
    kv_stub s = kv_stub_create(windows, 2, 7, 8, 400, true, 0);
    int32_t seq = kv_stub_prompt(&s, SHARED, ids, 40), fork;
    assert_int_equal(stats_of(&s).n_free, 1);
    s.c->prefix.n_cached += 2;
    assert_int_equal(kv_cache_need(s.c, seq, 10), 2);
    assert_false(kv_cache_reserve(s.c, seq, 10)); /* two new blocks */
    fork = kv_cache_fork(s.c, seq);
    assert_int_equal(kv_cache_need(s.c, fork, 1), 2);
    assert_false(kv_cache_reserve(s.c, fork, 1)); /* two copies, of which one is made */
    s.c->prefix.n_cached -= 2;
    assert_null(kv_cache_check(s.c));
    assert_null(kv_stub_verify(&s, seq, SHARED));
    assert_null(kv_stub_verify(&s, fork, SHARED));
    assert_int_equal(stats_of(&s).n_free, 0);
    kv_cache_close(s.c, fork);
    assert_true(kv_stub_step(&s, seq, SHARED, ids + 40, 8, 8));
    kv_cache_close(s.c, seq);
    kv_stub_destroy(&s);
}

static void forks_share_all_blocks_and_copy_only_the_one_they_write(void **state)
{
    (void)state;
    int32_t ids[50], more[8];
    count_up(ids, 40, 0);
    kv_stub s = small(20, true);
    int32_t seq[5] = { kv_stub_prompt(&s, SHARED, ids, 40) };
    for (int32_t i = 1; i < 5; i++) seq[i] = kv_cache_fork(s.c, seq[0]);
    assert_int_equal(stats_of(&s).n_held, 3);
    assert_int_equal(stats_of(&s).n_shared, 3);
    for (int32_t i = 0; i < 5; i++) {
        count_up(more, 8, 100 * i);
        assert_int_equal(kv_cache_need(s.c, seq[i], 8), i < 4); /* the last one has the block for itself */
        assert_true(kv_stub_step(&s, seq[i], SHARED, more, 8, 8));
    }
    assert_int_equal(stats_of(&s).n_held, 2 + 5);
    assert_int_equal(stats_of(&s).n_copied, 4);
    for (int32_t i = 0; i < 5; i++) {
        assert_null(kv_stub_verify(&s, seq[i], SHARED));
        kv_cache_close(s.c, seq[i]);
    }
    kv_stub_destroy(&s);
}

static void a_window_gives_its_blocks_back(void **state)
{
    (void)state;
    const int32_t windows[2] = { 0, 32 };
    int32_t ids[200];
    count_up(ids, 200, 0);
    kv_stub s = kv_stub_create(windows, 2, 40, 2, 400, false, 0);
    int32_t seq = kv_stub_prompt(&s, SHARED, ids, 100);
    /* Position 100 sees 69..100: blocks 4, 5, 6 of 7. */
    assert_int_equal(stats_of(&s).n_held, 7 + 3);
    const int32_t *tables = kv_cache_tables(s.c, seq);
    for (int32_t i = 0; i < 7; i++) assert_int_equal(tables[kv_cache_table_stride(s.c) + i] >= 0, i >= 4);
    assert_int_equal(kv_cache_truncate(s.c, seq, 97), 97); /* sees 66: block 4 is there */
    assert_int_equal(kv_cache_truncate(s.c, seq, 90), 0);  /* would see 59: block 3 is gone */
    assert_int_equal(stats_of(&s).n_held, 0);
    assert_memory_equal(kv_cache_ids(s.c, seq), ids, 100 * sizeof *ids); /* the ids can be computed again */
    kv_cache_close(s.c, seq);
    kv_stub_destroy(&s);
}

static void what_a_window_slid_past_comes_back_from_the_index(void **state)
{
    (void)state;
    const int32_t windows[2] = { 0, 32 };
    int32_t ids[200];
    count_up(ids, 200, 0);
    kv_stub s = kv_stub_create(windows, 2, 40, 2, 400, true, 0);
    int32_t seq = kv_stub_prompt(&s, SHARED, ids, 100);
    assert_int_equal(kv_cache_truncate(s.c, seq, 50), 50);
    assert_null(kv_stub_verify(&s, seq, SHARED));
    assert_null(kv_cache_check(s.c));
    kv_cache_close(s.c, seq);
    kv_stub_destroy(&s);
}

static void a_prompt_uses_blocks_of_one_that_still_runs(void **state)
{
    (void)state;
    int32_t a[100], b[100];
    count_up(a, 100, 0);
    memcpy(b, a, sizeof b);
    b[70] = -1; /* in block 4 */
    kv_stub s = small(20, true);
    int32_t first = kv_stub_prompt(&s, SHARED, a, 100), second = kv_stub_prompt(&s, SHARED, b, 100);
    assert_int_equal(stats_of(&s).hit_tokens, 64);
    assert_int_equal(stats_of(&s).lookup_tokens, 200);
    assert_int_equal(stats_of(&s).n_shared, 4);
    assert_int_equal(kv_cache_match(s.c, SHARED, a, 100), 96);
    assert_int_equal(kv_cache_match(s.c, SHARED, a, 96), 80); /* the last token is always computed */
    assert_int_equal(kv_cache_match(s.c, SHARED, a, 16), 0);
    assert_int_equal(kv_cache_match(s.c, SHARED, a, 0), 0);
    kv_cache_close(s.c, first);
    kv_cache_close(s.c, second);
    assert_int_equal(stats_of(&s).n_cached, 6 + 2);
    assert_int_equal(kv_cache_match(s.c, SHARED, b, 100), 96);
    kv_stub_destroy(&s);
}

static void prompts_computed_side_by_side_end_in_the_same_blocks(void **state)
{
    (void)state;
    int32_t ids[100];
    count_up(ids, 100, 0);
    kv_stub s = small(20, true);
    int32_t a = kv_cache_open(s.c, SHARED), b = kv_cache_open(s.c, SHARED);
    for (int32_t at = 0; at < 90; at += 10) {
        assert_true(kv_stub_step(&s, a, SHARED, ids + at, 10, 10));
        assert_true(kv_stub_step(&s, b, SHARED, ids + at, 10, 10));
    }
    assert_int_equal(stats_of(&s).n_shared, 5);
    assert_int_equal(stats_of(&s).n_held, 5 + 2);
    assert_null(kv_stub_verify(&s, b, SHARED));
    kv_cache_close(s.c, a);
    kv_cache_close(s.c, b);
    kv_stub_destroy(&s);
}

static void clients_with_different_salts_or_adapters_share_nothing(void **state)
{
    (void)state;
    int32_t ids[40];
    count_up(ids, 40, 0);
    kv_stub s = small(20, true);
    uint64_t anna = kv_cache_salt(s.c, "anna", 4);
    assert_int_equal(anna, kv_cache_salt(s.c, "anna", 4));
    assert_true(anna != kv_cache_salt(s.c, "bert", 4) && anna != 0);
    assert_int_equal(kv_cache_salt(s.c, "", 0), 0);
    kv_cache_close(s.c, kv_stub_prompt(&s, (kv_origin){ anna, 0 }, ids, 40));
    kv_cache_close(s.c, kv_stub_prompt(&s, (kv_origin){ 0, 7 }, ids, 40));
    assert_int_equal(stats_of(&s).hit_tokens, 0);
    assert_int_equal(kv_cache_match(s.c, SHARED, ids, 40), 0);
    assert_int_equal(kv_cache_match(s.c, (kv_origin){ anna, 7 }, ids, 40), 0);
    assert_int_equal(kv_cache_match(s.c, (kv_origin){ anna, 0 }, ids, 40), 32);
    assert_int_equal(kv_cache_match(s.c, (kv_origin){ 0, 7 }, ids, 40), 32);
    kv_stub_destroy(&s);
}

static void leaves_are_evicted_first_and_the_least_recently_used_of_them(void **state)
{
    (void)state;
    int32_t a[65], b[65], c[65];
    count_up(a, 65, 0);
    memcpy(b, a, sizeof b);
    count_up(b + 32, 33, 1000); /* shares two blocks with a */
    count_up(c, 65, 2000);
    kv_stub s = small(12, true);
    kv_cache_close(s.c, kv_stub_prompt(&s, SHARED, a, 65)); /* blocks 0 1 2 3 */
    kv_cache_close(s.c, kv_stub_prompt(&s, SHARED, b, 65)); /* 0 1 and two of its own; 0 1 are used last by b */
    kv_cache_close(s.c, kv_stub_prompt(&s, SHARED, c, 65)); /* four more */
    assert_int_equal(stats_of(&s).n_cached, 10);
    int32_t seq = kv_cache_open(s.c, SHARED);
    assert_true(kv_cache_reserve(s.c, seq, 3 * KV_BLOCK)); /* two are free: a loses its last block */
    assert_int_equal(kv_cache_match(s.c, SHARED, a, 65), 48);
    assert_true(kv_cache_reserve(s.c, seq, 5 * KV_BLOCK)); /* a loses its other leaf; then b is the oldest */
    assert_int_equal(kv_cache_match(s.c, SHARED, a, 65), 32);
    assert_int_equal(kv_cache_match(s.c, SHARED, b, 65), 48);
    assert_int_equal(kv_cache_match(s.c, SHARED, c, 65), 64);
    assert_int_equal(stats_of(&s).n_evicted, 3);
    assert_true(kv_cache_reserve(s.c, seq, 12 * KV_BLOCK)); /* all that is cached can be had */
    assert_int_equal(kv_cache_available(s.c), 0);
    kv_cache_close(s.c, seq);
    kv_stub_destroy(&s);
}

static void a_hit_needs_only_what_the_window_of_the_next_token_shows(void **state)
{
    (void)state;
    const int32_t windows[2] = { 0, 32 };
    int32_t ids[200], filler[100];
    count_up(ids, 200, 0);
    count_up(filler, 100, 5000);
    kv_stub s = kv_stub_create(windows, 2, 24, 2, 400, true, 0);
    kv_cache_close(s.c,
                   kv_stub_prompt(&s, SHARED, ids, 161)); /* 10 blocks seen by all, the last 2 or 3 in the window */
    assert_int_equal(kv_cache_match(s.c, SHARED, ids, 161), 160);
    assert_int_equal(kv_cache_match(s.c, SHARED, ids, 100), 96);
    int32_t seq = kv_cache_open(s.c, SHARED);
    assert_true(kv_cache_reserve(s.c, seq, 5 * KV_BLOCK)); /* 10 blocks: those that the window slid past go first */
    assert_int_equal(kv_cache_match(s.c, SHARED, ids, 161), 160);
    assert_int_equal(kv_cache_match(s.c, SHARED, ids, 100), 0);
    kv_cache_close(s.c, seq);
    kv_stub_destroy(&s);
}

static void a_write_after_a_truncation_never_changes_an_indexed_block(void **state)
{
    (void)state;
    int32_t ids[64], other[64];
    count_up(ids, 64, 0);
    count_up(other, 64, 900);
    kv_stub s = small(6, true);
    int32_t seq = kv_stub_prompt(&s, SHARED, ids, 64);
    assert_int_equal(kv_cache_truncate(s.c, seq, 20), 20);
    assert_true(kv_stub_step(&s, seq, SHARED, other, 10, 10)); /* block 1 has a child: it stays, and is copied */
    assert_int_equal(stats_of(&s).n_copied, 1);
    assert_null(kv_stub_verify(&s, seq, SHARED));
    assert_int_equal(kv_cache_match(s.c, SHARED, ids, 64), 48);
    assert_true(kv_stub_step(&s, seq, SHARED, other, 2, 2)); /* full: a second child of block 0 */
    assert_int_equal(kv_cache_truncate(s.c, seq, 20), 20);
    assert_true(kv_stub_step(&s, seq, SHARED, other, 3, 3)); /* nothing follows that one: it leaves the index */
    assert_int_equal(stats_of(&s).n_copied, 1);
    assert_null(kv_stub_verify(&s, seq, SHARED));
    assert_null(kv_cache_check(s.c));
    kv_cache_close(s.c, seq);
    kv_stub_destroy(&s);
}

static void a_sequence_that_fills_the_pool_alone_can_go_back_and_on(void **state)
{
    (void)state;
    int32_t ids[64];
    count_up(ids, 64, 0);
    kv_stub s = small(4, true);
    int32_t seq = kv_stub_prompt(&s, SHARED, ids, 64);
    for (int32_t n = 63; n > 0; n--) {
        assert_int_equal(kv_cache_truncate(s.c, seq, n), n);
        count_up(ids + n, 64 - n, 100 * n);
        assert_true(kv_stub_step(&s, seq, SHARED, ids + n, 64 - n, 64 - n));
        assert_null(kv_stub_verify(&s, seq, SHARED));
    }
    kv_cache_close(s.c, seq);
    kv_stub_destroy(&s);
}

/* Groups of two formats take blocks from one pool. What a block holds of the other format is no number of this one. */
static void a_block_that_had_another_format_is_cleared_and_no_other_is(void **state)
{
    (void)state;
    enum { N = 12, N_GROUPS = 3, MARK = 7 };
    int32_t ids[N], format_of[N], n_changed = 0, n_same = 0;
    count_up(ids, N, 1);
    memset(format_of, -1, sizeof format_of);
    kv_stub s = kv_stub_create_two_formats(N, 4, 400);
    assert_int_equal(s.layout.n_groups, N_GROUPS);
    for (int round = 0; round < 8; round++) {
        int32_t seq[2];
        for (int i = 0; i < 1 + round % 2; i++) {
            seq[i] = kv_stub_prompt(&s, SHARED, ids, 3); /* of 16 slots */
            for (int32_t g = 0; g < N_GROUPS; g++) {
                int32_t block = kv_cache_tables(s.c, seq[i])[g * kv_cache_table_stride(s.c)], was = format_of[block];
                assert_int_equal(s.memory[block][KV_BLOCK - 1], was == s.layout.format[g] ? MARK : 0);
                n_changed += was >= 0 && was != s.layout.format[g];
                n_same += was == s.layout.format[g];
                format_of[block] = s.layout.format[g];
                s.memory[block][KV_BLOCK - 1] = MARK;
            }
        }
        for (int i = 0; i < 1 + round % 2; i++) kv_cache_close(s.c, seq[i]);
    }
    assert_true(n_changed > 3 && n_same > 3);
    kv_stub_destroy(&s);
}

static void waste_is_what_holds_no_token(void **state)
{
    (void)state;
    int32_t ids[40];
    count_up(ids, 40, 0);
    kv_stub s = small(20, false);
    size_t slot = sizeof(kv_stub_block) / KV_BLOCK;
    int32_t a = kv_stub_prompt(&s, SHARED, ids, 40), b = kv_cache_fork(s.c, a);
    assert_int_equal(stats_of(&s).waste_bytes, 8 * slot); /* one block of two sequences */
    assert_true(kv_stub_step(&s, b, SHARED, ids, 1, 1));
    assert_int_equal(stats_of(&s).waste_bytes, (8 + 7) * slot);
    assert_true(kv_cache_reserve(s.c, a, 30));
    assert_int_equal(stats_of(&s).waste_bytes, (8 + 32 + 7) * slot);
    kv_cache_close(s.c, a);
    kv_cache_close(s.c, b);
    kv_stub_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_reservation_changes_nothing),
        cmocka_unit_test(a_block_that_cannot_be_evicted_after_all_is_a_refusal),
        cmocka_unit_test(forks_share_all_blocks_and_copy_only_the_one_they_write),
        cmocka_unit_test(a_window_gives_its_blocks_back),
        cmocka_unit_test(what_a_window_slid_past_comes_back_from_the_index),
        cmocka_unit_test(a_prompt_uses_blocks_of_one_that_still_runs),
        cmocka_unit_test(prompts_computed_side_by_side_end_in_the_same_blocks),
        cmocka_unit_test(clients_with_different_salts_or_adapters_share_nothing),
        cmocka_unit_test(leaves_are_evicted_first_and_the_least_recently_used_of_them),
        cmocka_unit_test(a_hit_needs_only_what_the_window_of_the_next_token_shows),
        cmocka_unit_test(a_write_after_a_truncation_never_changes_an_indexed_block),
        cmocka_unit_test(a_sequence_that_fills_the_pool_alone_can_go_back_and_on),
        cmocka_unit_test(a_block_that_had_another_format_is_cleared_and_no_other_is),
        cmocka_unit_test(waste_is_what_holds_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
