/* model_source.h - what a model is read from: keys with values, and tensors. The files behind it are GGUF files or a
 * Hugging Face folder; the code above sees no difference.
 *
 *   gguf_open()             of a GGUF file, or of all files of a split model (gguf.h)
 *   described_source_open() of files in another format, described by a GGUF header (described_source.h)
 *   model_source_open()     of whatever a path leads to (src/hf/model_source_open.h)
 *
 * Opening reads keys, names and shapes; model_source_fetch() reads the data of a tensor. Both go into memory that lives
 * as long as the source, so later changes of the files have no effect. Everything is checked at opening: no pointer that
 * a getter returns can point outside the files. At the end model_source_finish_reading() checks that no file was changed
 * meanwhile.
 *
 * Threads: a source is read-only after opening, so any number of threads may use it; model_source_fetch(),
 * model_source_release() and model_source_finish_reading() are called by one thread at a time, while no other thread
 * reads that tensor. */
#ifndef SUMI_FORMAT_MODEL_SOURCE_H
#define SUMI_FORMAT_MODEL_SOURCE_H

#include "base/siphash.h"
#include "format/dtype.h"
#include "format/gguf_value.h"
#include "sumi.h"

typedef struct model_source model_source;

#define TENSOR_MAX_DIMS 4 /* as in GGUF */

/* A tensor of n_dims dimensions; 0 of them is one single element. Rows (dims[0]) are whole blocks, no dimension is 0. */
typedef struct source_tensor {
    gguf_str name;
    const dtype_info *type;
    int32_t n_dims;
    int64_t dims[TENSOR_MAX_DIMS]; /* fastest first, as in the file; unused ones are 1 */
    int64_t n_elems;               /* product of dims */
    int32_t shard;                 /* which file of a split model it lies in; else 0 */
    size_t offset;                 /* of data, from the start of that file */
    /* [n_bytes], valid after model_source_fetch(); tensors may overlap. NULL (only in described sources): the data of the
     * tensor is in no file as it is, and model_source_make_rows() makes its rows. */
    const void *data;
    size_t n_bytes;
} source_tensor;

void model_source_close(model_source *src); /* NULL is fine */

const char *model_source_name(const model_source *src);  /* path or name, for messages */
size_t model_source_file_bytes(const model_source *src); /* of all files of a split model */
bool model_source_is_described(const model_source *src); /* in files of another format: described_source_open() */

/* The files: 1 if the model is not split. Of a described source, shard 0 is the header in memory. The name of shard 0 is
 * model_source_name(). */
int32_t model_source_n_shards(const model_source *src);
const char *model_source_shard_name(const model_source *src, int32_t shard);
size_t model_source_shard_bytes(const model_source *src, int32_t shard);

/* A hash of the head of each file: metadata, names, shapes and places of tensors. */
uint64_t model_source_head_hash(const model_source *src, sip_key key);

/* ---- Metadata. Getters return false if the key is missing or has a type that does not fit. ---- */
int64_t model_source_n_keys(const model_source *src);
gguf_str model_source_key(const model_source *src, int64_t i);
gguf_type model_source_key_type(const model_source *src, int64_t i);
int64_t model_source_find_key(const model_source *src, const char *key); /* index, or -1 */

/* Any integer type whose value fits; bool is not an integer. */
bool model_source_get_i64(const model_source *src, const char *key, int64_t *value);
bool model_source_get_i32(const model_source *src, const char *key, int32_t *value);
bool model_source_get_f32(const model_source *src, const char *key, float *value); /* F32 or F64 */
bool model_source_get_bool(const model_source *src, const char *key, bool *value);
bool model_source_get_str(const model_source *src, const char *key, gguf_str *value);
bool model_source_get_array(const model_source *src, const char *key, gguf_array *value);

/* The same for key number i of model_source_n_keys(), for walks over all keys. */
bool model_source_value_i64(const model_source *src, int64_t i, int64_t *value);
bool model_source_value_u64(const model_source *src, int64_t i, uint64_t *value); /* any integer that is not negative */
bool model_source_value_f64(const model_source *src, int64_t i, double *value);   /* F32 or F64 */
bool model_source_value_bool(const model_source *src, int64_t i, bool *value);
bool model_source_value_str(const model_source *src, int64_t i, gguf_str *value);
bool model_source_value_array(const model_source *src, int64_t i, gguf_array *value); /* false for arrays of arrays */

/* Element i of a string array: the reader keeps an index, so this is O(1). */
gguf_str model_source_array_str(const model_source *src, const gguf_array *a, uint64_t i);

/* ---- Tensors ---- */
int64_t model_source_n_tensors(const model_source *src);
const source_tensor *model_source_tensor_at(const model_source *src, int64_t i);
const source_tensor *model_source_find_tensor(const model_source *src, const char *name); /* NULL: not there */

/* Reads rows first .. first + n - 1 of t into memory (rows of dims[0] elements; all other dimensions are counted
 * together). EIO: they cannot be read, for example because the file was truncated; ENOMEM. */
SUMI_MUST_USE sumi_status model_source_fetch(const model_source *src, const source_tensor *t, int64_t first, int64_t n,
                                             sumi_error *err);

/* The same into dst; faster for rows that are read once. */
SUMI_MUST_USE sumi_status model_source_read_rows(const model_source *src, const source_tensor *t, int64_t first,
                                                 int64_t n, void *dst, sumi_error *err);

/* Copies or makes rows that are fetched, to dst. */
void model_source_make_rows(const model_source *src, const source_tensor *t, int64_t first, int64_t n, void *dst);

/* Gives the memory of a tensor back; it may be fetched again. */
void model_source_release(const model_source *src, const source_tensor *t);

/* Ends fetching and closes the files. EIO: a file was changed since it was opened. */
SUMI_MUST_USE sumi_status model_source_finish_reading(const model_source *src, sumi_error *err);

#endif
