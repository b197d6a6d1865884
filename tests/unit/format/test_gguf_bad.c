/* test_gguf_bad.c - files that are wrong in one way each, cut at every byte, or changed in every bit.
 *
 * A refused file gives one line that begins with its name and says what and where; nothing is leaked or read outside
 * the bytes given (the asan preset runs this too). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/gguf.h"
#include "gguf_builder.h"
#include "test_support.h"

/* A copy that ends where its memory ends. */
static uint8_t *exact_copy(const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n) memcpy(copy, data, n);
    return copy;
}

static void expect_one_line(const char *message, const char *name)
{
    if (strncmp(message, name, strlen(name)) != 0 || strncmp(message + strlen(name), ": ", 2) != 0)
        fail_msg("'%s' does not begin with '%s: '", message, name);
    assert_null(strchr(message, '\n'));
}

/* A value of one kind of wrongness: adds it to a file that also has a good key and a good tensor. */
typedef struct bad_case {
    const char *what;
    void (*make)(gguf_builder *b);
    sumi_status status;
    const char *message; /* part of the line */
} bad_case;

static const uint64_t dims_64[] = { 64 };
static uint8_t zeros[4096];

/* clang-format off */
static void no_change(gguf_builder *b) { (void)b; }
static void version_1(gguf_builder *b) { b->version = 1; }
static void version_4(gguf_builder *b) { b->version = 4; }
static void big_endian(gguf_builder *b) { b->version = 3u << 24; }
static void many_keys(gguf_builder *b) { b->n_kv = 50; }
static void too_many_keys(gguf_builder *b) { b->n_kv = UINT64_MAX; }
static void many_tensors(gguf_builder *b) { b->n_tensors = 50; }
static void too_many_tensors(gguf_builder *b) { b->n_tensors = (uint64_t)1 << 40; }
static void keys_without_room(gguf_builder *b) { b->n_kv = 60000; }
static void tensors_without_room(gguf_builder *b) { b->n_tensors = 200000; }
static void duplicate_key(gguf_builder *b) { gb_u32(b, "good", 2); }
static void empty_key(gguf_builder *b) { gb_u32(b, "", 2); }
static void unknown_type(gguf_builder *b) { gb_raw(b, "k", 13, zeros, 64); }
static void huge_type(gguf_builder *b) { gb_raw(b, "k", UINT32_MAX, zeros, 64); }
static void bool_of_2(gguf_builder *b) { gb_raw(b, "k", GGUF_BOOL, "\2", 1); }
static void bool_array_of_3(gguf_builder *b) { gb_array(b, "k", GGUF_BOOL, "\1\3", 2, 2); }
static void control_characters(gguf_builder *b) { gb_raw(b, "\x1b[31m\n", 77, zeros, 64); }
/* clang-format on */

static void long_key(gguf_builder *b)
{
    static char key[70000];
    memset(key, 'k', sizeof key - 1);
    gb_u32(b, key, 1);
}

static void put_kv_with_length(gguf_builder *b, uint64_t n_key, uint32_t type, uint64_t n_value)
{
    gb_put_u64(&b->meta, n_key);
    buf_append_str(&b->meta, "k");
    gb_put_u32(&b->meta, type);
    gb_put_u64(&b->meta, n_value);
    b->n_kv++;
}

/* clang-format off */
static void key_beyond_the_end(gguf_builder *b) { put_kv_with_length(b, 60000, GGUF_STRING, 0); }
static void string_beyond_the_end(gguf_builder *b) { put_kv_with_length(b, 1, GGUF_STRING, 100000); }
static void string_of_all_bytes(gguf_builder *b) { put_kv_with_length(b, 1, GGUF_STRING, UINT64_MAX); }
/* clang-format on */

static void array_with(gguf_builder *b, uint32_t elem, uint64_t n)
{
    gb_raw(b, "k", GGUF_ARRAY, "", 0);
    gb_put_u32(&b->meta, elem);
    gb_put_u64(&b->meta, n);
}

/* clang-format off */
static void array_of_unknown(gguf_builder *b) { array_with(b, 99, 1); }
static void array_beyond_the_end(gguf_builder *b) { array_with(b, GGUF_U8, 100000); }
static void array_that_overflows(gguf_builder *b) { array_with(b, GGUF_U64, (UINT64_MAX >> 3) + 2); }
static void strings_beyond_the_end(gguf_builder *b) { array_with(b, GGUF_STRING, UINT64_MAX); }
static void nested_beyond_the_end(gguf_builder *b) { array_with(b, GGUF_ARRAY, UINT64_MAX / 2); }
/* clang-format on */

