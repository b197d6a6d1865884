/* common.c - see cli.h. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/printable.h"
#include "cli/terminal/interrupt.h"

static bool fail_as_json; /* set once, while arguments are read */

void cli_fail_as_json(void)
{
    fail_as_json = true;
}

void cli_print_message(bool json, const char *level, const char *label, const char *message)
{
    char line[1024];
    printable_copy(line, sizeof line, message, strlen(message));
    if (!json) {
        fprintf(stderr, "sumi: %s%s\n", label, line);
        return;
    }
    fprintf(stderr, "{\"level\":\"%s\",\"message\":\"", level);
    for (const char *c = line; *c; c++) { /* JSON strings escape quotes and backslashes (RFC 8259) */
        if (*c == '"' || *c == '\\') fputc('\\', stderr);
        fputc(*c, stderr);
    }
    fputs("\"}\n", stderr);
}

int cli_fail(const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    cli_print_message(fail_as_json, "error", "", message);
    return EXIT_FAILED;
}

int cli_fail_error(const sumi_error *err)
{
    if (err->message[0]) cli_fail("%s", err->message);
    return err->status == SUMI_ECANCELLED ? EXIT_INTERRUPTED : EXIT_FAILED;
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

bool cli_is_stdin(const char *path)
{
    return !path || !strcmp(path, "-");
}

void cli_say_reading(int fd)
{
    if (isatty(fd) && isatty(STDERR_FILENO))
        fprintf(stderr, "(reading from the terminal: Ctrl-D on an empty line ends the text)\n");
}

sumi_status cli_read_file(const char *path, size_t max_bytes, char **data, size_t *n_bytes, sumi_error *err)
{
    const char *name = cli_is_stdin(path) ? "standard input" : path;
    int fd = cli_is_stdin(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    *data = NULL;
    *n_bytes = 0;
    if (fd < 0) return sumi_fail_errno(err, name);
    cli_say_reading(fd);
    buf b;
    buf_init(&b, max_bytes);
    char chunk[65536];
    ssize_t n = 1;
    bool interrupted = false;
    /* One 0 is the end: on a terminal, one Ctrl-D. */
    while (n > 0 && b.status == SUMI_OK && !(interrupted = interrupt_wait_readable(fd, NULL) == INTERRUPT_PRESSED))
        if ((n = read(fd, chunk, sizeof chunk)) > 0) buf_append(&b, chunk, (size_t)n);
        else if (n < 0 && errno == EINTR) n = 1; /* once more, unless it was Ctrl-C */
    bool failed = n < 0 || interrupted;
    int why = errno;
    if (fd != STDIN_FILENO) close(fd);
    if (!failed && (*data = buf_take(&b, n_bytes))) return SUMI_OK;
    sumi_status status = b.status;
    buf_deinit(&b);
    if (interrupted) return sumi_fail(err, SUMI_ECANCELLED, "%s", ""); /* no message after Ctrl-C */
    if (failed) return sumi_fail(err, SUMI_EIO, "%s: %s", name, strerror(why));
    if (status == SUMI_ELIMIT) return sumi_fail(err, status, "%s: larger than %zu bytes", name, max_bytes);
    return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", name);
}
