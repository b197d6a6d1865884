/* json_read.h - parses JSON text to jansson's values, safely when memory runs out. All foreign JSON is parsed here.
 *
 * jansson 2.14, Debian's version, does not check whether the buffer of a string could grow (its issues 362 and 747): the
 * string is then truncated without an error, and copies of it may read past its end. So no allocation fails inside
 * json_read(): an allocation without memory leaves jansson by longjmp(), and all memory of this call is freed. */
#ifndef SUMI_BASE_JSON_READ_H
#define SUMI_BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "sumi.h"

/* As json_loadb(). On NULL, *why (may be NULL) says what is wrong and where. Any thread. A program that sets its own
 * allocation functions of jansson must do so before the first call. */
json_t *json_read(const char *text, size_t n, size_t flags, json_error_t *why);

/* The same for text whose integers may have more than 64 bits, which JSON allows and jansson refuses. They are read as reals, so
 * digits behind the seventeenth are lost. why must not be NULL. */
json_t *json_read_wide(const char *text, size_t n, size_t flags, json_error_t *why);

/* Sets *why to "out of memory". */
void json_read_failed(json_error_t *why);

/* ENOMEM if reading failed because of memory, else `otherwise`. */
sumi_status json_read_status(const json_error_t *why, sumi_status otherwise);

/* Fails with "WHAT: line L, column C: TEXT" and `otherwise`, or "WHAT: out of memory" and ENOMEM. */
sumi_status json_read_fail(sumi_error *err, const json_error_t *why, sumi_status otherwise, const char *what);

/* Functions of jansson that build values report missing memory one by one, and most of them change nothing then: if one
 * result is ignored, the value lacks a part. json_watch() starts to note this thread's failed allocations; json_lost()
 * tells whether there was one. */
void json_watch(void);
bool json_lost(void);

/* As json_dumps(), but NULL whenever memory runs out: json_dumps() of jansson 2.14 then leaves out names of members. */
char *json_write(const json_t *v, size_t flags);

/* As json_copy(), but NULL when memory runs out; json_copy() would drop members. */
json_t *json_copy_whole(json_t *object);

#endif
