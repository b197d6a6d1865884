/* test_info.c - `sumi info` as a user calls it, on files of the reference writer and on hostile ones. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "gguf_builder.h"
#include "test_support.h"

/* What the program printed (stdout and stderr together), and its exit code. */
typedef struct answer {
    char text[1 << 20];
    size_t n;
    int code;
} answer;

static answer a; /* of the last call of run() */

/* Runs `sumi info ARGUMENTS`; PATH in arguments stands for path. */
static void run(const char *arguments, const char *path)
{
    char command[8192];
    const char *program = getenv("SUMI_PROGRAM"), *at = strstr(arguments, "PATH");
    assert_non_null(program);
    snprintf(command, sizeof command, "{ '%s' info %.*s%s%s; } 2>&1", program, at ? (int)(at - arguments) : 1000,
             arguments, at ? path : "", at ? at + 4 : "");
    FILE *f = popen(command, "r");
    assert_non_null(f);
    a.n = fread(a.text, 1, sizeof a.text - 1, f);
    a.text[a.n] = '\0';
    int status = pclose(f);
    if (!WIFEXITED(status)) fail_msg("%s: did not exit by itself: %s", command, a.text);
    a.code = WEXITSTATUS(status);
}

static void expect(const char *part)
{
    if (!strstr(a.text, part)) fail_msg("'%s' is missing in:\n%s", part, a.text);
}

static void expect_failure(int code, const char *part)
{
    assert_int_equal(a.code, code);
    expect(part);
    char *newline = strchr(a.text, '\n');
    assert_true(newline && newline[1] == '\0'); /* one line */
}

static const char *golden(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/gguf/%s.gguf", SUMI_SOURCE_DIR, name);
    return path;
}

static void the_overview_tells_what_matters(void **state)
{
    (void)state;
    run("PATH", golden("every_type"));
    assert_int_equal(a.code, 0);
    expect("architecture     llama");
    expect("19 tensors");
    expect("4.08 bits per weight"); /* 2326 bytes for 4559 parameters */
    expect("GGUF version 3");
    assert_null(strstr(a.text, "value.uint8")); /* lists are only shown when asked for */
    run("PATH", golden("vocab_only"));
    assert_int_equal(a.code, 0);
    expect("words\n");
    expect("5 tokens, gpt2");
    expect("yes, 25 bytes");
    expect("end tokens       ");
    expect("no tensors");
}

static void lists_show_every_key_and_tensor(void **state)
{
    (void)state;
    run("PATH --metadata --tensors", golden("every_type"));
    assert_int_equal(a.code, 0);
    expect("18446744073709551615");
    expect("[\"\", \"a\", \"\xc3\xbcn\xc3\xaf\", \"\\n\"]");
    expect("[0.5, -0.25]");
    expect("-9223372036854775808");
    expect("t.TQ1_0");
    expect("256 x 2");
    run("--key=tokenizer.chat_template PATH", golden("vocab_only"));
    assert_string_equal(a.text, "{{ messages[0].content }}"); /* nothing added */
    run("--key value.uint64 PATH", golden("every_type"));
    assert_string_equal(a.text, "9223372036854775808\n");
}

static void json_is_one_object_that_agrees(void **state)
{
    (void)state;
    json_error_t why;
    run("--json PATH", golden("every_type"));
    assert_int_equal(a.code, 0);
    json_t *root = json_loadb(a.text, a.n, 0, &why);
    if (!root) fail_msg("line %d: %s", why.line, why.text);
    assert_string_equal(json_string_value(json_object_get(root, "architecture")), "llama");
    assert_int_equal(json_integer_value(json_object_get(root, "n_params")), 4559);
    assert_true(json_is_null(json_object_get(root, "license")));
    json_t *metadata = json_object_get(root, "metadata"), *tensors = json_object_get(root, "tensors");
    assert_int_equal(json_object_size(metadata), 25);
    assert_true(json_integer_value(json_object_get(metadata, "value.int64")) == INT64_MIN);
    assert_int_equal(json_array_size(tensors), 19);
    json_t *first = json_array_get(tensors, 0);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "t.F32");
    assert_int_equal(json_integer_value(json_array_get(json_object_get(first, "dims"), 0)), 3);
    assert_int_equal(json_integer_value(json_object_get(first, "n_bytes")), 24);
    json_decref(root);
}