static void string_in_array_beyond_the_end(gguf_builder *b)
{
    array_with(b, GGUF_STRING, 2);
    gb_put_str(&b->meta, "ok");
    gb_put_u64(&b->meta, UINT64_MAX - 4);
}

static void arrays_too_deep(gguf_builder *b)
{
    array_with(b, GGUF_ARRAY, 1);
    for (int depth = 0; depth < 1000; depth++) {
        gb_put_u32(&b->meta, GGUF_ARRAY);
        gb_put_u64(&b->meta, 1);
    }
}

/* clang-format off */
static void alignment_of(gguf_builder *b, uint32_t a) { gb_u32(b, "general.alignment", a); }
static void alignment_0(gguf_builder *b) { alignment_of(b, 0); }
static void alignment_4(gguf_builder *b) { alignment_of(b, 4); }
static void alignment_24(gguf_builder *b) { alignment_of(b, 24); }
static void alignment_huge(gguf_builder *b) { alignment_of(b, 1u << 31); }
static void alignment_string(gguf_builder *b) { gb_str(b, "general.alignment", "32"); }
/* clang-format on */

static void entry(gguf_builder *b, uint32_t type, uint32_t n_dims, const uint64_t *dims, uint64_t offset)
{
    gb_tensor_entry(b, "t", type, n_dims, dims, offset);
}

/* clang-format off */
static void five_dims(gguf_builder *b) { entry(b, DTYPE_F32, 5, (uint64_t[]){ 1, 1, 1, 1, 1 }, 0); }
static void dim_of_0(gguf_builder *b) { entry(b, DTYPE_F32, 2, (uint64_t[]){ 4, 0 }, 0); }
static void dim_of_2_63(gguf_builder *b) { entry(b, DTYPE_F32, 1, (uint64_t[]){ UINT64_C(1) << 63 }, 0); }
static void elems_overflow(gguf_builder *b) { entry(b, DTYPE_F32, 2, (uint64_t[]){ 1u << 31, UINT64_C(1) << 32 }, 0); }
static void elems_wrap_to_0(gguf_builder *b)
{
    entry(b, DTYPE_F32, 4, (uint64_t[]){ 1 << 16, 1 << 16, 1 << 16, 1 << 16 }, 0);
}
static void bytes_overflow(gguf_builder *b) { entry(b, DTYPE_F64, 1, (uint64_t[]){ INT64_MAX }, 0); }
static void half_a_block(gguf_builder *b) { entry(b, DTYPE_Q4_0, 2, (uint64_t[]){ 48, 2 }, 0); }
static void half_a_super_block(gguf_builder *b) { entry(b, DTYPE_Q4_K, 2, (uint64_t[]){ 128, 2 }, 0); }
static void scalar_of_blocks(gguf_builder *b) { entry(b, DTYPE_Q8_0, 0, NULL, 0); }
static void type_without_decoder(gguf_builder *b) { entry(b, 16, 1, (uint64_t[]){ 256 }, 0); }
static void type_of_nobody(gguf_builder *b) { entry(b, 1000, 1, dims_64, 0); }
static void odd_offset(gguf_builder *b) { entry(b, DTYPE_F32, 1, (uint64_t[]){ 4 }, 8); }
static void offset_beyond_the_end(gguf_builder *b) { entry(b, DTYPE_F32, 1, (uint64_t[]){ 4 }, 1 << 20); }
static void offset_that_overflows(gguf_builder *b) { entry(b, DTYPE_F32, 1, (uint64_t[]){ 4 }, -(uint64_t)32); }
static void tensor_beyond_the_end(gguf_builder *b) { entry(b, DTYPE_F32, 1, (uint64_t[]){ 1000 }, 0); }
static void duplicate_tensor(gguf_builder *b) { gb_tensor(b, "w", DTYPE_F32, 1, dims_64, zeros, 256); }
static void empty_tensor_name(gguf_builder *b) { gb_tensor(b, "", DTYPE_F32, 1, dims_64, zeros, 256); }

