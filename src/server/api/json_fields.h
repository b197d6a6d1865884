/* json_fields.h - the body of a request: parsed within limits, and read field by field.
 *
 * A field that is missing or null leaves *out unchanged. A field of a wrong type or out of range is an error (400) that
 * names the field; names must be constants. Fields that no parser reads are ignored, as in the APIs. */
#ifndef SUMI_SERVER_API_JSON_FIELDS_H
#define SUMI_SERVER_API_JSON_FIELDS_H

#include <jansson.h>

#include "server/api/api_error.h"

enum { JSON_MAX_NESTING = 64 };

/* The object in text [n]; NULL: not JSON, not an object, or nested too deep (400), or out of memory (500). Strings may
 * contain NULs; integers of more than 64 bits become reals. Free with json_decref(). */
json_t *json_parse_object(const char *text, size_t n, api_error *e);

const char *json_plain_text(const json_t *v); /* the text of a string, borrowed; NULL: v is not a string, or contains a
                                                 NUL */

/* The number v; false: v is not a number, or has a fraction. 2.0 is a whole number: JSON does not distinguish 2 and
 * 2.0. */
bool json_whole_number(const json_t *v, double *out);

json_t *field_get(const json_t *o, const char *name); /* borrowed; NULL: missing or null */
SUMI_MUST_USE bool field_bool(const json_t *o, const char *name, bool *out, api_error *e);
SUMI_MUST_USE bool field_int(const json_t *o, const char *name, int64_t low, int64_t high, int64_t *out, api_error *e);
SUMI_MUST_USE bool field_int32(const json_t *o, const char *name, int32_t low, int32_t high, int32_t *out,
                               api_error *e);
SUMI_MUST_USE bool field_float(const json_t *o, const char *name, float low, float high, float *out, api_error *e);
SUMI_MUST_USE bool field_string(const json_t *o, const char *name, const char **out,
                                api_error *e); /* borrowed, without a NUL */
SUMI_MUST_USE bool field_text(const json_t *o, const char *name, const json_t **out,
                              api_error *e); /* borrowed; a string with its length, which may hold NULs */
SUMI_MUST_USE bool field_object(const json_t *o, const char *name, const json_t **out, api_error *e); /* borrowed */

/* The token ids in list, the value of the field `name`: *ids [*n] numbers >= 0, not NULL on success; free with free(),
 * also after a failure. */
SUMI_MUST_USE bool field_ids(const json_t *list, const char *name, int32_t **ids, int32_t *n, api_error *e);

/* Whether the word in the field `key` of o is `only`, or missing, or o is NULL. */
bool field_is_missing_or(const json_t *o, const char *key, const char *only);

#endif
