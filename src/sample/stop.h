/* stop.h - finds stop strings in a stream of bytes, however the stream is cut into pieces.
 *
 * A byte that may be the begin of a stop string is held back until it is certain that it is not:
 *
 *   stop "\n\nUser:"    in  "Yes.\n"  "\nUs"   "ually"
 *                       out "Yes."    ""       "\n\nUsually"
 *
 * Each string has its own automaton (Knuth, Morris, Pratt 1977): one number, the length of its longest begin that the
 * stream ends with. What must be held back is the largest of these numbers. Cost: O(bytes x strings), whatever the
 * strings are. The string that is complete first ends the text; of those that end at one byte, the longest. */
#ifndef SUMI_SAMPLE_STOP_H
#define SUMI_SAMPLE_STOP_H

#include "base/buf.h"

typedef struct stop_matcher stop_matcher;

enum { STOP_MAX_STRINGS = 64, STOP_MAX_BYTES = 4096 /* of one string */ };

/* strings: n NUL-terminated texts, copied. EINVAL: one is empty, too long or not UTF-8, or there are too many. */
SUMI_MUST_USE sumi_status stop_create(stop_matcher **out, const char *const *strings, int32_t n, sumi_error *err);
void stop_destroy(stop_matcher *m); /* NULL is fine */

/* Appends to out what is certain after n more bytes. True: a stop string is complete; out then ends before it, the
 * bytes after it are dropped, and m takes no more. */
bool stop_push(stop_matcher *m, const char *bytes, size_t n, buf *out);

/* The number of the string that was found (0 for the first of strings); -1: none. */
int32_t stop_found(const stop_matcher *m);

/* The stream is over: appends what was held back, unless a stop string was found. */
void stop_flush(stop_matcher *m, buf *out);

#endif
