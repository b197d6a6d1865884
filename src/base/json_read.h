/* json_read.h - JSON text to jansson's values, also when memory runs out. The one way in which foreign JSON is read.
 *
 * jansson 2.14, Debian's, does not check whether the buffer of a string could grow (its issues 362 and 747): the string is
 * then cut short without a word, and what is copied from it may run past its end. So jansson never sees an allocation fail
 * while json_read() reads: the allocation leaves jansson by longjmp(), and everything that this reading has allocated is
 * freed. */
#ifndef SUMI_BASE_JSON_READ_H
#define SUMI_BASE_JSON_READ_H

#include <stddef.h>

#include <jansson.h>

#include "sumi.h"

/* As json_loadb(). NULL: *why (NULL: it does not matter) says what is wrong and where. Any thread. Programs that
 * give jansson allocation functions of their own do so before the first call. */
json_t *json_read(const char *text, size_t n, size_t flags, json_error_t *why);

/* *why: there was no memory for what was to be read. */
void json_read_failed(json_error_t *why);

/* ENOMEM where that is why nothing was read, else `otherwise`. */
sumi_status json_read_status(const json_error_t *why, sumi_status otherwise);

/* As json_copy(), which leaves members out when memory is missing. NULL then. */
json_t *json_copy_whole(json_t *object);

#endif
