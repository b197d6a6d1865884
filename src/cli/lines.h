/* lines.h - lines of a file or a pipe as they come: whoever has other work asks whether one is there, without waiting. */
#ifndef SUMI_CLI_LINES_H
#define SUMI_CLI_LINES_H

#include "base/buf.h"

typedef struct lines {
    const char *name; /* "standard input", or the path */
    int fd;
    buf data; /* read, and not given out before `at` */
    size_t at;
    bool ended;               /* nothing more can be read */
    int64_t n_lines, n_bytes; /* given out */
} lines;

typedef enum lines_state { LINES_ONE, LINES_NONE_YET, LINES_END, LINES_FAILED } lines_state;

/* path NULL or "-": standard input. A line may have max_bytes. EIO. */
SUMI_MUST_USE sumi_status lines_open(lines *l, const char *path, size_t max_bytes, sumi_error *err);
void lines_close(lines *l);
int64_t lines_size(const lines *l); /* bytes of a file; 0: unknown */

/* The next line without its end ("\n" or "\r\n"), and without a byte order mark in the first one; valid until the next
 * call. wait: until one is there. */
lines_state lines_next(lines *l, bool wait, const char **line, size_t *n_bytes, sumi_error *err);

#endif
