/* test_mem.c - aligned memory and sizes that may overflow. */
#include <string.h>

#include "base/mem.h"
#include "test_support.h"

static void memory_is_aligned_and_zero(void **state)
{
    (void)state;
    const size_t sizes[] = { 0, 1, 63, 64, 65, 4097, (size_t)9 << 20 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *p = mem_alloc(sizes[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % MEM_ALIGN, 0);
        for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(p[k], 0);
        memset(p, 0xff, sizes[i]);
        mem_free(p);
    }
    mem_free(NULL);
}

static void impossible_sizes_give_null(void **state)
{
    (void)state;
    assert_null(mem_alloc(SIZE_MAX));
    assert_null(mem_alloc(SIZE_MAX - MEM_ALIGN + 1));
}

static void mapped_memory_is_zero_and_costs_nothing_until_touched(void **state)
{
    (void)state;
    size_t bytes = (size_t)64 << 30; /* more than most machines have */
    uint8_t *p = mem_map(bytes);
    assert_non_null(p);
    assert_true(p[0] == 0 && p[bytes - 1] == 0);
    p[bytes / 2] = 1;
    mem_unmap(p, bytes);
    mem_unmap(NULL, 0);
    assert_null(mem_map(SIZE_MAX / 2));
}

static void products_that_do_not_fit_are_told(void **state)
{
    (void)state;
    size_t n = 1;
    assert_true(mem_mul(3, 5, &n) && n == 15);
    assert_true(mem_mul(0, SIZE_MAX, &n) && n == 0);
    assert_true(mem_mul(SIZE_MAX, 1, &n) && n == SIZE_MAX);
    assert_false(mem_mul(SIZE_MAX / 2 + 1, 2, &n));
    assert_false(mem_mul((size_t)1 << 32, (size_t)1 << 32, &n));
}

static void rounding_up_reaches_the_next_multiple(void **state)
{
    (void)state;
    assert_int_equal(mem_round_up(0, 64), 0);
    assert_int_equal(mem_round_up(1, 64), 64);
    assert_int_equal(mem_round_up(64, 64), 64);
    assert_int_equal(mem_round_up(65, 32), 96);
}

static void the_machine_has_memory(void **state)
{
    (void)state;
    assert_true(mem_available_bytes() > (size_t)1 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_zero),
        cmocka_unit_test(impossible_sizes_give_null),
        cmocka_unit_test(mapped_memory_is_zero_and_costs_nothing_until_touched),
        cmocka_unit_test(products_that_do_not_fit_are_told),
        cmocka_unit_test(rounding_up_reaches_the_next_multiple),
        cmocka_unit_test(the_machine_has_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