static const bad_case cases[] = {
    { "version 1", version_1, SUMI_EUNSUPPORTED, "GGUF version 1 is not known" },
    { "version 4", version_4, SUMI_EUNSUPPORTED, "GGUF version 4 is not known" },
    { "big-endian", big_endian, SUMI_EUNSUPPORTED, "big-endian" },
    { "n_kv too high", many_keys, SUMI_EFORMAT, "key" },
    { "n_kv of 2^64 - 1", too_many_keys, SUMI_ELIMIT, "byte 16: 18446744073709551615 metadata keys" },
    { "n_tensors too high", many_tensors, SUMI_EFORMAT, "tensor" },
    { "n_tensors of 2^40", too_many_tensors, SUMI_ELIMIT, "byte 8: 1099511627776 tensors" },
    { "n_kv that no file of this size holds", keys_without_room, SUMI_EFORMAT, "60000 metadata keys do not fit" },
    { "n_tensors that no file of this size holds", tensors_without_room, SUMI_EFORMAT, "200000 tensors do not fit" },
    { "duplicate key", duplicate_key, SUMI_EFORMAT, "key 'good' at byte 44: the key occurs twice" },
    { "empty key", empty_key, SUMI_EFORMAT, "metadata key 1 at byte 44: empty name" },
    { "long key", long_key, SUMI_EFORMAT, "name of 69999 bytes" },
    { "key beyond the end", key_beyond_the_end, SUMI_EFORMAT, "metadata key 1 at byte 44: the file ends inside a name" },
    { "unknown value type", unknown_type, SUMI_EFORMAT, "key 'k' at byte 44: value type 13 is not known" },
    { "value type of 2^32 - 1", huge_type, SUMI_EFORMAT, "value type 4294967295 is not known" },
    { "bool of 2", bool_of_2, SUMI_EFORMAT, "bool of value 2" },
    { "bool array", bool_array_of_3, SUMI_EFORMAT, "bool of value 3" },
    { "control characters in a key", control_characters, SUMI_EFORMAT, "key '?[31m?'" },
    { "string beyond the end", string_beyond_the_end, SUMI_EFORMAT, "string of 100000 bytes goes beyond" },
    { "string of 2^64 - 1 bytes", string_of_all_bytes, SUMI_EFORMAT, "string of 18446744073709551615 bytes" },
    { "array of unknown type", array_of_unknown, SUMI_EFORMAT, "value type 99" },
    { "array beyond the end", array_beyond_the_end, SUMI_EFORMAT, "array of 100000 elements goes beyond" },
    { "array whose size overflows", array_that_overflows, SUMI_EFORMAT, "goes beyond the end" },
    { "array of 2^64 - 1 strings", strings_beyond_the_end, SUMI_EFORMAT, "goes beyond the end" },
    { "array of 2^63 arrays", nested_beyond_the_end, SUMI_EFORMAT, "goes beyond the end" },
    { "long string in an array", string_in_array_beyond_the_end, SUMI_EFORMAT, "string 1 goes beyond the end" },
    { "arrays nested 1000 deep", arrays_too_deep, SUMI_ELIMIT, "nested more than 4 deep" },
    { "alignment 0", alignment_0, SUMI_EFORMAT, "'general.alignment' is 0, not a power of two from 8" },
    { "alignment 4", alignment_4, SUMI_EFORMAT, "'general.alignment' is 4" },
    { "alignment 24", alignment_24, SUMI_EFORMAT, "'general.alignment' is 24" },
    { "alignment 2^31", alignment_huge, SUMI_EFORMAT, "'general.alignment' is 2147483648" },
    { "alignment is text", alignment_string, SUMI_EFORMAT, "'general.alignment' is a string" },
    { "five dimensions", five_dims, SUMI_EFORMAT, "tensor 't' at byte 77: 5 dimensions (at most 4)" },
    { "a dimension of 0", dim_of_0, SUMI_EFORMAT, "dimension 1 is 0" },
    { "a dimension of 2^63", dim_of_2_63, SUMI_EFORMAT, "dimension 0 is 9223372036854775808" },
    { "2^63 elements", elems_overflow, SUMI_EFORMAT, "product of its dimensions overflows" },
    { "2^64 elements", elems_wrap_to_0, SUMI_EFORMAT, "product of its dimensions overflows" },
    { "2^66 bytes", bytes_overflow, SUMI_EFORMAT, "size in bytes overflows" },
    { "half a block", half_a_block, SUMI_EFORMAT, "rows of 48 elements are not whole Q4_0 blocks of 32" },
    { "half a super-block", half_a_super_block, SUMI_EFORMAT, "not whole Q4_K blocks of 256" },
    { "one element of a block type", scalar_of_blocks, SUMI_EFORMAT, "rows of 1 elements" },
    { "a type that is not decoded", type_without_decoder, SUMI_EUNSUPPORTED, "tensor type IQ2_XXS (16)" },
    { "a type that nobody knows", type_of_nobody, SUMI_EUNSUPPORTED, "tensor type 1000 is not known" },
    { "offset off the alignment", odd_offset, SUMI_EFORMAT, "offset 8 is not a multiple of the alignment 32" },
    { "offset beyond the end", offset_beyond_the_end, SUMI_EFORMAT, "beyond the end of the file" },
    { "offset that overflows", offset_that_overflows, SUMI_EFORMAT, "beyond the end of the file" },
    { "tensor beyond the end", tensor_beyond_the_end, SUMI_EFORMAT, "tensor 't': 4000 bytes at offset 0" },
    { "duplicate tensor", duplicate_tensor, SUMI_EFORMAT, "tensor 'w' at byte 77: the name occurs twice" },
    { "empty tensor name", empty_tensor_name, SUMI_EFORMAT, "tensor 1 at byte 77: empty name" },
};
/* clang-format on */

