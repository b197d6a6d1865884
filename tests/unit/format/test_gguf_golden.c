/* test_gguf_golden.c - files written by the Python package gguf hold what its script put there
 * (tests/golden/make_gguf.py). */
#include <stdlib.h>
#include <string.h>

#include "format/gguf.h"
#include "gguf_builder.h"
#include "test_support.h"

static model_source *open_golden(const char *path)
{
    model_source *src;
    sumi_error err;
    if (gguf_open(&src, test_source_path(path), &err) != SUMI_OK) fail_msg("%s", err.message);
    return src;
}

static void expect_i64(const model_source *src, const char *key, int64_t want)
{
    int64_t v;
    if (!model_source_get_i64(src, key, &v) || v != want) fail_msg("%s is not %lld", key, (long long)want);
}

static void every_value_type_is_read_as_it_was_written(void **state)
{
    (void)state;
    model_source *src = open_golden("tests/golden/gguf/every_type.gguf");
    expect_i64(src, "value.uint8", 200);
    expect_i64(src, "value.int8", -100);
    expect_i64(src, "value.uint16", 60000);
    expect_i64(src, "value.int16", -30000);
    expect_i64(src, "value.uint32", 4000000000);
    expect_i64(src, "value.int32", -2000000000);
    expect_i64(src, "value.int64", INT64_MIN);
    int64_t v;
    assert_false(model_source_get_i64(src, "value.uint64", &v)); /* 2^63 */
    float f;
    double d;
    bool flag;
    gguf_str s;
    assert_true(model_source_get_f32(src, "value.float32", &f) && f == 0.1f);
    assert_true(model_source_value_f64(src, model_source_find_key(src, "value.float64"), &d) && d == 1e-300);
    assert_true(model_source_get_bool(src, "value.bool", &flag) && flag);
    assert_true(model_source_get_str(src, "value.string", &s));
    assert_true(s.n == 10 && memcmp(s.data, "na\xc3\xafve \xe2\x98\x83", 10) == 0);
    model_source_close(src);
}

static void arrays_of_every_type_are_read_as_they_were_written(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        gguf_type type;
        uint64_t n, i;
        int64_t want;
    } ints[] = {
        { "array.uint8", GGUF_U8, 3, 2, 255 },
        { "array.int8", GGUF_I8, 3, 0, -1 },
        { "array.uint16", GGUF_U16, 2, 1, 65535 },
        { "array.int16", GGUF_I16, 2, 0, -5 },
        { "array.uint32", GGUF_U32, 2, 1, UINT32_MAX },
        { "array.int32", GGUF_I32, 2, 1, INT32_MAX },
        { "array.bool", GGUF_BOOL, 3, 2, 1 },
        { "array.uint64", GGUF_U64, 1, 0, INT64_MAX }, /* 2^64 - 1 saturates */
        { "array.int64", GGUF_I64, 1, 0, -(INT64_C(1) << 40) },
    };
    model_source *src = open_golden("tests/golden/gguf/every_type.gguf");
    gguf_array a;
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        if (!model_source_get_array(src, ints[i].key, &a)) fail_msg("%s", ints[i].key);
        assert_true(a.type == ints[i].type && a.n == ints[i].n);
        assert_true(gguf_array_i64(&a, ints[i].i) == ints[i].want);
    }
    assert_true(model_source_get_array(src, "array.float32", &a) && gguf_array_f32(&a, 1) == -0.25f);
    assert_true(model_source_get_array(src, "array.float64", &a) && gguf_array_f64(&a, 0) == 1e300);
    assert_true(model_source_get_array(src, "array.string", &a) && a.n == 4);
    gguf_str s = model_source_array_str(src, &a, 2);
    assert_true(s.n == 5 && memcmp(s.data, "\xc3\xbcn\xc3\xaf", 5) == 0);
    assert_true(model_source_array_str(src, &a, 0).n == 0 && model_source_array_str(src, &a, 3).data[0] == '\n');
    model_source_close(src);
}

static void a_tensor_of_every_type_has_its_shape_and_place(void **state)
{
    (void)state;
    model_source *src = open_golden("tests/golden/gguf/every_type.gguf");
    assert_int_equal(model_source_n_tensors(src), 19); /* all of DTYPE_LIST */
    for (int64_t i = 0; i < model_source_n_tensors(src); i++) {
        const source_tensor *t = model_source_tensor_at(src, i);
        assert_true(t->name.n == 2 + strlen(t->type->name) &&
                    memcmp(t->name.data + 2, t->type->name, t->name.n - 2) == 0);
        if (t->type->block_elems == 1 && t->type->type != DTYPE_BF16) continue;
        int64_t row = t->type->type == DTYPE_BF16 ? 1 : t->type->block_elems;
        assert_true(t->n_dims == 2 && t->dims[0] == row && t->dims[1] == 2);
        assert_int_equal(t->n_bytes, 2 * t->type->block_bytes);
    }
    const source_tensor *t = model_source_find_tensor(src, "t.F32");
    assert_true(t->n_dims == 2 && t->dims[0] == 3 && t->dims[1] == 2);
    test_fetch_tensors(src);
    for (int i = 0; i < 6; i++) assert_true(((const float *)t->data)[i] == (float)i);
    assert_true(((const double *)model_source_find_tensor(src, "t.F64")->data)[2] == 2.0);
    test_touch_source(src, 1000);
    model_source_close(src);
}

static void a_vocabulary_alone_is_a_file(void **state)
{
    (void)state;
    model_source *src = open_golden("tests/golden/gguf/vocab_only.gguf");
    gguf_array a;
    assert_int_equal(model_source_n_tensors(src), 0);
    assert_true(model_source_get_array(src, "tokenizer.ggml.tokens", &a) && a.n == 5);
    gguf_str s = model_source_array_str(src, &a, 0);
    assert_true(s.n == 7 && memcmp(s.data, "<|end|>", 7) == 0);
    model_source_close(src);
}

static void tensors_stand_at_the_alignment_of_the_file(void **state)
{
    (void)state;
    model_source *src = open_golden("tests/golden/gguf/aligned_256.gguf");
    const source_tensor *a = model_source_find_tensor(src, "a"), *b = model_source_find_tensor(src, "b");
    assert_int_equal(gguf_alignment(src), 256);
    assert_int_equal((const char *)b->data - (const char *)a->data, 256);
    assert_true(*(const float *)a->data == 1 && *(const float *)b->data == 2);
    model_source_close(src);
}

static void big_endian_files_are_refused_by_name(void **state)
{
    (void)state;
    model_source *src;
    sumi_error err;
    assert_int_equal(gguf_open(&src, test_source_path("tests/golden/gguf/big_endian.gguf"), &err), SUMI_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "big-endian"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_type_is_read_as_it_was_written),
        cmocka_unit_test(arrays_of_every_type_are_read_as_they_were_written),
        cmocka_unit_test(a_tensor_of_every_type_has_its_shape_and_place),
        cmocka_unit_test(a_vocabulary_alone_is_a_file),
        cmocka_unit_test(tensors_stand_at_the_alignment_of_the_file),
        cmocka_unit_test(big_endian_files_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
