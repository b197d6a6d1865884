/* sized.c - see sized.h. */
#include "base/sized.h"

#include <string.h>

#include "base/error.h"

void sized_give(void *to, size_t size, const void *from, size_t known)
{
    memcpy(to, from, size < known ? size : known);
    if (size > known) memset((char *)to + known, 0, size - known);
}

sumi_status sized_take(void *to, size_t known, const void *given, const char *name, sumi_error *err)
{
    size_t size;
    if (!given) return SUMI_OK;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size)
        return sumi_fail(err, SUMI_EINVAL, "%s: size is %zu; begin with %s_default()", name, size, name);
    if (size > known)
        return sumi_fail(err, SUMI_EINVAL, "%s: size is %zu, but this version of the library knows %zu bytes of it",
                         name, size, known);
    memcpy(to, given, size);
    memcpy(to, &known, sizeof known);
    return SUMI_OK;
}
