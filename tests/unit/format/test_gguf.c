/* test_gguf.c - what a good GGUF file gives back. Bad ones: test_gguf_bad.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/gguf.h"
#include "gguf_builder.h"
#include "hf_folder.h"
#include "test_support.h"

/* Opens what b describes; *file must be freed after model_source_close(). */
static model_source *open_built(gguf_builder *b, uint8_t **file)
{
    size_t n;
    model_source *src;
    sumi_error err;
    *file = gb_finish(b, &n);
    if (gguf_open_memory(&src, *file, n, "built", &err) != SUMI_OK) fail_msg("%s", err.message);
    return src;
}

static void expect_str(gguf_str s, const char *want)
{
    assert_int_equal(s.n, strlen(want));
    assert_memory_equal(s.data, want, s.n);
}

static void scalars_of_every_type_come_back(void **state)
{
    (void)state;
    gguf_builder b;
    uint8_t *file;
    gb_init(&b);
    gb_raw(&b, "u8", GGUF_U8, &(uint8_t){ 200 }, 1);
    gb_raw(&b, "i8", GGUF_I8, &(int8_t){ -100 }, 1);
    gb_raw(&b, "u16", GGUF_U16, &(uint16_t){ 60000 }, 2);
    gb_raw(&b, "i16", GGUF_I16, &(int16_t){ -30000 }, 2);
    gb_u32(&b, "u32", 4000000000u);
    gb_i32(&b, "i32", -2000000000);
    gb_raw(&b, "u64", GGUF_U64, &(uint64_t){ UINT64_MAX }, 8);
    gb_raw(&b, "i64", GGUF_I64, &(int64_t){ INT64_MIN }, 8);
    gb_f32(&b, "f32", 0.25f);
    gb_raw(&b, "f64", GGUF_F64, &(double){ -1e300 }, 8);
    gb_bool(&b, "bool", true);
    gb_str(&b, "str", "caf\xc3\xa9");
    model_source *src = open_built(&b, &file);
    static const struct {
        const char *key;
        int64_t want;
    } ints[] = { { "u8", 200 },         { "i8", -100 },         { "u16", 60000 },    { "i16", -30000 },
                 { "u32", 4000000000 }, { "i32", -2000000000 }, { "i64", INT64_MIN } };
    int64_t v;
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        assert_true(model_source_get_i64(src, ints[i].key, &v));
        assert_true(v == ints[i].want);
    }
    uint64_t u;
    assert_false(model_source_get_i64(src, "u64", &v)); /* does not fit */
    assert_true(model_source_value_u64(src, model_source_find_key(src, "u64"), &u) && u == UINT64_MAX);
    assert_true(model_source_value_u64(src, model_source_find_key(src, "u8"), &u) && u == 200);
    assert_false(model_source_value_u64(src, model_source_find_key(src, "i8"), &u) ||
                 model_source_value_u64(src, model_source_find_key(src, "f32"), &u));
    float f;
    assert_true(model_source_get_f32(src, "f32", &f) && f == 0.25f);
    assert_true(model_source_get_f32(src, "f64", &f) && f == -INFINITY);
    bool flag;
    assert_true(model_source_get_bool(src, "bool", &flag) && flag);
    gguf_str s;
    assert_true(model_source_get_str(src, "str", &s));
    expect_str(s, "caf\xc3\xa9");
    assert_int_equal(model_source_n_keys(src), 12);
    expect_str(model_source_key(src, 4), "u32");
    assert_string_equal(gguf_type_name(model_source_key_type(src, 4)), "u32");
    model_source_close(src);
    free(file);
}

static void getters_refuse_other_types_and_missing_keys(void **state)
{
    (void)state;
    gguf_builder b;
    uint8_t *file;
    gb_init(&b);
    gb_bool(&b, "bool", true);
    gb_u32(&b, "big", 3000000000u);
    gb_f32(&b, "f32", 1);
    gb_str(&b, "str", "7");
    model_source *src = open_built(&b, &file);
    int64_t i64;
    int32_t i32 = 5;
    float f;
    bool flag;
    gguf_str s;
    gguf_array a;
    assert_false(model_source_get_i64(src, "bool", &i64)); /* bool is not an integer */
    assert_false(model_source_get_i64(src, "f32", &i64));
    assert_false(model_source_get_i64(src, "str", &i64));
    assert_false(model_source_get_i32(src, "big", &i32)); /* an integer that does not fit */
    assert_int_equal(i32, 5);
    assert_false(model_source_get_f32(src, "big", &f));
    assert_false(model_source_get_bool(src, "big", &flag));
    assert_false(model_source_get_str(src, "big", &s));
    assert_false(model_source_get_array(src, "str", &a));
    assert_false(model_source_get_i64(src, "missing", &i64) || model_source_get_f32(src, "missing", &f));
    assert_false(model_source_get_bool(src, "missing", &flag) || model_source_get_str(src, "missing", &s));
    assert_false(model_source_get_array(src, "missing", &a));
    assert_int_equal(model_source_find_key(src, "missing"), -1);
    assert_int_equal(model_source_find_key(src, ""), -1);
    model_source_close(src);
    free(file);
}

