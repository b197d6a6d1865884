/* byte_alphabet.h - GPT-2's spelling of bytes in a vocabulary file.
 *
 * Byte-level BPE works on bytes, but vocabularies are text: each of the 256 bytes gets a printable character
 * (Radford et al. 2019; encoder.py of the GPT-2 release). The printable bytes of Latin-1, 0x21-0x7E, 0xA1-0xAC
 * and 0xAE-0xFF, stand for themselves; the other 68, in order, are U+0100, U+0101, ... So a space is U+0120 and
 * a newline U+010A. */
#ifndef SUMI_TEXT_BPE_BYTE_ALPHABET_H
#define SUMI_TEXT_BPE_BYTE_ALPHABET_H

#include <stddef.h>
#include <stdint.h>

#define BYTE_ALPHABET_END 0x144 /* one above the last character in use */

typedef struct byte_alphabet {
    int16_t byte[BYTE_ALPHABET_END]; /* character -> byte, or -1 */
    char utf8[256][2];               /* byte -> its character in UTF-8 */
    uint8_t utf8_bytes[256];         /* 1 or 2 */
} byte_alphabet;

void byte_alphabet_init(byte_alphabet *a);

/* Converts text in the alphabet to the bytes that it stands for; out has room for n. Returns their number, or -1 if a
 * character is not in the alphabet. */
int64_t byte_alphabet_decode(const byte_alphabet *a, const char *text, size_t n, char *out);

#endif
