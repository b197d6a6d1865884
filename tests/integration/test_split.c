/* test_split.c - a model in several files computes what the same model in one file computes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_builder.h"
#include "test_support.h"

static char folder[] = "/tmp/sumi-test-XXXXXX";

/* Runs the program with these arguments, for the shell; it must succeed. */
static void __attribute__((format(printf, 1, 2))) sumi(const char *format, ...)
{
    char arguments[4096], command[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(arguments, sizeof arguments, format, args);
    va_end(args);
    snprintf(command, sizeof command, "'%s' %s", getenv("SUMI_PROGRAM"), arguments);
    if (system(command) != 0) fail_msg("failed: %s", command);
}

static void a_split_model_gives_the_same_logits(void **state)
{
    (void)state;
    char path[256], whole[256];
    snprintf(whole, sizeof whole, "%s", test_source_path("tests/golden/tiny/qwen2-untied.gguf"));
    snprintf(path, sizeof path, "%s/m", folder);
    gb_split(whole, path, 4);
    sumi("logits '%s' --ids '1 2 3 4 5' --out '%s/whole.npy' >/dev/null", whole, folder);
    snprintf(path, sizeof path, "%s/m-00003-of-00004.gguf", folder);
    sumi("logits '%s' --ids '1 2 3 4 5' --out '%s/split.npy' >/dev/null", path, folder);
    size_t n[2];
    char *logits[2];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s.npy", folder, i ? "split" : "whole");
        logits[i] = test_read_file(path, &n[i]);
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(logits[0], logits[1], n[0]);
    free(logits[0]);
    free(logits[1]);
}

static void info_lists_the_files(void **state)
{
    (void)state;
    char path[256];
    size_t n;
    sumi("info '%s/tests/golden/gguf/split-00002-of-00003.gguf' --all >%s/info", SUMI_SOURCE_DIR, folder);
    snprintf(path, sizeof path, "%s/info", folder);
    char *text = test_read_file(path, &n);
    assert_non_null(strstr(text, " in 3 files\n"));
    assert_non_null(strstr(text, "split-00003-of-00003.gguf, 320 bytes, 1 tensor\n"));
    assert_non_null(strstr(text, " of file 2\n"));
    free(text);
    sumi("info '%s/tests/golden/gguf/split-00002-of-00003.gguf' --json >%s/info", SUMI_SOURCE_DIR, folder);
    text = test_read_file(path, &n);
    assert_non_null(strstr(text, "\"files\": ["));
    assert_non_null(strstr(text, "\"shard\": 2"));
    free(text);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_split_model_gives_the_same_logits),
        cmocka_unit_test(info_lists_the_files),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
