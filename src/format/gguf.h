/* gguf.h - opens GGUF files as model sources (specification: docs/gguf.md of the ggml project), versions 2 and 3,
 * little-endian. */
#ifndef SUMI_FORMAT_GGUF_H
#define SUMI_FORMAT_GGUF_H

#include "format/model_source.h"

/* Limits far above real files; a file above them is refused with SUMI_ELIMIT. */
#define GGUF_MAX_KEYS        (1 << 16)
#define GGUF_MAX_TENSORS     (1 << 18)
#define GGUF_MAX_NAME_BYTES  65535 /* of a key, as the specification says; of a tensor's name too (it says 64) */
#define GGUF_MAX_ARRAY       INT32_MAX
#define GGUF_MAX_ARRAY_DEPTH 4 /* arrays in arrays */
#define GGUF_MAX_ALIGNMENT   (1 << 20)
#define GGUF_MAX_SHARDS      1024 /* files of one model */

/* Opens the file at path. If it is part of a split model, "NAME-00002-of-00005.gguf", the files beside it are opened too,
 * and the object is the whole model: metadata of the first file, tensors of all. SUMI_EIO: cannot be opened or read;
 * SUMI_EFORMAT: "PATH: what is wrong, where"; SUMI_EUNSUPPORTED: version, byte order or tensor type not known;
 * SUMI_ELIMIT: above a limit; SUMI_ENOMEM. Time is proportional to the size of the head; memory is a small multiple of it.
 * Free with model_source_close(). */
SUMI_MUST_USE sumi_status gguf_open(model_source **out, const char *path, sumi_error *err);

/* The same for the bytes of one file in memory, which must outlive the object (64-byte aligned if tensors are to be).
 * Part of a split model is just that part. name is used in messages. */
SUMI_MUST_USE sumi_status gguf_open_memory(model_source **out, const void *data, size_t n_bytes, const char *name,
                                           sumi_error *err);
uint32_t gguf_version(const model_source *src);
uint32_t gguf_alignment(const model_source *src); /* of tensors, from the start of the file: general.alignment, or 32 */

/* Whether path has the name of a part of a split model: "NAME-00002-of-00005.gguf" is number 1 (from 0) of 5. *n_stem:
 * bytes of the path up to the end of "NAME". */
bool gguf_shard_path(const char *path, size_t *n_stem, int32_t *no, int32_t *count);

#endif
