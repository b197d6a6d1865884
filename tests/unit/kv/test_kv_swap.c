/* test_kv_swap.c - the swap region, and sequences on their way there and back. */
#include "kv/kv_swap.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kv_stub.h"
#include "test_support.h"

static const int32_t SEES_ALL[1] = { 0 };
static const kv_origin SHARED = { 0 };

static void slots_keep_what_was_written_and_leave_no_name_behind(void **state)
{
    (void)state;
    char dir[] = "/tmp/sumi-test-XXXXXX", bytes[3][1000], back[1000];
    kv_swap *s;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(kv_swap_create(&s, dir, 3999, 1000, NULL), SUMI_OK);
    assert_int_equal(kv_swap_n_slots(s), 3);
    int n_files = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d));) n_files += e->d_name[0] != '.';
    closedir(d);
    assert_int_equal(n_files, 0);
    int32_t slot[3];
    for (int i = 0; i < 3; i++) {
        memset(bytes[i], 'a' + i, sizeof bytes[i]);
        slot[i] = kv_swap_take(s);
        assert_int_equal(kv_swap_write(s, slot[i], bytes[i], NULL), SUMI_OK);
    }
    assert_int_equal(kv_swap_take(s), -1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kv_swap_read(s, slot[i], back, NULL), SUMI_OK);
        assert_memory_equal(back, bytes[i], sizeof back);
    }
    kv_swap_give(s, slot[1]);
    assert_int_equal(kv_swap_n_free(s), 1);
    assert_int_equal(kv_swap_take(s), slot[1]);
    kv_swap_destroy(s);
    rmdir(dir);
}

static void a_region_that_cannot_be_is_refused_at_once(void **state)
{
    (void)state;
    kv_swap *s;
    sumi_error err;
    assert_int_equal(kv_swap_create(&s, "/tmp", 999, 1000, &err), SUMI_ELIMIT);
    assert_null(s);
    assert_non_null(strstr(err.message, "999 bytes"));
    assert_int_equal(kv_swap_create(&s, "/no/such/folder", 5000, 1000, &err), SUMI_EIO);
    assert_null(s);
    assert_non_null(strstr(err.message, "'/no/such/folder'"));
    assert_int_equal(kv_swap_create(&s, "/tmp", (size_t)1 << 60, (size_t)1 << 40, &err),
                     SUMI_EIO); /* more than any disk */
    assert_null(s);
}

static void a_sequence_comes_back_as_it_was(void **state)
{
    (void)state;
    int32_t ids[100], other[160];
    for (int32_t i = 0; i < 100; i++) ids[i] = i;
    for (int32_t i = 0; i < 160; i++) other[i] = 1000 + i;
    kv_stub s = kv_stub_create(SEES_ALL, 1, 12, 4, 400, true, 10);
    int32_t a = kv_stub_prompt(&s, SHARED, ids, 100);
    kv_swap_cost cost = kv_cache_swap_cost(s.c, a);
    assert_int_equal(cost.n_out, 7);
    assert_int_equal(cost.block_bytes, sizeof(kv_stub_block));
    assert_int_equal(kv_cache_swap_out(s.c, a, NULL), SUMI_OK);
    assert_true(kv_cache_is_swapped(s.c, a));
    assert_int_equal(kv_cache_available(s.c), 12);
    cost = kv_cache_swap_cost(s.c, a); /* six full blocks are still cached */
    assert_int_equal(cost.n_in, 1);
    assert_int_equal(cost.n_cached, 6);
    int32_t b = kv_stub_prompt(&s, SHARED, other, 160); /* evicts most of them */
    cost = kv_cache_swap_cost(s.c, a);
    assert_int_equal(cost.n_in, 5);
    sumi_error err;
    assert_int_equal(kv_cache_swap_in(s.c, a, &err), SUMI_ELIMIT);
    assert_non_null(strstr(err.message, "5 swapped blocks"));
    kv_cache_close(s.c, b);
    assert_int_equal(kv_cache_swap_in(s.c, a, NULL), SUMI_OK);
    assert_null(kv_stub_verify(&s, a, SHARED));
    assert_null(kv_cache_check(s.c));
    assert_true(kv_stub_step(&s, a, SHARED, other, 20, 20));
    assert_null(kv_stub_verify(&s, a, SHARED));
    kv_cache_close(s.c, a);
    kv_stub_destroy(&s);
}

