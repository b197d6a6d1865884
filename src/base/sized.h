/* sized.h - structures of sumi.h that grow: what a program compiled with an older header knows of them. */
#ifndef SUMI_BASE_SIZED_H
#define SUMI_BASE_SIZED_H

#include "sumi.h"

/* The first size bytes of *from to *to, which is a structure of that size or, if size is larger than known, has zeros behind
 * them. */
void sized_give(void *to, size_t size, const void *from, size_t known);

/* *to holds the defaults, known bytes of them, beginning with their size. What given has (NULL: nothing) comes over them.
 * EINVAL: given says that it is larger, or no size at all. name: the structure's, for the message. */
SUMI_MUST_USE sumi_status sized_take(void *to, size_t known, const void *given, const char *name, sumi_error *err);

#endif
