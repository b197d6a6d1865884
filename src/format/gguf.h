/* gguf.h - reading GGUF model files (specification: docs/gguf.md of the ggml project), versions 2 and 3, little-endian.
 *
 * Opening reads the head of the file (metadata, names, shapes); gguf_fetch() reads the data of a tensor. Both go into
 * memory that lives as long as the gguf object, so later changes of the file have no effect. Everything is checked at
 * opening: no pointer that a getter returns can point outside the file. At the end gguf_finish_reading() checks that the
 * file was not changed meanwhile.
 *
 * Threads: a gguf object is read-only after opening, so any number of threads may use it; gguf_fetch(), gguf_release() and
 * gguf_finish_reading() are called by one thread at a time, while no other thread reads that tensor. */
#ifndef SUMI_FORMAT_GGUF_H
#define SUMI_FORMAT_GGUF_H

#include "base/siphash.h"
#include "format/dtype.h"
#include "sumi.h"

typedef enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
} gguf_type;

#define GGUF_MAX_DIMS 4

/* Limits far above real files; a file above them is refused with SUMI_ELIMIT. */
#define GGUF_MAX_KEYS        (1 << 16)
#define GGUF_MAX_TENSORS     (1 << 18)
#define GGUF_MAX_NAME_BYTES  65535 /* of a key, as the specification says; of a tensor's name too (it says 64) */
#define GGUF_MAX_ARRAY       INT32_MAX
#define GGUF_MAX_ARRAY_DEPTH 4 /* arrays in arrays */
#define GGUF_MAX_ALIGNMENT   (1 << 20)
#define GGUF_MAX_SHARDS      1024 /* files of one model */

typedef struct gguf_str {
    const char *data; /* not NUL-terminated */
    size_t n;
} gguf_str;

typedef struct gguf_array {
    gguf_type type; /* of the elements; GGUF_ARRAY never occurs (nested arrays are checked and skipped) */
    uint64_t n;
    const void *data; /* scalars: n packed little-endian values, maybe unaligned. Strings: for gguf_array_str() only */
} gguf_array;

/* A tensor of n_dims dimensions; 0 of them is one single element. Rows (dims[0]) are whole blocks, no dimension is 0. */
typedef struct gguf_tensor {
    gguf_str name;
    const dtype_info *type;
    int32_t n_dims;
    int64_t dims[GGUF_MAX_DIMS]; /* fastest first, as in the file; unused ones are 1 */
    int64_t n_elems;             /* product of dims */
    int32_t shard;               /* which file of a split model it lies in; else 0 */
    size_t offset;               /* of data, from the start of that file */
    const void *data; /* n_bytes of data, valid after gguf_fetch(); tensors may overlap. NULL (only for models
                                    in files of another format): gguf_make_rows() makes the rows */
    size_t n_bytes;
} gguf_tensor;

typedef struct gguf gguf;

/* Opens the file at path. If it is part of a split model, "NAME-00002-of-00005.gguf", the files beside it are opened too,
 * and the object is the whole model: metadata of the first file, tensors of all. SUMI_EIO: cannot be opened or read;
 * SUMI_EFORMAT: "PATH: what is wrong, where"; SUMI_EUNSUPPORTED: version, byte order or tensor type not known;
 * SUMI_ELIMIT: above a limit; SUMI_ENOMEM. Time is proportional to the size of the head; memory is a small multiple of it.
 * Free with gguf_close(). */
SUMI_MUST_USE sumi_status gguf_open(gguf **out, const char *path, sumi_error *err);

/* The same for the bytes of one file in memory, which must outlive the object (64-byte aligned if tensors are to be).
 * Part of a split model is just that part. name is used in messages. */
SUMI_MUST_USE sumi_status gguf_open_memory(gguf **out, const void *data, size_t n_bytes, const char *name,
                                           sumi_error *err);
void gguf_close(gguf *g);

/* Tensors whose data lies in files of another format (safetensors). A GGUF header that was made in memory describes
 * them. */
typedef struct gguf_file {
    const char *name;
    size_t n_bytes;
} gguf_file;

typedef struct gguf_place {
    const void *data; /* aligned to the tensor's elements; NULL: make() makes it */
    int32_t file;
    size_t offset; /* in that file */
} gguf_place;

typedef struct gguf_elsewhere {
    const gguf_place *places; /* [n_tensors] in the order of the header */
    const gguf_file *files;   /* [n_files]: gguf_shard_name() 1 .. n_files; the header itself is shard 0 */
    int32_t n_files;
    /* Writes rows first .. first + n - 1 (of dims[0] elements each) of tensor i to dst. Called from any thread. */
    void (*make)(const void *user, int64_t i, int64_t first, int64_t n, void *dst);
    /* Called by gguf_fetch(), gguf_release() and gguf_finish_reading(). fetch reads at least these rows, or the rows that
     * they are made of. */
    sumi_status (*fetch)(void *user, int64_t i, int64_t first, int64_t n, sumi_error *err);
    void (*release)(void *user, int64_t i);
    sumi_status (*finish_reading)(void *user, sumi_error *err);
    void (*destroy)(void *user); /* places and files are not used afterwards */
    void *user;
} gguf_elsewhere;

