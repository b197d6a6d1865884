/* chat_window.c - see chat_window.h. */
#include "server/api/chat_window.h"

#include <stdbool.h>

#include "jinja/chat_adapt.h"

int32_t chat_n_turns(const json_t *messages)
{
    int32_t n = 0;
    size_t i;
    json_t *m;
    json_array_foreach((json_t *)messages, i, m) n += chat_has_role(m, "user");
    return n;
}

json_t *chat_without_oldest(const json_t *messages, int32_t n_dropped)
{
    json_t *kept = json_array(), *m;
    int32_t turn = -1; /* number of the turn of m; messages before the first turn belong to it */
    bool ok = kept != NULL;
    size_t i;
    json_array_foreach((json_t *)messages, i, m)
    {
        turn += chat_has_role(m, "user");
        bool keeps = chat_has_role(m, "system") || (turn < 0 ? n_dropped == 0 : turn >= n_dropped);
        if (keeps && ok) ok = json_array_append(kept, m) == 0;
    }
    if (ok) return kept;
    json_decref(kept);
    return NULL;
}
