/* gguf_write.h - the head of a GGUF file: metadata and descriptions of tensors, version 3, little-endian.
 *
 *   gguf_head h;
 *   gguf_head_init(&h, 32);
 *   gguf_put_str(&h, "general.architecture", "llama");
 *   gguf_put_array(&h, "tokenizer.ggml.tokens", GGUF_STRING, n), then n times gguf_put_text()
 *   gguf_put_tensor(&h, "output.weight", 13, DTYPE_F16, 2, (int64_t[]){ 64, 8 });
 *   bytes = gguf_head_take(&h, &n_bytes);
 *
 * After an error all further calls do nothing; the error is reported at the end. Keys must differ, and so must names of
 * tensors. */
#ifndef SUMI_FORMAT_GGUF_WRITE_H
#define SUMI_FORMAT_GGUF_WRITE_H

#include "base/buf.h"
#include "format/model_source.h"

typedef struct gguf_head {
    buf meta, infos;
    uint64_t n_kv, n_tensors;
    uint64_t data_bytes; /* of the data section so far: where the next tensor begins */
    uint32_t alignment;
    sumi_status status;
} gguf_head;

/* alignment: of tensors, a power of two of at least 8; another one than 32 needs the key general.alignment. */
void gguf_head_init(gguf_head *h, uint32_t alignment);
void gguf_head_deinit(gguf_head *h);

void gguf_put_u32(gguf_head *h, const char *key, uint32_t value);
void gguf_put_u64(gguf_head *h, const char *key, uint64_t value);
void gguf_put_f32(gguf_head *h, const char *key, float value);
void gguf_put_bool(gguf_head *h, const char *key, bool value);
void gguf_put_str(gguf_head *h, const char *key, const char *value);
void gguf_put_strn(gguf_head *h, const char *key, const char *value, size_t n);

/* The beginning of an array of n elements, which must follow: scalars as gguf_put_elements(), texts one by one. */
void gguf_put_array(gguf_head *h, const char *key, gguf_type type, uint64_t n);
void gguf_put_elements(gguf_head *h, const void *values, size_t n_bytes); /* packed, little-endian */
void gguf_put_text(gguf_head *h, const char *text, size_t n);
void gguf_put_text_pair(gguf_head *h, const char *a, size_t n_a, const char *b, size_t n_b); /* "A B" */

/* Copies key number i of src with its value. */
void gguf_put_key_of(gguf_head *h, const model_source *src, int64_t i);

/* Appends a tensor; dims fastest first, n_dims of 1 to TENSOR_MAX_DIMS, all positive, rows of whole blocks. Returns the
 * offset of its data in the data section. If sizes overflow, the status of h becomes SUMI_ELIMIT. */
uint64_t gguf_put_tensor(gguf_head *h, const char *name, size_t n_name, dtype type, int32_t n_dims,
                         const int64_t *dims);

/* The head, padded to the alignment: the data section follows. The caller frees it with free(). NULL: a failure, in
 * h->status. h is empty afterwards. */
uint8_t *gguf_head_take(gguf_head *h, size_t *n_bytes);

#endif
