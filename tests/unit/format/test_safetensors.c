/* test_safetensors.c - safetensors.c: good files, one bad file of each kind, every truncation. */
#include "format/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test_support.h"

/* A file with this header, n_data bytes 0, 1, 2, ... behind it; the caller frees it. */
static uint8_t *build(const char *header, size_t n_data, size_t *n_bytes)
{
    size_t n = strlen(header);
    uint8_t *file = malloc(8 + n + n_data);
    assert_non_null(file);
    for (int i = 0; i < 8; i++) file[i] = (uint8_t)((uint64_t)n >> (8 * i));
    memcpy(file + 8, header, n);
    for (size_t i = 0; i < n_data; i++) file[8 + n + i] = (uint8_t)i;
    *n_bytes = 8 + n + n_data;
    return file;
}

static void tensors_have_types_shapes_and_bytes(void **state)
{
    (void)state;
    size_t n;
    safetensors *s;
    uint8_t *file = build("{\"__metadata__\":{\"format\":\"pt\"},"
                          "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[12,16]},"
                          "\"a\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,12]},"
                          "\"none\":{\"dtype\":\"I64\",\"shape\":[0,7],\"data_offsets\":[12,12]}}  ",
                          16, &n);
    assert_int_equal(st_open_memory(&s, file, n, "x", NULL), SUMI_OK);
    assert_int_equal(st_n_tensors(s), 3);
    const st_tensor *a = st_tensor_at(s, 0), *none = st_tensor_at(s, 1), *b = st_tensor_at(s, 2);
    assert_string_equal(a->name, "a");
    assert_int_equal(st_type_dtype(a->type)->type, DTYPE_BF16);
    assert_int_equal(a->n_dims, 2);
    assert_true(a->dims[0] == 2 && a->dims[1] == 3 && a->dims[2] == 1);
    assert_int_equal(((const uint8_t *)a->data)[11], 11);
    assert_int_equal(a->offset, n - 16);
    assert_string_equal(none->name, "none");
    assert_null(st_type_dtype(none->type));
    assert_int_equal(b->n_elems, 1);
    assert_int_equal(((const uint8_t *)b->data)[0], 12);
    st_close(s);
    free(file);
}

static const struct {
    const char *header;
    size_t n_data;
    sumi_status status;
    const char *message;
} bad[] = {
    { "[]", 0, SUMI_EFORMAT, "not a JSON object" },
    { "{", 0, SUMI_EFORMAT, "header at byte" },
    { "{\"a\":1}", 0, SUMI_EFORMAT, "\"dtype\" is missing" },
    { "{\"a\":{\"dtype\":\"Q4\",\"shape\":[],\"data_offsets\":[0,0]}}", 0, SUMI_EUNSUPPORTED, "element type 'Q4'" },
    { "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, SUMI_EFORMAT, "\"shape\" is missing" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, SUMI_EFORMAT,
      "dimension 0 is not a whole number" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, SUMI_EFORMAT,
      "dimension 0 is not a whole number" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, SUMI_ELIMIT,
      "9 dimensions" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,4]}}", 4, SUMI_EFORMAT,
      "overflows 63 bits" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,4]}}", 4, SUMI_EFORMAT,
      "overflows 64 bits" },
    { "{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2, SUMI_EFORMAT, "whole number of bytes" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, SUMI_EFORMAT, "\"data_offsets\" is not an array" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 4, SUMI_EFORMAT,
      "not inside the data section" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, SUMI_EFORMAT,
      "not inside the data section" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, SUMI_EFORMAT,
      "not inside the data section" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, SUMI_EFORMAT, "its shape needs 8" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],"
      "\"data_offsets\":[2,4]}}",
      4, SUMI_EFORMAT, "inside the data of another tensor" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],"
      "\"data_offsets\":[2,4]}}",
      4, SUMI_EFORMAT, "after bytes that belong to no tensor" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}", 4, SUMI_EFORMAT, "1 bytes at its end" },
    { "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},\"a\":{\"dtype\":\"U8\",\"shape\":[3],"
      "\"data_offsets\":[0,3]}}",
      3, SUMI_EFORMAT, "duplicate" },
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t n;
        safetensors *s;
        sumi_error err;
        uint8_t *file = build(bad[i].header, bad[i].n_data, &n);
        assert_int_equal(st_open_memory(&s, file, n, "bad.safetensors", &err), bad[i].status);
        assert_null(s);
        if (strncmp(err.message, "bad.safetensors: ", 17) || !strstr(err.message, bad[i].message))
            fail_msg("'%s' does not say '%s'", err.message, bad[i].message);
        free(file);
    }
}

static void a_file_that_is_cut_off_is_refused_wherever_it_ends(void **state)
{
    (void)state;
    size_t n;
    uint8_t *file = build("{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", 16, &n);
    for (size_t cut = 0; cut < n; cut++) {
        safetensors *s;
        uint8_t *part = malloc(cut ? cut : 1); /* exactly so much, for the sanitizer */
        memcpy(part, file, cut);
        assert_int_equal(st_open_memory(&s, part, cut, "cut", NULL), SUMI_EFORMAT);
        free(part);
    }
    free(file);
}

