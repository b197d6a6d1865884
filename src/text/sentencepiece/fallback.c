/* fallback.c - see fallback.h. */
#include "text/sentencepiece/fallback.h"

void fallback_add(const vocab *v, int32_t unknown, const char *text, size_t n, bool *in_unknown, id_list *out)
{
    bool all = true;
    for (size_t i = 0; i < n; i++) all = all && v->byte_id[(uint8_t)text[i]] >= 0;
    for (size_t i = 0; all && i < n; i++) id_list_add(out, v->byte_id[(uint8_t)text[i]]);
    if (!all && !*in_unknown && unknown >= 0) id_list_add(out, unknown);
    *in_unknown = !all;
}
