/* gguf_describe.c - models in files of another format, described by a header as GGUF has it.
 *
 * The GGUF reader reads everything except tensor data (metadata, names, shapes, types) from a header in memory. The data
 * of a tensor is in a file of the other format, either unchanged or in another form (rows in another order, several
 * tensors as one). In another form, its rows are made on request and not stored. */
#include "format/gguf_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

/* The files, by name and size. */
static sumi_status add_files(gguf *g, const gguf_elsewhere *e, sumi_error *err)
{
    g->more = calloc((size_t)e->n_files + 1, sizeof(gguf *));
    for (int32_t i = 0; g->more && i < e->n_files; i++) {
        gguf *file = g->more[g->n_more] = calloc(1, sizeof *file);
        if (!file || !(file->name = strdup(e->files[i].name))) break;
        file->n_bytes = e->files[i].n_bytes;
        g->n_more++;
    }
    if (g->more && g->n_more == e->n_files) return SUMI_OK;
    if (g->more) gguf_close(g->more[g->n_more]);
    return sumi_fail(err, SUMI_ENOMEM, "out of memory");
}

static void place_all(gguf *g, const gguf_elsewhere *e)
{
    for (int64_t i = 0; i < g->n_tensors; i++) {
        g->tensors[i].data = e->places[i].data;
        g->tensors[i].shard = 1 + e->places[i].file;
        g->tensors[i].offset = e->places[i].offset;
        assert(e->places[i].file >= 0 && e->places[i].file < e->n_files);
    }
}

sumi_status gguf_open_described(gguf **out, const char *name, uint8_t *header, size_t n_bytes, const gguf_elsewhere *e,
                                sumi_error *err)
{
    gguf *g = calloc(1, sizeof *g);
    gguf_elsewhere *own = malloc(sizeof *own);
    *out = NULL;
    if (!g || !own) {
        free(g);
        free(own);
        free(header);
        sumi_status st = sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", sumi_path_end(name));
        e->destroy(e->user); /* this may also free name */
        return st;
    }
    *own = *e;
    *g = (gguf){ .name = strdup(name), .data = header, .n_bytes = n_bytes, .elsewhere = own };
    sumi_status st = g->name ? add_files(g, e, err) : sumi_fail(err, SUMI_ENOMEM, "out of memory");
    if (st == SUMI_OK) st = gguf_read_all(g, err);
    if (st == SUMI_OK) {
        place_all(g, e);
        *out = g;
        return SUMI_OK;
    }
    sumi_fail_in(err, "%s", sumi_path_end(name));
    gguf_close(g);
    return st;
}

bool gguf_is_described(const gguf *g)
{
    return g->elsewhere != NULL;
}

void gguf_make_rows(const gguf *g, const gguf_tensor *t, int64_t first, int64_t n, void *dst)
{
    int64_t n_rows = t->n_elems / t->dims[0];
    size_t row_bytes = t->n_bytes / (size_t)n_rows;
    assert(first >= 0 && n >= 0 && n <= n_rows - first);
    if (t->data) memcpy(dst, (const uint8_t *)t->data + (size_t)first * row_bytes, (size_t)n * row_bytes);
    else g->elsewhere->make(g->elsewhere->user, t - g->tensors, first, n, dst);
}
