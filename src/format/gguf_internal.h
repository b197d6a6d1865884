/* gguf_internal.h - what the files of the GGUF reader share. Not for other rooms.
 *
 *   gguf.c           opening, the header; closing
 *   gguf_meta.c      the metadata: keys and typed values
 *   gguf_tensors.c   the tensors: names, shapes, where their bytes lie
 *   gguf_split.c     models in several files
 *   gguf_describe.c  models in files of other formats */
#ifndef SUMI_FORMAT_GGUF_INTERNAL_H
#define SUMI_FORMAT_GGUF_INTERNAL_H

#include "base/strmap.h"
#include "format/cursor.h"
#include "format/gguf.h"

typedef struct gguf_kv {
    gguf_str key;
    gguf_type type, elem; /* elem: of an array's elements; GGUF_ARRAY: nested, not offered */
    uint64_t n;           /* elements of an array, bytes of a string */
    const uint8_t *value; /* first byte of a scalar, of a string's text or of an array's first element */
    /* Arrays of strings: index[i] is the offset in the file of the text of string i. String i ends 8 bytes before index[i
     * + 1], because the length of the next string is between them. n + 1 entries, owned. */
    uint64_t *index;
    const uint8_t *whole; /* [whole_bytes] name, type and value as they are in the file */
    size_t whole_bytes;
} gguf_kv;

struct gguf {
    char *name;
    const uint8_t *data;
    size_t n_bytes;
    size_t n_head;    /* bytes before the data section */
    file_bytes *file; /* owned, has data; NULL: data is the caller's, or is owned under `elsewhere` */
    bool overlaps;    /* some tensors share bytes */
    uint32_t version, alignment;
    int64_t n_kv, n_tensors;
    gguf_kv *kv;          /* [n_kv] */
    gguf_tensor *tensors; /* [n_tensors] */
    strmap *keys, *names; /* key -> index in kv, tensor name -> index in tensors */
    struct gguf **more;   /* [n_more] the other files of a split model, owned; their tensors are all in this one */
    int32_t n_more;
    gguf_elsewhere *elsewhere; /* owned; NULL: the tensors are in the GGUF file itself. Else data is owned, and `more`
                                  lists the files of the tensors by name and size only */
};

/* Reads header, metadata and tensors of g->data. */
sumi_status gguf_read_all(gguf *g, sumi_error *err);

/* Each reads its part of the file at *c into g. g->n_kv and g->n_tensors are still unchecked counts from the header. On
 * failure the error says what and where, but not the file, and g is safe to free. */
sumi_status gguf_read_metadata(gguf *g, cursor *c, sumi_error *err);
sumi_status gguf_read_tensors(gguf *g, cursor *c, sumi_error *err);

/* Reads one file, whether or not it is part of a split model. Errors name the file. */
sumi_status gguf_open_file(gguf **out, const char *path, sumi_error *err);

/* *g is a file that was just opened. If the file is a part of a split model, opens the other parts in the same folder and
 * makes *g the first part with the tensors of all parts. Errors name the file; *g is the caller's in any case. */
sumi_status gguf_join(gguf **g, sumi_error *err);

/* A name (key or tensor) with its length: not empty, not above GGUF_MAX_NAME_BYTES. */
sumi_status gguf_read_name(cursor *c, gguf_str *name, sumi_error *err);

/* "the file ends inside ...": for a cursor that ran out. what: "the value" */
sumi_status gguf_fail_short(const cursor *c, const char *what, sumi_error *err);

/* For "%.*s": the first bytes of a name, so that the rest of the message has room. */
#define GGUF_SHOW(s) (int)((s).n < 80 ? (s).n : 80), (s).data

#endif
