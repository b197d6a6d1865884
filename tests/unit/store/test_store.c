/* test_store.c - folders of models: what they are called, how they are found and removed. Files are empty here. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/lock.h"
#include "test_support.h"

static char root[64];
static store_places places;

static int begin(void **state)
{
    (void)state;
    strcpy(root, "/tmp/sumi-test-XXXXXX");
    if (!mkdtemp(root) || chdir(root) != 0) return -1;
    char cache[128];
    snprintf(cache, sizeof cache, "%s/xdg", root);
    store_places_init(&places, NULL, cache, "/nowhere");
    return 0;
}

static int end(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "cd / && rm -r '%s'", root);
    return system(command);
}

/* Makes files below the store. */
static void make(const char *const *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char path[512];
        snprintf(path, sizeof path, "xdg/sumi/%s", files[i]);
        char *slash = strrchr(path, '/');
        *slash = '\0';
        assert_int_equal(folder_create(path, NULL), SUMI_OK);
        *slash = '/';
        FILE *f = fopen(path, "w");
        assert_true(f && fputs("12345", f) >= 0 && fclose(f) == 0);
    }
}
#define MAKE(...) \
    make((const char *const[]){ __VA_ARGS__ }, sizeof(const char *const[]){ __VA_ARGS__ } / sizeof(char *))

/* "name name! ..." : '!' stands behind those that are not whole. */
static const char *names(void)
{
    static char out[2048];
    store_list l;
    assert_int_equal(store_scan(&places, &l, NULL), SUMI_OK);
    out[0] = '\0';
    for (int32_t i = 0; i < l.n; i++)
        snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s%s", i ? " " : "", l.models[i].name,
                 l.models[i].partial ? "!" : "");
    store_list_deinit(&l);
    return out;
}

/* Where a name leads, without the root; or the error in brackets. */
static const char *find(const char *name)
{
    static char out[STORE_MAX_PATH + 600];
    char path[STORE_MAX_PATH];
    sumi_error err;
    size_t n = strlen(root) + strlen("/xdg/sumi/");
    if (store_find(&places, name, path, sizeof path, &err) != SUMI_OK) snprintf(out, sizeof out, "[%s]", err.message);
    else snprintf(out, sizeof out, "%s", strlen(path) > n && *path == '/' ? path + n : path);
    return out;
}

static void the_environment_decides_where_models_are(void **state)
{
    store_places p;
    (void)state;
    store_places_init(&p, NULL, NULL, "/home/me");
    assert_int_equal(p.n, 2);
    assert_string_equal(p.folders[0], "models");
    assert_string_equal(p.folders[1], "/home/me/.cache/sumi");
    assert_int_equal(p.own, 1);
    store_places_init(&p, "/srv/models/", "relative", "/home/me");
    assert_int_equal(p.n, 3);
    assert_string_equal(p.folders[0], "/srv/models");
    assert_string_equal(p.folders[2], "/home/me/.cache/sumi");
    assert_int_equal(p.own, 0);
    store_places_init(&p, "", "/x", NULL);
    assert_string_equal(p.folders[p.own], "/x/sumi");
    store_places_init(&p, NULL, NULL, NULL);
    assert_string_equal(p.folders[p.own], "models");
    store_places_init(&p, "models", NULL, "/h");
    assert_int_equal(p.n, 2);
}

