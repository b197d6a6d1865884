/* anthropic_request.c - see anthropic_request.h. */
#include "server/api/anthropic/anthropic_request.h"

#include "jinja/chat_adapt.h"
#include "server/api/json_fields.h"
#include "server/api/known_fields.h"
#include "server/api/tool_history.h"

static bool refuse(const char *name, const char *what, api_error *e)
{
    return api_fail(e, 400, "unsupported_parameter", name, "%s: %s by this server", name, what);
}

static bool refuse_unsupported(const text_request *r, api_error *e)
{
    const json_t *thinking = NULL, *choice = NULL, *config = NULL;
    if (!known_fields_check(r->root, FIELDS_MESSAGES, e) || !field_object(r->root, "thinking", &thinking, e) ||
        !field_object(r->root, "tool_choice", &choice, e) || !field_object(r->root, "output_config", &config, e))
        return false;
    if (!field_is_missing_or(thinking, "type", "disabled"))
        return refuse("thinking", "only the type 'disabled' is supported", e);
    if (!field_is_missing_or(choice, "type", "auto") && !field_is_missing_or(choice, "type", "none"))
        return refuse("tool_choice", "only the types 'auto' and 'none' are supported", e);
    return !field_get(config, "format") || refuse("output_config", "no format is supported", e);
}

static bool read_settings(text_request *r, const text_limits *limits, api_error *e)
{
    const json_t *o = r->root, *metadata = NULL;
    const char *user = NULL;
    sumi_sampling *s = &r->params.sampling;
    return field_string(o, "model", &r->model, e) && field_object(o, "metadata", &metadata, e) &&
           field_string(metadata, "user_id", &user, e) && field_bool(o, "stream", &r->stream, e) &&
           field_float(o, "temperature", 0, 1, &s->temperature, e) && field_float(o, "top_p", 0, 1, &s->top_p, e) &&
           field_int32(o, "top_k", 0, INT32_MAX, &s->top_k, e) &&
           field_int32(o, "max_tokens", 0, INT32_MAX, &r->params.max_tokens, e) &&
           text_read_stop(r, o, "stop_sequences", false, limits, e);
}

/* The texts of n turns from `first` on, as paragraphs. New reference; NULL: out of memory. */
static json_t *join_texts(const json_t *turns, size_t first, size_t n)
{
    buf text;
    buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < n; i++) {
        const json_t *content = json_object_get(json_array_get(turns, first + i), "content");
        if (i) buf_append_str(&text, "\n\n");
        buf_append(&text, json_string_value(content), json_string_length(content));
    }
    json_t *joined = text.status == SUMI_OK ? json_stringn(text.data, text.n) : NULL;
    buf_deinit(&text);
    return joined;
}

/* Whether the turn after number i is of its role; calls of tools, their results and thoughts stay apart. */
static bool goes_on(const json_t *turns, size_t i)
{
    const json_t *turn = json_array_get(turns, i), *next = json_array_get(turns, i + 1);
    const json_t *role = json_object_get(turn, "role");
    if (tool_history_calls(turn) || tool_history_calls(next) || chat_has_role(turn, "tool")) return false;
    if (json_object_get(next, "reasoning_content")) return false;
    return json_equal(json_object_get(next, "role"), role);
}

/* Turns of one role that follow each other become one. */
static bool join_turns(text_request *r, api_error *e)
{
    json_t *turns = r->messages;
    size_t n_turns = json_array_size(turns), n;
    bool ok = (r->messages = json_array()) != NULL;
    for (size_t i = 0; ok && i < n_turns; i += n) {
        json_t *turn = json_array_get(turns, i);
        n = 1;
        while (goes_on(turns, i + n - 1)) n++;
        if (n > 1) ok = json_object_set_new(turn, "content", join_texts(turns, i, n)) == 0;
        ok = ok && json_array_append(r->messages, turn) == 0;
    }
    json_decref(turns);
    return ok || api_fail_memory(e);
}

static bool read_turns(text_request *r, const text_limits *limits, api_error *e)
{
    static const char *const roles[] = { "user", "assistant", "system", "tool", NULL }, *const types[] = { "text",
                                                                                                           NULL };
    const json_t *system = field_get(r->root, "system");
    if (system && !text_add_message(r, "system", text_join_parts(system, types, "system", "system", e), e))
        return false;
    message_list turns;
    bool ok = tool_history_from_anthropic(&turns, field_get(r->root, "messages"), types, e) &&
              text_read_messages(r, &turns, "messages", roles, types, limits, e) && join_turns(r, e);
    message_list_deinit(&turns);
    size_t n = json_array_size(r->messages);
    const json_t *last = n ? json_array_get(r->messages, n - 1) : NULL;
    if (ok && json_object_get(last, "reasoning_content") && !tool_history_calls(last))
        return api_fail(
            e, 400, "unsupported_content", "messages",
            "messages: the answer continues the last turn, so this turn cannot have blocks of the type 'thinking'");
    if (ok) text_take_prefill(r);
    return ok;
}

static bool parse(text_request *r, const char *body, size_t n_bytes, const text_limits *limits, api_error *e)
{
    bool ok = text_request_open(r, body, n_bytes, e);
    text_take_defaults(r, limits);
    return ok && refuse_unsupported(r, e) && read_settings(r, limits, e) && read_turns(r, limits, e);
}

bool anthropic_parse_count(text_request *r, const char *body, size_t n_bytes, const text_limits *limits, api_error *e)
{
    if (parse(r, body, n_bytes, limits, e)) return true;
    text_request_deinit(r);
    return false;
}

bool anthropic_parse_messages(text_request *r, const char *body, size_t n_bytes, const text_limits *limits,
                              api_error *e)
{
    if (!anthropic_parse_count(r, body, n_bytes, limits, e)) return false;
    if (field_get(r->root, "max_tokens")) return true;
    text_request_deinit(r);
    return api_fail(e, 400, "missing_field", "max_tokens", "max_tokens: it is missing");
}
