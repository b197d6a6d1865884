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

/* Opens what b describes; *file must be freed after gguf_close(). */
static gguf *open_built(gguf_builder *b, uint8_t **file)
{
    size_t n;
    gguf *g;
    sumi_error err;
    *file = gb_finish(b, &n);
    if (gguf_open_memory(&g, *file, n, "built", &err) != SUMI_OK) fail_msg("%s", err.message);
    return g;
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
    gguf *g = open_built(&b, &file);
    static const struct {
        const char *key;
        int64_t want;
    } ints[] = { { "u8", 200 },         { "i8", -100 },         { "u16", 60000 },    { "i16", -30000 },
                 { "u32", 4000000000 }, { "i32", -2000000000 }, { "i64", INT64_MIN } };
    int64_t v;
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        assert_true(gguf_get_i64(g, ints[i].key, &v));
        assert_true(v == ints[i].want);
    }
    uint64_t u;
    assert_false(gguf_get_i64(g, "u64", &v)); /* does not fit */
    assert_true(gguf_value_u64(g, gguf_find(g, "u64"), &u) && u == UINT64_MAX);
    assert_true(gguf_value_u64(g, gguf_find(g, "u8"), &u) && u == 200);
    assert_false(gguf_value_u64(g, gguf_find(g, "i8"), &u) || gguf_value_u64(g, gguf_find(g, "f32"), &u));
    float f;
    assert_true(gguf_get_f32(g, "f32", &f) && f == 0.25f);
    assert_true(gguf_get_f32(g, "f64", &f) && f == -INFINITY);
    bool flag;
    assert_true(gguf_get_bool(g, "bool", &flag) && flag);
    gguf_str s;
    assert_true(gguf_get_str(g, "str", &s));
    expect_str(s, "caf\xc3\xa9");
    assert_int_equal(gguf_n_keys(g), 12);
    expect_str(gguf_key(g, 4), "u32");
    assert_string_equal(gguf_type_name(gguf_key_type(g, 4)), "u32");
    gguf_close(g);
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
    gguf *g = open_built(&b, &file);
    int64_t i64;
    int32_t i32 = 5;
    float f;
    bool flag;
    gguf_str s;
    gguf_array a;
    assert_false(gguf_get_i64(g, "bool", &i64)); /* bool is not an integer */
    assert_false(gguf_get_i64(g, "f32", &i64));
    assert_false(gguf_get_i64(g, "str", &i64));
    assert_false(gguf_get_i32(g, "big", &i32)); /* an integer that does not fit */
    assert_int_equal(i32, 5);
    assert_false(gguf_get_f32(g, "big", &f));
    assert_false(gguf_get_bool(g, "big", &flag));
    assert_false(gguf_get_str(g, "big", &s));
    assert_false(gguf_get_array(g, "str", &a));
    assert_false(gguf_get_i64(g, "missing", &i64) || gguf_get_f32(g, "missing", &f));
    assert_false(gguf_get_bool(g, "missing", &flag) || gguf_get_str(g, "missing", &s));
    assert_false(gguf_get_array(g, "missing", &a));
    assert_int_equal(gguf_find(g, "missing"), -1);
    assert_int_equal(gguf_find(g, ""), -1);
    gguf_close(g);
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
    gguf *g = open_built(&b, &file);
    gguf_array a;
    assert_true(gguf_get_array(g, "words", &a));
    assert_int_equal(a.type, GGUF_STRING);
    assert_int_equal(a.n, 6);
    for (uint64_t i = 6; i-- > 0;) expect_str(gguf_array_str(g, &a, i), words[i]);
    assert_true(gguf_get_array(g, "none", &a));
    assert_int_equal(a.n, 0);
    gguf_str s;
    assert_true(gguf_get_str(g, "after", &s));
    expect_str(s, "still here");
    gguf_close(g);
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
    gguf *g = open_built(&b, &file);
    gguf_array a;
    assert_true(gguf_get_array(g, "f32", &a));
    assert_true(gguf_array_f32(&a, 0) == 1.5f && gguf_array_f32(&a, 1) == -2.75f && isnan(gguf_array_f32(&a, 2)));
    assert_true(gguf_array_i64(&a, 0) == 1 && gguf_array_i64(&a, 1) == -2 && gguf_array_i64(&a, 2) == 0);
    assert_true(gguf_array_i64(&a, 3) == INT64_MAX && gguf_array_i64(&a, 4) == INT64_MIN);
    assert_true(gguf_get_array(g, "u64", &a));
    assert_true(gguf_array_i64(&a, 0) == 1 && gguf_array_i64(&a, 1) == INT64_MAX);
    assert_true(gguf_array_f64(&a, 1) == 0x1p64 && gguf_array_u64(&a, 1) == UINT64_MAX);
    assert_true(gguf_get_array(g, "i16", &a));
    assert_true(gguf_array_i64(&a, 0) == -5 && gguf_array_f32(&a, 1) == 300);
    assert_true(gguf_get_array(g, "bool", &a));
    assert_true(gguf_array_i64(&a, 0) == 0 && gguf_array_i64(&a, 1) == 1);
    gguf_close(g);
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
    gguf *g = open_built(&b, &file);
    gguf_array a;
    int64_t v;
    assert_int_equal(gguf_key_type(g, gguf_find(g, "nested")), GGUF_ARRAY);
    assert_false(gguf_get_array(g, "nested", &a));
    assert_true(gguf_get_i64(g, "after", &v) && v == 9);
    gguf_close(g);
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
    gguf *g = open_built(&b, &file);
    assert_int_equal(gguf_n_tensors(g), 3);
    assert_int_equal(gguf_alignment(g), 64);
    const gguf_tensor *t = gguf_find_tensor(g, "a.weight");
    assert_ptr_equal(t, gguf_tensor_at(g, 0));
    assert_int_equal(t->n_dims, 2);
    assert_true(t->dims[0] == 4 && t->dims[1] == 3 && t->dims[2] == 1 && t->dims[3] == 1 && t->n_elems == 12);
    assert_int_equal(t->n_bytes, sizeof x);
    assert_memory_equal(t->data, x, sizeof x);
    t = gguf_find_tensor(g, "b.weight");
    assert_string_equal(t->type->name, "Q4_0");
    assert_int_equal(t->n_bytes, sizeof q);
    assert_memory_equal(t->data, q, sizeof q);
    assert_int_equal(((const uint8_t *)t->data - file) % 64, 0);
    t = gguf_find_tensor(g, "scalar");
    assert_true(t->n_dims == 0 && t->n_elems == 1 && t->n_bytes == 4);
    assert_null(gguf_find_tensor(g, "c.weight"));
    assert_null(gguf_find_tensor(g, "a.weigh"));
    gguf_close(g);
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
    gguf *g = open_built(&b, &file);
    assert_ptr_equal(gguf_tensor_at(g, 0)->data, gguf_tensor_at(g, 1)->data);
    gguf_close(g);
    free(file);
}

