/* chat_adapt.c - see chat_adapt.h. Messages are copied where they change, shared where they do not. */
#include "jinja/chat_adapt.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json_read.h"
#include "base/siphash.h"

enum { SHORT_ID = 9 };
#define DIGITS            "0123456789"
#define LETTERS           "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS          "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LETTERS_OR_DIGITS DIGITS LETTERS CAPITALS

bool chat_has_role(const json_t *message, const char *role)
{
    const char *is = json_string_value(json_object_get(message, "role"));
    return is && !strcmp(is, role);
}

static const json_t *calls_of(const json_t *message)
{
    const json_t *calls = json_object_get(message, "tool_calls");
    return json_array_size(calls) > 0 ? calls : NULL;
}

/* ---- Calls of tools ---- */

/* An object as Python writes it as JSON, whose numbers have no more digits than they need. NULL: no memory. */
static json_t *as_text(json_t *object)
{
    json_t *text = NULL;
    jinja_limits limits = jinja_limits_default();
    buf out;
    buf_init(&out, SIZE_MAX);
    if (jinja_json_text(object, &limits, &out, NULL) == SUMI_OK) text = json_stringn(out.data, out.n);
    buf_deinit(&out);
    return text;
}

/* Arguments as the template reads them. New reference; NULL: *why is EINVAL, they are text that is not JSON, or ENOMEM. */
static json_t *arguments_for(const chat_caps *caps, json_t *arguments, sumi_status *why)
{
    json_error_t error;
    bool is_text = json_is_string(arguments);
    if (is_text == caps->arguments_text || (!is_text && !json_is_object(arguments))) return json_incref(arguments);
    if (is_text && json_string_length(arguments) == 0) return json_object(); /* a call without arguments */
    if (is_text) {
        json_t *read = json_read_wide(json_string_value(arguments), json_string_length(arguments), JSON_ALLOW_NUL,
                                      &error);
        if (!read) *why = json_read_status(&error, SUMI_EINVAL);
        return read;
    }
    return as_text(arguments);
}

/* The id itself, or nine letters and digits that follow from it: a call and its result keep having the same one. */
static json_t *id_for(const chat_caps *caps, json_t *id)
{
    static const char digits[] = DIGITS LETTERS;
    const char *text = json_string_value(id);
    char made[SHORT_ID];
    size_t n = json_string_length(id);
    if (!text || !caps->short_ids || (n == SHORT_ID && strspn(text, LETTERS_OR_DIGITS) == n)) return json_incref(id);
    uint64_t hash = siphash((sip_key){ 0, 0 }, text, n);
    for (int i = 0; i < SHORT_ID; i++, hash /= 36) made[i] = digits[hash % 36];
    return json_stringn(made, SHORT_ID);
}

/* The object that has the name and the arguments: the one under "function", or the call itself, as in transformers. */
static json_t *function_of(const json_t *call)
{
    json_t *function = json_object_get(call, "function");
    return json_is_object(function) ? function : (json_t *)(uintptr_t)call;
}

/* A copy of a call, an object; NULL: *why is EINVAL, its arguments are not JSON, or ENOMEM. */
static json_t *adapt_call(const chat_caps *caps, json_t *call, sumi_status *why)
{
    *why = SUMI_ENOMEM;
    bool nested = function_of(call) != call;
    json_t *copy = json_copy_whole(call), *function = nested ? json_copy_whole(function_of(call)) : copy;
    json_t *arguments = json_object_get(function, "arguments"), *id = json_object_get(call, "id");
    bool ok = copy && function;
    if (ok && arguments) ok = json_object_set_new(function, "arguments", arguments_for(caps, arguments, why)) == 0;
    if (ok && id) ok = json_object_set_new(copy, "id", id_for(caps, id)) == 0;
    if (ok && nested) ok = json_object_set(copy, "function", function) == 0;
    if (nested) json_decref(function);
    if (ok) return copy;
    json_decref(copy);
    return NULL;
}

/* Changes message, which is a copy already. i: its place. */
static sumi_status adapt_calls(const chat_caps *caps, json_t *message, size_t i, sumi_error *err)
{
    const json_t *calls = calls_of(message), *content = json_object_get(message, "content");
    if (!caps->tool_calls)
        return sumi_fail(err, SUMI_EINVAL,
                         "message %zu has tool_calls, but the model's chat template does not show tool calls", i);
    json_t *list = json_array();
    sumi_status why = SUMI_OK;
    for (size_t k = 0; list && k < json_array_size(calls); k++) {
        json_t *call = json_array_get(calls, k);
        if (json_is_object(call) && json_array_append_new(list, adapt_call(caps, call, &why)) == 0) continue;
        json_decref(list);
        if (!json_is_object(call))
            return sumi_fail(err, SUMI_EINVAL, "message %zu: tool call %zu is not an object", i, k);
        if (why == SUMI_ENOMEM) return sumi_fail(err, why, "out of memory");
        return sumi_fail(err, SUMI_EINVAL, "message %zu: the arguments of tool call %zu are not JSON", i, k);
    }
    if (json_object_set_new(message, "tool_calls", list) != 0) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    if (json_is_string(content) ? json_string_length(content) > 0 : content && !json_is_null(content)) return SUMI_OK;
    json_t *nothing = caps->null_content ? json_null() : json_string("");
    return json_object_set_new(message, "content", nothing) == 0 ? SUMI_OK
                                                                 : sumi_fail(err, SUMI_ENOMEM, "out of memory");
}

