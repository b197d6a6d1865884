/* sized.h - structures of sumi.h that grow in later versions: exchange with programs compiled with an older header. */
#ifndef SUMI_BASE_SIZED_H
#define SUMI_BASE_SIZED_H

#include "sumi.h"

/* Copies *from, known bytes, to *to, size bytes. A smaller *to gets the first members only; in a larger *to the rest
 * becomes zero. */
void sized_give(void *to, size_t size, const void *from, size_t known);

/* *to holds the defaults, known bytes, and begins with its size. Copies the members of given (NULL: none) over them.
 * EINVAL: given has a larger size, or size 0. name: of the structure, for the message. */
SUMI_MUST_USE sumi_status sized_take(void *to, size_t known, const void *given, const char *name, sumi_error *err);

#endif
