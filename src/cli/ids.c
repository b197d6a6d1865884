/* ids.c - see ids.h. */
#include "cli/ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define SEPARATORS " ,\t\r\n"

sumi_status cli_parse_ids(const char *text, int32_t low, int32_t high, int32_t **out, int32_t *n, sumi_error *err)
{
    *n = 0;
    size_t most = strlen(text) / 2 + 1; /* a number takes two characters with its separator */
    if (!(*out = calloc(most, sizeof **out))) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    for (const char *p = text + strspn(text, SEPARATORS); *p; p += strspn(p, SEPARATORS)) {
        char *end;
        errno = 0;
        long value = strtol(p, &end, 10);
        size_t len = strcspn(p, SEPARATORS);
        if (errno || end != p + len || value < low || value > high) {
            free(*out);
            *out = NULL;
            return sumi_fail(err, SUMI_EINVAL, "'%.*s' is not a number from %d to %d", (int)(len < 40 ? len : 40), p,
                             low, high);
        }
        (*out)[(*n)++] = (int32_t)value;
        p = end;
    }
    return SUMI_OK;
}
