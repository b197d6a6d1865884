/* test_support.h - what tests share: cmocka in its right order, random data, files, models. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sumi.h"

/* A repeatable source of random numbers: the seed is printed when a test fails (test_rng_init logs it on stderr only
 * if SUMI_TEST_SEED is set; otherwise every run uses the seed given). */
typedef struct test_rng {
    uint64_t seed, n;
} test_rng;

test_rng test_rng_init(uint64_t seed);
uint32_t test_rng_u32(test_rng *r);
int32_t test_rng_range(test_rng *r, int32_t low, int32_t high); /* low <= x <= high */
float test_rng_normal(test_rng *r);

/* Fails the test unless status is the expected failure, told in one line that has part in it. */
void test_expect_error(sumi_status status, sumi_status expected, const sumi_error *err, const char *part);

/* Path of a file in the repository, "tests/golden/x.json"; valid until the next call. */
const char *test_source_path(const char *relative);

/* A whole file, NUL-terminated, freed with free(); fails the test if it is not there. */
char *test_read_file(const char *path, size_t *n_bytes);

/* Path of a real model that scripts/fetch-model fetched ("smollm2"); fails the test, saying how to get it, if it is
 * not there: a golden test is never skipped in silence. */
const char *test_model_path(const char *name);
const char *test_model_folder(const char *name); /* of a model that is a folder: "minilm" */

#endif