static void string_arrays_give_each_string_at_its_index(void **state)
{
    (void)state;
    gguf_builder b;
    uint8_t *file;
    static const char *const words[] = { "", "a", "", "the longest of these words", "\xff\xfe", "" };
    gb_init(&b);
    gb_str_array(&b, "words", words, 6);
    gb_str_array(&b, "none", NULL, 0);
    gb_str(&b, "after", "still here");
    model_source *src = open_built(&b, &file);
    gguf_array a;
    assert_true(model_source_get_array(src, "words", &a));
    assert_int_equal(a.type, GGUF_STRING);
    assert_int_equal(a.n, 6);
    for (uint64_t i = 6; i-- > 0;) expect_str(model_source_array_str(src, &a, i), words[i]);
    assert_true(model_source_get_array(src, "none", &a));
    assert_int_equal(a.n, 0);
    gguf_str s;
    assert_true(model_source_get_str(src, "after", &s));
    expect_str(s, "still here");
    model_source_close(src);
    free(file);
}

static void numeric_arrays_are_converted_and_saturate(void **state)
{
    (void)state;
    gguf_builder b;
    uint8_t *file;
    const float f[] = { 1.5f, -2.75f, NAN, INFINITY, -INFINITY };
    const uint64_t u[] = { 1, UINT64_MAX };
    const int16_t s[] = { -5, 300 };
    gb_init(&b);
    gb_bool(&b, "odd", true); /* so that the arrays are not aligned */
    gb_array(&b, "f32", GGUF_F32, f, 5, sizeof f);
    gb_array(&b, "u64", GGUF_U64, u, 2, sizeof u);
    gb_array(&b, "i16", GGUF_I16, s, 2, sizeof s);
    gb_array(&b, "bool", GGUF_BOOL, "\0\1", 2, 2);
    model_source *src = open_built(&b, &file);
    gguf_array a;
    assert_true(model_source_get_array(src, "f32", &a));
    assert_true(gguf_array_f32(&a, 0) == 1.5f && gguf_array_f32(&a, 1) == -2.75f && isnan(gguf_array_f32(&a, 2)));
    assert_true(gguf_array_i64(&a, 0) == 1 && gguf_array_i64(&a, 1) == -2 && gguf_array_i64(&a, 2) == 0);
    assert_true(gguf_array_i64(&a, 3) == INT64_MAX && gguf_array_i64(&a, 4) == INT64_MIN);
    assert_true(model_source_get_array(src, "u64", &a));
    assert_true(gguf_array_i64(&a, 0) == 1 && gguf_array_i64(&a, 1) == INT64_MAX);
    assert_true(gguf_array_f64(&a, 1) == 0x1p64 && gguf_array_u64(&a, 1) == UINT64_MAX);
    assert_true(model_source_get_array(src, "i16", &a));
    assert_true(gguf_array_i64(&a, 0) == -5 && gguf_array_f32(&a, 1) == 300);
    assert_true(model_source_get_array(src, "bool", &a));
    assert_true(gguf_array_i64(&a, 0) == 0 && gguf_array_i64(&a, 1) == 1);
    model_source_close(src);
    free(file);
}

static void arrays_of_arrays_are_stepped_over(void **state)
{
    (void)state;
    gguf_builder b;
    uint8_t *file;
    buf inner;
    gb_init(&b);
    buf_init(&inner, 4096);
    gb_put_u32(&inner, GGUF_ARRAY);
    gb_put_u64(&inner, 2);
    gb_put_u32(&inner, GGUF_I32); /* [[7], ["ab", ""]] */
    gb_put_u64(&inner, 1);
    gb_put_u32(&inner, 7);
    gb_put_u32(&inner, GGUF_STRING);
    gb_put_u64(&inner, 2);
    gb_put_str(&inner, "ab");
    gb_put_str(&inner, "");
    gb_raw(&b, "nested", GGUF_ARRAY, inner.data, inner.n);
    gb_u32(&b, "after", 9);
    buf_deinit(&inner);
    model_source *src = open_built(&b, &file);
    gguf_array a;
    int64_t v;
    assert_int_equal(model_source_key_type(src, model_source_find_key(src, "nested")), GGUF_ARRAY);
    assert_false(model_source_get_array(src, "nested", &a));
    assert_true(model_source_get_i64(src, "after", &v) && v == 9);
    model_source_close(src);
    free(file);
}

