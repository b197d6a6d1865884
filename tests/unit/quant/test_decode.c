/* test_decode.c - every decoder against gguf.quants.dequantize of the Python package, bit for bit.
 *
 * Goldens: tests/golden/quant/NAME.decode.bin (see the README.md there). NaN is compared as NaN: its payload depends on
 * the order of operands that the compiler chose, and nothing may depend on it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fp16.h"
#include "base/mem.h"
#include "quant/quant.h"
#include "test_support.h"

static const dtype all_types[] = {
#define TYPE(name, number, elems, bytes) DTYPE_##name,
    DTYPE_LIST(TYPE)
#undef TYPE
};
#define N_TYPES (sizeof all_types / sizeof *all_types)

static void expect_same_bits(const dtype_info *t, const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(want[i]) ? isnan(got[i]) : fp32_to_bits(got[i]) == fp32_to_bits(want[i])) continue;
        fail_msg("%s: block %zu, element %zu: %a (%08x), expected %a (%08x)", t->name, i / (size_t)t->block_elems,
                 i % (size_t)t->block_elems, got[i], fp32_to_bits(got[i]), want[i], fp32_to_bits(want[i]));
    }
}

static void check_type(const dtype_info *t)
{
    char path[128];
    snprintf(path, sizeof path, "tests/golden/quant/%s.decode.bin", t->name);
    size_t n_file;
    char *file = test_read_file(test_source_path(path), &n_file);
    uint32_t head[3];
    memcpy(head, file, sizeof head);
    assert_int_equal(head[1], t->block_bytes);
    assert_int_equal(head[2], t->block_elems);
    size_t n_bytes = (size_t)head[0] * head[1], n = (size_t)head[0] * head[2];
    assert_int_equal(n_file, sizeof head + n_bytes + n * sizeof(float));
    void *blocks = mem_alloc(n_bytes); /* aligned, and ASan sees a byte too far */
    float *got = malloc(n * sizeof *got), *want = malloc(n * sizeof *want);
    memcpy(blocks, file + sizeof head, n_bytes);
    memcpy(want, file + sizeof head + n_bytes, n * sizeof *want);
    quant_find(t->type)->decode(blocks, got, (int64_t)n);
    expect_same_bits(t, got, want, n);
    mem_free(blocks);
    free(got);
    free(want);
    free(file);
}

static void every_type_decodes_as_the_reference_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TYPES; i++) check_type(dtype_find((uint32_t)all_types[i]));
}

static void decoding_nothing_touches_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_TYPES; i++) quant_find(all_types[i])->decode(NULL, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_decodes_as_the_reference_does),
        cmocka_unit_test(decoding_nothing_touches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
