/* model_name.c - see model_name.h. */
#include "server/api/model_name.h"

#include <string.h>
#include <strings.h>

static bool equals(const char *name, const char *wanted, size_t n, bool any_case)
{
    if ((any_case ? strncasecmp(name, wanted, n) : strncmp(name, wanted, n)) != 0) return false;
    return name[n] == '\0' || !strcmp(name + n, ":latest");
}

bool model_name_fits(const char *name, const char *served, const char *aliases, bool any_case)
{
    if (equals(name, served, strlen(served), any_case)) return true;
    while (aliases && *aliases) {
        size_t n = strcspn(aliases, ",");
        if (n == 1 && *aliases == '*') return true;
        if (n > 0 && equals(name, aliases, n, any_case)) return true;
        aliases += n + (aliases[n] == ',');
    }
    return false;
}
