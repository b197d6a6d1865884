/* common.c - see cli.h. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

sumi_status cli_find_model(const char *model, char *out, size_t n_out, sumi_error *err)
{
    const char *env = getenv("SUMI_MODELS"), *home = getenv("HOME");
    char cache[1024];
    snprintf(cache, sizeof cache, "%s/.cache/sumi", home ? home : "");
    const char *folders[] = { env, "models", home ? cache : NULL };
    if (access(model, F_OK) == 0) {
        if ((size_t)snprintf(out, n_out, "%s", model) < n_out) return SUMI_OK;
        return sumi_fail(err, SUMI_EINVAL, "%.64s...: the path is too long", model);
    }
    bool is_name = !strchr(model, '/') && !strstr(model, ".gguf");
    for (size_t i = 0; is_name && i < sizeof folders / sizeof *folders; i++) {
        if (!folders[i] || (size_t)snprintf(out, n_out, "%s/%s.gguf", folders[i], model) >= n_out) continue;
        if (access(out, F_OK) == 0) return SUMI_OK;
    }
    out[0] = '\0';
    if (is_name)
        return sumi_fail(err, SUMI_EIO, "%s: no such file, and no model of that name in %s%smodels or ~/.cache/sumi",
                         model, env ? env : "", env ? ", " : "");
    return sumi_fail(err, SUMI_EIO, "%s: %s", model, strerror(errno));
}

sumi_status cli_read_file(const char *path, size_t max_bytes, char **data, size_t *n_bytes, sumi_error *err)
{
    bool is_stdin = !path || !strcmp(path, "-");
    const char *name = is_stdin ? "standard input" : path;
    FILE *f = is_stdin ? stdin : fopen(path, "rbe");
    *data = NULL;
    *n_bytes = 0;
    if (!f) return sumi_fail(err, SUMI_EIO, "%s: %s", name, strerror(errno));
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