/* One good key (20 bytes) and one good tensor (33 bytes), then what make() adds. */
static uint8_t *build(void (*make)(gguf_builder *b), size_t *n)
{
    gguf_builder b;
    gb_init(&b);
    gb_u32(&b, "good", 1);
    gb_tensor(&b, "w", DTYPE_F32, 1, dims_64, zeros, 256);
    make(&b);
    return gb_finish(&b, n);
}

static void each_bad_file_is_refused_with_what_and_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n;
        model_source *src = (model_source *)1;
        sumi_error err;
        uint8_t *built = build(cases[i].make, &n), *file = exact_copy(built, n);
        sumi_status st = gguf_open_memory(&src, file, n, "bad.gguf", &err);
        if (st != cases[i].status) fail_msg("%s: status %d, %s", cases[i].what, st, st ? err.message : "accepted");
        assert_int_equal(err.status, st);
        expect_one_line(err.message, "bad.gguf");
        if (!strstr(err.message, cases[i].message)) fail_msg("%s: message '%s'", cases[i].what, err.message);
        assert_null(src);
        assert_int_equal(gguf_open_memory(&src, file, n, "bad.gguf", NULL), st); /* err may be NULL */
        free(built);
        free(file);
    }
    size_t n;
    model_source *src;
    uint8_t *file = build(no_change, &n); /* what the cases change is good itself */
    assert_int_equal(gguf_open_memory(&src, file, n, "good", NULL), SUMI_OK);
    model_source_close(src);
    free(file);
}

/* Everything that the format has, in about 800 bytes. */
static uint8_t *build_rich(size_t *n)
{
    gguf_builder b;
    static const char *const words[] = { "a", "", "abc" };
    gb_init(&b);
    gb_u32(&b, "general.alignment", 32);
    gb_str(&b, "general.name", "rich");
    gb_bool(&b, "flag", true);
    gb_raw(&b, "f64", GGUF_F64, &(double){ 2 }, 8);
    gb_str_array(&b, "words", words, 3);
    gb_array(&b, "scores", GGUF_F32, zeros, 3, 12);
    gb_array(&b, "bools", GGUF_BOOL, "\0\1", 2, 2);
    gb_raw(&b, "nested", GGUF_ARRAY, "\x09\0\0\0\1\0\0\0\0\0\0\0\x04\0\0\0\1\0\0\0\0\0\0\0....", 28);
    gb_tensor(&b, "f32", DTYPE_F32, 2, (uint64_t[]){ 3, 2 }, zeros, 24);
    gb_tensor(&b, "q4", DTYPE_Q4_0, 1, (uint64_t[]){ 32 }, zeros, 18);
    return gb_finish(&b, n);
}

static void a_file_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    size_t n;
    uint8_t *file = build_rich(&n);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *part = exact_copy(file, cut);
        model_source *src;
        sumi_error err;
        sumi_status st = gguf_open_memory(&src, part, cut, "cut.gguf", &err);
        if (st != SUMI_EFORMAT) fail_msg("cut to %zu of %zu bytes: status %d", cut, n, st);
        expect_one_line(err.message, "cut.gguf");
        free(part);
    }
    free(file);
}

