/* gguf_internal.h - what the files of the GGUF reader share. Not for other rooms.
 *
 *   gguf.c          opening, the header
 *   gguf_meta.c     the metadata: keys and typed values
 *   gguf_tensors.c  the tensors: names, shapes, where their bytes lie
 *   gguf_split.c    models in several files
 *   gguf_value.c    the values of keys */
#ifndef SUMI_FORMAT_GGUF_INTERNAL_H
#define SUMI_FORMAT_GGUF_INTERNAL_H

#include "format/cursor.h"
#include "format/gguf.h"
#include "format/model_source_internal.h"

/* Reads header, metadata and tensors of src->data. */
sumi_status gguf_read_all(model_source *src, sumi_error *err);

/* Each reads its part of the file at *c into src. src->n_kv and src->n_tensors are still unchecked counts from the header.
 * On failure the error says what and where, but not the file, and src is safe to free. */
sumi_status gguf_read_metadata(model_source *src, cursor *c, sumi_error *err);
sumi_status gguf_read_tensors(model_source *src, cursor *c, sumi_error *err);

/* Reads one file, whether or not it is part of a split model. Errors name the file. */
sumi_status gguf_open_file(model_source **out, const char *path, sumi_error *err);

/* *src is a file that was just opened. If the file is a part of a split model, opens the other parts in the same folder and
 * makes *src the first part with the tensors of all parts. Errors name the file; *src is the caller's in any case. */
sumi_status gguf_join(model_source **src, sumi_error *err);

/* A name (key or tensor) with its length: not empty, not above GGUF_MAX_NAME_BYTES. */
sumi_status gguf_read_name(cursor *c, gguf_str *name, sumi_error *err);

/* "the file ends inside ...": for a cursor that ran out. what: "the value" */
sumi_status gguf_fail_short(const cursor *c, const char *what, sumi_error *err);

/* For "%.*s": the first bytes of a name, so that the rest of the message has room. */
#define GGUF_SHOW(s) (int)((s).n < 80 ? (s).n : 80), (s).data

/* Bytes of a scalar of this type; 0 for strings and arrays. */
size_t gguf_type_bytes(gguf_type type);
bool gguf_type_is_known(uint32_t number);

/* The scalar at p: an unsigned integer of n_bytes; a float of type F32 or F64; an integer, or false if the type is no
 * integer or the value is above INT64_MAX. */
uint64_t gguf_load_le(const uint8_t *p, size_t n_bytes);
double gguf_load_float(const uint8_t *p, gguf_type type);
bool gguf_load_integer(const uint8_t *p, gguf_type type, int64_t *value);

#endif
