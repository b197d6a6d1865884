/* secret_file.c - see secret_file.h. */
#include "server/ops/secret_file.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/error.h"

sumi_status secret_file_read(buf *out, const char *path, sumi_error *err)
{
    char chunk[4096];
    size_t n;
    struct stat of;
    FILE *f = fopen(path, "rbe");
    if (!f) return sumi_fail_errno(err, path);
    bool open_to_all = fstat(fileno(f), &of) == 0 && (of.st_mode & S_IWOTH);
    while (!open_to_all && out->status == SUMI_OK && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_append(out, chunk, n);
    bool failed = ferror(f);
    fclose(f);
    if (open_to_all)
        return sumi_fail(err, SUMI_EINVAL, "%s: every user of this machine may write to the file: run chmod o-w", path);
    if (!failed && out->status == SUMI_OK) return SUMI_OK;
    return sumi_fail(err, SUMI_EIO, "%s: cannot be read, or is too large", path);
}
