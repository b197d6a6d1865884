/* test_digest.c - digests against those that sha256sum and git make. */
#include "store/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test_support.h"

static void digests_are_those_of_sha256sum_and_git(void **state)
{
    hasher h;
    (void)state;
    hasher_init(&h, DIGEST_NONE, -1); /* printf test | sha256sum */
    hasher_add(&h, "te", 2);
    hasher_add(&h, "st", 2);
    digest d = hasher_end(&h);
    assert_string_equal(d.hex, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    assert_int_equal(d.kind, DIGEST_SHA256);
    hasher_init(&h, DIGEST_GIT_SHA1, 4); /* printf test | git hash-object --stdin */
    hasher_add(&h, "test", 4);
    d = hasher_end(&h);
    assert_string_equal(d.hex, "30d74d258442c7c65512eafab474568dd706c430");
    assert_int_equal(d.kind, DIGEST_GIT_SHA1);
}

static void digests_are_read_in_letters_of_either_case(void **state)
{
    digest a, b;
    char text[65];
    (void)state;
    memset(text, 'a', 64);
    text[64] = '\0';
    assert_true(digest_parse(&a, DIGEST_SHA256, text, 64));
    text[3] = 'A';
    assert_true(digest_parse(&b, DIGEST_SHA256, text, 64));
    assert_true(digest_equal(&a, &b));
    assert_false(digest_parse(&a, DIGEST_SHA256, text, 63));
    assert_false(digest_parse(&a, DIGEST_GIT_SHA1, text, 64));
    text[5] = 'g';
    assert_false(digest_parse(&a, DIGEST_SHA256, text, 64));
}

static bool always(void *user)
{
    (void)user;
    return true;
}

static void a_file_is_hashed_from_its_start(void **state)
{
    char path[] = "/tmp/sumi-test-XXXXXX";
    hasher h;
    sumi_error err;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "testtest", 8) == 8);
    unlink(path);
    hasher_init(&h, DIGEST_SHA256, -1);
    assert_int_equal(hasher_add_file(&h, fd, 4, NULL, NULL, &err), SUMI_OK);
    digest d = hasher_end(&h);
    assert_string_equal(d.hex, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 4);
    assert_int_equal(hasher_add_file(&h, fd, 9, NULL, NULL, &err), SUMI_EIO);
    assert_int_equal(hasher_add_file(&h, fd, 8, always, NULL, &err), SUMI_ECANCELLED);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_sha256sum_and_git),
        cmocka_unit_test(digests_are_read_in_letters_of_either_case),
        cmocka_unit_test(a_file_is_hashed_from_its_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
