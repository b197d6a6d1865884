/* map_file.c - see map_file.h. */
#include "format/map_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

const char *map_short_name(const char *path)
{
    size_t n = strlen(path);
    return n > 200 ? path + n - 200 : path;
}

static sumi_status fail_errno(const char *path, int fd, sumi_error *err)
{
    sumi_status status = sumi_fail_errno(err, map_short_name(path));
    if (fd >= 0) close(fd);
    return status;
}

sumi_status map_file(const char *path, void **data, size_t *n_bytes, sumi_error *err)
{
    *data = NULL;
    *n_bytes = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not make us wait for a writer */
    struct stat s;
    if (fd < 0 || fstat(fd, &s) != 0) return fail_errno(path, fd, err);
    if (!S_ISREG(s.st_mode) || s.st_size == 0) {
        close(fd);
        if (!S_ISREG(s.st_mode))
            return sumi_fail(err, SUMI_EIO, "%s: %s", map_short_name(path),
                             S_ISDIR(s.st_mode) ? "is a folder" : "is not a regular file");
        return sumi_fail(err, SUMI_EFORMAT, "%s: the file is empty", map_short_name(path));
    }
    void *map = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) return fail_errno(path, fd, err);
    close(fd);
    *data = map;
    *n_bytes = (size_t)s.st_size;
    return SUMI_OK;
}
