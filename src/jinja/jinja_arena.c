/* jinja_arena.c - see jinja_arena.h. */
#include "jinja/jinja_arena.h"

#include <stdlib.h>

#define FIRST_CHUNK ((size_t)4 << 10)
#define LARGE_CHUNK ((size_t)1 << 20)
#define ALIGN       ((size_t)16)

typedef struct jinja_chunk {
    struct jinja_chunk *older;
    size_t n_bytes;
    _Alignas(16) char data[];
} jinja_chunk;

void jinja_arena_init(jinja_arena *a, size_t max_bytes)
{
    *a = (jinja_arena){ .max = max_bytes };
}

void jinja_arena_deinit(jinja_arena *a)
{
    for (jinja_chunk *c = a->chunks, *older; c; c = older) {
        older = c->older;
        free(c);
    }
    jinja_arena_init(a, a->max);
}

static jinja_chunk *add_chunk(jinja_arena *a, size_t n)
{
    if (n > a->max - a->used) {
        a->status = SUMI_ELIMIT;
        return NULL;
    }
    jinja_chunk *c = malloc(sizeof *c + n);
    if (!c) {
        a->status = SUMI_ENOMEM;
        return NULL;
    }
    c->n_bytes = n;
    c->older = a->chunks;
    a->chunks = c;
    a->used += n;
    return c;
}

void *jinja_arena_alloc(jinja_arena *a, size_t n)
{
    if (n > a->max) {
        a->status = SUMI_ELIMIT;
        return NULL;
    }
    n = (n + ALIGN - 1) & ~(ALIGN - 1);
    if (n <= (size_t)(a->end - a->next)) {
        void *p = a->next;
        a->next += n;
        return p;
    }
    size_t size = a->chunks ? a->used : FIRST_CHUNK; /* doubles, so that the number of chunks stays small */
    if (size > LARGE_CHUNK) size = LARGE_CHUNK;
    if (size > a->max - a->used) size = a->max - a->used;
    if (n > size / 4) { /* a piece of its own: the rest of the chunk in use is not lost */
        jinja_chunk *c = add_chunk(a, n);
        return c ? c->data : NULL;
    }
    jinja_chunk *c = add_chunk(a, size);
    if (!c) return NULL;
    a->next = c->data + n;
    a->end = c->data + size;
    return c->data;
}
