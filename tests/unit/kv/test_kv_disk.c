/* test_kv_disk.c - prefixes that outlive a process, and files that are not what they should be. */
#include "kv/kv_disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/siphash.h"
#include "kv_stub.h"
#include "test_support.h"

static const int32_t WINDOWS[3] = { 0, 32, 32 };
static const kv_origin SHARED = { 0 };
static const kv_disk_opts OPTS = { .fingerprint = { { 11, 22 } } };

typedef struct place {
    char dir[32], path[64];
} place;

static place make_place(void)
{
    place p = { .dir = "/tmp/sumi-test-XXXXXX" };
    assert_non_null(mkdtemp(p.dir));
    snprintf(p.path, sizeof p.path, "%s/prefixes", p.dir);
    return p;
}

static void leave(const place *p)
{
    unlink(p->path);
    assert_int_equal(rmdir(p->dir), 0); /* no temporary file is left */
}

static kv_stub new_cache(int32_t n_blocks)
{
    return kv_stub_create(WINDOWS, 3, n_blocks, 4, 400, true, 0);
}

static void make_prompt(int32_t *ids, int32_t n, int32_t from)
{
    for (int32_t i = 0; i < n; i++) ids[i] = from + i;
}

/* A cache with three prompts of 100, of which two share a beginning, and one with a salt; saved. */
static void save_example(const place *p, const kv_disk_opts *opts)
{
    int32_t a[100], b[100];
    kv_stub s = new_cache(120);
    make_prompt(a, 100, 0);
    make_prompt(b, 100, 0);
    make_prompt(b + 40, 60, 500);
    kv_cache_close(s.c, kv_stub_prompt(&s, SHARED, a, 100));
    kv_cache_close(s.c, kv_stub_prompt(&s, SHARED, b, 100));
    kv_cache_close(s.c, kv_stub_prompt(&s, (kv_origin){ 5, 0 }, a, 100));
    int32_t running = kv_stub_prompt(&s, (kv_origin){ 0, 9 }, a, 50);
    assert_int_equal(kv_disk_save(s.c, p->path, opts, NULL), SUMI_OK);
    kv_cache_close(s.c, running);
    kv_stub_destroy(&s);
}

