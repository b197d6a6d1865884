/* error.c - formatting of error lines. See error.h. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"

const char *sumi_status_text(sumi_status status)
{
    switch (status) {
#define SUMI_STATUS_CASE(name, text) \
    case SUMI_##name: return text;
        SUMI_STATUS_LIST(SUMI_STATUS_CASE)
#undef SUMI_STATUS_CASE
    }
    return "unknown status";
}

const char *sumi_version(void)
{
    return SUMI_VERSION;
}

void sumi_free(void *p)
{
    free(p);
}

/* Drops the part of a character that the end of the buffer cut off; n is the length of line. */
static size_t whole_characters(const char *line, size_t n)
{
    size_t lead = n;
    while (lead > 0 && n - lead < 3 && ((unsigned char)line[lead - 1] & 0xc0) == 0x80) lead--;
    if (lead == 0) return n;
    unsigned char c = (unsigned char)line[lead - 1];
    size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    return n - lead + 1 < want ? lead - 1 : n;
}

sumi_status sumi_fail(sumi_error *err, sumi_status status, const char *format, ...)
{
    if (!err) return status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    size_t n = whole_characters(err->message, strlen(err->message));
    printable_copy(err->message, sizeof err->message, err->message, n);
    err->status = status;
    return status;
}

const char *sumi_path_end(const char *path)
{
    size_t n = strlen(path);
    return n > 200 ? path + n - 200 : path;
}

sumi_status sumi_fail_errno(sumi_error *err, const char *what)
{
    return sumi_fail(err, errno == ENOMEM ? SUMI_ENOMEM : SUMI_EIO, "%s: %s", what, strerror(errno));
}

sumi_status sumi_fail_in(sumi_error *err, const char *format, ...)
{
    if (!err) return SUMI_OK;
    char inner[sizeof err->message], prefix[sizeof err->message];
    memcpy(inner, err->message, sizeof inner);
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    return sumi_fail(err, err->status, "%s: %s", prefix, inner);
}
