/* test_gguf_split.c - models in several files: those of the reference writer, and everything that can be wrong with a
 * set of files. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/gguf.h"
#include "gguf_builder.h"
#include "test_support.h"

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/sumi-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

/* What a file of a split model says about itself; values above INT32_MAX are left out. */
typedef struct part {
    int64_t no, count, tensors;
    const char *tensor; /* the only tensor in it: 2048 floats. NULL: none */
} part;

static void write_part(const char *name, part p)
{
    static float data[2048];
    gguf_builder b;
    gb_init(&b);
    gb_str(&b, "general.name", name);
    if (p.no <= INT32_MAX) gb_i32(&b, "split.no", (int32_t)p.no);
    if (p.count <= INT32_MAX) gb_i32(&b, "split.count", (int32_t)p.count);
    if (p.tensors <= INT32_MAX) gb_i32(&b, "split.tensors.count", (int32_t)p.tensors);
    for (int i = 0; i < 2048; i++) data[i] = (float)p.no;
    if (p.tensor) gb_tensor(&b, p.tensor, DTYPE_F32, 1, (uint64_t[]){ 2048 }, data, sizeof data);
    gb_write(&b, in_folder(name));
}

/* m-0000?-of-00002.gguf as they should be. */
static void write_good(void)
{
    write_part("m-00001-of-00002.gguf", (part){ 0, 2, 2, "a" });
    write_part("m-00002-of-00002.gguf", (part){ 1, 2, 2, "b" });
}

static void refused(const char *name, sumi_status status, const char *message)
{
    model_source *src = (model_source *)&folder;
    sumi_error err;
    test_expect_error(gguf_open(&src, in_folder(name), &err), status, &err, message);
    assert_null(src);
}

static void files_of_the_reference_writer_open_by_any_of_their_names(void **state)
{
    (void)state;
    for (int named = 1; named <= 3; named++) {
        char path[64];
        model_source *src;
        sumi_error err;
        gguf_str text;
        snprintf(path, sizeof path, "tests/golden/gguf/split-%05d-of-00003.gguf", named);
        if (gguf_open(&src, test_source_path(path), &err) != SUMI_OK) fail_msg("%s", err.message);
        assert_true(model_source_get_str(src, "general.name", &text) && !strncmp(text.data, "in three files", text.n));
        assert_non_null(strstr(model_source_name(src), "split-00001-of-00003.gguf"));
        assert_int_equal(model_source_n_shards(src), 3);
        assert_int_equal(model_source_n_tensors(src), 5);
        size_t n_bytes = 0;
        for (int32_t i = 0; i < 3; i++) n_bytes += model_source_shard_bytes(src, i);
        assert_int_equal(model_source_file_bytes(src), n_bytes);
        test_fetch_tensors(src);
        for (int i = 0; i < 5; i++) { /* tensor i is filled with i, two are in each file */
            char name[16];
            snprintf(name, sizeof name, "t%d", i);
            const source_tensor *t = model_source_find_tensor(src, name);
            assert_ptr_equal(t, model_source_tensor_at(src, i));
            assert_int_equal(t->shard, i / 2);
            assert_int_equal(t->n_elems, 8 * (i + 1));
            for (int64_t k = 0; k < t->n_elems; k++) assert_true(((const float *)t->data)[k] == (float)i);
        }
        test_touch_source(src, 100);
        model_source_close(src);
    }
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    write_good();
    unlink(in_folder("m-00002-of-00002.gguf"));
    refused("m-00001-of-00002.gguf", SUMI_EIO,
            "m-00002-of-00002.gguf: No such file or directory; the model has 2 files, and all must be in this folder");
    write_good();
    unlink(in_folder("m-00001-of-00002.gguf"));
    refused("m-00002-of-00002.gguf", SUMI_EIO, "m-00001-of-00002.gguf: No such file or directory");
}

static void a_file_with_another_name_is_refused(void **state)
{
    (void)state;
    write_part("model.gguf", (part){ 0, 2, 2, "a" });
    refused("model.gguf", SUMI_EFORMAT, "must end in '-00001-of-00002.gguf'");
    write_part("m-00002-of-00003.gguf", (part){ 0, 3, 3, "a" });
    refused("m-00002-of-00003.gguf", SUMI_EFORMAT, "file 1 of the 3 of a split model");
    write_part("-00001-of-00002.gguf", (part){ 0, 2, 2, "a" }); /* the folder is part of its name */
    refused("-00001-of-00002.gguf", SUMI_EIO, "/-00002-of-00002.gguf: No such file");
}

static void keys_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        part p;
        sumi_status status;
        const char *message;
    } cases[] = {
        { { 0, -1, 1, "a" }, SUMI_EFORMAT, "'split.count' is -1, not 0 to 1024" },
        { { 0, GGUF_MAX_SHARDS + 1, 1, "a" }, SUMI_ELIMIT, "'split.count' is 1025, not 0 to 1024" },
        { { 0, INT32_MAX, 1, "a" }, SUMI_ELIMIT, "'split.count' is 2147483647" },
        { { 2, 2, 1, "a" }, SUMI_EFORMAT, "'split.no' is missing or not 0 to 1" },
        { { -1, 2, 1, "a" }, SUMI_EFORMAT, "'split.no' is missing or not 0 to 1" },
        { { INT64_MAX, 2, 1, "a" }, SUMI_EFORMAT, "'split.no' is missing or not 0 to 1" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_part("m-00001-of-00002.gguf", cases[i].p);
        refused("m-00001-of-00002.gguf", cases[i].status, cases[i].message);
    }
    gguf_builder b;
    gb_init(&b);
    gb_str(&b, "split.count", "two");
    gb_write(&b, in_folder("text.gguf"));
    refused("text.gguf", SUMI_EFORMAT, "'split.count' is not an integer");
}

