/* test_slab.c - allocations for packed weights: disjoint, aligned, zeroed, and given back in any order. */
#include "backend/cpu/slab.h"

#include <stdint.h>

#include "base/mem.h"
#include "test_support.h"

enum { N = 40 };

static void allocations_are_zeroed_aligned_and_disjoint_and_may_be_given_back_in_any_order(void **state)
{
    (void)state;
    test_rng rng = test_rng_init(5);
    slab_source source = { 0 };
    slab *owners[N];
    uint8_t *allocations[N];
    size_t sizes[N];
    for (int i = 0; i < N; i++) {
        sizes[i] = i == 7 ? (size_t)80 << 20
                          : (size_t)test_rng_range(&rng, 1, 6 << 20); /* several slabs, a large allocation */
        assert_int_equal(slab_take(&source, sizes[i], &allocations[i], &owners[i], NULL), SUMI_OK);
        assert_int_equal((uintptr_t)allocations[i] % MEM_ALIGN, 0);
        assert_int_equal(allocations[i][0] | allocations[i][sizes[i] / 2] | allocations[i][sizes[i] - 1], 0);
        allocations[i][0] = allocations[i][sizes[i] - 1] = (uint8_t)(i + 1);
    }
    for (int i = 0; i < N; i++) assert_true(allocations[i][0] == i + 1 && allocations[i][sizes[i] - 1] == i + 1);
    for (int i = 0; i < N; i += 2) slab_give_back(owners[i]);
    slab_give_back(source.current); /* the last slab lives on for its allocations */
    for (int i = 1; i < N; i += 2) assert_int_equal(allocations[i][sizes[i] - 1], i + 1);
    for (int i = 1; i < N; i += 2) slab_give_back(owners[i]);
    slab_give_back(NULL);
}

static void a_piece_that_no_memory_can_hold_is_refused_and_the_slab_stays(void **state)
{
    (void)state;
    slab_source source = { 0 };
    slab *owner = NULL;
    uint8_t *piece;
    sumi_error err;
    assert_int_equal(slab_take(&source, SIZE_MAX, &piece, &owner, &err), SUMI_ENOMEM);
    assert_int_equal(slab_take(&source, SIZE_MAX / 2, &piece, &owner, &err), SUMI_ENOMEM);
    assert_null(source.current);
    assert_int_equal(slab_take(&source, 100, &piece, &owner, &err), SUMI_OK);
    slab *before = source.current;
    assert_int_equal(slab_take(&source, SIZE_MAX / 2, &piece, &owner, &err), SUMI_ENOMEM);
    assert_ptr_equal(source.current, before);
    slab_give_back(owner);
    slab_give_back(source.current);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_zeroed_aligned_and_disjoint_and_may_be_given_back_in_any_order),
        cmocka_unit_test(a_piece_that_no_memory_can_hold_is_refused_and_the_slab_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
