/* byte_alphabet.c - see byte_alphabet.h. */
#include "text/bpe/byte_alphabet.h"

#include <stdbool.h>

#include "base/utf8.h"

void byte_alphabet_init(byte_alphabet *a)
{
    uint32_t next = 0x100;
    for (size_t i = 0; i < BYTE_ALPHABET_END; i++) a->byte[i] = -1;
    for (uint32_t b = 0; b < 256; b++) {
        bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
        uint32_t cp = printable ? b : next++;
        char utf8[4];
        a->byte[cp] = (int16_t)b;
        a->utf8_bytes[b] = (uint8_t)utf8_encode(cp, utf8);
        a->utf8[b][0] = utf8[0];
        a->utf8[b][1] = a->utf8_bytes[b] > 1 ? utf8[1] : '\0';
    }
}

int64_t byte_alphabet_decode(const byte_alphabet *a, const char *text, size_t n, char *out)
{
    int64_t n_out = 0;
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        size_t len = utf8_decode(text + i, n - i, &cp);
        if (!len || cp >= BYTE_ALPHABET_END || a->byte[cp] < 0) return -1;
        out[n_out++] = (char)a->byte[cp];
        i += len;
    }
    return n_out;
}
