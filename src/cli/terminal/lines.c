/* lines.c - see lines.h. */
#include "cli/terminal/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/text_file.h"

enum { CHUNK = 1 << 16 };

sumi_status lines_open(lines *l, const char *path, size_t max_bytes, sumi_error *err)
{
    *l = (lines){ .name = cli_is_stdin(path) ? "standard input" : path, .fd = STDIN_FILENO };
    buf_init(&l->data, max_bytes + CHUNK);
    if (!cli_is_stdin(path)) l->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (l->fd < 0) return sumi_fail_errno(err, path);
    cli_say_reading(l->fd);
    return SUMI_OK;
}

void lines_close(lines *l)
{
    if (l->fd > STDIN_FILENO) close(l->fd);
    buf_deinit(&l->data);
}

int64_t lines_size(const lines *l)
{
    struct stat of;
    return fstat(l->fd, &of) == 0 && S_ISREG(of.st_mode) ? (int64_t)of.st_size : 0;
}

/* Gives out n bytes and the end of line that follows them, if there is one. */
static lines_state give(lines *l, size_t n, bool has_end, const char **line, size_t *n_bytes)
{
    *line = l->data.data ? l->data.data + l->at : "";
    size_t n_bom = l->n_lines == 0 ? text_bom_bytes(*line, n) : 0;
    l->at += n + has_end;
    l->n_bytes += (int64_t)(n + has_end);
    l->n_lines++;
    *line += n_bom;
    n -= n_bom;
    *n_bytes = n > 0 && (*line)[n - 1] == '\r' ? n - 1 : n;
    return LINES_ONE;
}

/* Drops the lines that were returned, and reads more. False: an error, *err says which. */
static bool read_more(lines *l, sumi_error *err)
{
    char chunk[CHUNK];
    size_t rest = l->data.n - l->at;
    if (l->at > 0) memmove(l->data.data, l->data.data + l->at, rest);
    l->data.n = rest;
    l->at = 0;
    ssize_t n = read(l->fd, chunk, sizeof chunk);
    if (n > 0) buf_append(&l->data, chunk, (size_t)n);
    if (n == 0) l->ended = true;
    if (n < 0 && errno != EINTR) {
        sumi_fail_errno(err, l->name);
        return false;
    }
    if (l->data.status == SUMI_OK) return true;
    sumi_fail(err, l->data.status, "%s: line %lld %s", l->name, (long long)l->n_lines + 1,
              l->data.status == SUMI_ENOMEM ? "does not fit into memory" : "is too long");
    return false;
}

lines_state lines_next(lines *l, bool wait, const char **line, size_t *n_bytes, sumi_error *err)
{
    size_t seen = 0; /* bytes without an end of line */
    for (;;) {
        size_t n = l->data.n - l->at;
        const char *end = n > seen ? memchr(l->data.data + l->at + seen, '\n', n - seen) : NULL;
        if (end) return give(l, (size_t)(end - l->data.data) - l->at, true, line, n_bytes);
        if (l->ended) return n > 0 ? give(l, n, false, line, n_bytes) : LINES_END;
        seen = n;
        struct pollfd p = { .fd = l->fd, .events = POLLIN };
        if (!wait && poll(&p, 1, 0) == 0) return LINES_NONE_YET;
        if (!read_more(l, err)) return LINES_FAILED;
    }
}
