/* text_request.c - see text_request.h. */
#include "server/api/text_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jinja/chat_adapt.h"
#include "sample/members.h"
#include "sample/stop.h"
#include "server/api/json_fields.h"
#include "server/api/tool_history.h"

text_limits text_limits_default(void)
{
    return (text_limits){ .max_choices = SUMI_MAX_CHOICES,
                          .max_stop = 16,
                          .max_prompts = TEXT_MAX_PROMPTS,
                          .max_inputs = TEXT_MAX_INPUTS,
                          .max_messages = 4096 };
}

bool text_request_open(text_request *r, const char *body, size_t n_bytes, api_error *e)
{
    *r = (text_request){ .params = sumi_request_default() };
    sumi_sampling *s = &r->params.sampling;
    s->temperature = 1;
    s->top_k = 0;
    s->top_p = 1;
    s->min_p = 0;
    s->penalty_last_n = -1;
    s->skip_logprob = true;
    r->params.max_tokens = -1;
    r->root = json_parse_object(body, n_bytes, e);
    return r->root != NULL;
}

void text_take_defaults(text_request *r, const text_limits *limits)
{
    const server_defaults *d = limits->defaults;
    if (!d) return;
    sampling_take(&r->params.sampling, &d->sampling, d->members);
    r->has_seed = d->members & SUMI_SAMPLING_SEED;
    if (d->max_tokens > 0) r->params.max_tokens = d->max_tokens;
}

void text_request_deinit(text_request *r)
{
    for (int32_t i = 0; r->prompts && i < r->n_prompts; i++) free(r->prompts[i].ids);
    free(r->prompts);
    free(r->stop);
    free(r->bias);
    free(r->stop_ids);
    json_decref(r->template_vars);
    json_decref(r->messages);
    json_decref(r->prefill);
    json_decref(r->root);
    *r = (text_request){ 0 };
}

bool text_read_seed(text_request *r, const json_t *o, api_error *e)
{
    int64_t seed = (int64_t)r->params.sampling.seed;
    r->has_seed |= field_get(o, "seed") != NULL;
    if (!field_int(o, "seed", INT64_MIN, INT64_MAX, &seed, e)) return false;
    r->params.sampling.seed = (uint64_t)seed;
    return true;
}

bool text_read_logprobs(text_request *r, api_error *e)
{
    sumi_request *p = &r->params;
    if (!field_bool(r->root, "logprobs", &r->logprobs, e) ||
        !field_int32(r->root, "top_logprobs", 0, TEXT_MAX_TOP_LOGPROBS, &p->n_logprobs, e))
        return false;
    if (p->n_logprobs && !r->logprobs)
        return api_fail(e, 400, "invalid_value", "top_logprobs", "top_logprobs: allowed only with logprobs true");
    p->sampling.skip_logprob = !r->logprobs;
    return true;
}

bool text_read_stop(text_request *r, const json_t *o, const char *name, bool single, const text_limits *limits,
                    api_error *e)
{
    const json_t *v = field_get(o, name);
    if (!v) return true;
    size_t n = json_is_array(v) ? json_array_size(v) : 1;
    if (n == 0) return true;
    if (n > (size_t)limits->max_stop)
        return api_fail(e, 400, "invalid_value", name, "%s: %zu strings; at most %d are allowed", name, n,
                        limits->max_stop);
    if (!(r->stop = calloc(n, sizeof *r->stop))) return api_fail_memory(e);
    for (size_t i = 0; i < n; i++) {
        const json_t *stop = json_is_array(v) ? json_array_get(v, i) : single ? v : NULL;
        if (!json_is_string(stop))
            return api_fail(e, 400, "invalid_type", name, "%s: it must be %sa list of strings", name,
                            single ? "a string or " : "");
        if (!(r->stop[i] = json_plain_text(stop)))
            return api_fail(e, 400, "invalid_value", name, "%s: string %zu has a NUL character (\\u0000)", name, i + 1);
        if (!r->stop[i][0]) return api_fail(e, 400, "invalid_value", name, "%s: string %zu is empty", name, i + 1);
        if (json_string_length(stop) > STOP_MAX_BYTES)
            return api_fail(e, 400, "invalid_value", name, "%s: string %zu is longer than %d bytes", name, i + 1,
                            STOP_MAX_BYTES);
    }
    r->params.stop = r->stop;
    r->params.n_stop = (int32_t)n;
    return true;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; word && *words; words++)
        if (!strcmp(word, *words)) return true;
    return false;
}

static const json_t *words_of(const json_t *part)
{
    const char *type = json_string_value(json_object_get(part, "type"));
    return json_object_get(part, type && !strcmp(type, "refusal") ? type : "text");
}