static void models_are_named_by_where_they_lie(void **state)
{
    (void)state;
    MAKE("a.gguf", "b-00001-of-00002.gguf", "b-00002-of-00002.gguf", "c/config.json", "c/model.safetensors",
         "c/1_Pooling/config.json", "notes.txt", "other/x.gguf", ".hidden.gguf", "mmproj-a.gguf", "hf/o/n/n-Q4_0.gguf",
         "hf/o/n/BF16/n-BF16-00001-of-00002.gguf", "hf/o/n/BF16/n-BF16-00002-of-00002.gguf", "hf/o/n/config.json",
         "hf/o/n/model.safetensors", "hf/o/n@v2/n-Q4_0.gguf", "hf/o/two/x-Q4_0.gguf", "hf/o/two/y-Q4_0.gguf",
         "ollama/registry.ollama.ai/library/l/1b/model.gguf", "ollama/registry.ollama.ai/library/l/1b/license.txt",
         "ollama/registry.ollama.ai/me/l/1b/model.gguf", "ollama/h_5000/me/l/1b/model.gguf", "url/h/p/w.gguf",
         "hf/o/part/p-Q4_0.gguf.part", "hf/o/part/p-Q4_0.gguf.part.json", "hf/o/lost/p-Q4_0-00001-of-00002.gguf");
    assert_string_equal(names(), "a b c hf:o/lost:Q4_0! hf:o/n:BF16 hf:o/n:Q4_0 hf:o/n:safetensors hf:o/n@v2:Q4_0 "
                                 "hf:o/part:Q4_0! hf:o/two:x-Q4_0.gguf hf:o/two:y-Q4_0.gguf ollama:h_5000/me/l:1b "
                                 "ollama:l:1b ollama:me/l:1b w");
}

/* Trees that no pull makes, as an unpacked archive may hold them. */
static void files_at_odd_places_have_names_of_their_own(void **state)
{
    (void)state;
    assert_int_equal(system("rm -r xdg"), 0);
    MAKE("hf/owner/x.gguf", "hf/y.gguf", "ollama/z.gguf", "ollama/a/b/c/d.gguf", "url/w.gguf",
         "hf/owner/name/deep/er/v.gguf");
    static const char *const all[] = { "x", "y", "v" };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strstr(names(), all[i])) fail_msg("%s is not listed: %s", all[i], names());
    assert_string_equal(find("x"), "hf/owner/x.gguf");
    assert_string_equal(find("y"), "hf/y.gguf");
}

