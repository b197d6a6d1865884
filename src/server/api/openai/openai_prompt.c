/* openai_prompt.c - the prompt of a request: messages of a chat; a text, texts, token ids or lists of them. */
#include <stdlib.h>

#include "jinja/chat_adapt.h"
#include "server/api/json_fields.h"
#include "server/api/openai/openai_request.h"

/* A refusal is what the assistant said: clients send the API's own answers back, whose content is null then. */
static bool adapt_refusal(json_t *m, size_t number, api_error *e)
{
    json_t *refusal = field_get(m, "refusal");
    if (refusal && !json_is_string(refusal))
        return api_fail(e, 400, "invalid_type", "messages", "messages[%zu].refusal: it must be a string", number);
    if (!refusal || !chat_has_role(m, "assistant") || field_get(m, "content")) return true;
    return json_object_set(m, "content", refusal) == 0 || api_fail_memory(e);
}

bool openai_read_messages(text_request *r, const text_limits *limits, api_error *e)
{
    static const char *const roles[] = { "system", "developer", "user", "assistant", "tool", NULL }, *const types[] = {
        "text", "refusal", NULL
    };
    json_t *list = field_get(r->root, "messages"), *m;
    size_t i;
    json_array_foreach(list, i, m) if (!adapt_refusal(m, i, e)) return false;
    return text_read_messages(r, &(message_list){ .list = list }, "messages", roles, types, limits, e);
}

/* ---- Prompts ---- */

static bool read_one(text_prompt *p, const json_t *v, const char *name, api_error *e)
{
    bool is_text = json_is_string(v);
    if (is_text) *p = (text_prompt){ .text = json_string_value(v), .n_bytes = json_string_length(v) };
    else if (!json_is_array(v))
        return api_fail(e, 400, "invalid_type", name,
                        "%s: it must be a string, a list of strings, of token ids, or of lists of token ids", name);
    else if (!field_ids(v, name, &p->ids, &p->n_ids, e)) return false;
    if (is_text ? p->n_bytes == 0 : p->n_ids == 0)
        return api_fail(e, 400, "invalid_value", name, "%s: it is empty", name);
    return true;
}

bool openai_read_prompts(text_request *r, const char *name, int32_t max, api_error *e)
{
    const json_t *v = field_get(r->root, name);
    r->source = name;
    if (!v) return api_fail(e, 400, "missing_field", name, "%s: it is missing", name);
    bool several = json_is_array(v) && !json_is_number(json_array_get(v, 0));
    size_t n = several ? json_array_size(v) : 1;
    if (n == 0) return api_fail(e, 400, "invalid_value", name, "%s: it is empty", name);
    if (n > (size_t)max)
        return api_fail(e, 400, "invalid_value", name, "%s: %zu prompts; at most %d are allowed", name, n, max);
    if (!(r->prompts = calloc(n, sizeof *r->prompts))) return api_fail_memory(e);
    r->n_prompts = (int32_t)n;
    for (size_t i = 0; i < n; i++)
        if (!read_one(&r->prompts[i], several ? json_array_get(v, i) : v, name, e)) return false;
    return true;
}
