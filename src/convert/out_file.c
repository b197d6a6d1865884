/* out_file.c - see out_file.h. */
#include "convert/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "format/map_file.h"

static sumi_status fail_errno(const out_file *f, sumi_error *err)
{
    return sumi_fail_errno(err, map_short_name(f->path));
}

static sumi_status fail_there(const out_file *f, sumi_error *err)
{
    return sumi_fail(err, SUMI_EIO, "%s: is there already; it is not overwritten unless that is asked for",
                     map_short_name(f->path));
}

/* Whether path may be written to. */
static sumi_status check_place(const out_file *f, sumi_error *err)
{
    struct stat s;
    if (stat(f->path, &s) != 0) return SUMI_OK;
    if (!S_ISREG(s.st_mode))
        return sumi_fail(err, SUMI_EIO, "%s: is no regular file", map_short_name(f->path));
    return f->overwrite ? SUMI_OK : fail_there(f, err);
}

sumi_status out_file_open(out_file *f, const char *path, bool overwrite, uint64_t n_bytes, sumi_error *err)
{
    char *partial;
    *f = (out_file){ .path = strdup(path), .fd = -1, .overwrite = overwrite };
    if (!f->path) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    sumi_status st = check_place(f, err);
    if (st != SUMI_OK) return st;
    if (asprintf(&partial, "%s.%d.partial", path, (int)getpid()) < 0)
        return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    f->fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (f->fd < 0) {
        st = fail_errno(f, err);
        free(partial);
        return st;
    }
    f->partial = partial;
    /* Better now than after an hour. Other failures mean that the file system cannot reserve. */
    if (fallocate(f->fd, 0, 0, (off_t)n_bytes) != 0 && errno == ENOSPC) return fail_errno(f, err);
    return SUMI_OK;
}

sumi_status out_file_write(out_file *f, uint64_t at, const void *data, size_t n, sumi_error *err)
{
    const char *p = data;
    while (n > 0) {
        ssize_t done = pwrite(f->fd, p, n < (1u << 30) ? n : 1u << 30, (off_t)at);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return fail_errno(f, err);
        p += done;
        n -= (size_t)done;
        at += (uint64_t)done;
    }
    return SUMI_OK;
}

sumi_status out_file_pad(out_file *f, uint64_t n_bytes, sumi_error *err)
{
    return ftruncate(f->fd, (off_t)n_bytes) == 0 ? SUMI_OK : fail_errno(f, err);
}

/* Without overwriting: a file that came into being meanwhile stays. */
static int move(const out_file *f)
{
    if (f->overwrite) return rename(f->partial, f->path);
    if (renameat2(AT_FDCWD, f->partial, AT_FDCWD, f->path, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    if (link(f->partial, f->path) != 0) return -1; /* file systems that do not know the flag */
    return unlink(f->partial);
}

sumi_status out_file_finish(out_file *f, sumi_error *err)
{
    if (fsync(f->fd) != 0) return fail_errno(f, err);
    int fd = f->fd;
    f->fd = -1;
    if (close(fd) != 0) return fail_errno(f, err);
    if (move(f) != 0) return errno == EEXIST ? fail_there(f, err) : fail_errno(f, err);
    free(f->partial);
    f->partial = NULL;
    return SUMI_OK;
}

void out_file_deinit(out_file *f)
{
    if (f->fd >= 0) close(f->fd);
    if (f->partial) unlink(f->partial);
    free(f->partial);
    free(f->path);
    *f = (out_file){ .fd = -1 };
}
