/* responses_request.c - see responses_request.h. */
#include "server/api/openai/responses_request.h"

#include <string.h>

#include "server/api/json_fields.h"
#include "server/api/known_fields.h"
#include "server/api/openai/openai_request.h"
#include "server/api/tool_history.h"

static bool refuse(const char *name, const char *what, api_error *e)
{
    return api_fail(e, 400, "unsupported_parameter", name, "%s by this server", what);
}

/* Additional data of the answer: this server has log-probabilities only. */
static bool check_include(const text_request *r, api_error *e)
{
    const json_t *list = field_get(r->root, "include"), *item;
    size_t i;
    if (list && !json_is_array(list))
        return api_fail(e, 400, "invalid_type", "include", "include: it must be a list of strings");
    json_array_foreach(list, i, item)
    {
        const char *what = json_string_value(item);
        if (!what) return api_fail(e, 400, "invalid_type", "include", "include: it must be a list of strings");
        if (!strcmp(what, "message.output_text.logprobs"))
            return refuse("include", "include: log-probabilities of responses are not supported", e);
    }
    return true;
}

static bool refuse_unsupported(const text_request *r, api_error *e)
{
    const json_t *o = r->root, *text = NULL, *reasoning = NULL;
    if (!known_fields_check(o, FIELDS_RESPONSES, e) || !check_include(r, e) || !field_object(o, "text", &text, e) ||
        !field_object(o, "reasoning", &reasoning, e))
        return false;
    const json_t *format = NULL;
    if (!field_object(text, "format", &format, e)) return false;
    if (!field_is_missing_or(format, "type", "text"))
        return refuse("text", "text.format: only {\"type\": \"text\"} is supported", e);
    if (!field_is_missing_or(reasoning, "effort", "none"))
        return refuse("reasoning", "reasoning.effort: only 'none' is supported", e);
    return true;
}

static bool read_settings(text_request *r, api_error *e)
{
    const json_t *o = r->root, *metadata = NULL;
    const char *user = NULL;
    bool store = false;
    return field_string(o, "model", &r->model, e) && field_string(o, "user", &user, e) &&
           field_object(o, "metadata", &metadata, e) && field_bool(o, "store", &store, e) &&
           field_bool(o, "stream", &r->stream, e) &&
           field_int32(o, "max_output_tokens", 1, INT32_MAX, &r->params.max_tokens, e) && openai_read_sampling(r, e);
}

static bool read_input(text_request *r, const text_limits *limits, api_error *e)
{
    static const char *const roles[] = { "user", "assistant", "system", "developer", "tool", NULL }, *const types[] = {
        "input_text", "output_text", "text", "refusal", NULL
    };
    json_t *input = field_get(r->root, "input"), *instructions = field_get(r->root, "instructions");
    const json_t *text = NULL;
    r->source = "input";
    if (!field_text(r->root, "instructions", &text, e)) return false;
    if (text && !text_add_message(r, "system", json_incref(instructions), e)) return false;
    if (json_is_string(input)) return text_add_message(r, "user", json_incref(input), e);
    if (input && !json_is_array(input))
        return api_fail(e, 400, "invalid_type", "input", "input: it must be a string or a list of messages");
    message_list list;
    bool ok = tool_history_from_responses(&list, input, types, e) &&
              text_read_messages(r, &list, "input", roles, types, limits, e);
    message_list_deinit(&list);
    return ok;
}

bool responses_parse(text_request *r, const char *body, size_t n_bytes, const text_limits *limits, api_error *e)
{
    bool ok = text_request_open(r, body, n_bytes, e);
    text_take_defaults(r, limits);
    if (ok && refuse_unsupported(r, e) && read_settings(r, e) && read_input(r, limits, e)) return true;
    text_request_deinit(r);
    return false;
}
