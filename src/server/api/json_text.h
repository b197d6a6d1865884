/* json_text.h - pieces of JSON text, written straight into a buffer (RFC 8259). */
#ifndef SUMI_SERVER_API_JSON_TEXT_H
#define SUMI_SERVER_API_JSON_TEXT_H

#include "base/buf.h"

/* text [n] as a string with its quotes. Invalid bytes become U+FFFD; U+2028 and U+2029 are escaped, so that a string is
 * one line for every reader. */
void json_put_text(buf *out, const char *text, size_t n);
void json_put_inside(buf *out, const char *text, size_t n); /* without the quotes: part of a string */

/* The same of text up to its NUL; NULL is null. */
void json_put_string(buf *out, const char *text);

/* Seconds since 1970 as a string: "2026-11-21T16:40:01Z" (RFC 3339). */
void json_put_time(buf *out, int64_t seconds);

/* A number. JSON has no infinity and no NaN: -inf becomes -9999, which OpenAI's API uses for impossible tokens, and NaN
 * becomes null. */
void json_put_number(buf *out, double value);

#endif