static void what_was_saved_is_found_and_is_right(void **state)
{
    (void)state;
    place p = make_place();
    struct stat st;
    int32_t ids[100];
    int64_t n_tokens;
    save_example(&p, &OPTS);
    assert_int_equal(stat(p.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    kv_stub s = new_cache(120);
    assert_int_equal(kv_disk_load(s.c, p.path, &OPTS, &n_tokens, NULL), SUMI_OK);
    assert_int_equal(n_tokens, (6 + 4 + 3) * KV_BLOCK);
    assert_null(kv_cache_check(s.c));
    make_prompt(ids, 100, 0);
    assert_int_equal(kv_cache_match(s.c, (kv_origin){ 5, 0 }, ids, 100), 0); /* salted ones stay at home */
    assert_int_equal(kv_cache_match(s.c, (kv_origin){ 0, 9 }, ids, 100), 48);
    int32_t seq = kv_stub_prompt(&s, SHARED, ids, 100); /* verifies what it gets */
    kv_cache_stats stats;
    kv_cache_get_stats(s.c, &stats);
    assert_int_equal(stats.hit_tokens, 96);
    kv_cache_close(s.c, seq);
    make_prompt(ids + 40, 60, 500);
    seq = kv_stub_prompt(&s, SHARED, ids, 100);
    kv_cache_get_stats(s.c, &stats);
    assert_int_equal(stats.hit_tokens, 2 * 96);
    kv_cache_close(s.c, seq);
    kv_stub_destroy(&s);
    leave(&p);
}

static void salted_prefixes_are_saved_only_if_asked(void **state)
{
    (void)state;
    place p = make_place();
    int32_t ids[100];
    kv_disk_opts opts = OPTS;
    opts.salted = true;
    save_example(&p, &opts);
    kv_stub s = new_cache(120);
    assert_int_equal(kv_disk_load(s.c, p.path, &OPTS, NULL, NULL), SUMI_OK);
    make_prompt(ids, 100, 0);
    kv_cache_close(s.c, kv_stub_prompt(&s, (kv_origin){ 5, 0 }, ids, 100));
    kv_cache_stats stats;
    kv_cache_get_stats(s.c, &stats);
    assert_int_equal(stats.hit_tokens, 96);
    kv_stub_destroy(&s);
    leave(&p);
}

static void a_small_pool_takes_what_was_used_last(void **state)
{
    (void)state;
    place p = make_place();
    int32_t a[100], b[100];
    save_example(&p, &OPTS);
    make_prompt(a, 100, 0);
    make_prompt(b, 100, 0);
    make_prompt(b + 40, 60, 500);
    kv_stub s = new_cache(28);
    assert_int_equal(kv_disk_load(s.c, p.path, &OPTS, NULL, NULL), SUMI_OK);
    assert_null(kv_cache_check(s.c));
    assert_int_equal(kv_cache_match(s.c, SHARED, b, 100), 96);
    assert_int_equal(kv_cache_match(s.c, SHARED, a, 100), 32);
    kv_stub_destroy(&s);
    leave(&p);
}

static void a_file_has_a_limit_if_asked(void **state)
{
    (void)state;
    place p = make_place();
    struct stat st;
    for (size_t limit = 1; limit < 12000; limit += 777) {
        kv_disk_opts opts = OPTS;
        opts.max_bytes = limit;
        save_example(&p, &opts);
        assert_int_equal(stat(p.path, &st), 0);
        assert_true((size_t)st.st_size <= (limit < 72 ? 72 : limit)); /* the header is always there */
        kv_stub s = new_cache(120);
        assert_int_equal(kv_disk_load(s.c, p.path, &OPTS, NULL, NULL), SUMI_OK);
        assert_null(kv_cache_check(s.c));
        kv_stub_destroy(&s);
    }
    leave(&p);
}

static void write_bytes(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
    chmod(path, 0600);
}

static void refuse(const place *p, const kv_disk_opts *opts, sumi_status wanted)
{
    sumi_error err;
    int64_t n_tokens = 77;
    kv_stub s = new_cache(120);
    sumi_status status = kv_disk_load(s.c, p->path, opts, &n_tokens, &err);
    assert_true(wanted == SUMI_OK ? status != SUMI_OK : status == wanted);
    assert_null(strchr(err.message, '\n'));
    assert_non_null(strstr(err.message, p->path));
    assert_int_equal(n_tokens, 0);
    assert_int_equal(kv_cache_available(s.c), 120);
    kv_cache_stats stats;
    kv_cache_get_stats(s.c, &stats);
    assert_int_equal(stats.n_free, 120); /* nothing of it stays */
    kv_stub_destroy(&s);
}

static void every_damaged_byte_and_every_cut_is_noticed(void **state)
{
    (void)state;
    place p = make_place();
    size_t n;
    save_example(&p, &OPTS);
    char *bytes = test_read_file(p.path, &n);
    for (size_t i = 0; i < n; i += i < 400 ? 1 : 37) {
        bytes[i] ^= 0x10;
        write_bytes(p.path, bytes, n);
        refuse(&p, &OPTS, SUMI_OK); /* refused, for whatever reason */
        bytes[i] ^= 0x10;
    }
    for (size_t i = 0; i < n; i += i < 400 ? 1 : 37) {
        write_bytes(p.path, bytes, i);
        refuse(&p, &OPTS, SUMI_EFORMAT);
    }
    char *longer = calloc(n + 1, 1);
    memcpy(longer, bytes, n);
    write_bytes(p.path, longer, n + 1);
    refuse(&p, &OPTS, SUMI_EFORMAT);
    free(longer);
    free(bytes);
    leave(&p);
}

/* Byte `at` of the first record is changed, and its checksum is made to fit (kv_disk.c draws the file). why: what the loader must
 * say; NULL: the file is as it was. */
static void refuse_forged(const place *p, const char *bytes, size_t n, size_t at, char value, const char *why)
{
    enum { HEADER = 72, RECORD_HEAD = 96, BLOCK_BYTES_AT = 40, CHECKSUM_AT = 64 };
    uint64_t block_bytes, header_checksum, checksum;
    uint32_t n_blocks;
    sumi_error err;
    char *forged = malloc(n);
    memcpy(forged, bytes, n);
    memcpy(&block_bytes, forged + BLOCK_BYTES_AT, sizeof block_bytes);
    memcpy(&header_checksum, forged + CHECKSUM_AT, sizeof header_checksum);
    memcpy(&n_blocks, forged + HEADER + 4, sizeof n_blocks);
    size_t n_record = RECORD_HEAD + n_blocks * block_bytes;
    forged[HEADER + at] = value;
    checksum = siphash((sip_key){ header_checksum, 0 }, forged + HEADER, n_record);
    memcpy(forged + HEADER + n_record, &checksum, sizeof checksum);
    write_bytes(p->path, forged, n);
    kv_stub s = new_cache(120);
    sumi_status status = kv_disk_load(s.c, p->path, &OPTS, NULL, &err);
    if (!why) {
        assert_int_equal(status, SUMI_OK);
    } else {
        assert_int_equal(status, SUMI_EFORMAT);
        if (!strstr(err.message, why)) fail_msg("not '%s': %s", why, err.message);
        assert_int_equal(kv_cache_available(s.c), 120);
    }
    kv_stub_destroy(&s);
    free(forged);
}

static void what_the_checksum_does_not_show_is_noticed_too(void **state)
{
    (void)state;
    place p = make_place();
    size_t n;
    save_example(&p, &OPTS);
    char *bytes = test_read_file(p.path, &n);
    assert_memory_equal(bytes + 72, "\xff\xff\xff\xff", 4); /* the first record has no parent */
    refuse_forged(&p, bytes, n, 0, '\xff', NULL);
    refuse_forged(&p, bytes, n, 4, 2, "wrong number of blocks");
    refuse_forged(&p, bytes, n, 88, 0, "lacks a block"); /* of the group that sees all tokens */
    refuse_forged(&p, bytes, n, 89, 2, "lacks a block");
    memset(bytes + 72, 0, 4);
    refuse_forged(&p, bytes, n, 0, 0, "before its parent"); /* itself */
    refuse_forged(&p, bytes, n, 0, 1, "before its parent");
    free(bytes);
    leave(&p);
}

static void a_foreign_file_is_refused(void **state)
{
    (void)state;
    place p = make_place();
    save_example(&p, &OPTS);
    kv_disk_opts other = { .fingerprint = { { 11, 23 } } };
    refuse(&p, &other, SUMI_EUNSUPPORTED);
    assert_int_equal(chmod(p.path, 0620), 0); /* others may have written it */
    refuse(&p, &OPTS, SUMI_EFORMAT);
    unlink(p.path);
    assert_int_equal(mkdir(p.path, 0700), 0);
    refuse(&p, &OPTS, SUMI_EFORMAT);
    rmdir(p.path);
    kv_stub s = new_cache(10);
    int64_t n_tokens = 1;
    assert_int_equal(kv_disk_load(s.c, p.path, &OPTS, &n_tokens, NULL), SUMI_OK); /* no file yet */
    assert_int_equal(n_tokens, 0);
    sumi_error err;
    assert_int_equal(kv_disk_save(s.c, "/no/such/folder/x", &OPTS, &err), SUMI_EIO);
    kv_stub_destroy(&s);
    leave(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_saved_is_found_and_is_right),
        cmocka_unit_test(salted_prefixes_are_saved_only_if_asked),
        cmocka_unit_test(a_small_pool_takes_what_was_used_last),
        cmocka_unit_test(a_file_has_a_limit_if_asked),
        cmocka_unit_test(every_damaged_byte_and_every_cut_is_noticed),
        cmocka_unit_test(what_the_checksum_does_not_show_is_noticed_too),
        cmocka_unit_test(a_foreign_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
