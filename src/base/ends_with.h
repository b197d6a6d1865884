/* ends_with.h - names of tensors and of files, by their end. */
#ifndef SUMI_BASE_ENDS_WITH_H
#define SUMI_BASE_ENDS_WITH_H

#include <stdbool.h>
#include <string.h>

static inline bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && !strcmp(name + n - m, end);
}

#endif
