/* test_dtype.c - the numbers and sizes of tensor types against gguf.constants of the Python package
 * (tests/golden/quant/types.txt, written by tests/golden/make_quant.py). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/dtype.h"
#include "test_support.h"

static void types_have_the_numbers_and_sizes_of_the_reference(void **state)
{
    (void)state;
    char *text = test_read_file(test_source_path("tests/golden/quant/types.txt"), NULL), *at = text, name[32];
    unsigned number;
    int elems, bytes, used, n_known = 0;
    for (; sscanf(at, "%u %31s %d %d%n", &number, name, &elems, &bytes, &used) == 4; at += used) {
        assert_string_equal(dtype_gguf_name(number), name);
        const dtype_info *t = dtype_find(number);
        if (!t) continue;
        n_known++;
        assert_string_equal(t->name, name);
        assert_int_equal(t->type, number);
        assert_int_equal(t->block_elems, elems);
        assert_int_equal(t->block_bytes, bytes);
    }
    free(text);
    assert_int_equal(n_known, 19); /* all of DTYPE_LIST */
}

static void numbers_without_a_type_are_not_found(void **state)
{
    (void)state;
    const uint32_t none[] = { 42, 100, 0x80000000u, UINT32_MAX };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_null(dtype_find(none[i]));
        assert_null(dtype_gguf_name(none[i]));
    }
    assert_null(dtype_find(16)); /* IQ2_XXS has a name, but no decoder */
    assert_string_equal(dtype_gguf_name(16), "IQ2_XXS");
}

static void rows_are_measured_in_whole_blocks(void **state)
{
    (void)state;
    assert_int_equal(dtype_row_bytes(DTYPE_F32, 7), 28);
    assert_int_equal(dtype_row_bytes(DTYPE_Q4_0, 64), 36);
    assert_int_equal(dtype_row_bytes(DTYPE_Q6_K, 512), 420);
    assert_int_equal(dtype_row_bytes(DTYPE_F64, INT64_C(1) << 40), (size_t)8 << 40); /* no 32-bit step on the way */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_the_numbers_and_sizes_of_the_reference),
        cmocka_unit_test(numbers_without_a_type_are_not_found),
        cmocka_unit_test(rows_are_measured_in_whole_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
