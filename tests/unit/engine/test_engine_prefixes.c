/* test_engine_prefixes.c - prefixes of prompts that outlive the process (prefix_file.c). */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "engine_fixture.h"

/* A request whose prompt has whole blocks before its last token: a shorter one leaves nothing in a file. */
static sumi_request request_of_blocks(int32_t *which, int32_t *n_cached)
{
    sumi_request r = engine_request(*which = 0);
    while (r.n_ids <= 32 && *which < ENGINE_PROMPTS - 1) r = engine_request(++*which);
    assert_true(r.n_ids > 32);
    *n_cached = (r.n_ids - 1) / 16 * 16;
    return r;
}

static void remove_salt_key(const char *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/salt.key", dir);
    remove(path);
}

static void prefixes_outlive_the_process_and_a_damaged_file_is_left_out(void **state)
{
    (void)state;
    static client_answer a;
    char dir[] = "/tmp/sumi-prefix-XXXXXX", path[512] = "";
    int32_t which, all;
    sumi_request r = request_of_blocks(&which, &all);
    assert_non_null(mkdtemp(dir));
    for (int i = 0; i < 3; i++) {
        sumi_engine_opts o = engine_options();
        o.prefix_dir = dir;
        sumi_engine *e = engine_start(&o);
        client_submit(e, &r, &a);
        client_wait(&a);
        client_assert_equal(&engine_alone[which], &a, 1);
        assert_int_equal(a.usage.n_cached, i == 1 ? all : 0);
        sumi_engine_destroy(e);
        glob_t g;
        snprintf(path, sizeof path, "%s/*.kv", dir);
        assert_int_equal(glob(path, 0, NULL, &g), 0);
        assert_int_equal(g.gl_pathc, 1);
        snprintf(path, sizeof path, "%s", g.gl_pathv[0]);
        globfree(&g);
        FILE *f = fopen(path, "r+b");
        assert_non_null(f);
        if (i == 1) { /* for the third time one byte is wrong */
            assert_int_equal(fseek(f, -100, SEEK_END), 0);
            int c = fgetc(f);
            assert_int_equal(fseek(f, -100, SEEK_END), 0);
            fputc(c ^ 1, f);
        }
        fclose(f);
    }
    remove(path);
    remove_salt_key(dir);
    remove(dir);
}

/* Tokens of the prompt that an engine over the folder knows from engines before it. */
static int32_t cached_of(const char *dir, const char *client, const char *salt, client_answer *a)
{
    sumi_engine_opts o = engine_options();
    o.prefix_dir = dir;
    sumi_engine *e = engine_start(&o);
    int32_t which, all;
    sumi_request r = request_of_blocks(&which, &all);
    r.client = client;
    r.cache_salt = salt;
    client_submit(e, &r, a);
    client_wait(a);
    client_assert_equal(&engine_alone[which], a, 1);
    sumi_engine_destroy(e);
    return a->usage.n_cached;
}

static void prefixes_of_a_client_outlive_the_process_for_that_client_alone(void **state)
{
    (void)state;
    static client_answer a;
    char dir[] = "/tmp/sumi-prefix-XXXXXX", path[512];
    struct stat s;
    int32_t which, all;
    request_of_blocks(&which, &all);
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/salt.key", dir);
    assert_int_equal(cached_of(dir, "alice", NULL, &a), 0);
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    assert_int_equal(s.st_size, 16);
    assert_int_equal(cached_of(dir, "alice", NULL, &a), all);
    assert_int_equal(cached_of(dir, "bob", NULL, &a), 0);
    assert_int_equal(cached_of(dir, NULL, NULL, &a), 0);
    assert_int_equal(cached_of(dir, NULL, "alice", &a), 0); /* a salt is no client's name */
    assert_int_equal(cached_of(dir, NULL, "alice", &a), all);
    assert_int_equal(cached_of(dir, "alice", NULL, &a), all); /* all of them are in the file by now */
    assert_int_equal(cached_of(dir, "bob", NULL, &a), all);

    assert_int_equal(chmod(path, 0640),
                     0); /* a key that others may read is not used, and clients' prefixes are not kept */
    assert_int_equal(cached_of(dir, "alice", NULL, &a), 0);
    assert_int_equal(cached_of(dir, NULL, NULL, &a), all);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(cached_of(dir, "alice", NULL, &a), 0);
    assert_int_equal(cached_of(dir, "alice", NULL, &a), all);
    assert_int_equal(remove(path), 0); /* under a new key no client finds what was kept under the old one */
    assert_int_equal(cached_of(dir, "alice", NULL, &a), 0);

    glob_t g;
    snprintf(path, sizeof path, "%s/*.kv", dir);
    assert_int_equal(glob(path, 0, NULL, &g), 0);
    assert_int_equal(g.gl_pathc, 1);
    remove(g.gl_pathv[0]);
    globfree(&g);
    remove_salt_key(dir);
    assert_int_equal(remove(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_outlive_the_process_and_a_damaged_file_is_left_out),
        cmocka_unit_test(prefixes_of_a_client_outlive_the_process_for_that_client_alone),
    };
    return cmocka_run_group_tests(tests, engine_set_up, engine_tear_down);
}
