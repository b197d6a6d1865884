/* names.c - see names.h. */
#include "store/names.h"

#include <string.h>
#include <strings.h>

#include "base/printable.h"

#define ALPHANUMERIC "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

bool name_is_plain(const char *text, size_t n)
{
    if (n == 0 || n > NAME_MAX_PART || text[0] == '.' || text[0] == '-') return false;
    for (size_t i = 0; i < n; i++)
        if (!text[i] || !strchr(ALPHANUMERIC "._-", text[i])) return false;
    return true;
}

bool name_is_part(const char *text, size_t n)
{
    if (n == 0 || n > NAME_MAX_PART || text[0] == '.' || text[0] == '-') return false;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t step = printable_utf8(text + i, n - i, &code);
        if (!printable_shown(code) || code == '/' || code == '\\') return false;
        i += step;
    }
    return true;
}

bool name_is_path(const char *path)
{
    if (strlen(path) > NAME_MAX_PATH) return false;
    for (int depth = 1; depth <= NAME_MAX_DEPTH; depth++) {
        size_t n = strcspn(path, "/");
        if (!name_is_part(path, n)) return false;
        if (!path[n]) return true;
        path += n + 1;
    }
    return false;
}

void name_append_escaped(buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr(ALPHANUMERIC "-._~/", *text)) buf_append_char(out, *text);
        else buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

bool name_ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), n_suffix = strlen(suffix);
    return n >= n_suffix && !strcasecmp(text + n - n_suffix, suffix);
}

const char *name_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
