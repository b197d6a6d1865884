/* printable.c - see printable.h. */
#include "base/printable.h"

#include <string.h>

size_t printable_utf8(const char *text, size_t n, uint32_t *code)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 0;
    if (s[0] >= 0xf0 && s[0] < 0xf5) len = 4;
    *code = UINT32_MAX;
    if (len == 0 || len > n) return 1;
    uint32_t c = len == 1 ? s[0] : s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80) return 1;
        c = c << 6 | (s[i] & 0x3f);
    }
    static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 }; /* the least character with this many bytes */
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return 1;
    *code = c;
    return len;
}

bool printable_shown(uint32_t c)
{
    if (c == UINT32_MAX || c < 0x20 || (c >= 0x7f && c < 0xa0)) return false;
    return !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069); /* separators, direction */
}

size_t printable_copy(char *out, size_t n_out, const char *text, size_t n)
{
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t len = printable_utf8(text + i, n - i, &code);
        bool shown = printable_shown(code);
        size_t need = shown ? len : 1;
        if (need >= n_out - used) break;
        if (shown) memmove(out + used, text + i, len);
        else out[used] = '?';
        used += need;
        i += len;
    }
    out[used] = '\0';
    return used;
}
