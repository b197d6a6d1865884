/* model_source_internal.h - the inside of a model source, for the files that fill it and read it. Not for other rooms. */
#ifndef SUMI_FORMAT_MODEL_SOURCE_INTERNAL_H
#define SUMI_FORMAT_MODEL_SOURCE_INTERNAL_H

#include "base/strmap.h"
#include "format/described_source.h"
#include "format/file_bytes.h"
#include "format/model_source.h"

typedef struct source_key {
    gguf_str key;
    gguf_type type, elem; /* elem: of an array's elements; GGUF_ARRAY: nested, not offered */
    uint64_t n;           /* elements of an array, bytes of a string */
    const uint8_t *value; /* first byte of a scalar, of a string's text or of an array's first element */
    /* Arrays of strings: index[i] is the offset in the file of the text of string i. String i ends 8 bytes before index[i
     * + 1], because the length of the next string is between them. n + 1 entries, owned. */
    uint64_t *index;
    const uint8_t *whole; /* [whole_bytes] name, type and value as they are in the file */
    size_t whole_bytes;
} source_key;

struct model_source {
    char *name;
    const uint8_t *data;
    size_t n_bytes;
    size_t n_head;    /* bytes before the data section */
    file_bytes *file; /* owned, has data; NULL: data is the caller's, or is owned under `described` */
    bool overlaps;    /* some tensors share bytes */
    uint32_t version, alignment;
    int64_t n_kv, n_tensors;
    source_key *kv;         /* [n_kv] */
    source_tensor *tensors; /* [n_tensors] */
    strmap *keys, *names;   /* key -> index in kv, tensor name -> index in tensors */
    struct model_source *
        *more; /* [n_more] the other files of a split model, owned; their tensors are all in this one */
    int32_t n_more;
    described_tensors
        *described; /* owned; NULL: the tensors are in the GGUF file itself. Else data is owned, and `more`
                                  lists the files of the tensors by name and size only */
};

#endif
