/* file_bytes.c - see file_bytes.h. */
#include "format/file_bytes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define HUGE_PAGE ((size_t)2 << 20)

static sumi_status open_regular(const char *path, int *fd, struct stat *s, sumi_error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not make us wait for a writer */
    sumi_status status = SUMI_OK;
    if (*fd < 0 || fstat(*fd, s) != 0) status = sumi_fail_errno(err, sumi_path_end(path));
    else if (!S_ISREG(s->st_mode))
        status = sumi_fail(err, SUMI_EIO, "%s: %s", sumi_path_end(path),
                           S_ISDIR(s->st_mode) ? "is a folder" : "is not a regular file");
    else if (s->st_size == 0) status = sumi_fail(err, SUMI_EFORMAT, "%s: the file is empty", sumi_path_end(path));
    if (status != SUMI_OK && *fd >= 0) close(*fd);
    return status;
}

static sumi_status read_at(int fd, const char *name, uint8_t *to, size_t n, size_t at, sumi_error *err)
{
    while (n > 0) {
        ssize_t got = pread(fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sumi_fail_errno(err, sumi_path_end(name));
        if (got == 0)
            return sumi_fail(err, SUMI_EIO, "%s: the file was truncated while it was read", sumi_path_end(name));
        to += got;
        at += (size_t)got;
        n -= (size_t)got;
    }
    return SUMI_OK;
}

sumi_status file_bytes_open(file_bytes **out, const char *path, sumi_error *err)
{
    struct stat s;
    int fd;
    *out = NULL;
    sumi_status status = open_regular(path, &fd, &s, err);
    if (status != SUMI_OK) return status;
    file_bytes *f = calloc(1, sizeof *f);
    char *name = strdup(path);
    size_t n = (size_t)s.st_size;
    /* PROT_NONE, so that a system that limits committed memory does not count the whole file. */
    void *data = mmap(NULL, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (f && name && data != MAP_FAILED) {
        *f = (file_bytes){ .name = name, .data = data, .n_bytes = n, .fd = fd, .modified = s.st_mtim };
        *out = f;
        return SUMI_OK;
    }
    if (data != MAP_FAILED) munmap(data, n);
    free(f);
    free(name);
    close(fd);
    return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", sumi_path_end(path));
}

sumi_status file_bytes_fetch(file_bytes *f, size_t at, size_t n, sumi_error *err)
{
    assert(f->fd >= 0 && at <= f->n_bytes && n <= f->n_bytes - at);
    if (n == 0) return SUMI_OK;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), begin = at / page * page;
    if (mprotect(f->data + begin, at + n - begin, PROT_READ | PROT_WRITE) != 0)
        return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory for %zu bytes", sumi_path_end(f->name), n);
    if (n >= 4 * HUGE_PAGE) madvise(f->data + begin, at + n - begin, MADV_HUGEPAGE); /* a wish */
    return read_at(f->fd, f->name, f->data + at, n, at, err);
}

sumi_status file_bytes_copy(file_bytes *f, size_t at, size_t n, void *dst, sumi_error *err)
{
    assert(f->fd >= 0 && at <= f->n_bytes && n <= f->n_bytes - at);
    return read_at(f->fd, f->name, dst, n, at, err);
}

void file_bytes_release(file_bytes *f, size_t at, size_t n)
{
    /* Only whole pages: those at the ends hold neighbours' bytes. */
    size_t page = (size_t)sysconf(_SC_PAGESIZE), begin = (at + page - 1) / page * page, end = (at + n) / page * page;
    if (begin >= end) return;
    madvise(f->data + begin, end - begin, MADV_DONTNEED); /* fails only if the pages stay */
    mprotect(f->data + begin, end - begin, PROT_NONE);
}

sumi_status file_bytes_finish_reading(file_bytes *f, sumi_error *err)
{
    struct stat s;
    if (f->fd < 0) return SUMI_OK;
    bool same = fstat(f->fd, &s) == 0 && (size_t)s.st_size == f->n_bytes && s.st_mtim.tv_sec == f->modified.tv_sec &&
                s.st_mtim.tv_nsec == f->modified.tv_nsec;
    close(f->fd);
    f->fd = -1;
    if (same) return SUMI_OK;
    return sumi_fail(err, SUMI_EIO, "%s: the file was changed while it was read; try again when it is complete",
                     sumi_path_end(f->name));
}

void file_bytes_close(file_bytes *f)
{
    if (!f) return;
    if (f->fd >= 0) close(f->fd);
    munmap(f->data, f->n_bytes);
    free(f->name);
    free(f);
}

sumi_status file_bytes_read(const char *path, size_t max, void **data, size_t *n_bytes, sumi_error *err)
{
    struct stat s;
    int fd;
    *data = NULL;
    *n_bytes = 0;
    sumi_status status = open_regular(path, &fd, &s, err);
    if (status != SUMI_OK) return status;
    size_t n = (size_t)s.st_size;
    if (n > max) status = sumi_fail(err, SUMI_ELIMIT, "%s: %zu bytes (at most %zu)", sumi_path_end(path), n, max);
    else if (!(*data = malloc(n))) status = sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", sumi_path_end(path));
    else status = read_at(fd, path, *data, n, 0, err);
    close(fd);
    if (status == SUMI_OK) *n_bytes = n;
    else {
        free(*data);
        *data = NULL;
    }
    return status;
}