/* header: n_bytes of a GGUF file up to its data section, from malloc(); the offsets of its tensors are ignored. The object
 * takes ownership of header and of e->user, on failure too. */
SUMI_MUST_USE sumi_status gguf_open_described(gguf **out, const char *name, uint8_t *header, size_t n_bytes,
                                              const gguf_elsewhere *e, sumi_error *err);

const char *gguf_name(const gguf *g); /* path or name, for messages */
uint32_t gguf_version(const gguf *g);
size_t gguf_file_bytes(const gguf *g); /* of all files of a split model */
bool gguf_is_described(const gguf *g); /* the model is in files of another format: gguf_open_described() */
int32_t gguf_n_shards(const gguf *g);  /* files; 1 if the model is not split */
const char *gguf_shard_name(const gguf *g, int32_t shard); /* path of a file; of the first one: gguf_name() */
size_t gguf_shard_bytes(const gguf *g, int32_t shard);

/* Whether path has the name of a part of a split model: "NAME-00002-of-00005.gguf" is number 1 (from 0) of 5. *n_stem:
 * bytes of the path up to the end of "NAME". */
bool gguf_shard_path(const char *path, size_t *n_stem, int32_t *no, int32_t *count);
uint32_t gguf_alignment(const gguf *g);     /* of tensors, from the start of the file: general.alignment, or 32 */
const char *gguf_type_name(gguf_type type); /* "u32", "string", ... */

/* A hash of the head of each file: metadata, names, shapes and places of tensors. */
uint64_t gguf_head_hash(const gguf *g, sip_key key);

bool gguf_str_is(gguf_str s, const char *text);

/* ---- Metadata. Getters return false if the key is missing or has a type that does not fit. ---- */
int64_t gguf_n_keys(const gguf *g);
gguf_str gguf_key(const gguf *g, int64_t i);
gguf_type gguf_key_type(const gguf *g, int64_t i);
int64_t gguf_find(const gguf *g, const char *key); /* index, or -1 */

/* Any integer type whose value fits; bool is not an integer. */
bool gguf_get_i64(const gguf *g, const char *key, int64_t *value);
bool gguf_get_i32(const gguf *g, const char *key, int32_t *value);
bool gguf_get_f32(const gguf *g, const char *key, float *value); /* F32 or F64 */
bool gguf_get_bool(const gguf *g, const char *key, bool *value);
bool gguf_get_str(const gguf *g, const char *key, gguf_str *value);
bool gguf_get_array(const gguf *g, const char *key, gguf_array *value);

/* The same for key number i of gguf_n_keys(), for walks over all keys. */
bool gguf_value_i64(const gguf *g, int64_t i, int64_t *value);
bool gguf_value_u64(const gguf *g, int64_t i, uint64_t *value); /* any integer that is not negative */
bool gguf_value_f64(const gguf *g, int64_t i, double *value);   /* F32 or F64 */
bool gguf_value_bool(const gguf *g, int64_t i, bool *value);
bool gguf_value_str(const gguf *g, int64_t i, gguf_str *value);
bool gguf_value_array(const gguf *g, int64_t i, gguf_array *value); /* false for arrays of arrays */

/* Element i of a string array: the reader keeps an index, so this is O(1). */
gguf_str gguf_array_str(const gguf *g, const gguf_array *a, uint64_t i);

/* Element i of a numeric or bool array, converted; to an integer: towards zero, saturating, 0 for NaN. */
int64_t gguf_array_i64(const gguf_array *a, uint64_t i);
uint64_t gguf_array_u64(const gguf_array *a, uint64_t i); /* of a U64 array, as it is */
double gguf_array_f64(const gguf_array *a, uint64_t i);
float gguf_array_f32(const gguf_array *a, uint64_t i);

/* ---- Tensors ---- */
int64_t gguf_n_tensors(const gguf *g);
const gguf_tensor *gguf_tensor_at(const gguf *g, int64_t i);
const gguf_tensor *gguf_find_tensor(const gguf *g, const char *name); /* NULL: not there */

/* Reads rows first .. first + n - 1 of t into memory (rows of dims[0] elements; all other dimensions are counted
 * together). EIO: they cannot be read, for example because the file was truncated; ENOMEM. */
SUMI_MUST_USE sumi_status gguf_fetch(const gguf *g, const gguf_tensor *t, int64_t first, int64_t n, sumi_error *err);

/* The same into dst; faster for rows that are read once. */
SUMI_MUST_USE sumi_status gguf_read_rows(const gguf *g, const gguf_tensor *t, int64_t first, int64_t n, void *dst,
                                         sumi_error *err);

/* Copies or makes rows that are fetched, to dst. */
void gguf_make_rows(const gguf *g, const gguf_tensor *t, int64_t first, int64_t n, void *dst);

/* Gives the memory of a tensor back; it may be fetched again. */
void gguf_release(const gguf *g, const gguf_tensor *t);

/* Ends fetching and closes the files. EIO: a file was changed since it was opened. */
SUMI_MUST_USE sumi_status gguf_finish_reading(const gguf *g, sumi_error *err);

#endif
