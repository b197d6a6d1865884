/* test_support.c - see test_support.h. */
#include "test_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"

test_rng test_rng_init(uint64_t seed)
{
    const char *env = getenv("SUMI_TEST_SEED");
    if (env) {
        seed = strtoull(env, NULL, 0);
        fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    }
    return (test_rng){ .seed = seed };
}

uint32_t test_rng_u32(test_rng *r)
{
    uint32_t counter[4] = { (uint32_t)r->n, (uint32_t)(r->n >> 32), 0, 0 }, out[4];
    uint32_t key[2] = { (uint32_t)r->seed, (uint32_t)(r->seed >> 32) };
    r->n++;
    philox4x32(counter, key, out);
    return out[0];
}

int32_t test_rng_range(test_rng *r, int32_t low, int32_t high)
{
    return low + (int32_t)(test_rng_u32(r) % ((uint32_t)(high - low) + 1));
}

float test_rng_normal(test_rng *r)
{
    double u = (test_rng_u32(r) + 0.5) * 0x1p-32, v = test_rng_u32(r) * 0x1p-32; /* Box-Muller */
    return (float)(sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}

void test_expect_error(sumi_status status, sumi_status expected, const sumi_error *err, const char *part)
{
    const char *message = status == SUMI_OK ? "" : err->message;
    if (status != expected || !strstr(message, part) || strchr(message, '\n'))
        fail_msg("status %d, expected %d: '%s' has no '%s', or lines", (int)status, (int)expected, message, part);
}

const char *test_source_path(const char *relative)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", SUMI_SOURCE_DIR, relative);
    return path;
}

char *test_read_file(const char *path, size_t *n_bytes)
{
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s: cannot be read", path);
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *data = malloc((size_t)n + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)n, f), n);
    data[n] = '\0';
    fclose(f);
    if (n_bytes) *n_bytes = (size_t)n;
    return data;
}

static const char *find_model(const char *name, const char *end)
{
    static char path[4096];
    const char *folder = getenv("SUMI_MODELS");
    if (folder) snprintf(path, sizeof path, "%s/%s%s", folder, name, end);
    else snprintf(path, sizeof path, "%s/models/%s%s", SUMI_SOURCE_DIR, name, end);
    if (access(path, R_OK) != 0) fail_msg("%s is missing: run scripts/fetch-model %s", path, name);
    return path;
}

const char *test_model_path(const char *name)
{
    return find_model(name, ".gguf");
}

const char *test_model_folder(const char *name)
{
    return find_model(name, "");
}
