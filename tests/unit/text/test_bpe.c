/* test_bpe.c - the merge loop against its definition, and its cost. */
#include "test_support.h"

#include <stdlib.h>

#include "text/bpe/bpe.h"

#define N_KINDS 6 /* tokens 0 to 5; two of them may make a third */

typedef struct merge_rules {
    int32_t merged[N_KINDS][N_KINDS]; /* -1: they do not merge */
    uint32_t order[N_KINDS][N_KINDS];
} merge_rules;

static merge_rules random_rules(test_rng *r)
{
    merge_rules m;
    for (int32_t a = 0; a < N_KINDS; a++)
        for (int32_t b = 0; b < N_KINDS; b++) {
            m.merged[a][b] = test_rng_range(r, -1, N_KINDS - 1);
            m.order[a][b] = (uint32_t)test_rng_range(r, 0, 9); /* few, so that positions must decide */
        }
    return m;
}

static uint32_t pair(const void *user, const bpe_symbol *left, const bpe_symbol *right, int32_t *merged)
{
    const merge_rules *m = user;
    *merged = m->merged[left->id][right->id];
    return *merged < 0 ? BPE_NO_PAIR : m->order[left->id][right->id];
}

/* The definition: look at all pairs, merge the best and leftmost one, again. Returns how many ids remain. */
static size_t merge_by_definition(const merge_rules *m, int32_t *ids, size_t n)
{
    for (;;) {
        size_t best = n;
        for (size_t i = 0; i + 1 < n; i++) {
            if (ids[i] < 0 || ids[i + 1] < 0 || m->merged[ids[i]][ids[i + 1]] < 0) continue;
            if (best == n || m->order[ids[i]][ids[i + 1]] < m->order[ids[best]][ids[best + 1]]) best = i;
        }
        if (best == n) return n;
        ids[best] = m->merged[ids[best]][ids[best + 1]];
        for (size_t i = best + 1; i + 1 < n; i++) ids[i] = ids[i + 1];
        n--;
    }
}

static void words_of_any_length_merge_as_defined(void **state)
{
    test_rng r = test_rng_init(5);
    bpe b;
    bpe_init(&b);
    (void)state;
    for (int round = 0; round < 3000; round++) {
        merge_rules m = random_rules(&r);
        int32_t ids[200];
        size_t n = (size_t)test_rng_range(&r, 1, round % 2 ? 200 : 40); /* both sides of the switch to a heap */
        assert_true(bpe_reserve(&b, n));
        for (size_t i = 0; i < n; i++) {
            ids[i] = test_rng_range(&r, round % 7 ? 0 : -1, N_KINDS - 1);
            b.symbols[i] = (bpe_symbol){ .id = ids[i], .start = (uint32_t)i, .n_bytes = 1, .n_chars = 1 };
        }
        assert_int_equal(bpe_merge(&b, n, pair, &m), SUMI_OK);
        size_t n_want = merge_by_definition(&m, ids, n), at = 0;
        uint32_t start = 0;
        for (int32_t i = 0; i >= 0; i = b.symbols[i].next, at++) {
            if (at >= n_want || b.symbols[i].id != ids[at])
                fail_msg("round %d, %zu symbols: differs at %zu", round, n, at);
            assert_int_equal(b.symbols[i].start, start); /* the symbols still tile the word */
            start += b.symbols[i].n_bytes;
        }
        assert_int_equal(at, n_want);
        assert_int_equal(start, n);
    }
    bpe_deinit(&b);
}

static void a_long_word_asks_for_each_pair_a_bounded_number_of_times(void **state)
{
    test_rng r = test_rng_init(6);
    bpe b;
    bpe_init(&b);
    (void)state;
    for (int round = 0; round < 20; round++) {
        merge_rules m = random_rules(&r);
        size_t n = 100000;
        assert_true(bpe_reserve(&b, n));
        for (size_t i = 0; i < n; i++) b.symbols[i] = (bpe_symbol){ .id = round % N_KINDS, .n_bytes = 1, .n_chars = 1 };
        b.n_questions = 0;
        assert_int_equal(bpe_merge(&b, n, pair, &m), SUMI_OK);
        assert_true(b.n_questions < 3 * n);
    }
    bpe_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_any_length_merge_as_defined),
        cmocka_unit_test(a_long_word_asks_for_each_pair_a_bounded_number_of_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
