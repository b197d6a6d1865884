/* lines.h - reads lines of a file or a pipe, with or without waiting for the next line. */
#ifndef SUMI_CLI_TERMINAL_LINES_H
#define SUMI_CLI_TERMINAL_LINES_H

#include "base/buf.h"

typedef struct lines {
    const char *name; /* "standard input", or the path */
    int fd;
    buf data; /* bytes read; those before `at` were returned already */
    size_t at;
    bool ended;               /* nothing more can be read */
    int64_t n_lines, n_bytes; /* given out */
} lines;

typedef enum lines_state { LINES_ONE, LINES_NONE_YET, LINES_END, LINES_FAILED } lines_state;

/* path NULL or "-": standard input. A line may have max_bytes. EIO. */
SUMI_MUST_USE sumi_status lines_open(lines *l, const char *path, size_t max_bytes, sumi_error *err);
void lines_close(lines *l);
int64_t lines_size(const lines *l); /* bytes of a file; 0: unknown */

/* The next line without its end ("\n" or "\r\n") and, in the first line, without a byte order mark; valid until the next
 * call. wait: wait for a line. */
lines_state lines_next(lines *l, bool wait, const char **line, size_t *n_bytes, sumi_error *err);

#endif
