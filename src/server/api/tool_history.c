/* tool_history.c - see tool_history.h. */
#include "server/api/tool_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_read.h"
#include "jinja/chat_adapt.h"
#include "server/api/json_fields.h"
#include "server/api/text_request.h"

bool tool_history_calls(const json_t *m)
{
    return json_array_size(json_object_get(m, "tool_calls")) > 0;
}

/* ---- OpenAI's form ---- */

/* Arguments are an object, or text that is one; "" is a call without any. EINVAL: they are not; ENOMEM. */
static sumi_status check_arguments(const json_t *v)
{
    json_error_t why;
    if (!json_is_string(v)) return !v || json_is_object(v) ? SUMI_OK : SUMI_EINVAL;
    if (json_string_length(v) == 0) return SUMI_OK;
    json_t *o = json_read_wide(json_string_value(v), json_string_length(v), JSON_ALLOW_NUL, &why);
    sumi_status status = json_is_object(o) ? SUMI_OK : o ? SUMI_EINVAL : json_read_status(&why, SUMI_EINVAL);
    json_decref(o);
    return status;
}

/* A call where its API has it: `where` is its place, and the names of its parts follow it in errors. */
typedef struct call_place {
    const char *field, *where, *id, *name, *arguments;
} call_place;

static bool check_call(const json_t *id, const json_t *name, const json_t *arguments, const call_place *p, api_error *e)
{
    if (!json_is_string(name) || json_string_length(name) == 0)
        return api_fail(e, 400, "invalid_type", p->field, "%s.%s: it must be a string", p->where, p->name);
    if (id && !json_is_string(id))
        return api_fail(e, 400, "invalid_type", p->field, "%s.%s: it must be a string", p->where, p->id);
    sumi_status status = check_arguments(arguments);
    if (status == SUMI_ENOMEM) return api_fail_memory(e);
    return status == SUMI_OK ||
           api_fail(e, 400, "invalid_value", p->field, "%s.%s: it must be a JSON object, or the text of a JSON object",
                    p->where, p->arguments);
}

static bool check_openai_call(const json_t *call, const char *field, const char *where, size_t i, api_error *e)
{
    const json_t *function = json_object_get(call, "function");
    char place[96];
    snprintf(place, sizeof place, "%s.tool_calls[%zu]", where, i);
    if (!field_is_missing_or(call, "type", "function"))
        return api_fail(e, 400, "unsupported_content", field, "%s: only the type \"function\" is supported", place);
    const call_place p = { field, place, "id", "function.name", "function.arguments" };
    return check_call(field_get(call, "id"), json_object_get(function, "name"), field_get(function, "arguments"), &p,
                      e);
}

static bool copy_calls(json_t *to, json_t *calls, const char *field, const char *where, api_error *e)
{
    size_t i;
    json_t *call;
    if (!json_is_array(calls))
        return api_fail(e, 400, "invalid_type", field, "%s.tool_calls: it must be a list", where);
    json_array_foreach(calls, i, call) if (!check_openai_call(call, field, where, i, e)) return false;
    return json_array_size(calls) == 0 || json_object_set(to, "tool_calls", calls) == 0 || api_fail_memory(e);
}

bool tool_history_copy(json_t *to, const json_t *m, const char *field, const char *where, api_error *e)
{
    static const char *const words[] = { "tool_call_id", "name",     "tool_name", "reasoning_content",
                                         "reasoning",    "thinking", NULL };
    json_t *calls = field_get(m, "tool_calls");
    if (calls && !copy_calls(to, calls, field, where, e)) return false;
    for (int i = 0; words[i]; i++) {
        json_t *word = field_get(m, words[i]);
        if (word && !json_is_string(word))
            return api_fail(e, 400, "invalid_type", field, "%s.%s: it must be a string", where, words[i]);
        if (word && json_object_set(to, words[i], word) != 0) return api_fail_memory(e);
    }
    if (!field_get(m, "function_call")) return true;
    return api_fail(e, 400, "unsupported_content", field, "%s.function_call: not supported; use tool_calls", where);
}

/* ---- Ollama ---- */

static bool set_number(json_t *o, const char *key, int n)
{
    char id[16];
    snprintf(id, sizeof id, "call%05d", n % 100000);
    return json_object_set_new(o, key, json_string(id)) == 0;
}

bool tool_history_number(json_t *messages)
{
    size_t i, k;
    json_t *m, *call;
    int n_calls = 0, n_results = 0;
    bool numbered = false; /* calls without ids have been seen: an id of a later result belongs to no call */
    json_array_foreach(messages, i, m)
    {
        json_t *name = json_object_get(m, "tool_name");
        if (name && json_object_set(m, "name", name) != 0) return false;
        json_array_foreach(json_object_get(m, "tool_calls"), k, call)
        {
            bool lacks_id = !json_object_get(call, "id");
            if (lacks_id && !set_number(call, "id", n_calls)) return false;
            numbered |= lacks_id;
            n_calls++;
        }
        if (!chat_has_role(m, "tool")) continue;
        if ((numbered || !json_object_get(m, "tool_call_id")) && !set_number(m, "tool_call_id", n_results))
            return false;
        n_results++;
    }
    return true;
}

