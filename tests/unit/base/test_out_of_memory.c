/* test_out_of_memory.c - every allocation fails in turn while JSON is built and written, and while a file is written. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_read.h"
#include "base/os/new_file.h"
#include "fail_alloc.h"
#include "test_support.h"

/* With results that are ignored, as in a long json_pack(). */
static json_t *build(void)
{
    json_t *list = json_array(), *o = json_object();
    for (int i = 0; i < 20; i++) {
        char name[64];
        snprintf(name, sizeof name, "a long name of member %d", i);
        json_object_set_new(o, name, json_real(i + 0.5));
        json_array_append_new(list, json_pack("{s:i, s:s}", "id", i, "text", "some text"));
    }
    json_object_set_new(o, "list", list);
    return o;
}

static void json_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    json_t *whole = build();
    char *right = json_dumps(whole, JSON_INDENT(2));
    fail_alloc_arm(0, false);
    char *text = json_write(whole, JSON_INDENT(2));
    int64_t n_calls = fail_alloc_count();
    assert_string_equal(text, right);
    free(text);
    int n_failed = 0;
    for (int64_t n = 1; n <= n_calls; n++) {
        fail_alloc_arm(n, false);
        text = json_write(whole, JSON_INDENT(2));
        fail_alloc_arm(0, false);
        if (text) assert_string_equal(text, right);
        n_failed += !text;
        free(text);
    }
    assert_in_range(n_failed, 3, n_calls);
    free(right);
    json_decref(whole);
}

static void a_value_that_lacks_a_part_is_noticed(void **state)
{
    (void)state;
    json_watch();
    json_t *whole = build();
    assert_false(json_lost());
    bool lost = true;
    for (int64_t n = 1; lost; n++) {
        json_watch();
        fail_alloc_arm(n, false);
        json_t *o = build();
        fail_alloc_arm(0, false);
        lost = json_lost();
        assert_true(lost || json_equal(o, whole));
        json_decref(o);
    }
    json_decref(whole);
}

static sumi_status write_file(const char *path, sumi_error *err)
{
    new_file f;
    sumi_status st = new_file_open(&f, path, 0, 0, err);
    if (st == SUMI_OK) st = new_file_write(&f, 0, "text", 4, err);
    if (st == SUMI_OK) st = new_file_finish(&f, err);
    new_file_deinit(&f);
    return st;
}

static int n_files(const char *folder)
{
    int n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void a_file_that_was_not_written_is_not_there(void **state)
{
    (void)state;
    char folder[] = "/tmp/sumi-test-out-XXXXXX", path[64];
    sumi_error err;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a", folder);
    sumi_status st = SUMI_ENOMEM;
    int n_failed = 0;
    for (int64_t n = 1;; n++) {
        fail_alloc_arm(n, false);
        st = write_file(path, &err);
        bool reached = fail_alloc_count() >= n;
        fail_alloc_arm(0, false);
        assert_int_equal(n_files(folder), st == SUMI_OK);
        n_failed += st != SUMI_OK;
        if (st == SUMI_OK) unlink(path);
        if (!reached) break;
    }
    assert_true(n_failed >= 3);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_written_whole_or_not_at_all),
        cmocka_unit_test(a_value_that_lacks_a_part_is_noticed),
        cmocka_unit_test(a_file_that_was_not_written_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
