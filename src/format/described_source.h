/* described_source.h - a model source whose tensors lie in files of another format than GGUF (safetensors). A GGUF header
 * that was made in memory describes them. */
#ifndef SUMI_FORMAT_DESCRIBED_SOURCE_H
#define SUMI_FORMAT_DESCRIBED_SOURCE_H

#include "format/model_source.h"

typedef struct described_file {
    const char *name;
    size_t n_bytes;
} described_file;

typedef struct described_place {
    const void *data; /* aligned to the tensor's elements; NULL: make() makes it */
    int32_t file;
    size_t offset; /* in that file */
} described_place;

typedef struct described_tensors {
    const described_place *places; /* [n_tensors] in the order of the header */
    const described_file *files;   /* [n_files]: model_source_shard_name() 1 .. n_files; the header itself is shard 0 */
    int32_t n_files;
    /* Writes rows first .. first + n - 1 (of dims[0] elements each) of tensor i to dst. Called from any thread. */
    void (*make)(const void *user, int64_t i, int64_t first, int64_t n, void *dst);
    /* Called by model_source_fetch(), model_source_release() and model_source_finish_reading(). fetch reads at least
     * these rows, or the rows that they are made of. */
    sumi_status (*fetch)(void *user, int64_t i, int64_t first, int64_t n, sumi_error *err);
    void (*release)(void *user, int64_t i);
    sumi_status (*finish_reading)(void *user, sumi_error *err);
    void (*destroy)(void *user); /* places and files are not used afterwards */
    void *user;
} described_tensors;

/* header: n_bytes of a GGUF file up to its data section, from malloc(); the offsets of its tensors are ignored. The
 * source takes ownership of header and of d->user, on failure too. */
SUMI_MUST_USE sumi_status described_source_open(model_source **out, const char *name, uint8_t *header, size_t n_bytes,
                                                const described_tensors *d, sumi_error *err);

#endif
