/* names.h - checks names from servers and users before they become paths or parts of a URL.
 *
 * A file name in a foreign repository must not lead out of the folder of its model, be hidden, look like an option, or
 * control a terminal. A file whose name fails these checks is never requested. */
#ifndef SUMI_STORE_NAMES_H
#define SUMI_STORE_NAMES_H

#include "base/buf.h"

#define NAME_MAX_PART  200 /* bytes of one component; file systems have 255, and ".part.json" is added */
#define NAME_MAX_PATH  512
#define NAME_MAX_DEPTH 8

/* Letters, digits and . _ -, not beginning with . or -: names of owners, models, tags and revisions. */
bool name_is_plain(const char *text, size_t n);

/* One component of a path: shown characters of UTF-8, no slash of either kind, not beginning with . or -. */
bool name_is_part(const char *text, size_t n);

/* A relative path of such components. */
bool name_is_path(const char *path);

/* Appends text, which may have slashes, as part of a URL: characters that RFC 3986 reserves are percent-encoded, slashes
 * are not. */
void name_append_escaped(buf *out, const char *text);

bool name_ends_with(const char *text, const char *suffix); /* ASCII letters of either case */

const char *name_base(const char *path); /* what follows the last slash */

#endif
