/* described_source.c - see described_source.h.
 *
 * The GGUF reader reads everything except tensor data (metadata, names, shapes, types) from a header in memory. The data
 * of a tensor is in a file of the other format, either unchanged or in another form (rows in another order, several
 * tensors as one). In another form, its rows are made on request and not stored. */
#include "format/described_source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "format/gguf_internal.h"

/* The files, by name and size. */
static sumi_status add_files(model_source *src, const described_tensors *d, sumi_error *err)
{
    src->more = calloc((size_t)d->n_files + 1, sizeof(model_source *));
    for (int32_t i = 0; src->more && i < d->n_files; i++) {
        model_source *file = src->more[src->n_more] = calloc(1, sizeof *file);
        if (!file || !(file->name = strdup(d->files[i].name))) break;
        file->n_bytes = d->files[i].n_bytes;
        src->n_more++;
    }
    if (src->more && src->n_more == d->n_files) return SUMI_OK;
    if (src->more) model_source_close(src->more[src->n_more]);
    return sumi_fail(err, SUMI_ENOMEM, "out of memory");
}

static void place_all(model_source *src, const described_tensors *d)
{
    for (int64_t i = 0; i < src->n_tensors; i++) {
        src->tensors[i].data = d->places[i].data;
        src->tensors[i].shard = 1 + d->places[i].file;
        src->tensors[i].offset = d->places[i].offset;
        assert(d->places[i].file >= 0 && d->places[i].file < d->n_files);
    }
}

sumi_status described_source_open(model_source **out, const char *name, uint8_t *header, size_t n_bytes,
                                  const described_tensors *d, sumi_error *err)
{
    model_source *src = calloc(1, sizeof *src);
    described_tensors *own = malloc(sizeof *own);
    *out = NULL;
    if (!src || !own) {
        free(src);
        free(own);
        free(header);
        sumi_status st = sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", sumi_path_end(name));
        d->destroy(d->user); /* this may also free name */
        return st;
    }
    *own = *d;
    *src = (model_source){ .name = strdup(name), .data = header, .n_bytes = n_bytes, .described = own };
    sumi_status st = src->name ? add_files(src, d, err) : sumi_fail(err, SUMI_ENOMEM, "out of memory");
    if (st == SUMI_OK) st = gguf_read_all(src, err);
    if (st == SUMI_OK) {
        place_all(src, d);
        *out = src;
        return SUMI_OK;
    }
    sumi_fail_in(err, "%s", sumi_path_end(name));
    model_source_close(src);
    return st;
}
