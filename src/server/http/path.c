/* path.c - see path.h. */
#include "server/http/path.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/hex.h"

const char *path_authority(const char *target, size_t *n)
{
    size_t scheme = 0;
    if (!strncasecmp(target, "http://", 7)) scheme = 7;
    if (!strncasecmp(target, "https://", 8)) scheme = 8;
    *n = scheme ? strcspn(target + scheme, "/?#") : 0;
    return scheme ? target + scheme : NULL;
}

void path_clean(const char *target, char *out, size_t n_out)
{
    size_t n_authority, n = 0;
    const char *authority = path_authority(target, &n_authority);
    const char *from = authority ? authority + n_authority : target;
    if (*from != '/' && authority) out[n++] = '/';
    for (; *from && n < n_out - 1; from++)
        if (*from != '/' || n == 0 || out[n - 1] != '/') out[n++] = *from;
    if (n > 1 && out[n - 1] == '/') n--;
    out[n] = '\0';
}

size_t path_decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        int high = from[0] == '%' ? hex_digit(from[1]) : -1, low = high >= 0 ? hex_digit(from[2]) : -1;
        bool escape = low >= 0 && (high || low);
        *to = escape ? (char)(high << 4 | low) : *from;
        from += escape ? 3 : 1;
    }
    *to = '\0';
    return (size_t)(to - text);
}
