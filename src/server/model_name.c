/* model_name.c - see model_name.h. */
#include "server/model_name.h"

#include <string.h>

static bool equals(const char *name, const char *wanted, size_t n, bool tagged)
{
    if (strncmp(name, wanted, n) != 0) return false;
    return name[n] == '\0' || (tagged && !strcmp(name + n, ":latest"));
}

bool model_name_fits(const char *name, const char *served, const char *aliases, bool tagged)
{
    if (equals(name, served, strlen(served), tagged)) return true;
    while (aliases && *aliases) {
        size_t n = strcspn(aliases, ",");
        if (n == 1 && *aliases == '*') return true;
        if (n > 0 && equals(name, aliases, n, tagged)) return true;
        aliases += n + (aliases[n] == ',');
    }
    return false;
}
