/* trace.c - see trace.h. */
#include "server/ops/trace.h"

#include <string.h>

enum { N_PARTS = 4 };
static const char digits[] = "0123456789abcdef";

static bool all_zero(const char *text, size_t n)
{
    return strspn(text, "0") >= n;
}

bool trace_read(trace *t, const char *text)
{
    static const size_t at[N_PARTS] = { 0, 3, 36, 53 }, n[N_PARTS] = { 2, TRACE_ID_BYTES, 16, 2 };
    *t = (trace){ .id = "" };
    if (!text || strnlen(text, TRACE_PARENT_BYTES) < TRACE_PARENT_BYTES) return false;
    for (int i = 0; i < N_PARTS; i++) {
        if (strspn(text + at[i], digits) != n[i]) return false;
        if (i < N_PARTS - 1 && text[at[i] + n[i]] != '-') return false;
    }
    bool is_00 = !strncmp(text, "00", 2);
    char after = text[TRACE_PARENT_BYTES];
    if (!strncmp(text, "ff", 2) || (is_00 && after) || (after && after != '-')) return false;
    if (all_zero(text + at[1], n[1]) || all_zero(text + at[2], n[2])) return false;
    memcpy(t->id, text + at[1], n[1]);
    memcpy(t->parent, text, TRACE_PARENT_BYTES);
    memcpy(t->parent, "00", 2);
    return true;
}
