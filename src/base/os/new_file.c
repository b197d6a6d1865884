/* new_file.c - see new_file.h. */
#include "base/os/new_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os/special_file.h"

#define SUFFIX   ".partial"
#define N_RANDOM 8 /* hexadecimal digits before the suffix */

static sumi_status fail_errno(const new_file *f, sumi_error *err)
{
    return sumi_fail_errno(err, sumi_path_end(f->path));
}

static sumi_status fail_there(const new_file *f, sumi_error *err)
{
    return sumi_fail(err, SUMI_EIO, "%s: the file exists, and the caller did not ask to overwrite it",
                     sumi_path_end(f->path));
}

/* The folder of path, to be freed; NULL: no memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* 0, or -1 with errno. Some file systems cannot sync a folder (EINVAL), and some folders may be written but not read
 * (EACCES): these are not errors, because no better order of writes is possible. */
static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int done = fd >= 0 ? fsync(fd) : -1;
    if (done != 0 && (errno == EINVAL || errno == EACCES)) done = 0;
    int why = errno;
    if (fd >= 0) close(fd);
    errno = why;
    return done;
}

/* ---- Temporary files ---- */

size_t new_file_stem(const char *name)
{
    const size_t n_tail = 1 + N_RANDOM + sizeof SUFFIX - 1;
    size_t n = strlen(name);
    if (n <= n_tail) return 0;
    const char *tail = name + n - n_tail;
    bool is_ours = tail[0] == '.' && strspn(tail + 1, "0123456789abcdef") == N_RANDOM &&
                   !strcmp(tail + 1 + N_RANDOM, SUFFIX);
    return is_ours ? n - n_tail : 0;
}

/* Whether name is the name of a temporary file of `of`, or of any file. */
static bool is_temporary(const char *name, const char *of)
{
    size_t n = new_file_stem(name);
    return n && (!of || (n == strlen(of) && !memcmp(name, of, n)));
}

/* A file that is locked has a writer. O_NONBLOCK: a FIFO of that name must not make us wait. */
static bool remove_abandoned(int folder, const char *name)
{
    struct stat s;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return false;
    bool removed = fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == geteuid() &&
                   flock(fd, LOCK_EX | LOCK_NB) == 0 && unlinkat(folder, name, 0) == 0;
    close(fd);
    return removed;
}

int32_t new_file_sweep(const char *folder, const char *name)
{
    int32_t n = 0;
    DIR *dir = opendir(folder);
    if (!dir) return 0;
    for (const struct dirent *e; (e = readdir(dir));)
        n += is_temporary(e->d_name, name) && remove_abandoned(dirfd(dir), e->d_name);
    closedir(dir);
    return n;
}

static uint32_t draw_number(void)
{
    uint32_t drawn;
    struct timespec now;
    if (getrandom(&drawn, sizeof drawn, GRND_NONBLOCK) == (ssize_t)sizeof drawn) return drawn;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint32_t)now.tv_nsec ^ (uint32_t)getpid() << 16;
}

/* Locks the file that was just created; false: a sweeper has taken it away before. A file system without locks has no
 * sweepers either. */
static bool keep_from_sweepers(int fd)
{
    struct stat s;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    return fstat(fd, &s) != 0 || s.st_nlink > 0;
}

/* Creates and locks the temporary file; sets f->fd and f->temporary. */
static sumi_status create_temporary(new_file *f, unsigned mode, sumi_error *err)
{
    char *name;
    int fd;
    for (int tries = 0; tries < 100; tries++) {
        if (asprintf(&name, "%s.%0*x" SUFFIX, f->path, N_RANDOM, (unsigned)draw_number()) < 0)
            return sumi_fail(err, SUMI_ENOMEM, "out of memory");
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd >= 0 && keep_from_sweepers(fd)) {
            f->fd = fd;
            f->temporary = name;
            return SUMI_OK;
        }
        int why = fd < 0 ? errno : EEXIST;
        if (fd >= 0) close(fd);
        free(name);
        errno = why;
        if (why != EEXIST) break;
    }
    return fail_errno(f, err);
}

/* ---- The file ---- */

/* Whether path may be written to. */
static sumi_status check_place(const new_file *f, sumi_error *err)
{
    struct stat s;
    bool there = stat(f->path, &s) == 0;
    if (!there && !f->overwrite && lstat(f->path, &s) == 0) return fail_there(f, err); /* a link that leads nowhere */
    if (!there) return SUMI_OK;
    if (!S_ISREG(s.st_mode)) return sumi_fail(err, SUMI_EIO, "%s: is no regular file", sumi_path_end(f->path));
    return f->overwrite ? SUMI_OK : fail_there(f, err);
}

