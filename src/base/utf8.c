/* utf8.c - see utf8.h. */
#include "base/utf8.h"

#include <string.h>

size_t utf8_valid_prefix(const char *p, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint64_t word;
        while (n - i >= 8 && (memcpy(&word, p + i, 8), !(word & 0x8080808080808080u))) i += 8; /* ASCII */
        if (i == n) break;
        uint32_t cp;
        size_t len = utf8_decode(p + i, n - i, &cp);
        if (!len) break;
        i += len;
    }
    return i;
}

/* The second byte decides about surrogates, overlong forms and values above U+10FFFF (Unicode, table 3-7). */
static int second_byte_fits(unsigned char lead, unsigned char second)
{
    switch (lead) {
    case 0xE0: return second >= 0xA0 && second <= 0xBF;
    case 0xED: return second >= 0x80 && second <= 0x9F;
    case 0xF0: return second >= 0x90 && second <= 0xBF;
    case 0xF4: return second >= 0x80 && second <= 0x8F;
    default: return (second & 0xC0) == 0x80;
    }
}

size_t utf8_invalid_bytes(const char *p, size_t n, int *partial)
{
    const unsigned char *b = (const unsigned char *)p;
    size_t need = b[0] >= 0xC2 && b[0] <= 0xDF ? 2 : (b[0] & 0xF0) == 0xE0 ? 3 : b[0] >= 0xF0 && b[0] <= 0xF4 ? 4 : 1;
    size_t got = 1;
    if (need > 1 && n > 1 && second_byte_fits(b[0], b[1])) {
        got = 2;
        while (got < need - 1 && got < n && (b[got] & 0xC0) == 0x80) got++;
    }
    *partial = need > 1 && got == n;
    return got;
}
