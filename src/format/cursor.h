/* cursor.h - reads little-endian values from foreign bytes, and never past their end.
 *
 * Failure sticks: a read that does not fit gives zeros, moves nothing and clears `ok`, so that a parser may read
 * several fields and check once. Sizes are compared with the bytes that are left, never added to a pointer first. */
#ifndef SUMI_FORMAT_CURSOR_H
#define SUMI_FORMAT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct cursor {
    const uint8_t *data;
    size_t pos, n; /* pos <= n */
    bool ok;
} cursor;

static inline cursor cursor_init(const void *data, size_t n_bytes)
{
    return (cursor){ .data = data, .n = n_bytes, .ok = true };
}

static inline size_t cursor_left(const cursor *c)
{
    return c->n - c->pos;
}

/* n bytes, borrowed from the input; NULL if they are not there. */
static inline const uint8_t *cursor_bytes(cursor *c, uint64_t n)
{
    if (!c->ok || n > cursor_left(c)) {
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