/* ---- The other two ---- */

/* A list that grows; once out of memory, it stays so. */
typedef struct history {
    message_list *out;
    const char *const *types; /* of parts of text */
    size_t number;            /* in the client's list: of the message that is converted */
    size_t cap;               /* of out->numbers */
    bool failed;
} history;

/* False: list is no list, and is taken unchanged. */
static bool begin(history *h, message_list *out, json_t *list, const char *const *types)
{
    bool is_list = json_is_array(list);
    *h = (history){ .out = out, .types = types };
    *out = (message_list){ .list = is_list ? json_array() : json_incref(list) };
    h->failed = is_list && !out->list;
    return is_list;
}

static void add(history *h, json_t *message)
{
    size_t n = json_array_size(h->out->list);
    if (n == h->cap) {
        size_t cap = h->cap ? 2 * h->cap : 16, *numbers = realloc(h->out->numbers, cap * sizeof *numbers);
        if (numbers) {
            h->out->numbers = numbers;
            h->cap = cap;
        }
    }
    if (n == h->cap) json_decref(message);
    if (n == h->cap || !message || json_array_append_new(h->out->list, message) != 0) h->failed = true;
    else h->out->numbers[n] = h->number;
}

static bool finish(const history *h, bool ok, api_error *e)
{
    return ok && (!h->failed || api_fail_memory(e));
}

void message_list_deinit(message_list *l)
{
    json_decref(l->list);
    free(l->numbers);
    *l = (message_list){ 0 };
}

static json_t *call_of(const json_t *id, const json_t *name, const json_t *arguments)
{
    return json_pack("{s:O?, s:s, s:{s:O?, s:O?}}", "id", id, "type", "function", "function", "name", name, "arguments",
                     arguments);
}

static json_t *result_of(const json_t *id, const json_t *content)
{
    if (content) return json_pack("{s:s, s:O?, s:O}", "role", "tool", "tool_call_id", id, "content", content);
    return json_pack("{s:s, s:O?, s:s}", "role", "tool", "tool_call_id", id, "content", "");
}

static bool is_type(const json_t *o, const char *type)
{
    const char *is = json_string_value(json_object_get(o, "type"));
    return is && !strcmp(is, type);
}

/* The role that blocks of this type belong to; NULL: any role, and not handled in this file. */
static const char *owner_of(const json_t *block)
{
    if (is_type(block, "tool_use") || is_type(block, "thinking")) return "assistant";
    return is_type(block, "tool_result") ? "user" : NULL;
}

/* where: the name of the block in errors. */
static bool check_block(const json_t *m, const json_t *block, const char *const *types, const char *where, api_error *e)
{
    char content[96];
    const char *owner = owner_of(block);
    if (owner && !chat_has_role(m, owner))
        return api_fail(e, 400, "invalid_value", "messages", "%s: it belongs to the role %s", where, owner);
    if (is_type(block, "thinking") && !json_is_string(json_object_get(block, "thinking")))
        return api_fail(e, 400, "invalid_type", "messages", "%s.thinking: it must be a string", where);
    if (is_type(block, "tool_result") && !json_is_string(json_object_get(block, "tool_use_id")))
        return api_fail(e, 400, "invalid_type", "messages", "%s.tool_use_id: it must be a string", where);
    snprintf(content, sizeof content, "%s.content", where);
    if (is_type(block, "tool_result") && field_get(block, "content") &&
        !text_check_parts(field_get(block, "content"), types, "messages", content, e))
        return false;
    if (!owner) return text_check_part(block, types, "messages", where, e);
    const call_place p = { "messages", where, "id", "name", "input" };
    return !is_type(block, "tool_use") ||
           check_call(field_get(block, "id"), json_object_get(block, "name"), field_get(block, "input"), &p, e);
}

/* The parts of an assistant's turn, or of the rest of a user's turn. */
typedef struct turn {
    json_t *rest, *calls;
    buf thoughts;
} turn;

/* Adds the block to its part. Results precede the user's other blocks. */
static void add_block(history *h, turn *t, json_t *block)
{
    const json_t *thought = json_object_get(block, "thinking");
    if (!owner_of(block)) h->failed |= json_array_append(t->rest, block) != 0;
    else if (is_type(block, "thinking")) {
        if (t->thoughts.n) buf_append_char(&t->thoughts, '\n');
        buf_append(&t->thoughts, json_string_value(thought), json_string_length(thought));
    } else if (is_type(block, "tool_use"))
        h->failed |= json_array_append_new(t->calls,
                                           call_of(json_object_get(block, "id"), json_object_get(block, "name"),
                                                   json_object_get(block, "input"))) != 0;
    else add(h, result_of(json_object_get(block, "tool_use_id"), field_get(block, "content")));
}

