/* buf.c - see buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(buf *b, size_t max_bytes)
{
    *b = (buf){ .max = max_bytes < SIZE_MAX / 4 ? max_bytes : SIZE_MAX / 4 };
}

void buf_deinit(buf *b)
{
    free(b->data);
    *b = (buf){ .max = b->max };
}

/* Makes room for n more bytes and the NUL. False, with the status set, if that is not possible. */
static bool reserve(buf *b, size_t n)
{
    if (b->status != SUMI_OK) return false;
    if (n > b->max - b->n) {
        b->status = SUMI_ELIMIT;
        return false;
    }
    size_t need = b->n + n + 1;
    if (need <= b->cap) return true;
    size_t cap = b->cap < 64 ? 64 : b->cap * 2;
    if (cap < need) cap = need;
    char *data = realloc(b->data, cap);
    if (!data) {
        b->status = SUMI_ENOMEM;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void buf_append(buf *b, const void *data, size_t n)
{
    if (!reserve(b, n)) return;
    if (n) memcpy(b->data + b->n, data, n);
    b->n += n;
    b->data[b->n] = '\0';
}

void buf_append_str(buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_append_char(buf *b, char c)
{
    buf_append(b, &c, 1);
}

void buf_printf(buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0 && reserve(b, (size_t)n)) {
        vsnprintf(b->data + b->n, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

char *buf_take(buf *b, size_t *n_bytes)
{
    if (!reserve(b, 0)) return NULL;
    b->data[b->n] = '\0';
    char *data = b->data;
    if (n_bytes) *n_bytes = b->n;
    *b = (buf){ .max = b->max };
    return data;
}
