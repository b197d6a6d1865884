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
    sumi_status st = out->status;
    if (open_to_all)
        st = sumi_fail(err, SUMI_EINVAL, "%s: every user of this machine may write to the file: run chmod o-w", path);
    else if (ferror(f)) st = sumi_fail_errno(err, path);
    else if (st == SUMI_ENOMEM) st = sumi_fail(err, st, "%s: out of memory", path);
    else if (st != SUMI_OK) st = sumi_fail(err, SUMI_EIO, "%s: the file is too large", path);
    fclose(f);
    return st;
}