bool text_check_part(const json_t *part, const char *const *types, const char *field, const char *where, api_error *e)
{
    return (is_one_of(json_string_value(json_object_get(part, "type")), types) && json_is_string(words_of(part))) ||
           api_fail(e, 400, "unsupported_content", field, "%s: only {\"type\": \"%s\", \"text\": \"...\"} is supported",
                    where, types[0]);
}

bool text_check_parts(const json_t *content, const char *const *types, const char *field, const char *where,
                      api_error *e)
{
    size_t i;
    json_t *part;
    if (json_is_string(content)) return true;
    if (!json_is_array(content))
        return api_fail(e, 400, "invalid_type", field, "%s: it must be a string or a list of parts", where);
    json_array_foreach(content, i, part)
    {
        char place[96];
        snprintf(place, sizeof place, "%s[%zu]", where, i);
        if (!text_check_part(part, types, field, place, e)) return false;
    }
    return true;
}

json_t *text_join_parts(const json_t *content, const char *const *types, const char *field, const char *where,
                        api_error *e)
{
    buf text;
    size_t i;
    json_t *part, *joined = NULL;
    if (!text_check_parts(content, types, field, where, e)) return NULL;
    if (json_is_string(content)) return json_incref((json_t *)(uintptr_t)content);
    buf_init(&text, SIZE_MAX);
    json_array_foreach(content, i, part)
        buf_append(&text, json_string_value(words_of(part)), json_string_length(words_of(part)));
    if (text.status == SUMI_OK) joined = json_stringn(text.data ? text.data : "", text.n);
    if (!joined) api_fail_memory(e);
    buf_deinit(&text);
    return joined;
}

bool text_add_message(text_request *r, const char *role, json_t *text, api_error *e)
{
    if (!text) return false;
    if (!r->messages) r->messages = json_array();
    r->n_prompts = 1;
    json_t *message = json_pack("{s:s, s:o}", "role", role, "content", text);
    return json_array_append_new(r->messages, message) == 0 || api_fail_memory(e);
}

void text_take_prefill(text_request *r)
{
    size_t n = json_array_size(r->messages);
    const json_t *last = n ? json_array_get(r->messages, n - 1) : NULL;
    if (!chat_has_role(last, "assistant")) return;
    if (tool_history_calls(last)) return; /* the turn is complete: results follow it */
    r->prefill = json_incref(json_object_get(last, "content"));
    json_array_remove(r->messages, n - 1);
}

static bool fail_role(const char *const *roles, const char *field, size_t number, api_error *e)
{
    buf names;
    buf_init(&names, 256);
    for (size_t i = 0; roles[i]; i++) buf_printf(&names, i ? ", %s" : "%s", roles[i]);
    api_fail(e, 400, "invalid_value", field, "%s[%zu].role: it must be one of %s", field, number,
             names.data ? names.data : "");
    buf_deinit(&names);
    return false;
}

/* Reads message number i of the field: its text, which may be missing beside tool calls, and its tool fields. */
static bool read_message(text_request *r, const json_t *m, const char *role, const char *field, size_t i,
                         const char *const *types, api_error *e)
{
    char where[64];
    const json_t *content = field_get(m, "content");
    bool is_empty = !content || (json_is_array(content) && json_array_size(content) == 0);
    bool lacks_text = is_empty && tool_history_calls(m);
    snprintf(where, sizeof where, "%s[%zu].content", field, i);
    json_t *text = lacks_text ? json_null() : text_join_parts(json_object_get(m, "content"), types, field, where, e);
    if (!text_add_message(r, role, text, e)) return false;
    snprintf(where, sizeof where, "%s[%zu]", field, i);
    return tool_history_copy(json_array_get(r->messages, json_array_size(r->messages) - 1), m, field, where, e);
}

bool text_read_messages(text_request *r, const message_list *l, const char *field, const char *const *roles,
                        const char *const *types, const text_limits *limits, api_error *e)
{
    size_t i;
    json_t *m;
    const json_t *list = l->list;
    r->source = field;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return api_fail(e, 400, list ? "invalid_type" : "missing_field", field,
                        "%s: a list of at least one message is needed", field);
    if (json_array_size(list) > (size_t)limits->max_messages)
        return api_fail(e, 400, "invalid_value", field, "%s: more than %d", field, limits->max_messages);
    json_array_foreach(list, i, m)
    {
        const char *role = json_string_value(json_object_get(m, "role"));
        size_t number = l->numbers ? l->numbers[i] : i;
        if (!json_is_object(m))
            return api_fail(e, 400, "invalid_type", field, "%s[%zu]: it must be an object", field, number);
        if (!is_one_of(role, roles)) return fail_role(roles, field, number, e);
        /* The newer name of the same thing; templates know the older. */
        if (!strcmp(role, "developer")) role = "system";
        if (!read_message(r, m, role, field, number, types, e)) return false;
    }
    return true;
}