static sumi_status open_special(new_file *f, sumi_error *err)
{
    int fd = special_file_open(f->path);
    if (fd < 0) return fail_errno(f, err);
    if (special_file_has_positions(fd)) {
        f->fd = fd;
        return SUMI_OK;
    }
    f->spooled = true;
    f->target = fd;
    f->fd = special_file_spool();
    return f->fd >= 0 ? SUMI_OK : sumi_fail_errno(err, "a temporary file");
}

sumi_status new_file_open(new_file *f, const char *path, int flags, uint64_t reserve, sumi_error *err)
{
    *f = (new_file){ .path = strdup(path), .fd = -1, .overwrite = (flags & NEW_FILE_OVERWRITE) != 0 };
    f->folder = f->path ? folder_of(path) : NULL;
    if (!f->folder) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    if (flags & NEW_FILE_SPECIAL && special_file_is(path)) return open_special(f, err);
    sumi_status st = check_place(f, err);
    if (st == SUMI_OK) new_file_sweep(f->folder, name_of(path));
    if (st == SUMI_OK) st = create_temporary(f, flags & NEW_FILE_PRIVATE ? 0600 : 0666, err);
    /* Better now than after an hour. Other failures mean that the file system cannot reserve. */
    if (st == SUMI_OK && reserve && fallocate(f->fd, 0, 0, (off_t)reserve) != 0 && errno == ENOSPC)
        st = fail_errno(f, err);
    return st;
}

sumi_status new_file_write(new_file *f, uint64_t at, const void *data, size_t n, sumi_error *err)
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

sumi_status new_file_pad(new_file *f, uint64_t n_bytes, sumi_error *err)
{
    bool is_device = !f->temporary && !f->spooled; /* which has no length */
    return is_device || ftruncate(f->fd, (off_t)n_bytes) == 0 ? SUMI_OK : fail_errno(f, err);
}

/* Without overwriting: a file that was created meanwhile is kept. */
static int move(const new_file *f)
{
    if (f->overwrite) return rename(f->temporary, f->path);
    /* musl has no renameat2(), and RENAME_NOREPLACE is in no header that all C libraries have. */
    enum { NO_REPLACE = 1 };
    if (syscall(SYS_renameat2, AT_FDCWD, f->temporary, AT_FDCWD, f->path, NO_REPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    if (link(f->temporary, f->path) != 0) return -1; /* file systems that do not know the flag */
    return unlink(f->temporary);
}

static sumi_status finish_special(new_file *f, sumi_error *err)
{
    int *last = f->spooled ? &f->target : &f->fd, fd = *last;
    if (f->spooled && !special_file_copy(f->fd, fd)) return fail_errno(f, err);
    *last = -1;
    return close(fd) == 0 ? SUMI_OK : fail_errno(f, err);
}

sumi_status new_file_finish(new_file *f, sumi_error *err)
{
    if (!f->temporary) return finish_special(f, err);
    if (fsync(f->fd) != 0) return fail_errno(f, err);
    if (move(f) != 0) return errno == EEXIST ? fail_there(f, err) : fail_errno(f, err);
    free(f->temporary);
    f->temporary = NULL;
    int fd = f->fd;
    f->fd = -1;
    if (close(fd) != 0 || sync_folder(f->folder) != 0) return fail_errno(f, err);
    return SUMI_OK;
}

void new_file_deinit(new_file *f)
{
    if (f->temporary) unlink(f->temporary);
    if (f->fd >= 0) close(f->fd);
    if (f->spooled && f->target >= 0) close(f->target);
    free(f->temporary);
    free(f->folder);
    free(f->path);
    *f = (new_file){ .fd = -1 };
}

sumi_status new_file_write_whole(const char *path, int flags, const void *data, size_t n, sumi_error *err)
{
    new_file f;
    sumi_status st = new_file_open(&f, path, flags, n, err);
    if (st == SUMI_OK) st = new_file_write(&f, 0, data, n, err);
    if (st == SUMI_OK) st = new_file_finish(&f, err);
    new_file_deinit(&f);
    return st;
}

sumi_status new_file_replace(int fd, const char *from, const char *to, sumi_error *err)
{
    char *folder = folder_of(to);
    if (!folder) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    sumi_status st = SUMI_OK;
    if (fsync(fd) != 0 || rename(from, to) != 0 || sync_folder(folder) != 0)
        st = sumi_fail_errno(err, sumi_path_end(to));
    free(folder);
    return st;
}