static void a_header_above_the_limit_is_refused(void **state)
{
    (void)state;
    safetensors *s;
    sumi_error err;
    size_t n = (size_t)ST_MAX_HEADER + 9;
    uint8_t *file = calloc(1, n);
    uint32_t length = ST_MAX_HEADER + 1;
    memcpy(file, &length, 4);
    assert_int_equal(st_open_memory(&s, file, n, "large", &err), SUMI_ELIMIT);
    free(file);
    assert_int_equal(st_open(&s, "/nowhere/model.safetensors", &err), SUMI_EIO);
    assert_non_null(strstr(err.message, "No such file"));
}

static void pickles_are_known_by_their_names(void **state)
{
    (void)state;
    static const char *const pickles[] = { "pytorch_model.bin", "a.b/x.pt", "x.pth", "x.pkl", "X.CKPT" };
    static const char *const others[] = { "x.safetensors", "bin", "x.bin.index.json", "x.bin/config", "" };
    for (size_t i = 0; i < sizeof pickles / sizeof *pickles; i++) assert_true(st_is_pickle(pickles[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_false(st_is_pickle(others[i]));
}

/* ---- Tensors that are fetched and given back -------------------------------------------------------------------- */

enum { N_PIECES = 2000, PIECE_BYTES = 8200 }; /* tensors that begin and end inside pages */

static char pieces_path[] = "/tmp/sumi-safetensors-XXXXXX";

/* A file of such tensors, each filled with its number. */
static int write_pieces(void **state)
{
    uint8_t piece[PIECE_BYTES];
    char *header;
    size_t n_header;
    FILE *text = open_memstream(&header, &n_header), *f = fdopen(mkstemp(pieces_path), "wb");
    (void)state;
    if (!text || !f) return -1;
    for (int i = 0; i < N_PIECES; i++)
        fprintf(text, "%c\"t%04d\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[%d,%d]}", i ? ',' : '{', i,
                PIECE_BYTES, i * PIECE_BYTES, (i + 1) * PIECE_BYTES);
    fputc('}', text);
    fclose(text);
    for (int i = 0; i < 8; i++) fputc((int)((uint64_t)n_header >> (8 * i) & 0xFF), f);
    fwrite(header, 1, n_header, f);
    for (int i = 0; i < N_PIECES; i++) {
        memset(piece, i, sizeof piece);
        fwrite(piece, 1, sizeof piece, f);
    }
    free(header);
    return fclose(f);
}

static int remove_pieces(void **state)
{
    (void)state;
    return unlink(pieces_path);
}

static void fetch_and_check(safetensors *s, int64_t i)
{
    const st_tensor *t = st_tensor_at(s, i);
    assert_int_equal(st_fetch(s, t, NULL), SUMI_OK);
    for (int k = 0; k < PIECE_BYTES; k += PIECE_BYTES - 1) assert_int_equal(((const uint8_t *)t->data)[k], (uint8_t)i);
}

static int count_maps(void)
{
    FILE *f = fopen("/proc/self/maps", "r");
    int n = 0, c;
    assert_non_null(f);
    while ((c = getc(f)) != EOF) n += c == '\n';
    fclose(f);
    return n;
}

/* Linux allows 65,530 maps, and mixtures of experts have tens of thousands of tensors. */
static void what_is_given_back_leaves_no_maps_behind(void **state)
{
    safetensors *s;
    sumi_error err;
    (void)state;
    if (st_open(&s, pieces_path, &err) != SUMI_OK) fail_msg("%s", err.message);
    int before = count_maps();
    for (int64_t i = 0; i < N_PIECES; i++) {
        fetch_and_check(s, i);
        st_release(s, st_tensor_at(s, i));
    }
    assert_in_range(count_maps(), 0, before + 8);
    st_close(s);
}

static void giving_one_back_leaves_its_neighbours(void **state)
{
    static const int64_t order[] = { 5, 3, 4, 7, 6 };
    safetensors *s;
    (void)state;
    assert_int_equal(st_open(&s, pieces_path, NULL), SUMI_OK);
    for (int i = 0; i < 5; i++) fetch_and_check(s, order[i]);
    for (int i = 0; i < 4; i++) {
        st_release(s, st_tensor_at(s, order[i]));
        for (int k = i + 1; k < 5; k++) fetch_and_check(s, order[k]);
    }
    fetch_and_check(s, 4);
    assert_int_equal(st_finish_reading(s, NULL), SUMI_OK);
    fetch_and_check(s, 6); /* it is still there */
    st_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_have_types_shapes_and_bytes),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_file_that_is_cut_off_is_refused_wherever_it_ends),
        cmocka_unit_test(a_header_above_the_limit_is_refused),
        cmocka_unit_test(pickles_are_known_by_their_names),
        cmocka_unit_test(what_is_given_back_leaves_no_maps_behind),
        cmocka_unit_test(giving_one_back_leaves_its_neighbours),
    };
    return cmocka_run_group_tests(tests, write_pieces, remove_pieces);
}
