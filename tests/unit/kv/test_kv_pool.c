/* test_kv_pool.c - blocks are never lost, shared by accident, or handed out twice. */
#include "kv/kv_pool.h"

#include <stdlib.h>

#include "kv/kv_seq.h"
#include "test_support.h"

static void a_block_is_free_again_after_its_last_holder(void **state)
{
    (void)state;
    kv_pool *p;
    assert_int_equal(kv_pool_create(&p, 2, NULL), SUMI_OK);
    int32_t a = kv_pool_take(p), b = kv_pool_take(p);
    assert_int_not_equal(a, b);
    assert_int_equal(kv_pool_take(p), -1);
    kv_pool_ref(p, a);
    kv_pool_unref(p, a);
    assert_int_equal(kv_pool_n_free(p), 0);
    kv_pool_unref(p, a);
    assert_int_equal(kv_pool_n_free(p), 1);
    assert_int_equal(kv_pool_take(p), a);
    assert_true(kv_pool_check(p, 2));
    assert_false(kv_pool_check(p, 3));
    kv_pool_destroy(p);
}

static void a_failed_reservation_changes_nothing(void **state)
{
    (void)state;
    kv_pool *p;
    kv_seq s;
    assert_int_equal(kv_pool_create(&p, 3, NULL), SUMI_OK);
    assert_int_equal(kv_seq_init(&s, 100, NULL), SUMI_OK);
    assert_true(kv_seq_reserve(&s, p, 2 * KV_BLOCK));
    kv_seq_commit(&s, 2 * KV_BLOCK);
    assert_false(kv_seq_reserve(&s, p, KV_BLOCK + 1));
    assert_int_equal(s.n_blocks, 2);
    assert_int_equal(kv_pool_n_free(p), 1);
    assert_true(kv_seq_reserve(&s, p, KV_BLOCK));
    kv_seq_truncate(&s, p, 2 * KV_BLOCK); /* the step failed: reserved blocks go back */
    assert_int_equal(kv_pool_n_free(p), 1);
    kv_seq_truncate(&s, p, 0);
    kv_seq_deinit(&s);
    assert_true(kv_pool_check(p, 0));
    kv_pool_destroy(p);
}

static void random_growth_and_truncation_keeps_the_invariants(void **state)
{
    (void)state;
    enum { N_SEQS = 9, MAX_TOKENS = 400 };
    test_rng rng = test_rng_init(3);
    kv_pool *p;
    kv_seq s[N_SEQS];
    assert_int_equal(kv_pool_create(&p, 100, NULL), SUMI_OK);
    for (int i = 0; i < N_SEQS; i++) assert_int_equal(kv_seq_init(&s[i], MAX_TOKENS, NULL), SUMI_OK);
    for (int event = 0; event < 20000; event++) {
        kv_seq *q = &s[test_rng_range(&rng, 0, N_SEQS - 1)];
        int32_t n = test_rng_range(&rng, 0, 60);
        if (test_rng_range(&rng, 0, 2) && q->n_tokens + n <= MAX_TOKENS) {
            if (kv_seq_reserve(q, p, n)) kv_seq_commit(q, n);
        } else {
            kv_seq_truncate(q, p, test_rng_range(&rng, 0, q->n_tokens));
        }
        int64_t held = 0;
        bool seen[100] = { false };
        for (int i = 0; i < N_SEQS; i++) {
            held += s[i].n_blocks;
            assert_int_equal(s[i].n_blocks, kv_blocks_for(s[i].n_tokens));
            for (int32_t b = 0; b < s[i].n_blocks; b++) {
                assert_false(seen[s[i].table[b]]);
                seen[s[i].table[b]] = true;
            }
        }
        assert_true(kv_pool_check(p, held));
    }
    for (int i = 0; i < N_SEQS; i++) {
        kv_seq_truncate(&s[i], p, 0);
        kv_seq_deinit(&s[i]);
    }
    kv_pool_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_free_again_after_its_last_holder),
        cmocka_unit_test(a_failed_reservation_changes_nothing),
        cmocka_unit_test(random_growth_and_truncation_keeps_the_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
