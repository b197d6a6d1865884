/* gguf.h - reading GGUF model files (specification: docs/gguf.md of the ggml project), versions 2 and 3, little-endian.
 *
 * The file is mapped, not read: strings, arrays and tensors handed out here point into the map and live as long as
 * the gguf object. Everything is checked at opening: nothing that a getter returns can point outside the file. */
#ifndef SUMI_FORMAT_GGUF_H
#define SUMI_FORMAT_GGUF_H

#include "format/dtype.h"
#include "sumi.h"

typedef enum gguf_type {
    GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32,
    GGUF_BOOL, GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64, GGUF_F64,
} gguf_type;

#define GGUF_MAX_DIMS 4

typedef struct gguf_str {
    const char *data; /* not NUL-terminated */
    size_t n;
} gguf_str;

typedef struct gguf_array {
    gguf_type type;   /* of the elements; GGUF_ARRAY never occurs (nested arrays are checked and skipped) */
    uint64_t n;
    const void *data; /* scalars: n packed little-endian values, maybe unaligned. Strings: use gguf_array_str() */
} gguf_array;

typedef struct gguf_tensor {
    gguf_str name;
    const dtype_info *type;
    int32_t n_dims;
    int64_t dims[GGUF_MAX_DIMS]; /* fastest first, as in the file; unused ones are 1 */
    const void *data;
    size_t n_bytes;
} gguf_tensor;

typedef struct gguf gguf;

/* Maps the file at path. SUMI_EIO: cannot be opened or mapped; SUMI_EFORMAT: "PATH: what is wrong, where";
 * SUMI_EUNSUPPORTED: version, byte order or tensor type not known. Free with gguf_close(). */
SUMI_MUST_USE sumi_status gguf_open(gguf **out, const char *path, sumi_error *err);

/* The same for bytes in memory, which must outlive the object (64-byte aligned if tensors are to be). name is used in
 * messages. */
SUMI_MUST_USE sumi_status gguf_open_memory(gguf **out, const void *data, size_t n_bytes, const char *name,
                                           sumi_error *err);
void gguf_close(gguf *g);

const char *gguf_name(const gguf *g);       /* path or name, for messages */
uint32_t gguf_version(const gguf *g);
size_t gguf_file_bytes(const gguf *g);

/* ---- Metadata. Getters return false if the key is missing or has a type that does not fit. ---- */
int64_t gguf_n_keys(const gguf *g);
gguf_str gguf_key(const gguf *g, int64_t i);
gguf_type gguf_key_type(const gguf *g, int64_t i);
int64_t gguf_find(const gguf *g, const char *key); /* index, or -1 */

/* Any integer type whose value fits; bool is not an integer. */
bool gguf_get_i64(const gguf *g, const char *key, int64_t *value);
bool gguf_get_i32(const gguf *g, const char *key, int32_t *value);
bool gguf_get_f32(const gguf *g, const char *key, float *value);   /* F32 or F64 */
bool gguf_get_bool(const gguf *g, const char *key, bool *value);
bool gguf_get_str(const gguf *g, const char *key, gguf_str *value);
bool gguf_get_array(const gguf *g, const char *key, gguf_array *value);

/* Element i of a string array: the reader keeps an index, so this is O(1). */
gguf_str gguf_array_str(const gguf *g, const gguf_array *a, uint64_t i);
/* Element i of a numeric or bool array, converted. */
int64_t gguf_array_i64(const gguf_array *a, uint64_t i);
float gguf_array_f32(const gguf_array *a, uint64_t i);

/* ---- Tensors ---- */
int64_t gguf_n_tensors(const gguf *g);
const gguf_tensor *gguf_tensor_at(const gguf *g, int64_t i);
const gguf_tensor *gguf_find_tensor(const gguf *g, const char *name); /* NULL: not there */

#endif
