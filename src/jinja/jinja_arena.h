/* jinja_arena.h - memory that lives as long as one template, or as one rendering.
 *
 * A bump allocator over chunks of malloc(): allocation is an addition, and everything is freed at once. The nodes of a
 * template refer to each other freely, and so do the values of a rendering, so no single object has an owner. The sum of
 * all bytes has a maximum, which stops a template that builds strings without end. */
#ifndef SUMI_JINJA_JINJA_ARENA_H
#define SUMI_JINJA_JINJA_ARENA_H

#include "sumi.h"

typedef struct jinja_arena {
    struct jinja_chunk *chunks; /* every chunk, newest first */
    char *next, *end;           /* the free part of the chunk in use */
    size_t used, max;           /* bytes taken by all chunks, and their limit */
    sumi_status status;         /* the reason why the last allocation failed: SUMI_ENOMEM or SUMI_ELIMIT */
} jinja_arena;

void jinja_arena_init(jinja_arena *a, size_t max_bytes);
void jinja_arena_deinit(jinja_arena *a);

/* n bytes at a multiple of 16, not cleared; NULL with a->status set if there is no room. */
void *jinja_arena_alloc(jinja_arena *a, size_t n);

#endif
