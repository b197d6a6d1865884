/* jinja_unicode.h - Python's functions on characters, for the template engine.
 *
 * All strings of the engine are valid UTF-8 (checked where they enter), so decoding here needs no error path. */
#ifndef SUMI_JINJA_STR_JINJA_UNICODE_H
#define SUMI_JINJA_STR_JINJA_UNICODE_H

#include "base/utf8.h"
#include "sumi.h"

/* Bytes of the character that starts with this byte. */
static inline size_t jinja_char_bytes(const char *p)
{
    unsigned char c = (unsigned char)*p;
    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* The character at *p; *p moves past it. */
static inline int32_t jinja_decode(const char **p)
{
    const unsigned char *s = (const unsigned char *)*p;
    size_t n = jinja_char_bytes(*p);
    *p += n;
    switch (n) {
    case 1: return s[0];
    case 2: return (s[0] & 0x1f) << 6 | (s[1] & 0x3f);
    case 3: return (s[0] & 0x0f) << 12 | (s[1] & 0x3f) << 6 | (s[2] & 0x3f);
    default: return (s[0] & 0x07) << 18 | (s[1] & 0x3f) << 12 | (s[2] & 0x3f) << 6 | (s[3] & 0x3f);
    }
}

/* The character that ends before p; *p moves to its start. */
static inline int32_t jinja_decode_back(const char **p)
{
    do (*p)--;
    while (((unsigned char)**p & 0xc0) == 0x80);
    const char *q = *p;
    return jinja_decode(&q);
}

bool jinja_utf8_valid(const char *p, size_t n);
size_t jinja_utf8_count(const char *p, size_t n); /* characters */

bool jinja_is_space(int32_t c);      /* str.isspace() */
bool jinja_is_line_end(int32_t c);   /* where str.splitlines() cuts */
bool jinja_is_printable(int32_t c);  /* str.isprintable() */
bool jinja_is_name_start(int32_t c); /* identifiers */
bool jinja_is_name_char(int32_t c);
bool jinja_is_alpha(int32_t c);
bool jinja_is_alnum(int32_t c);
bool jinja_is_decimal(int32_t c);
bool jinja_is_digit(int32_t c);
bool jinja_is_numeric(int32_t c);
bool jinja_is_lower(int32_t c);
bool jinja_is_upper(int32_t c);
bool jinja_is_title(int32_t c);
bool jinja_is_cased(int32_t c);
static inline bool jinja_is_word(int32_t c) /* \w in Python's regular expressions */
{
    return c == '_' || jinja_is_alnum(c);
}
bool jinja_is_case_ignorable(int32_t c); /* skipped in the rule for the final sigma */

/* Full case mappings (Unicode SpecialCasing): up to 3 characters. They return how many. */
int jinja_to_upper(int32_t c, int32_t out[3]);
int jinja_to_lower(int32_t c, int32_t out[3]);
int jinja_to_title(int32_t c, int32_t out[3]);
int jinja_casefold(int32_t c, int32_t out[4]); /* full case folding; up to 4 */

#endif
