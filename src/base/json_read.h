/* json_read.h - parses JSON text to jansson's values, safely when memory runs out. All foreign JSON is parsed here.
 *
 * jansson 2.14, Debian's version, does not check whether the buffer of a string could grow (its issues 362 and 747): the
 * string is then truncated without an error, and copies of it may read past its end. So no allocation fails inside
 * json_read(): an allocation without memory leaves jansson by longjmp(), and all memory of this call is freed. */
#ifndef SUMI_BASE_JSON_READ_H
#define SUMI_BASE_JSON_READ_H

#include <stddef.h>

#include <jansson.h>

#include "sumi.h"

/* As json_loadb(). On NULL, *why (may be NULL) says what is wrong and where. Any thread. A program that sets its own
 * allocation functions of jansson must do so before the first call. */
json_t *json_read(const char *text, size_t n, size_t flags, json_error_t *why);

/* Sets *why to "out of memory". */
void json_read_failed(json_error_t *why);

/* ENOMEM if reading failed because of memory, else `otherwise`. */
sumi_status json_read_status(const json_error_t *why, sumi_status otherwise);

/* As json_copy(), but NULL when memory runs out; json_copy() would drop members. */
json_t *json_copy_whole(json_t *object);

#endif
