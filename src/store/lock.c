/* lock.c - see lock.h. */
#include "store/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

sumi_status folder_create(const char *path, sumi_error *err)
{
    char part[4096];
    if ((size_t)snprintf(part, sizeof part, "%s", path) >= sizeof part)
        return sumi_fail(err, SUMI_EINVAL, "%.100s...: the path is too long", path);
    for (char *c = part + 1; c[-1]; c++) {
        char was = *c;
        if (was != '/' && was != '\0') continue;
        *c = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST && errno != EISDIR) return sumi_fail_errno(err, part);
        *c = was;
    }
    struct stat s;
    if (stat(path, &s) == 0 && !S_ISDIR(s.st_mode)) return sumi_fail(err, SUMI_EIO, "%s: is not a folder", path);
    return SUMI_OK;
}

/* The open file still is the one of that name. */
static bool is_current(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

sumi_status folder_lock(const char *folder, int *fd, sumi_error *err)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/.lock", folder);
    for (int tries = 0; tries < 100; tries++) {
        *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (*fd < 0) return sumi_fail_errno(err, path);
        if (flock(*fd, LOCK_EX | LOCK_NB) == 0 && is_current(*fd, path)) return SUMI_OK;
        int why = errno;
        bool taken = is_current(*fd, path);
        close(*fd);
        *fd = -1;
        if (taken && why == EWOULDBLOCK)
            return sumi_fail(err, SUMI_EBUSY, "%s: another sumi pull or sumi rm is using this folder", folder);
        if (taken) return sumi_fail(err, SUMI_EIO, "%s: %s", path, strerror(why));
    }
    return sumi_fail(err, SUMI_EBUSY, "%s: another process keeps removing this folder; try again later", folder);
}

/* Whether the folder has no file but its lock. */
static bool has_only_lock(const char *folder)
{
    DIR *d = opendir(folder);
    bool only = d != NULL;
    for (struct dirent *e; only && (e = readdir(d));)
        only = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || !strcmp(e->d_name, ".lock");
    if (d) closedir(d);
    return only;
}

void folder_remove_empty(const char *folder, const char *root)
{
    char path[4200];
    size_t n_root = strlen(root);
    if (strncmp(folder, root, n_root) != 0 || folder[n_root] != '/' || !has_only_lock(folder)) return;
    snprintf(path, sizeof path, "%s/.lock", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s", folder);
    while (strlen(path) > n_root && rmdir(path) == 0) *strrchr(path, '/') = '\0';
}
