/* safetensors.h - reading safetensors files (specification: README.md of the safetensors project).
 *
 * Opening reads the header; st_fetch() reads a tensor. Both go into memory that lives as long as the object. Everything is
 * checked at opening: a tensor's bytes are inside the file, and their number fits its shape and type.
 *
 * Threads: a safetensors object is read-only after opening, so any number of threads may use it; st_fetch(), st_release()
 * and st_finish_reading() are called by one thread at a time, while no other thread reads that tensor. */
#ifndef SUMI_FORMAT_SAFETENSORS_H
#define SUMI_FORMAT_SAFETENSORS_H

#include "format/dtype.h"
#include "sumi.h"

#define ST_MAX_HEADER  100000000 /* bytes, as the reference implementation has it */
#define ST_MAX_TENSORS (1 << 20)
#define ST_MAX_DIMS    8

/* Bits of an element. Types that GGUF lacks can be described, but sumi cannot compute with them. */
/*    name        bits  dtype of dtype.h, or -1 */
#define ST_TYPE_LIST(X)     \
    X(F32, 32, DTYPE_F32)   \
    X(F16, 16, DTYPE_F16)   \
    X(BF16, 16, DTYPE_BF16) \
    X(F64, 64, DTYPE_F64)   \
    X(BOOL, 8, -1)          \
    X(U8, 8, -1)            \
    X(I8, 8, -1)            \
    X(U16, 16, -1)          \
    X(I16, 16, -1)          \
    X(U32, 32, -1)          \
    X(I32, 32, -1)          \
    X(U64, 64, -1)          \
    X(I64, 64, -1)          \
    X(F8_E5M2, 8, -1)       \
    X(F8_E4M3, 8, -1)       \
    X(F8_E8M0, 8, -1)       \
    X(F6_E2M3, 6, -1)       \
    X(F6_E3M2, 6, -1)       \
    X(F4, 4, -1)            \
    X(C64, 64, -1)

typedef enum st_type {
#define ST_TYPE_ENUM(name, bits, dtype) ST_##name,
    ST_TYPE_LIST(ST_TYPE_ENUM)
#undef ST_TYPE_ENUM
} st_type;

const char *st_type_name(st_type type);        /* "BF16" */
const dtype_info *st_type_dtype(st_type type); /* NULL: not a type of dtype.h */

typedef struct st_tensor {
    const char *name; /* NUL-terminated UTF-8 without NULs */
    st_type type;
    int32_t n_dims;            /* 0: one single element */
    int64_t dims[ST_MAX_DIMS]; /* slowest first, as in the file; each may be 0; unused ones are 1 */
    int64_t n_elems;           /* product of dims */
    size_t offset;             /* of data, from the start of the file */
    const void *data;          /* n_bytes of data, valid after st_fetch(); maybe unaligned; tensors do not overlap */
    size_t n_bytes;
} st_tensor;

typedef struct safetensors safetensors;

/* Opens the file at path. EIO: cannot be opened or read; EFORMAT: "PATH: what is wrong, where"; EUNSUPPORTED: an element
 * type that is not in the list above; ELIMIT: above a limit; ENOMEM. Free with st_close(). */
SUMI_MUST_USE sumi_status st_open(safetensors **out, const char *path, sumi_error *err);

/* The same for bytes in memory, which must outlive the object. name is used in messages. */
SUMI_MUST_USE sumi_status st_open_memory(safetensors **out, const void *data, size_t n_bytes, const char *name,
                                         sumi_error *err);
void st_close(safetensors *s); /* NULL is fine */

const char *st_name(const safetensors *s); /* path or name */
size_t st_file_bytes(const safetensors *s);
int64_t st_n_tensors(const safetensors *s);
const st_tensor *st_tensor_at(const safetensors *s, int64_t i); /* in the order of their data */

/* Reads a tensor of s into memory, unless it is there. EIO: it cannot be read; ENOMEM. */
SUMI_MUST_USE sumi_status st_fetch(safetensors *s, const st_tensor *t, sumi_error *err);
void st_release(safetensors *s, const st_tensor *t); /* gives its memory back; it may be fetched again */
/* Ends fetching and closes the file. EIO: the file was changed since it was opened. */
SUMI_MUST_USE sumi_status st_finish_reading(safetensors *s, sumi_error *err);

/* Whether the name of a file is that of a Python pickle, the format that safetensors replaces. Reading a pickle runs the
 * program in it, so sumi refuses pickles everywhere. ASCII letters of either case. */
bool st_is_pickle(const char *name);

#endif