/* 4 of its 7 blocks are cached, and the pool has no others: they cannot be evicted for the 3 that have to be read. */
static void cached_blocks_of_a_swapped_sequence_are_no_room_for_its_others(void **state)
{
    (void)state;
    int32_t ids[100], other[128];
    for (int32_t i = 0; i < 100; i++) ids[i] = i;
    for (int32_t i = 0; i < 128; i++) other[i] = 1000 + i;
    kv_stub s = kv_stub_create(SEES_ALL, 1, 12, 4, 400, true, 10);
    int32_t a = kv_stub_prompt(&s, SHARED, ids, 100);
    assert_int_equal(kv_cache_swap_out(s.c, a, NULL), SUMI_OK);
    int32_t b = kv_stub_prompt(&s, SHARED, other, 128);
    kv_swap_cost cost = kv_cache_swap_cost(s.c, a);
    assert_int_equal(cost.n_in, 3);
    assert_int_equal(cost.n_cached, 4);
    assert_int_equal(kv_cache_available(s.c), 4);
    sumi_error err;
    assert_int_equal(kv_cache_swap_in(s.c, a, &err), SUMI_ELIMIT);
    assert_non_null(strstr(err.message, "3 swapped blocks (0 of 12"));
    cost = kv_cache_swap_cost(s.c, a);
    assert_int_equal(cost.n_in, 3);
    assert_int_equal(cost.n_cached, 4); /* nothing has changed */
    kv_cache_close(s.c, b);
    assert_int_equal(kv_cache_swap_in(s.c, a, NULL), SUMI_OK);
    assert_null(kv_stub_verify(&s, a, SHARED));
    kv_cache_close(s.c, a);
    kv_stub_destroy(&s);
}

static void what_others_hold_stays_in_memory(void **state)
{
    (void)state;
    int32_t ids[100];
    for (int32_t i = 0; i < 100; i++) ids[i] = i;
    kv_stub s = kv_stub_create(SEES_ALL, 1, 20, 4, 400, true, 10);
    int32_t a = kv_stub_prompt(&s, SHARED, ids, 50), b = kv_cache_fork(s.c, a);
    assert_true(kv_stub_step(&s, b, SHARED, ids, 30, 30));
    kv_swap_cost cost = kv_cache_swap_cost(s.c, b);
    assert_int_equal(cost.n_shared, 3);
    assert_int_equal(cost.n_out, 2);
    assert_int_equal(kv_cache_swap_out(s.c, b, NULL), SUMI_OK);
    kv_cache_close(s.c, a);
    assert_null(kv_cache_check(s.c));
    assert_int_equal(kv_cache_swap_in(s.c, b, NULL), SUMI_OK);
    assert_null(kv_stub_verify(&s, b, SHARED));
    assert_int_equal(kv_cache_swap_out(s.c, b, NULL), SUMI_OK);
    assert_int_equal(kv_cache_truncate(s.c, b, 0), 0); /* given up: its slots are free */
    assert_int_equal(kv_swap_n_free(s.swap), 10);
    assert_false(kv_cache_is_swapped(s.c, b));
    kv_cache_close(s.c, b);
    kv_stub_destroy(&s);
}

static void a_full_region_changes_nothing(void **state)
{
    (void)state;
    int32_t ids[100];
    for (int32_t i = 0; i < 100; i++) ids[i] = i;
    kv_stub s = kv_stub_create(SEES_ALL, 1, 20, 4, 400, false, 6);
    int32_t a = kv_stub_prompt(&s, SHARED, ids, 100);
    sumi_error err;
    assert_int_equal(kv_cache_swap_out(s.c, a, &err), SUMI_ELIMIT);
    assert_non_null(strstr(err.message, "7 blocks"));
    assert_int_equal(kv_swap_n_free(s.swap), 6);
    assert_null(kv_stub_verify(&s, a, SHARED));
    kv_cache_close(s.c, a);
    kv_stub_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_keep_what_was_written_and_leave_no_name_behind),
        cmocka_unit_test(a_region_that_cannot_be_is_refused_at_once),
        cmocka_unit_test(a_sequence_comes_back_as_it_was),
        cmocka_unit_test(cached_blocks_of_a_swapped_sequence_are_no_room_for_its_others),
        cmocka_unit_test(what_others_hold_stays_in_memory),
        cmocka_unit_test(a_full_region_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
