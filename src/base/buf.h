/* buf.h - a growable run of bytes with a stated maximum.
 *
 * Output that grows from foreign input (rendered templates, decoded text) goes through this, so that the limit is
 * checked in one place. Errors stick: after the first failure every append is ignored and buf_status() tells, so a
 * writer may append many times and check once. Always NUL-terminated after its n bytes. */
#ifndef SUMI_BASE_BUF_H
#define SUMI_BASE_BUF_H

#include "sumi.h"

typedef struct buf {
    char *data; /* n bytes and a NUL; NULL while empty */
    size_t n, cap, max;
    sumi_status status; /* SUMI_OK, SUMI_ENOMEM or SUMI_ELIMIT */
} buf;

void buf_init(buf *b, size_t max_bytes);
void buf_deinit(buf *b);
void buf_append(buf *b, const void *data, size_t n); /* data must not point into b */
void buf_append_str(buf *b, const char *text);
void buf_append_char(buf *b, char c);
void buf_printf(buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives the bytes to the caller (free with free()), never NULL on success; NULL if b failed. b is empty after. */
char *buf_take(buf *b, size_t *n_bytes);

#endif