static void tensors_come_back_with_shape_type_and_bytes(void **state)
{
    (void)state;
    gguf_builder b;
    uint8_t *file;
    float x[12];
    uint8_t q[36];
    for (int i = 0; i < 12; i++) x[i] = (float)i;
    for (int i = 0; i < 36; i++) q[i] = (uint8_t)i;
    gb_init(&b);
    b.alignment = 64;
    gb_u32(&b, "general.alignment", 64);
    gb_tensor(&b, "a.weight", DTYPE_F32, 2, (uint64_t[]){ 4, 3 }, x, sizeof x);
    gb_tensor(&b, "b.weight", DTYPE_Q4_0, 1, (uint64_t[]){ 64 }, q, sizeof q);
    gb_tensor(&b, "scalar", DTYPE_F32, 0, NULL, x + 5, 4);
    model_source *src = open_built(&b, &file);
    assert_int_equal(model_source_n_tensors(src), 3);
    assert_int_equal(gguf_alignment(src), 64);
    const source_tensor *t = model_source_find_tensor(src, "a.weight");
    assert_ptr_equal(t, model_source_tensor_at(src, 0));
    assert_int_equal(t->n_dims, 2);
    assert_true(t->dims[0] == 4 && t->dims[1] == 3 && t->dims[2] == 1 && t->dims[3] == 1 && t->n_elems == 12);
    assert_int_equal(t->n_bytes, sizeof x);
    assert_memory_equal(t->data, x, sizeof x);
    t = model_source_find_tensor(src, "b.weight");
    assert_string_equal(t->type->name, "Q4_0");
    assert_int_equal(t->n_bytes, sizeof q);
    assert_memory_equal(t->data, q, sizeof q);
    assert_int_equal(((const uint8_t *)t->data - file) % 64, 0);
    t = model_source_find_tensor(src, "scalar");
    assert_true(t->n_dims == 0 && t->n_elems == 1 && t->n_bytes == 4);
    assert_null(model_source_find_tensor(src, "c.weight"));
    assert_null(model_source_find_tensor(src, "a.weigh"));
    model_source_close(src);
    free(file);
}

static void tensors_may_share_their_bytes(void **state)
{
    (void)state;
    gguf_builder b;
    uint8_t *file;
    float x[8] = { 0 };
    gb_init(&b);
    gb_tensor(&b, "token_embd.weight", DTYPE_F32, 1, (uint64_t[]){ 8 }, x, sizeof x);
    gb_tensor_entry(&b, "output.weight", DTYPE_F32, 1, (uint64_t[]){ 8 }, 0);
    model_source *src = open_built(&b, &file);
    assert_ptr_equal(model_source_tensor_at(src, 0)->data, model_source_tensor_at(src, 1)->data);
    model_source_close(src);
    free(file);
}

static void version_2_and_a_file_without_anything_are_read(void **state)
{
    (void)state;
    gguf_builder b;
    uint8_t *file;
    gb_init(&b);
    b.version = 2;
    model_source *src = open_built(&b, &file);
    assert_int_equal(gguf_version(src), 2);
    assert_int_equal(model_source_n_keys(src), 0);
    assert_int_equal(model_source_n_tensors(src), 0);
    assert_int_equal(gguf_alignment(src), 32);
    assert_null(model_source_find_tensor(src, "x"));
    model_source_close(src);
    free(file);
}

static void a_file_on_disk_is_read_and_named(void **state)
{
    (void)state;
    char path[] = "/tmp/sumi-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    gguf_builder b;
    gb_init(&b);
    gb_str(&b, "general.name", "tiny");
    gb_tensor(&b, "w", DTYPE_F32, 1, (uint64_t[]){ 1 }, &(float){ 3 }, 4);
    gb_write(&b, path);
    model_source *src;
    sumi_error err;
    assert_int_equal(gguf_open(&src, path, &err), SUMI_OK);
    unlink(path); /* what is open stays */
    assert_string_equal(model_source_name(src), path);
    test_fetch_tensors(src);
    assert_true(*(const float *)model_source_find_tensor(src, "w")->data == 3);
    model_source_close(src);
    model_source_close(NULL);
}

static void the_hash_of_the_head_tells_files_apart(void **state)
{
    (void)state;
    size_t n;
    uint8_t *file = (uint8_t *)test_read_file(test_source_path("tests/golden/tiny/llama-linear.gguf"), &n);
    model_source *src;
    assert_int_equal(gguf_open_memory(&src, file, n, "tiny", NULL), SUMI_OK);
    uint64_t whole = model_source_head_hash(src, (sip_key){ 0, 0 });
    assert_true(model_source_head_hash(src, (sip_key){ 1, 0 }) != whole);
    uint8_t *name = file + (model_source_tensor_at(src, 1)->name.data - (const char *)file);
    *name ^= 1;
    assert_true(model_source_head_hash(src, (sip_key){ 0, 0 }) != whole);
    *name ^= 1;
    assert_true(model_source_head_hash(src, (sip_key){ 0, 0 }) == whole);
    model_source_close(src);
    free(file);
}