static void version_2_and_a_file_without_anything_are_read(void **state)
{
    (void)state;
    gguf_builder b;
    uint8_t *file;
    gb_init(&b);
    b.version = 2;
    gguf *g = open_built(&b, &file);
    assert_int_equal(gguf_version(g), 2);
    assert_int_equal(gguf_n_keys(g), 0);
    assert_int_equal(gguf_n_tensors(g), 0);
    assert_int_equal(gguf_alignment(g), 32);
    assert_null(gguf_find_tensor(g, "x"));
    gguf_close(g);
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
    gguf *g;
    sumi_error err;
    assert_int_equal(gguf_open(&g, path, &err), SUMI_OK);
    unlink(path); /* what is open stays */
    assert_string_equal(gguf_name(g), path);
    gguf_fetch_all(g);
    assert_true(*(const float *)gguf_find_tensor(g, "w")->data == 3);
    gguf_close(g);
    gguf_close(NULL);
}

static void the_hash_of_the_head_tells_files_apart(void **state)
{
    (void)state;
    size_t n;
    uint8_t *file = (uint8_t *)test_read_file(test_source_path("tests/golden/tiny/llama-linear.gguf"), &n);
    gguf *g;
    assert_int_equal(gguf_open_memory(&g, file, n, "tiny", NULL), SUMI_OK);
    uint64_t whole = gguf_head_hash(g, (sip_key){ 0, 0 });
    assert_true(gguf_head_hash(g, (sip_key){ 1, 0 }) != whole);
    uint8_t *name = file + (gguf_tensor_at(g, 1)->name.data - (const char *)file);
    *name ^= 1;
    assert_true(gguf_head_hash(g, (sip_key){ 0, 0 }) != whole);
    *name ^= 1;
    assert_true(gguf_head_hash(g, (sip_key){ 0, 0 }) == whole);
    gguf_close(g);
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
        gguf *g;
        gguf_str name;
        gguf_builder b;
        gb_init(&b);
        gb_str(&b, "general.name", "a name");
        gb_tensor(&b, "w", DTYPE_F32, 1, (const uint64_t[]){ N }, x, sizeof x);
        gb_tensor(&b, "late", DTYPE_F32, 1, (const uint64_t[]){ N }, x, sizeof x);
        gb_write(&b, path);
        assert_int_equal(gguf_open(&g, path, &err), SUMI_OK);
        const gguf_tensor *w = gguf_find_tensor(g, "w"), *late = gguf_find_tensor(g, "late");
        assert_int_equal(gguf_fetch(g, w, 0, 1, &err), SUMI_OK);
        if (way == 0) overwrite(path, 0, gguf_file_bytes(g), 'x');
        else assert_int_equal(truncate(path, way == 1 ? (off_t)late->offset + 5000 : 0), 0);
        assert_true(gguf_get_str(g, "general.name", &name) && gguf_str_is(name, "a name"));
        assert_memory_equal(w->data, x, sizeof x);
        sumi_status late_st = gguf_fetch(g, late, 0, 1, &err);
        assert_int_equal(late_st, way ? SUMI_EIO : SUMI_OK);
        if (way) assert_non_null(strstr(err.message, "m.gguf: the file was truncated"));
        assert_int_equal(gguf_finish_reading(g, &err), SUMI_EIO);
        assert_non_null(strstr(err.message, "m.gguf: the file was changed"));
        gguf_close(g);
    }
    test_folder_remove(&folder);
}

static void tensors_that_share_bytes_are_not_given_back(void **state)
{
    (void)state;
    enum { N = 10000 };
    static float x[N];
    char path[256];
    gguf *g;
    test_folder folder = test_folder_create();
    for (int i = 0; i < N; i++) x[i] = (float)i;
    snprintf(path, sizeof path, "%s/m.gguf", folder.path);
    gguf_builder b;
    gb_init(&b);
    gb_tensor(&b, "whole", DTYPE_F32, 1, (const uint64_t[]){ N }, x, sizeof x);
    gb_tensor_entry(&b, "part", DTYPE_F32, 1, (const uint64_t[]){ N / 2 }, 0);
    gb_write(&b, path);
    assert_int_equal(gguf_open(&g, path, NULL), SUMI_OK);
    gguf_fetch_all(g);
    gguf_release(g, gguf_find_tensor(g, "part"));
    assert_memory_equal(gguf_find_tensor(g, "whole")->data, x, sizeof x);
    assert_int_equal(gguf_finish_reading(g, NULL), SUMI_OK);
    gguf_close(g);
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
