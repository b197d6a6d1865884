/* path.h - the path of a request, from the target in its first line.
 *
 * Besides plain paths these are accepted: "//v1/models", "/v1/models/" and the absolute form of requests to a proxy (RFC
 * 9112, 3.2.2), "http://host:8080/v1/models". */
#ifndef SUMI_SERVER_HTTP_PATH_H
#define SUMI_SERVER_HTTP_PATH_H

#include <stddef.h>

/* target: decoded, without a query. out [n_out]: its path without an authority, empty segments and a final slash;
 * truncated. */
void path_clean(const char *target, char *out, size_t n_out);

/* The authority of a target in absolute form, "host:8080", and its length; NULL: target is in another form. */
const char *path_authority(const char *target, size_t *n);

/* Decodes "%41" in place, but not "%00", which would truncate the text. Returns the new length. */
size_t path_decode(char *text);

#endif
