/* stop.h - finds stop strings in a stream of bytes, however the stream is cut into pieces.
 *
 * A byte that may begin a stop string is held back until it is certain that it does not:
 *
 *   stop "\n\nUser:"    in  "Yes.\n"  "\nUs"   "ually"
 *                       out "Yes."    ""       "\n\nUsually"
 *
 * Each string has its own automaton (Knuth, Morris, Pratt 1977). Its state is one number: the length of the string's
 * longest beginning that the stream ends with. The number of held bytes is the largest of these numbers. Cost: O(bytes x
 * strings) for any strings. The string that is complete first ends the text; of strings that end at the same byte, the
 * longest. */
#ifndef SUMI_SAMPLE_STOP_H
#define SUMI_SAMPLE_STOP_H

#include "base/buf.h"

typedef struct stop_matcher stop_matcher;

enum { STOP_MAX_STRINGS = 64, STOP_MAX_BYTES = 4096 /* of one string */ };

/* strings: n NUL-terminated texts, copied. EINVAL: one is empty, too long or not UTF-8, or there are too many. */
SUMI_MUST_USE sumi_status stop_create(stop_matcher **out, const char *const *strings, int32_t n, sumi_error *err);
void stop_destroy(stop_matcher *m); /* NULL is fine */

/* Adds n bytes and appends the bytes that are certain to out. True: a stop string is complete; out then ends before it,
 * the bytes after it are dropped, and m accepts no more bytes. */
bool stop_push(stop_matcher *m, const char *bytes, size_t n, buf *out);

/* The number of the string that was found (0 for the first of strings); -1: none. */
int32_t stop_found(const stop_matcher *m);

/* The stream has ended: appends the held bytes, unless a stop string was found. */
void stop_flush(stop_matcher *m, buf *out);

#endif
