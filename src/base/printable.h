/* printable.h - text of unknown origin made safe for one line on a terminal or in a log.
 *
 * Names and messages come from files and clients. Sent to a terminal as they are, they could move the cursor, change
 * its title or answer back (escape sequences), hide text by its direction, or break the one line that an error is. */
#ifndef SUMI_BASE_PRINTABLE_H
#define SUMI_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the UTF-8 character at text (n > 0 bytes are left), and its code point. Where there is none, by the
 * definition of Unicode 15, table 3-7 (too long, a surrogate, above U+10FFFF, cut): 1, and *code is UINT32_MAX. */
size_t printable_utf8(const char *text, size_t n, uint32_t *code);

/* False for control characters (C0, DEL, C1), line and paragraph separators, direction overrides and UINT32_MAX. */
bool printable_shown(uint32_t code);

/* Copies text [n] to out, NUL-terminated, cut before the character that does not fit into n_out bytes (n_out > 0).
 * What printable_shown() refuses becomes '?'. out == text is allowed. Returns the bytes written without the NUL, never
 * more than n. */
size_t printable_copy(char *out, size_t n_out, const char *text, size_t n);

#endif