/* A file whose every text tries to steer a terminal, with an array that is long. */
static void write_hostile(const char *path)
{
    static const char evil[] = "\x1b]0;owned\a\x1b[2J\xc2\x9b"
                               "31m\r\xff\xe2\x80\xae"
                               "end";
    static int32_t many[1000];
    const char *const tokens[] = { evil, "\n\n" };
    gguf_builder b;
    gb_init(&b);
    gb_str(&b, "general.architecture", evil);
    gb_str(&b, "general.name", evil);
    gb_str(&b, "general.license", evil);
    gb_str(&b, "tokenizer.ggml.model", evil);
    gb_str(&b, "tokenizer.ggml.pre", evil);
    gb_u32(&b, "tokenizer.ggml.bos_token_id", 0);
    gb_u32(&b, "tokenizer.ggml.eos_token_id", 4000000000u); /* not in the vocabulary */
    gb_str_array(&b, "tokenizer.ggml.tokens", tokens, 2);
    gb_array(&b, "many", GGUF_I32, many, 1000, sizeof many);
    gb_f32(&b, "nan", NAN);
    gb_u32(&b, evil, 7);
    gb_tensor(&b, evil, DTYPE_F32, 1, (uint64_t[]){ 1 }, &(float){ 1 }, 4);
    gb_write(&b, path);
}

static void text_of_the_file_does_not_steer_the_terminal(void **state)
{
    (void)state;
    static const char *const views[] = { "PATH",       "PATH --metadata", "PATH --tensors",
                                         "PATH --all", "PATH --json",     "PATH --json --all" };
    char path[] = "/tmp/sumi-test-XXXXXX";
    close(mkstemp(path));
    write_hostile(path);
    for (size_t v = 0; v < sizeof views / sizeof *views; v++) {
        run(views[v], path);
        assert_int_equal(a.code, 0);
        for (size_t i = 0; i < a.n; i++)
            if (((unsigned char)a.text[i] < 0x20 && a.text[i] != '\n') || a.text[i] == 0x7f)
                fail_msg("%s: byte %02x at %zu", views[v], a.text[i], i);
        assert_null(strstr(a.text, "\xc2\x9b"));
        assert_null(strchr(a.text, '\xff'));
        if (!strstr(views[v], "json")) assert_null(strstr(a.text, "\xe2\x80\xae"));
        if (!strstr(views[v], "json")) continue;
        json_t *root = json_loadb(a.text, a.n, 0, NULL);
        assert_non_null(root);
        json_t *metadata = json_object_get(root, "metadata"), *many = json_object_get(metadata, "many");
        assert_true(json_is_null(json_object_get(metadata, "nan")));
        if (strstr(views[v], "all")) assert_int_equal(json_array_size(many), 1000);
        else assert_int_equal(json_integer_value(json_object_get(many, "n")), 1000);
        json_decref(root);
    }
    unlink(path);
}

static void a_bad_file_is_one_line_and_exit_code_1(void **state)
{
    (void)state;
    run("PATH", golden("big_endian"));
    expect_failure(1, "big-endian");
    run("PATH", "/nowhere/x.gguf");
    expect_failure(1, "/nowhere/x.gguf: No such file or directory");
    run("PATH", SUMI_SOURCE_DIR "/CMakeLists.txt");
    expect_failure(1, "not a GGUF file");
    run("PATH --key no.such.key", golden("vocab_only"));
    expect_failure(1, "there is no key 'no.such.key'");
    run("PATH --key tokenizer.ggml.tokens", golden("vocab_only"));
    expect_failure(1, "is an array");
    run("PATH --json > /dev/full", golden("vocab_only"));
    expect_failure(1, "No space left on device");
}

static void wrong_usage_is_one_line_and_exit_code_2(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "PATH PATH", "--nonsense PATH", "--key", "PATH --json --tensors", "PATH --key x --all"
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        run(wrong[i], golden("vocab_only"));
        expect_failure(2, "sumi info");
    }
    run("--help", "");
    assert_int_equal(a.code, 0);
    expect("--metadata");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_overview_tells_what_matters),
        cmocka_unit_test(lists_show_every_key_and_tensor),
        cmocka_unit_test(json_is_one_object_that_agrees),
        cmocka_unit_test(text_of_the_file_does_not_steer_the_terminal),
        cmocka_unit_test(a_bad_file_is_one_line_and_exit_code_1),
        cmocka_unit_test(wrong_usage_is_one_line_and_exit_code_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
