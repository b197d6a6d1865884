/* slab.c - see slab.h. */
#include "backend/cpu/slab.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/mem.h"

#define SLAB_BYTES ((size_t)64 << 20)

struct slab {
    uint8_t *data;
    size_t bytes, used;
    int32_t n_refs; /* allocations, and the source */
};

static sumi_status create(slab **out, const numa_nodes *nodes, size_t bytes, sumi_error *err)
{
    slab *s = *out = calloc(1, sizeof *s);
    if (s) *s = (slab){ .data = mem_map(bytes), .bytes = bytes, .n_refs = 1 };
    if (!s || !s->data) {
        free(s);
        return sumi_fail(err, SUMI_ENOMEM, "out of memory for %zu bytes of packed weights", bytes);
    }
    sumi_status status = numa_spread(nodes, s->data, bytes, err);
    if (status != SUMI_OK) slab_give_back(s);
    return status;
}

sumi_status slab_take(slab_source *source, size_t bytes, uint8_t **memory, slab **owner, sumi_error *err)
{
    if (bytes > SIZE_MAX / 2)
        return sumi_fail(err, SUMI_ENOMEM, "out of memory for %zu bytes of packed weights", bytes);
    bytes = mem_round_up(bytes, MEM_ALIGN);
    slab *s = source->current;
    if (!s || bytes > s->bytes - s->used) {
        sumi_status status = create(&s, &source->nodes, bytes > SLAB_BYTES ? bytes : SLAB_BYTES, err);
        if (status != SUMI_OK) return status;
        slab_give_back(source->current);
        source->current = s;
    }
    *memory = s->data + s->used;
    *owner = s;
    s->used += bytes;
    s->n_refs++;
    return SUMI_OK;
}

void slab_give_back(slab *s)
{
    if (!s || --s->n_refs > 0) return;
    mem_unmap(s->data, s->bytes);
    free(s);
}
