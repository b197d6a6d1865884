/* error.h - how a failure is told: a status for the program, one line for the person. */
#ifndef SUMI_BASE_ERROR_H
#define SUMI_BASE_ERROR_H

#include "sumi.h"

/* Fills *err (may be NULL) with status and the formatted line, and returns status, so that a function can end with
 * `return sumi_fail(err, SUMI_EFORMAT, "...")`. A longer line is cut at a whole UTF-8 character; what must not
 * reach a terminal, as the parts may come from a hostile file, becomes '?' (printable.h). */
sumi_status sumi_fail(sumi_error *err, sumi_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a message tells of a path: all of it, or its last 200 bytes. The end says more than the beginning, and what is wrong
 * must fit into the line too. */
const char *sumi_path_end(const char *path);

/* For the errno of a call that has just failed: SUMI_EIO, or SUMI_ENOMEM for ENOMEM, with "what: why". what is usually a
 * path. */
sumi_status sumi_fail_errno(sumi_error *err, const char *what);

/* Puts "prefix: " before the message of a failed call: the callee knows what, the caller knows where. */
sumi_status sumi_fail_in(sumi_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