/* Writes n bytes `fill` to path from byte `at` on, in place. */
static void overwrite(const char *path, size_t at, size_t n, int fill)
{
    FILE *f = fopen(path, "r+");
    assert_true(f && fseek(f, (long)at, SEEK_SET) == 0);
    for (size_t i = 0; i < n; i++) assert_int_equal(fputc(fill, f), fill);
    assert_int_equal(fclose(f), 0);
}

static void what_becomes_of_the_file_later_changes_nothing(void **state)
{
    (void)state;
    enum { N = 10000 };
    static float x[N];
    char path[256];
    sumi_error err;
    test_folder folder = test_folder_create();
    for (int i = 0; i < N; i++) x[i] = (float)i;
    snprintf(path, sizeof path, "%s/m.gguf", folder.path);
    for (int way = 0; way < 3; way++) { /* overwritten, cut off, cut off to nothing */
        model_source *src;
        gguf_str name;
        gguf_builder b;
        gb_init(&b);
        gb_str(&b, "general.name", "a name");
        gb_tensor(&b, "w", DTYPE_F32, 1, (const uint64_t[]){ N }, x, sizeof x);
        gb_tensor(&b, "late", DTYPE_F32, 1, (const uint64_t[]){ N }, x, sizeof x);
        gb_write(&b, path);
        assert_int_equal(gguf_open(&src, path, &err), SUMI_OK);
        const source_tensor *w = model_source_find_tensor(src, "w"), *late = model_source_find_tensor(src, "late");
        assert_int_equal(model_source_fetch(src, w, 0, 1, &err), SUMI_OK);
        if (way == 0) overwrite(path, 0, model_source_file_bytes(src), 'x');
        else assert_int_equal(truncate(path, way == 1 ? (off_t)late->offset + 5000 : 0), 0);
        assert_true(model_source_get_str(src, "general.name", &name) && gguf_str_is(name, "a name"));
        assert_memory_equal(w->data, x, sizeof x);
        sumi_status late_st = model_source_fetch(src, late, 0, 1, &err);
        assert_int_equal(late_st, way ? SUMI_EIO : SUMI_OK);
        if (way) assert_non_null(strstr(err.message, "m.gguf: the file was truncated"));
        assert_int_equal(model_source_finish_reading(src, &err), SUMI_EIO);
        assert_non_null(strstr(err.message, "m.gguf: the file was changed"));
        model_source_close(src);
    }
    test_folder_remove(&folder);
}

static void tensors_that_share_bytes_are_not_given_back(void **state)
{
    (void)state;
    enum { N = 10000 };
    static float x[N];
    char path[256];
    model_source *src;
    test_folder folder = test_folder_create();
    for (int i = 0; i < N; i++) x[i] = (float)i;
    snprintf(path, sizeof path, "%s/m.gguf", folder.path);
    gguf_builder b;
    gb_init(&b);
    gb_tensor(&b, "whole", DTYPE_F32, 1, (const uint64_t[]){ N }, x, sizeof x);
    gb_tensor_entry(&b, "part", DTYPE_F32, 1, (const uint64_t[]){ N / 2 }, 0);
    gb_write(&b, path);
    assert_int_equal(gguf_open(&src, path, NULL), SUMI_OK);
    test_fetch_tensors(src);
    model_source_release(src, model_source_find_tensor(src, "part"));
    assert_memory_equal(model_source_find_tensor(src, "whole")->data, x, sizeof x);
    assert_int_equal(model_source_finish_reading(src, NULL), SUMI_OK);
    model_source_close(src);
    test_folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_of_the_head_tells_files_apart),
        cmocka_unit_test(what_becomes_of_the_file_later_changes_nothing),
        cmocka_unit_test(tensors_that_share_bytes_are_not_given_back),
        cmocka_unit_test(scalars_of_every_type_come_back),
        cmocka_unit_test(getters_refuse_other_types_and_missing_keys),
        cmocka_unit_test(string_arrays_give_each_string_at_its_index),
        cmocka_unit_test(numeric_arrays_are_converted_and_saturate),
        cmocka_unit_test(arrays_of_arrays_are_stepped_over),
        cmocka_unit_test(tensors_come_back_with_shape_type_and_bytes),
        cmocka_unit_test(tensors_may_share_their_bytes),
        cmocka_unit_test(version_2_and_a_file_without_anything_are_read),
        cmocka_unit_test(a_file_on_disk_is_read_and_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
