/* buf.h - a growable run of bytes with a stated maximum.
 *
 * Output whose size depends on foreign input (rendered templates, decoded text) is written to a buf, so that the limit is
 * checked in one place. After the first failure every append is ignored and buf_status() returns the error, so a writer
 * may append many times and check once. The bytes are always NUL-terminated. */
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

/* Passes the bytes to the caller (free with free()); never NULL on success; NULL if b failed. b is empty afterwards. */
char *buf_take(buf *b, size_t *n_bytes);

#endif
