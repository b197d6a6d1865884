/* hf_folder.c - see hf_folder.h. */
#include "hf_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "quant/quant.h"

test_folder test_folder_create(void)
{
    test_folder f = { "/tmp/sumi-test-hf-XXXXXX" };
    assert_non_null(mkdtemp(f.path));
    return f;
}

void test_folder_remove(test_folder *f)
{
    char path[512];
    DIR *dir = opendir(f->path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%s", f->path, e->d_name);
        if (*e->d_name != '.') unlink(path);
    }
    if (dir) closedir(dir);
    rmdir(f->path);
}

void test_folder_write(const test_folder *f, const char *name, const void *data, size_t n_bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, n_bytes, out), n_bytes);
    assert_int_equal(fclose(out), 0);
}

void test_folder_copy(const test_folder *f, const char *name, const char *source_path)
{
    size_t n;
    char *data = test_read_file(test_source_path(source_path), &n);
    test_folder_write(f, name, data, n);
    free(data);
}

static uint32_t u32(const uint8_t **p)
{
    uint32_t v;
    memcpy(&v, *p, 4);
    *p += 4;
    return v;
}

/* Elements of blocks as float32; *p is behind the offset. Returns how many bytes they are. */
static size_t put_blocks(uint8_t *w, const uint8_t *blocks, const uint8_t **p)
{
    uint32_t n = u32(p), type = *(*p)++;
    float *values = malloc((size_t)n * sizeof *values);
    assert_true(values && dtype_find(type));
    quant_find((dtype)type)->decode(blocks, values, n);
    memcpy(w, values, (size_t)n * sizeof *values);
    free(values);
    return (size_t)n * sizeof *values;
}

/* What a delta makes of a GGUF file; the caller frees it. */
static uint8_t *apply(const uint8_t *delta, size_t n_delta, const uint8_t *gguf, size_t n_gguf, size_t *n_bytes)
{
    const uint8_t *p = delta + 8, *end = delta + n_delta;
    assert_memory_equal(delta, "SUMIDELT", 8);
    *n_bytes = u32(&p);
    uint8_t *out = malloc(*n_bytes), *w = out;
    assert_non_null(out);
    while (p < end) {
        uint8_t op = *p++;
        uint32_t a = u32(&p), b, count = 1;
        const uint8_t *from = p;
        if (op == 3) {
            w += put_blocks(w, gguf + a, &p);
            continue;
        }
        if (op == 0) {
            b = a, p += a;
        } else {
            assert_in_range(op, 1, 2);
            from = gguf + a;
            b = u32(&p);
        }
        size_t stride = b;
        if (op == 2) count = u32(&p), b = *p++;
        assert_true((size_t)(out + *n_bytes - w) >= (size_t)b * count);
        assert_true(op == 0 || a + stride * (count - 1) + b <= n_gguf);
        for (uint32_t i = 0; i < count; i++, from += stride, w += b) memcpy(w, from, b);
    }
    assert_ptr_equal(w, out + *n_bytes);
    return out;
}

test_folder test_hf_folder(const char *name)
{
    char path[256];
    size_t n_delta, n_gguf, n;
    const char *vocabulary = !strncmp(name, "gemma", 5) ? "spm" : !strcmp(name, "nomic-bert") ? "wordpiece" : "bytes";
    test_folder f = test_folder_create();
    snprintf(path, sizeof path, "tests/golden/hf/%s.json", name);
    test_folder_copy(&f, "config.json", path);
    snprintf(path, sizeof path, "tests/golden/hf/tokenizer-%s.json", vocabulary);
    test_folder_copy(&f, "tokenizer.json", path);
    snprintf(path, sizeof path, "tests/golden/hf/%s.delta", name);
    char *delta = test_read_file(test_source_path(path), &n_delta);
    snprintf(path, sizeof path, "tests/golden/tiny/%s.gguf", name);
    char *gguf = test_read_file(test_source_path(path), &n_gguf);
    uint8_t *file = apply((uint8_t *)delta, n_delta, (uint8_t *)gguf, n_gguf, &n);
    test_folder_write(&f, "model.safetensors", file, n);
    free(file);
    free(gguf);
    free(delta);
    return f;
}
