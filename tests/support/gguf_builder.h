/* gguf_builder.h - makes small GGUF files in memory, good ones and, with raw values, bad ones.
 *
 *   gguf_builder b;
 *   gb_init(&b);
 *   gb_str(&b, "general.architecture", "llama");
 *   gb_str_array(&b, "tokenizer.ggml.tokens", tokens, n_tokens);
 *   gb_tensor(&b, "output.weight", DTYPE_F32, 2, (uint64_t[]){ 64, 8 }, weights, sizeof weights);
 *   uint8_t *file = gb_finish(&b, &n_bytes);        free(file) when done
 *
 * Nothing is checked: what is written is what was asked for. Running out of memory fails the test. */
#ifndef TEST_GGUF_BUILDER_H
#define TEST_GGUF_BUILDER_H

#include "base/buf.h"
#include "format/model_source.h"

typedef struct gguf_builder {
    buf meta, infos, data;
    uint64_t n_kv, n_tensors; /* counted by the functions below; change them to lie in the header */
    uint32_t version;         /* 3 */
    uint64_t alignment;       /* 32; of the data section and of each tensor. Does not write general.alignment */
} gguf_builder;

void gb_init(gguf_builder *b);

void gb_u32(gguf_builder *b, const char *key, uint32_t value);
void gb_i32(gguf_builder *b, const char *key, int32_t value);
void gb_f32(gguf_builder *b, const char *key, float value);
void gb_bool(gguf_builder *b, const char *key, bool value);
void gb_str(gguf_builder *b, const char *key, const char *value);
void gb_str_array(gguf_builder *b, const char *key, const char *const *values, size_t n);
/* An array of n scalars that take n_bytes together. */
void gb_array(gguf_builder *b, const char *key, gguf_type type, const void *values, uint64_t n, size_t n_bytes);
/* Any type number with any bytes after it. */
void gb_raw(gguf_builder *b, const char *key, uint32_t type, const void *bytes, size_t n_bytes);

/* Adds an entry and, at its offset, the data. dims: fastest first. */
void gb_tensor(gguf_builder *b, const char *name, uint32_t type, uint32_t n_dims, const uint64_t *dims,
               const void *data, size_t n_bytes);
/* Only an entry, with this offset. */
void gb_tensor_entry(gguf_builder *b, const char *name, uint32_t type, uint32_t n_dims, const uint64_t *dims,
                     uint64_t offset);

/* The file; b is empty afterwards. Free with free(). */
uint8_t *gb_finish(gguf_builder *b, size_t *n_bytes);

/* Writes the file to path instead. */
void gb_write(gguf_builder *b, const char *path);

/* Writes the model at path as n_shards files PREFIX-00001-of-0000N.gguf, with about as many tensors in each. */
void gb_split(const char *path, const char *prefix, int32_t n_shards);

/* Copies keys and tensors of src under other names: each (from, to) replaces the beginning of a name, the first that fits;
 * to NULL leaves it out. The array ends with { NULL, NULL }. Integers become u32 or i32. */
typedef struct gb_rename {
    const char *from, *to;
} gb_rename;
void gb_copy(gguf_builder *b, const model_source *src, const gb_rename *renames);

/* Little-endian pieces for values given to gb_raw(). */
void gb_put_u32(buf *out, uint32_t value);
void gb_put_u64(buf *out, uint64_t value);
void gb_put_str(buf *out, const char *text);

/* Fetches the data of all tensors; fails the test if that fails. */
void test_fetch_tensors(const model_source *src);

/* Reads all that the getters of an opened file can reach, so that a sanitizer sees every byte. Tensors of up
 * to max_elems elements are decoded. */
void test_touch_source(const model_source *src, int64_t max_elems);

#endif
