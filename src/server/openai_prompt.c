/* openai_prompt.c - the prompt of a request: messages of a chat; a text, texts, token ids or lists of them. */
#include <stdlib.h>
#include <string.h>

#include "server/json_fields.h"
#include "server/openai_request.h"

/* ---- Messages ---- */

static bool known_role(const char *role)
{
    static const char *const roles[] = { "system", "developer", "user", "assistant", "tool" };
    for (size_t i = 0; role && i < sizeof roles / sizeof *roles; i++)
        if (!strcmp(role, roles[i])) return true;
    return false;
}

/* A list of parts, {"type": "text", "text": "..."}, joined. New reference; NULL: *e says why. */
static json_t *join_parts(const json_t *parts, size_t number, api_error *e)
{
    buf text;
    size_t i;
    json_t *part, *joined = NULL;
    buf_init(&text, SIZE_MAX);
    json_array_foreach(parts, i, part)
    {
        const char *type = json_string_value(json_object_get(part, "type"));
        const json_t *words = json_object_get(part, "text");
        if (!type || strcmp(type, "text") != 0 || !json_is_string(words)) {
            api_fail(e, 400, "unsupported_content", "messages",
                     "messages[%zu].content[%zu]: only {\"type\": \"text\", \"text\": \"...\"} is supported",
                     number, i);
            break;
        }
        buf_append(&text, json_string_value(words), json_string_length(words));
    }
    if (i == json_array_size(parts)) {
        if (text.status == SUMI_OK) joined = json_stringn(text.data ? text.data : "", text.n);
        if (!joined) api_fail(e, 500, "out_of_memory", NULL, "out of memory");
    }
    buf_deinit(&text);
    return joined;
}

static bool read_message(openai_request *r, const json_t *m, size_t number, api_error *e)
{
    const char *role = json_string_value(json_object_get(m, "role"));
    json_t *content = json_object_get(m, "content"), *text = NULL;
    if (!json_is_object(m))
        return api_fail(e, 400, "invalid_type", "messages", "messages[%zu]: it must be an object", number);
    if (!known_role(role))
        return api_fail(e, 400, "invalid_value", "messages",
                        "messages[%zu].role: it must be one of system, developer, user, assistant, tool",
                        number);
    if (json_is_string(content)) text = json_incref(content);
    else if (json_is_array(content) && !(text = join_parts(content, number, e))) return false;
    if (!text)
        return api_fail(e, 400, "invalid_type", "messages",
                        "messages[%zu].content: it must be a string or a list of parts", number);
    if (!strcmp(role, "developer"))
        role = "system"; /* the newer name of the same thing; templates know the older */
    json_t *plain = json_pack("{s:s, s:o}", "role", role, "content", text);
    if (json_array_append_new(r->messages, plain) == 0) return true;
    return api_fail(e, 500, "out_of_memory", NULL, "out of memory");
}

bool openai_read_messages(openai_request *r, const openai_limits *limits, api_error *e)
{
    json_t *list = field_get(r->root, "messages"), *m;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return api_fail(e, 400, list ? "invalid_type" : "missing_field", "messages",
                        "messages: a list of at least one message is needed");
    if (json_array_size(list) > (size_t)limits->max_messages)
        return api_fail(e, 400, "invalid_value", "messages", "messages: more than %d", limits->max_messages);
    if (!(r->messages = json_array())) return api_fail(e, 500, "out_of_memory", NULL, "out of memory");
    json_array_foreach(list, i, m) if (!read_message(r, m, i, e)) return false;
    r->n_prompts = 1;
    return true;
}

/* ---- Prompts ---- */

static bool read_ids(openai_prompt *p, const json_t *list, api_error *e)
{
    size_t n = json_array_size(list);
    if (n > INT32_MAX || !(p->ids = calloc(n + 1, sizeof *p->ids)))
        return api_fail(e, 500, "out_of_memory", NULL, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;
        if (id < 0 || id > INT32_MAX)
            return api_fail(e, 400, "invalid_type", "prompt", "prompt: item %zu is not a token id", i);
        p->ids[p->n_ids++] = (int32_t)id;
    }
    return true;
}

static bool read_one(openai_prompt *p, const json_t *v, api_error *e)
{
    bool is_text = json_is_string(v);
    if (is_text) *p = (openai_prompt){ .text = json_string_value(v), .n_bytes = json_string_length(v) };
    else if (!json_is_array(v))
        return api_fail(
            e, 400, "invalid_type", "prompt",
            "prompt: it must be a string, a list of strings, of token ids, or of lists of token ids");
    else if (!read_ids(p, v, e)) return false;
    if (is_text ? p->n_bytes == 0 : p->n_ids == 0)
        return api_fail(e, 400, "invalid_value", "prompt", "prompt: it is empty");
    return true;
}

bool openai_read_prompts(openai_request *r, const openai_limits *limits, api_error *e)
{
    const json_t *v = field_get(r->root, "prompt");
    if (!v) return api_fail(e, 400, "missing_field", "prompt", "prompt: it is missing");
    bool several = json_is_array(v) && !json_is_integer(json_array_get(v, 0));
    size_t n = several ? json_array_size(v) : 1;
    if (n == 0) return api_fail(e, 400, "invalid_value", "prompt", "prompt: it is empty");
    if (n > (size_t)limits->max_prompts)
        return api_fail(e, 400, "invalid_value", "prompt", "prompt: %zu prompts, at most %d are possible", n,
                        limits->max_prompts);
    if (!(r->prompts = calloc(n, sizeof *r->prompts)))
        return api_fail(e, 500, "out_of_memory", NULL, "out of memory");
    r->n_prompts = (int32_t)n;
    for (size_t i = 0; i < n; i++)
        if (!read_one(&r->prompts[i], several ? json_array_get(v, i) : v, e)) return false;
    return true;
}
