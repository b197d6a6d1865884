/* common.c - see cli.h. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"

int cli_fail(const char *format, ...)
{
    va_list args;
    fputs("sumi: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

int cli_fail_error(const sumi_error *err)
{
    return cli_fail("%s", err->message);
}

int cli_flush(int code)
{
    errno = 0;
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (written || errno == EPIPE || code != EXIT_DONE) return code;
    return cli_fail("standard output: %s", errno ? strerror(errno) : "writing failed");
}

store_places cli_places(void)
{
    store_places p;
    store_places_init(&p, getenv("SUMI_MODELS"), getenv("XDG_CACHE_HOME"), getenv("HOME"));
    return p;
}

sumi_status cli_find_model(const char *model, char *out, size_t n_out, sumi_error *err)
{
    store_places p = cli_places();
    return store_find(&p, model, out, n_out, err);
}

sumi_status cli_read_file(const char *path, size_t max_bytes, char **data, size_t *n_bytes, sumi_error *err)
{
    bool is_stdin = !path || !strcmp(path, "-");
    const char *name = is_stdin ? "standard input" : path;
    FILE *f = is_stdin ? stdin : fopen(path, "rbe");
    *data = NULL;
    *n_bytes = 0;
    if (!f) return sumi_fail_errno(err, name);
    buf b;
    buf_init(&b, max_bytes);
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0) buf_append(&b, chunk, n);
    bool failed = ferror(f);
    int why = errno;
    if (!is_stdin) fclose(f);
    if (!failed && (*data = buf_take(&b, n_bytes))) return SUMI_OK;
    sumi_status status = b.status;
    buf_deinit(&b);
    if (failed) return sumi_fail(err, SUMI_EIO, "%s: %s", name, strerror(why));
    if (status == SUMI_ELIMIT) return sumi_fail(err, status, "%s: larger than %zu bytes", name, max_bytes);
    return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", name);
}
