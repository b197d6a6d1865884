/* printable.h - text of unknown origin made safe for one line on a terminal or in a log.
 *
 * Names and messages come from files and clients. Unfiltered, they could move the cursor of a terminal, change its title
 * or make it send input (escape sequences), hide text by changing its direction, or break an error into several lines. */
#ifndef SUMI_BASE_PRINTABLE_H
#define SUMI_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the UTF-8 character at text (n > 0 bytes are left), and its code point. If the bytes are not a valid character
 * by Unicode 15, table 3-7 (overlong, a surrogate, above U+10FFFF, truncated): 1, and *code is UINT32_MAX. */
size_t printable_utf8(const char *text, size_t n, uint32_t *code);

/* False for control characters (C0, DEL, C1), line and paragraph separators, direction overrides and UINT32_MAX. */
bool printable_shown(uint32_t code);

/* Copies text [n] to out, NUL-terminated, cut before the character that does not fit into n_out bytes (n_out > 0).
 * Characters that printable_shown() refuses become '?'. out == text is allowed. Returns the bytes written without the NUL,
 * never more than n. */
size_t printable_copy(char *out, size_t n_out, const char *text, size_t n);

#endif