static void add_turn(history *h, const turn *t, const json_t *role)
{
    bool has_calls = json_array_size(t->calls) > 0;
    if (!has_calls && !t->thoughts.n && json_array_size(t->rest) == 0) return;
    json_t *message = json_pack("{s:O?, s:O}", "role", role, "content", t->rest);
    if (has_calls) h->failed |= json_object_set(message, "tool_calls", t->calls) != 0;
    if (t->thoughts.n)
        h->failed |= json_object_set_new(message, "reasoning_content", json_stringn(t->thoughts.data, t->thoughts.n)) !=
                     0;
    h->failed |= t->thoughts.status != SUMI_OK;
    add(h, message);
}

/* Separates the blocks of a turn: calls, results, thoughts, and the rest. */
static bool add_blocks(history *h, const json_t *m, api_error *e)
{
    turn t = { .rest = json_array(), .calls = json_array() };
    json_t *block;
    size_t i;
    bool ok = true;
    buf_init(&t.thoughts, SIZE_MAX);
    json_array_foreach(json_object_get(m, "content"), i, block)
    {
        char where[64];
        snprintf(where, sizeof where, "messages[%zu].content[%zu]", h->number, i);
        if (!(ok = check_block(m, block, h->types, where, e))) break;
        add_block(h, &t, block);
    }
    if (ok) add_turn(h, &t, json_object_get(m, "role"));
    json_decref(t.rest);
    json_decref(t.calls);
    buf_deinit(&t.thoughts);
    return ok;
}

static bool has_owned_blocks(const json_t *m)
{
    size_t i;
    json_t *block;
    json_array_foreach(json_object_get(m, "content"), i, block) if (owner_of(block)) return true;
    return false;
}

bool tool_history_from_anthropic(message_list *out, json_t *list, const char *const *types, api_error *e)
{
    history h;
    size_t i;
    json_t *m;
    bool ok = true;
    if (!begin(&h, out, list, types)) return true;
    json_array_foreach(list, i, m)
    {
        h.number = i;
        if (chat_has_role(m, "tool"))
            ok = api_fail(e, 400, "invalid_value", "messages",
                          "messages[%zu].role: it must be one of user, assistant, system", i);
        else if (has_owned_blocks(m)) ok = add_blocks(&h, m, e);
        else add(&h, json_incref(m));
        if (!ok) break;
    }
    return finish(&h, ok, e);
}

/* Adds a call to the assistant's present turn, which may have other calls. */
static void add_call(history *h, const json_t *item)
{
    size_t n = json_array_size(h->out->list);
    json_t *last = n ? json_array_get(h->out->list, n - 1) : NULL, *calls;
    json_t *call = call_of(json_object_get(item, "call_id"), json_object_get(item, "name"),
                           json_object_get(item, "arguments"));
    if (chat_has_role(last, "assistant")) {
        json_t *copy = json_copy_whole(last); /* the request's own message is not changed */
        if (!json_object_get(copy, "tool_calls"))
            h->failed |= json_object_set_new(copy, "tool_calls", json_array()) != 0;
        calls = json_object_get(copy, "tool_calls");
        h->failed |= json_array_append_new(calls, call) != 0 || json_array_set_new(h->out->list, n - 1, copy) != 0;
        return;
    }
    add(h, json_pack("{s:s, s:n, s:[o]}", "role", "assistant", "content", "tool_calls", call));
}

static bool is_call(const json_t *item)
{
    return is_type(item, "function_call");
}

static bool is_result(const json_t *item)
{
    return is_type(item, "function_call_output");
}

static bool check_item(const history *h, const json_t *item, api_error *e)
{
    char where[32], output[48];
    snprintf(where, sizeof where, "input[%zu]", h->number);
    snprintf(output, sizeof output, "%s.output", where);
    const call_place p = { "input", where, "call_id", "name", "arguments" };
    if ((is_call(item) || is_result(item)) && !json_is_string(json_object_get(item, "call_id")))
        return api_fail(e, 400, "invalid_type", "input", "%s.call_id: it must be a string", where);
    if (is_call(item)) return check_call(NULL, json_object_get(item, "name"), field_get(item, "arguments"), &p, e);
    if (is_result(item))
        return !field_get(item, "output") || text_check_parts(field_get(item, "output"), h->types, "input", output, e);
    if (json_is_object(item) && !field_is_missing_or(item, "type", "message"))
        return api_fail(e, 400, "unsupported_content", "input",
                        "%s: only items of the types 'message', 'function_call' and 'function_call_output' are "
                        "supported by this server",
                        where);
    return !chat_has_role(item, "tool") ||
           api_fail(e, 400, "invalid_value", "input", "%s.role: it must be one of user, assistant, system, developer",
                    where);
}

bool tool_history_from_responses(message_list *out, json_t *list, const char *const *types, api_error *e)
{
    history h;
    size_t i;
    json_t *item;
    bool ok = true;
    if (!begin(&h, out, list, types)) return true;
    json_array_foreach(list, i, item)
    {
        h.number = i;
        if (!(ok = check_item(&h, item, e))) break;
        if (is_call(item)) add_call(&h, item);
        else if (is_result(item)) add(&h, result_of(json_object_get(item, "call_id"), field_get(item, "output")));
        else add(&h, json_incref(item));
    }
    return finish(&h, ok, e);
}
