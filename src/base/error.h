/* error.h - a failure is reported as a status for the program and one line for the user. */
#ifndef SUMI_BASE_ERROR_H
#define SUMI_BASE_ERROR_H

#include "sumi.h"

/* Fills *err (may be NULL) with status and the formatted line, and returns status, so that a function can end with
 * `return sumi_fail(err, SUMI_EFORMAT, "...")`. A longer line is cut at a whole UTF-8 character. Parts of the line may
 * come from a hostile file, so characters that must not reach a terminal become '?' (printable.h). */
sumi_status sumi_fail(sumi_error *err, sumi_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A path as messages print it: the whole path, or its last 200 bytes. The end says more than the beginning, and the rest of
 * the message must fit into the line, too. */
const char *sumi_path_end(const char *path);

/* Reports "what: why" for the errno of a call that has just failed; what is usually a path. The status is SUMI_EIO, or
 * SUMI_ENOMEM if errno is ENOMEM. */
sumi_status sumi_fail_errno(sumi_error *err, const char *what);

/* Puts "prefix: " before the message of a failed call: the callee knows what failed, the caller knows where. */
sumi_status sumi_fail_in(sumi_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
