/* test_convert.c - convert.c: what is in the result, and that there is none after a failure. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/gguf.h"
#include "gguf_builder.h"
#include "hf_folder.h"
#include "quant/quant.h"
#include "test_support.h"

static const char *out_path(const test_folder *f)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/out.gguf", f->path);
    return path;
}

static void convert(const char *model, const char *out, const sumi_convert_opts *opts)
{
    sumi_error err;
    if (sumi_convert(model, out, opts, &err) != SUMI_OK) fail_msg("%s", err.message);
}

static model_source *open_file(const char *path)
{
    model_source *src;
    sumi_error err;
    if (gguf_open(&src, path, &err) != SUMI_OK) fail_msg("%s", err.message);
    test_fetch_tensors(src);
    return src;
}

/* Files in the folder but for "." and "..". */
static int count_files(const test_folder *f)
{
    int n = 0;
    DIR *dir = opendir(f->path);
    for (struct dirent *e; (e = readdir(dir));) n += *e->d_name != '.';
    closedir(dir);
    return n;
}

/* A model of one matrix [3][256] and one norm. */
static void write_source(const char *path, float scale, float last)
{
    static float matrix[3 * 256], norm[256];
    gguf_builder b;
    for (int i = 0; i < 3 * 256; i++) matrix[i] = scale * sinf((float)i * 0.7f);
    for (int i = 0; i < 256; i++) norm[i] = 1 + 0.001f * (float)i;
    matrix[3 * 256 - 1] = last;
    gb_init(&b);
    gb_str(&b, "general.architecture", "llama");
    gb_u32(&b, "llama.block_count", 1);
    gb_u32(&b, "general.file_type", 0);
    gb_u32(&b, "split.count", 0);
    gb_tensor(&b, "blk.0.ffn_up.weight", DTYPE_F32, 2, (uint64_t[]){ 256, 3 }, matrix, sizeof matrix);
    gb_tensor(&b, "output_norm.weight", DTYPE_F32, 1, (uint64_t[]){ 256 }, norm, sizeof norm);
    gb_write(&b, path);
}

static void every_type_is_as_close_as_its_encoder(void **state)
{
    (void)state;
    const char *name;
    char source[128];
    test_folder f = test_folder_create();
    snprintf(source, sizeof source, "%s/in.gguf", f.path);
    write_source(source, 1, 0.5f);
    model_source *in = open_file(source);
    const float *x = model_source_find_tensor(in, "blk.0.ffn_up.weight")->data;
    for (int32_t i = 0; (name = sumi_convert_type(i, NULL)); i++) {
        sumi_convert_opts opts = { .size = sizeof opts, .type = name, .overwrite = true, .n_threads = 2 };
        convert(source, out_path(&f), &opts);
        model_source *src = open_file(out_path(&f));
        const source_tensor *t = model_source_find_tensor(src, "blk.0.ffn_up.weight"),
                            *n = model_source_find_tensor(src, "output_norm.weight");
        assert_true(t && n && t->dims[0] == 256 && t->dims[1] == 3);
        uint8_t encoded[3 * 256 * 4];
        quant_find(t->type->type)->encode(x, encoded, 3 * 256);
        assert_memory_equal(t->data, encoded, t->n_bytes);
        assert_int_equal(n->type->type, DTYPE_F32);
        assert_memory_equal(n->data, model_source_find_tensor(in, "output_norm.weight")->data, n->n_bytes);
        int64_t version = 0;
        assert_true(model_source_get_i64(src, "general.quantization_version", &version) == (t->type->block_elems > 1));
        assert_int_equal(model_source_find_key(src, "split.count"), -1);
        assert_int_equal((uintptr_t)t->offset % 32, 0);
        model_source_close(src);
    }
    model_source_close(in);
    test_folder_remove(&f);
}