static void files_that_do_not_belong_together_are_refused(void **state)
{
    static const struct {
        part second;
        const char *message;
    } cases[] = {
        { { 0, 2, 2, "b" },
          "m-00002-of-00002.gguf: says it is file 1 of 2; the folder mixes files of different models" },
        { { 1, 3, 2, "b" }, "says it is file 2 of 3" },
        { { INT64_MAX, INT64_MAX, INT64_MAX, "b" }, "says it is file 1 of 1" },
        { { 1, 2, 2, "a" }, "m-00002-of-00002.gguf: tensor 'a' is in file 1 already" },
        { { 1, 2, 7, "b" }, "'split.tensors.count' is 7, but the 2 files have 2 tensors" },
        { { 1, 2, 2, NULL }, "m-00001-of-00002.gguf: key 'split.tensors.count' is 2, but the 2 files have 1" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_good();
        write_part("m-00002-of-00002.gguf", cases[i].second);
        refused("m-00001-of-00002.gguf", SUMI_EFORMAT, cases[i].message);
        if (cases[i].second.count == INT64_MAX) continue; /* that one is a whole model */
        model_source *src;                                /* from the other end the same set is refused too */
        assert_int_equal(gguf_open(&src, in_folder("m-00002-of-00002.gguf"), NULL), SUMI_EFORMAT);
    }
    write_good();
    FILE *f = fopen(in_folder("m-00002-of-00002.gguf"), "r+");
    assert_true(f && fputs("LAMA", f) > 0 && fclose(f) == 0);
    refused("m-00001-of-00002.gguf", SUMI_EFORMAT, "m-00002-of-00002.gguf: not a GGUF file");
}

static void a_merged_file_that_kept_its_keys_is_whole(void **state)
{
    (void)state;
    for (int count = 0; count <= 1; count++) {
        write_part("merged.gguf", (part){ 0, count, 1, "a" });
        model_source *src;
        assert_int_equal(gguf_open(&src, in_folder("merged.gguf"), NULL), SUMI_OK);
        assert_int_equal(model_source_n_shards(src), 1);
        assert_int_equal(model_source_n_tensors(src), 1);
        model_source_close(src);
    }
}

/* Whole pages of t's data that are in memory. */
static size_t resident(const source_tensor *t)
{
    unsigned char there[64];
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = ((uintptr_t)t->data + page - 1) / page * page;
    size_t n = ((uintptr_t)t->data + t->n_bytes - begin) / page, sum = 0;
    assert_true(n >= 1 && n <= sizeof there);
    if (mincore((void *)begin, n * page, there) != 0) { /* qemu fails where nothing may be read */
        assert_int_equal(errno, ENOMEM);
        return 0;
    }
    for (size_t i = 0; i < n; i++) sum += there[i] & 1;
    return sum;
}

static void pages_are_given_back_in_every_file(void **state)
{
    (void)state;
    model_source *src;
    write_good();
    assert_int_equal(gguf_open(&src, in_folder("m-00001-of-00002.gguf"), NULL), SUMI_OK);
    test_fetch_tensors(src);
    for (int32_t i = 0; i < 2; i++) {
        const source_tensor *t = model_source_find_tensor(src, i ? "b" : "a");
        assert_true(resident(t) >= 1);
        model_source_release(src, t);
        assert_int_equal(resident(t), 0);
    }
    test_touch_source(src, 0); /* they come back */
    model_source_close(src);
}

static void the_hash_of_the_head_sees_all_files(void **state)
{
    (void)state;
    uint64_t prints[2];
    for (int i = 0; i < 2; i++) {
        model_source *src;
        write_good();
        if (i == 1) write_part("m-00002-of-00002.gguf", (part){ 1, 2, 2, "c" });
        assert_int_equal(gguf_open(&src, in_folder("m-00001-of-00002.gguf"), NULL), SUMI_OK);
        prints[i] = model_source_head_hash(src, (sip_key){ 0, 0 });
        model_source_close(src);
    }
    assert_true(prints[0] != prints[1]);
}

static void a_change_of_any_file_is_told(void **state)
{
    (void)state;
    sumi_error err;
    for (int i = 0; i < 3; i++) {
        model_source *src;
        char name[32];
        write_good();
        assert_int_equal(gguf_open(&src, in_folder("m-00001-of-00002.gguf"), NULL), SUMI_OK);
        test_fetch_tensors(src);
        snprintf(name, sizeof name, "m-0000%d-of-00002.gguf", i);
        if (i) assert_int_equal(truncate(in_folder(name), 100), 0);
        assert_int_equal(model_source_finish_reading(src, &err), i ? SUMI_EIO : SUMI_OK);
        if (i) assert_non_null(strstr(err.message, name));
        model_source_close(src);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_the_reference_writer_open_by_any_of_their_names),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_file_with_another_name_is_refused),
        cmocka_unit_test(keys_that_make_no_sense_are_refused),
        cmocka_unit_test(files_that_do_not_belong_together_are_refused),
        cmocka_unit_test(a_merged_file_that_kept_its_keys_is_whole),
        cmocka_unit_test(pages_are_given_back_in_every_file),
        cmocka_unit_test(the_hash_of_the_head_sees_all_files),
        cmocka_unit_test(a_change_of_any_file_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