static void models_are_found_by_what_they_are_called(void **state)
{
    static const char *const cases[][2] = {
        { "a", "a.gguf" },
        { "b", "b-00001-of-00002.gguf" },
        { "c", "c" },
        { "w", "url/h/p/w.gguf" },
        { "http://h/p/w.gguf?x", "url/h/p/w.gguf" },
        { "hf:o/n:q4_0", "hf/o/n/n-Q4_0.gguf" },
        { "hf:o/n", "hf/o/n/n-Q4_0.gguf" },
        { "hf.co/o/n:BF16", "hf/o/n/BF16/n-BF16-00001-of-00002.gguf" },
        { "o/n:BF16", "hf/o/n/BF16/n-BF16-00001-of-00002.gguf" },
        { "hf:o/n:safetensors", "hf/o/n" },
        { "n@v2", "hf/o/n@v2/n-Q4_0.gguf" },
        { "ollama:l:1b", "ollama/registry.ollama.ai/library/l/1b/model.gguf" },
        { "ollama:me/l:1b", "ollama/registry.ollama.ai/me/l/1b/model.gguf" },
        { "l:1b", "[l:1b: 3 models have this name: ollama:h_5000/me/l:1b, ollama:l:1b, ollama:me/l:1b]" },
        { "x-Q4_0", "hf/o/two/x-Q4_0.gguf" },
        { "n-Q4_0", "[n-Q4_0: 2 models have this name: hf:o/n:Q4_0, hf:o/n@v2:Q4_0]" },
        { "hf:o/none", "[hf:o/none is not downloaded; run: sumi pull hf:o/none]" },
        { "hf:o/n:Q8_0", "[hf:o/n:Q8_0 is not downloaded; run: sumi pull hf:o/n:Q8_0]" },
        { "./a", "[./a: No such file or directory]" },
        { "a.gguf", "[a.gguf: No such file or directory]" },
        { "", "[: No such file or directory]" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_string_equal(find(cases[i][0]), cases[i][1]);
    assert_non_null(
        strstr(find("Q4_0"), "no model of this name in models or /tmp/sumi-test-")); /* a tag alone is no name */
}

static sumi_status remove_named(const char *name, sumi_error *err)
{
    store_list l;
    const store_model *m;
    assert_int_equal(store_scan(&places, &l, NULL), SUMI_OK);
    sumi_status st = store_match(&l, name, &m, err);
    if (st == SUMI_OK) st = store_remove(&places, m, err);
    store_list_deinit(&l);
    return st;
}

static void what_is_removed_takes_all_its_files_and_no_others(void **state)
{
    sumi_error err;
    (void)state;
    assert_int_equal(remove_named("hf:o/n:BF16", &err), SUMI_OK);
    assert_string_equal(find("hf:o/n"), "hf/o/n/n-Q4_0.gguf");
    assert_int_equal(access("xdg/sumi/hf/o/n/BF16", F_OK), -1);
    assert_int_equal(remove_named("hf:o/n:safetensors", &err), SUMI_OK);
    assert_int_equal(access("xdg/sumi/hf/o/n/config.json", F_OK), -1);
    assert_int_equal(access("xdg/sumi/hf/o/n/n-Q4_0.gguf", F_OK), 0);
    assert_int_equal(remove_named("c", &err), SUMI_OK);
    assert_int_equal(access("xdg/sumi/c", F_OK), -1);
    assert_int_equal(remove_named("b", &err), SUMI_OK);
    assert_int_equal(remove_named("ollama:l:1b", &err), SUMI_OK);
    assert_int_equal(access("xdg/sumi/ollama/registry.ollama.ai/library", F_OK), -1);
    assert_int_equal(remove_named("hf:o/part", &err), SUMI_OK);
    assert_int_equal(access("xdg/sumi/hf/o/part", F_OK), -1);
    assert_string_equal(names(),
                        "a hf:o/lost:Q4_0! hf:o/n:Q4_0 hf:o/n@v2:Q4_0 hf:o/two:x-Q4_0.gguf hf:o/two:y-Q4_0.gguf "
                        "ollama:h_5000/me/l:1b ollama:me/l:1b w");
    assert_int_equal(access("xdg/sumi/notes.txt", F_OK), 0);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void empty_folders_are_removed_below_the_root_alone(void **state)
{
    (void)state;
    assert_int_equal(folder_create("top/root/a/b", NULL), SUMI_OK);
    assert_int_equal(folder_create("top/root/c/d", NULL), SUMI_OK);
    assert_int_equal(folder_create("top/root/c/e", NULL), SUMI_OK);
    assert_int_equal(folder_create("top/rooted/a", NULL), SUMI_OK);
    folder_remove_empty("top/rooted/a", "top/root"); /* its name only begins as the root's */
    assert_true(exists("top/rooted/a"));
    folder_remove_empty("top/root/c", "top/root"); /* it is not empty */
    folder_remove_empty("top/root/c/d", "top/root");
    assert_true(!exists("top/root/c/d") && exists("top/root/c/e"));
    folder_remove_empty("top/root/c/e", "top/root");
    folder_remove_empty("top/root/a/b", "top/root");
    assert_true(!exists("top/root/a") && !exists("top/root/c") && exists("top/root"));
    folder_remove_empty("top/root", "top/root");
    assert_true(exists("top/root"));
}

static void a_locked_model_is_not_removed(void **state)
{
    sumi_error err;
    int fd, second;
    (void)state;
    assert_int_equal(folder_lock("xdg/sumi/hf/o/n", &fd, &err), SUMI_OK);
    assert_int_equal(folder_lock("xdg/sumi/hf/o/n", &second, &err), SUMI_EBUSY);
    assert_int_equal(remove_named("hf:o/n:Q4_0", &err), SUMI_EBUSY);
    assert_int_equal(access("xdg/sumi/hf/o/n/n-Q4_0.gguf", F_OK), 0);
    close(fd);
    assert_int_equal(remove_named("hf:o/n:Q4_0", &err), SUMI_OK);
    assert_int_equal(access("xdg/sumi/hf/o/n", F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_decides_where_models_are),
        cmocka_unit_test(models_are_named_by_where_they_lie),
        cmocka_unit_test(models_are_found_by_what_they_are_called),
        cmocka_unit_test(what_is_removed_takes_all_its_files_and_no_others),
        cmocka_unit_test(empty_folders_are_removed_below_the_root_alone),
        cmocka_unit_test(a_locked_model_is_not_removed),
        cmocka_unit_test(files_at_odd_places_have_names_of_their_own),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