static void a_folder_becomes_a_file_with_the_same_keys_and_tensors_with_any_number_of_threads(void **state)
{
    (void)state;
    size_t n[2];
    char *bytes[2];
    test_folder folder = test_hf_folder("qwen2-tied"), f = test_folder_create();
    for (int i = 0; i < 2; i++) {
        sumi_convert_opts opts = {
            .size = sizeof opts, .type = "Q8_0", .n_threads = i == 0 ? 1 : 5, .overwrite = i > 0
        };
        convert(folder.path, out_path(&f), &opts);
        bytes[i] = test_read_file(out_path(&f), &n[i]);
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
    model_source *src = open_file(out_path(&f));
    int64_t value;
    gguf_str text;
    gguf_array tokens;
    assert_true(model_source_get_i64(src, "qwen2.block_count", &value) && value == 2);
    assert_true(model_source_get_i64(src, "general.file_type", &value) && value == 7);
    assert_true(model_source_get_str(src, "tokenizer.ggml.model", &text) && text.n == 4 &&
                !memcmp(text.data, "gpt2", 4));
    assert_true(model_source_get_array(src, "tokenizer.ggml.tokens", &tokens) && tokens.n == 288);
    assert_int_equal(model_source_find_tensor(src, "blk.0.attn_q.weight")->type->type, DTYPE_Q8_0);
    assert_int_equal(model_source_find_tensor(src, "blk.0.attn_q.bias")->type->type, DTYPE_F32);
    model_source_close(src);
    free(bytes[0]);
    free(bytes[1]);
    test_folder_remove(&f);
    test_folder_remove(&folder);
}

static void a_file_that_is_there_stays_unless_it_may_be_overwritten(void **state)
{
    (void)state;
    size_t n;
    sumi_error err;
    char source[128];
    test_folder f = test_folder_create();
    snprintf(source, sizeof source, "%s/in.gguf", f.path);
    write_source(source, 1, 0.5f);
    test_folder_write(&f, "out.gguf", "mine", 4);
    assert_int_equal(sumi_convert(source, out_path(&f), NULL, &err), SUMI_EIO);
    assert_non_null(strstr(err.message, "the file exists"));
    char *bytes = test_read_file(out_path(&f), &n);
    assert_true(n == 4 && !memcmp(bytes, "mine", 4));
    free(bytes);
    assert_int_equal(count_files(&f), 2);
    convert(source, source,
            &(sumi_convert_opts){
                .size = sizeof(sumi_convert_opts), .type = "Q4_0", .overwrite = true }); /* onto itself */
    model_source *src = open_file(source);
    assert_int_equal(model_source_find_tensor(src, "blk.0.ffn_up.weight")->type->type, DTYPE_Q4_0);
    model_source_close(src);
    assert_int_equal(sumi_convert(source, f.path,
                                  &(sumi_convert_opts){ .size = sizeof(sumi_convert_opts), .overwrite = true }, &err),
                     SUMI_EIO);
    assert_int_equal(sumi_convert(source, "/nowhere/out.gguf", NULL, &err), SUMI_EIO);
    assert_int_equal(count_files(&f), 2);
    test_folder_remove(&f);
}

static bool stop(void *user, uint64_t done, uint64_t total)
{
    *(int *)user += 1;
    assert_in_range(done, 1, total);
    return false;
}

static void what_goes_wrong_leaves_nothing_behind(void **state)
{
    (void)state;
    int calls = 0;
    sumi_error err;
    char source[128];
    test_folder f = test_folder_create();
    snprintf(source, sizeof source, "%s/in.gguf", f.path);
    write_source(source, 1, 0.5f);
    sumi_convert_opts opts = { .size = sizeof opts, .progress = stop, .user = &calls };
    assert_int_equal(sumi_convert(source, out_path(&f), &opts, &err), SUMI_ECANCELLED);
    assert_int_equal(calls, 1);
    assert_int_equal(sumi_convert(source, out_path(&f),
                                  &(sumi_convert_opts){ .size = sizeof(sumi_convert_opts), .type = "Q9" }, &err),
                     SUMI_EINVAL);
    assert_int_equal(sumi_convert("/nowhere", out_path(&f), NULL, &err), SUMI_EIO);
    write_source(source, 1, NAN);
    assert_int_equal(sumi_convert(source, out_path(&f),
                                  &(sumi_convert_opts){ .size = sizeof(sumi_convert_opts), .type = "Q8_0" }, &err),
                     SUMI_ENUMERIC);
    assert_non_null(strstr(err.message, "tensor 'blk.0.ffn_up.weight' has numbers that are not finite"));
    write_source(source, 1, 1e5f);
    assert_int_equal(sumi_convert(source, out_path(&f),
                                  &(sumi_convert_opts){ .size = sizeof(sumi_convert_opts), .type = "F16" }, &err),
                     SUMI_ENUMERIC);
    assert_non_null(strstr(err.message, "use BF16 or F32"));
    assert_int_equal(count_files(&f), 1);
    test_folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_as_close_as_its_encoder),
        cmocka_unit_test(a_folder_becomes_a_file_with_the_same_keys_and_tensors_with_any_number_of_threads),
        cmocka_unit_test(a_file_that_is_there_stays_unless_it_may_be_overwritten),
        cmocka_unit_test(what_goes_wrong_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
