/* error.c - formatting of error lines. See error.h. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *sumi_status_text(sumi_status status)
{
    switch (status) {
#define SUMI_STATUS_CASE(name, text)                                                                           \
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

/* One line without control characters, not ending in the middle of a UTF-8 character. */
static void make_printable(char *line)
{
    size_t n = strlen(line), tail = n;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) line[i] = '?';
    while (tail > 0 && ((unsigned char)line[tail - 1] & 0xc0) == 0x80) tail--;
    if (tail == 0) return;
    unsigned char lead = (unsigned char)line[tail - 1];
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (n - tail + 1 < want) line[tail - 1] = '\0';
}

sumi_status sumi_fail(sumi_error *err, sumi_status status, const char *format, ...)
{
    if (!err) return status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    make_printable(err->message);
    err->status = status;
    return status;
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