static sumi_status adapt_result(const chat_caps *caps, json_t *message, size_t i, sumi_error *err)
{
    json_t *id = json_object_get(message, "tool_call_id");
    if (!caps->tool_results)
        return sumi_fail(err, SUMI_EINVAL,
                         "message %zu has the role tool, but the model's chat template does not show tool results", i);
    if (!id || json_object_set_new(message, "tool_call_id", id_for(caps, id)) == 0) return SUMI_OK;
    return sumi_fail(err, SUMI_ENOMEM, "out of memory");
}

/* ---- Roles ---- */

/* The texts of a and b with an empty line between. NULL: no memory. */
static json_t *join(const json_t *a, const json_t *b)
{
    buf text;
    buf_init(&text, SIZE_MAX);
    buf_append(&text, json_string_value(a), json_string_length(a));
    if (text.n && json_string_length(b)) buf_append_str(&text, "\n\n");
    buf_append(&text, json_string_value(b), json_string_length(b));
    json_t *joined = text.status == SUMI_OK ? json_stringn(text.data ? text.data : "", text.n) : NULL;
    buf_deinit(&text);
    return joined;
}

/* The role under which a message goes to the template, after those of `before`. */
static const char *role_for(const chat_caps *caps, const json_t *message, const json_t *before)
{
    const char *role = json_string_value(json_object_get(message, "role"));
    if (!role || strcmp(role, "system") != 0 || caps->later_system) return role;
    size_t n = json_array_size(before);
    bool at_begin = n == 0 || (n == 1 && chat_has_role(json_array_get(before, 0), "system"));
    return caps->system && at_begin ? role : "user";
}

/* Whether a message, which goes to the template as role, becomes part of the one before it. */
static bool belongs_to(const chat_caps *caps, const json_t *last, const json_t *message, const char *role, bool folded)
{
    if (!role || !chat_has_role(last, role) || calls_of(last) || calls_of(message)) return false;
    if (!json_is_string(json_object_get(last, "content")) || !json_is_string(json_object_get(message, "content")))
        return false;
    if (!strcmp(role, "system")) return !caps->later_system;
    return folded || (!caps->repeats && (!strcmp(role, "user") || !strcmp(role, "assistant")));
}

/* Appends a message, whose reference it takes, to list. *folded: the last one of list is a system message in a user's
 * clothes, which the next turn of the user is added to. */
static bool append(const chat_caps *caps, json_t *list, json_t *message, bool *folded)
{
    const char *role = role_for(caps, message, list);
    size_t n = json_array_size(list);
    json_t *last = n ? json_array_get(list, n - 1) : NULL;
    bool is_folded = role && !chat_has_role(message, role), ok;
    if (belongs_to(caps, last, message, role, *folded)) {
        ok = json_object_set_new(last, "content",
                                 join(json_object_get(last, "content"), json_object_get(message, "content"))) == 0;
        json_decref(message);
        *folded = *folded && is_folded;
        return ok;
    }
    ok = !is_folded || json_object_set_new(message, "role", json_string(role)) == 0;
    *folded = is_folded;
    return json_array_append_new(list, message) == 0 && ok;
}

/* The capabilities of the template for the roles of these messages. */
static const chat_caps *roles_for(const chat_caps *caps, const json_t *messages, bool strict_roles)
{
    static const chat_caps all = { .system = true, .later_system = true, .repeats = true },
                           no_system = { .system = false };
    size_t n = json_array_size(messages), n_system = 0;
    while (n_system < n && chat_has_role(json_array_get(messages, n_system), "system")) n_system++;
    if (strict_roles) return &all;
    return n_system == n && !caps->lone_system ? &no_system : caps;
}

sumi_status chat_adapt(const chat_caps *caps, const json_t *messages, bool strict_roles, json_t **out, sumi_error *err)
{
    const chat_caps *roles = roles_for(caps, messages, strict_roles);
    json_t *list = json_array();
    sumi_status st = list ? SUMI_OK : sumi_fail(err, SUMI_ENOMEM, "out of memory");
    bool folded = false;
    *out = NULL;
    for (size_t i = 0; st == SUMI_OK && i < json_array_size(messages); i++) {
        json_t *message = json_copy_whole(json_array_get(messages, i));
        if (!message) st = sumi_fail(err, SUMI_ENOMEM, "out of memory");
        if (message && calls_of(message)) st = adapt_calls(caps, message, i, err);
        if (message && st == SUMI_OK && chat_has_role(message, "tool")) st = adapt_result(caps, message, i, err);
        if (st != SUMI_OK) json_decref(message);
        else if (!append(roles, list, message, &folded)) st = sumi_fail(err, SUMI_ENOMEM, "out of memory");
    }
    if (st == SUMI_OK) *out = list;
    else json_decref(list);
    return st;
}

/* ---- After rendering ---- */

/* Names that no template would escape. */
static bool is_plain(const char *name)
{
    return name && *name && !name[strspn(name, LETTERS_OR_DIGITS "_-.")];
}

sumi_status chat_check_calls(const json_t *messages, const char *text, size_t n_bytes, sumi_error *err)
{
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *calls = calls_of(json_array_get(messages, i));
        for (size_t k = 0; k < json_array_size(calls); k++) {
            const char *name = json_string_value(json_object_get(function_of(json_array_get(calls, k)), "name"));
            if (is_plain(name) && !memmem(text, n_bytes, name, strlen(name)))
                return sumi_fail(err, SUMI_EINVAL, "message %zu: the model's chat template drops the call of '%.100s'",
                                 i, name);
        }
    }
    return SUMI_OK;
}
