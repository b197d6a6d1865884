/* cursor.h - reads little-endian values from foreign bytes, and never past their end.
 *
 * A read that does not fit gives zeros, does not move the cursor and clears `ok`; all later reads fail, too. So a parser
 * may read several fields and check once. Sizes are compared with the remaining bytes before they are added to a
 * pointer. */
#ifndef SUMI_FORMAT_CURSOR_H
#define SUMI_FORMAT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "format/file_bytes.h"

typedef struct cursor {
    const uint8_t *data;
    size_t pos, n; /* pos <= n */
    bool ok;
    file_bytes *file; /* fetched as the cursor moves; NULL: all bytes are there */
    size_t n_ready;   /* fetched */
} cursor;

static inline cursor cursor_init(const void *data, size_t n_bytes)
{
    return (cursor){ .data = data, .n = n_bytes, .ok = true };
}

/* A file from its beginning on. */
static inline cursor cursor_init_file(file_bytes *f)
{
    return (cursor){ .data = f->data, .n = f->n_bytes, .ok = true, .file = f };
}

/* Fetches the bytes before `end`, and some more; false: they cannot be read, or are beyond the first GiB. */
bool cursor_fetch(cursor *c, size_t end);

static inline size_t cursor_left(const cursor *c)
{
    return c->n - c->pos;
}

/* n bytes, borrowed from the input; NULL if fewer are left. */
static inline const uint8_t *cursor_bytes(cursor *c, uint64_t n)
{
    if (!c->ok || n > cursor_left(c) || (c->file && c->n_ready < c->pos + n && !cursor_fetch(c, c->pos + (size_t)n))) {
        c->ok = false;
        return NULL;
    }
    const uint8_t *p = c->data + c->pos;
    c->pos += (size_t)n;
    return p;
}

static inline uint32_t cursor_u32(cursor *c)
{
    const uint8_t *p = cursor_bytes(c, 4);
    return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}

static inline uint64_t cursor_u64(cursor *c)
{
    if (cursor_left(c) < 8) c->ok = false;
    uint64_t low = cursor_u32(c);
    return low | (uint64_t)cursor_u32(c) << 32;
}

#endif