static void a_file_with_any_bit_flipped_does_no_harm(void **state)
{
    (void)state;
    size_t n, n_accepted = 0;
    uint8_t *file = build_rich(&n);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        uint8_t *changed = exact_copy(file, n);
        changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        model_source *src;
        sumi_error err;
        if (gguf_open_memory(&src, changed, n, "flipped.gguf", &err) == SUMI_OK) {
            n_accepted++;
            test_touch_source(src, 1000);
            model_source_close(src);
        } else {
            expect_one_line(err.message, "flipped.gguf");
        }
        free(changed);
    }
    free(file);
    assert_in_range(n_accepted, 1, 8 * n - 1); /* names and data may change; structure may not */
}

static void bytes_overwritten_at_random_do_no_harm(void **state)
{
    (void)state;
    size_t n;
    uint8_t *file = build_rich(&n);
    test_rng r = test_rng_init(11);
    static const uint8_t likely[] = { 0, 1, 2, 7, 8, 9, 13, 0x20, 0x7f, 0x80, 0xff };
    for (int round = 0; round < 20000; round++) {
        uint8_t *changed = exact_copy(file, n);
        for (int k = test_rng_range(&r, 1, 6); k > 0; k--)
            changed[test_rng_range(&r, 0, (int32_t)n - 1)] = likely[test_rng_range(&r, 0, sizeof likely - 1)];
        model_source *src;
        if (gguf_open_memory(&src, changed, n, "random.gguf", NULL) == SUMI_OK) {
            test_touch_source(src, 1000);
            model_source_close(src);
        }
        free(changed);
    }
    free(file);
}

static void many_keys_and_long_arrays_take_linear_time(void **state)
{
    (void)state;
    gguf_builder b;
    gb_init(&b);
    char key[32];
    for (int i = 0; i < GGUF_MAX_KEYS - 1; i++) {
        snprintf(key, sizeof key, "%d", i);
        gb_bool(&b, key, true);
    }
    array_with(&b, GGUF_STRING, 1000000);
    for (int i = 0; i < 1000000; i++) gb_put_u64(&b.meta, 0);
    size_t n;
    model_source *src;
    uint8_t *file = gb_finish(&b, &n);
    assert_int_equal(gguf_open_memory(&src, file, n, "long.gguf", NULL), SUMI_OK);
    bool v = false;
    assert_true(model_source_get_bool(src, "65534", &v) && v);
    gguf_array a;
    assert_true(model_source_get_array(src, "k", &a) && model_source_array_str(src, &a, 999999).n == 0);
    model_source_close(src);
    free(file);
}

static void what_is_no_file_is_an_input_error(void **state)
{
    (void)state;
    model_source *src;
    sumi_error err;
    assert_int_equal(gguf_open(&src, "/nowhere/model.gguf", &err), SUMI_EIO);
    assert_string_equal(err.message, "/nowhere/model.gguf: No such file or directory");
    assert_int_equal(gguf_open(&src, "/tmp", &err), SUMI_EIO);
    assert_string_equal(err.message, "/tmp: is a folder");
    assert_int_equal(gguf_open(&src, "/dev/zero", &err), SUMI_EIO);
    char path[] = "/tmp/sumi-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(gguf_open(&src, path, &err), SUMI_EFORMAT);
    assert_non_null(strstr(err.message, ": the file is empty"));
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not wait for a writer */
    assert_int_equal(gguf_open(&src, path, &err), SUMI_EIO);
    unlink(path);
    assert_null(src);
}

static void a_long_path_leaves_room_for_the_message(void **state)
{
    (void)state;
    char name[2001];
    memset(name, 'x', sizeof name - 1);
    name[2000] = '\0';
    model_source *src;
    sumi_error err;
    assert_int_equal(gguf_open_memory(&src, "GGML....", 8, name, &err), SUMI_EFORMAT);
    assert_non_null(strstr(err.message, "not a GGUF file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bad_file_is_refused_with_what_and_where),
        cmocka_unit_test(a_file_cut_at_any_byte_is_refused),
        cmocka_unit_test(a_file_with_any_bit_flipped_does_no_harm),
        cmocka_unit_test(bytes_overwritten_at_random_do_no_harm),
        cmocka_unit_test(many_keys_and_long_arrays_take_linear_time),
        cmocka_unit_test(what_is_no_file_is_an_input_error),
        cmocka_unit_test(a_long_path_leaves_room_for_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
