/* special_file.c - see special_file.h. */
#include "base/os/special_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The descriptor that path is a name of; -1: none. */
static int descriptor_of(const char *path)
{
    static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/" };
    if (!strcmp(path, "/dev/stdout")) return STDOUT_FILENO;
    if (!strcmp(path, "/dev/stderr")) return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        size_t n = strlen(folders[i]);
        if (strncmp(path, folders[i], n) != 0) continue;
        size_t n_digits = strspn(path + n, "0123456789");
        if (n_digits > 0 && n_digits < 10 && !path[n + n_digits]) return atoi(path + n);
    }
    return -1;
}

bool special_file_is(const char *path)
{
    struct stat s;
    return descriptor_of(path) >= 0 || (stat(path, &s) == 0 && (S_ISCHR(s.st_mode) || S_ISFIFO(s.st_mode)));
}

int special_file_open(const char *path)
{
    int fd = descriptor_of(path);
    return fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
}

/* Regular files have positions, but one that is open as a descriptor may hold something before them. */
bool special_file_has_positions(int fd)
{
    struct stat s;
    return fstat(fd, &s) == 0 && S_ISCHR(s.st_mode) && lseek(fd, 0, SEEK_CUR) >= 0;
}

int special_file_spool(void)
{
    FILE *f = tmpfile();
    int fd = f ? fcntl(fileno(f), F_DUPFD_CLOEXEC, 0) : -1;
    if (f) fclose(f);
    return fd;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

bool special_file_copy(int from, int to)
{
    char piece[1 << 16];
    off_t at = 0;
    for (ssize_t n; (n = pread(from, piece, sizeof piece, at)) != 0;) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 || !write_all(to, piece, (size_t)n)) return false;
        at += n;
    }
    return true;
}
