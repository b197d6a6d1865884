/* chat_template.c - see chat_template.h. The engine is in jinja.h; here are its limits and the variables of a chat. */
#include "text/chat_template.h"

#include <stdlib.h>

#include "base/error.h"
#include "text/jinja.h"

struct chat_template {
    jinja_template *jinja;
};

sumi_status chat_template_compile(chat_template **out, const char *source, size_t n_bytes, const char *name,
                                  sumi_error *err)
{
    *out = NULL;
    chat_template *t = calloc(1, sizeof *t);
    if (!t) return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", name);
    sumi_status status = jinja_template_compile(&t->jinja, source, n_bytes, name, err);
    if (status == SUMI_OK) *out = t;
    else free(t);
    return status;
}

void chat_template_destroy(chat_template *t)
{
    if (!t) return;
    jinja_template_destroy(t->jinja);
    free(t);
}

sumi_status chat_template_render(const chat_template *t, const json_t *vars, buf *out, sumi_error *err)
{
    jinja_limits limits = jinja_limits_default();
    return jinja_template_render(t->jinja, vars, &limits, -1, out, err);
}

/* ---- The variables of a chat ---- */

static sumi_status check_objects(const json_t *array, const char *what, sumi_error *err)
{
    if (!json_is_array(array)) return sumi_fail(err, SUMI_EINVAL, "%s: not an array", what);
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!json_is_object(json_array_get(array, i)))
            return sumi_fail(err, SUMI_EINVAL, "%s: element %zu is not an object", what, i);
    return SUMI_OK;
}

/* What the message says of its reasoning, under whatever name; NULL: nothing. */
static json_t *find_reasoning(const json_t *message)
{
    static const char *const names[] = { "reasoning_content", "thinking", "reasoning" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *v = json_object_get(message, names[i]);
        if (v && !json_is_null(v)) return v;
    }
    return NULL;
}

/* A new reference to message, or to a copy of it that has its reasoning under both names that templates read. NULL: no
 * memory. */
static json_t *with_reasoning(json_t *message)
{
    json_t *reasoning = find_reasoning(message);
    if (!reasoning) return json_incref(message);
    json_t *copy = json_object();
    bool failed = json_object_set(copy, "thinking", reasoning) || json_object_update(copy, message) ||
                  json_object_set(copy, "reasoning_content", reasoning);
    if (!failed) return copy;
    json_decref(copy);
    return NULL;
}

static json_t *chat_messages(const json_t *messages)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < json_array_size(messages); i++) {
        if (json_array_append_new(list, with_reasoning(json_array_get(messages, i))) == 0) continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

/* A variable that is left out if text is NULL. */
static int set_text(json_t *vars, const char *name, const char *text, size_t n)
{
    return text ? json_object_set_new(vars, name, json_stringn(text, n)) : 0;
}

static json_t *chat_vars(const chat_input *in)
{
    json_t *vars = json_object();
    bool failed = json_object_set_new(vars, "documents", json_null()) ||
                  (in->extra && json_object_update(vars, in->extra)) ||
                  set_text(vars, "bos_token", in->bos, in->n_bos) ||
                  set_text(vars, "eos_token", in->eos, in->n_eos) ||
                  json_object_set_new(vars, "messages", chat_messages(in->messages)) ||
                  json_object_set_new(vars, "tools", in->tools ? json_incref(in->tools) : json_null()) ||
                  json_object_set_new(vars, "add_generation_prompt", json_boolean(in->add_generation_prompt));
    if (!failed) return vars;
    json_decref(vars);
    return NULL;
}

sumi_status chat_template_format(const chat_template *t, const chat_input *input, buf *out, sumi_error *err)
{
    sumi_status status = check_objects(input->messages, "messages", err);
    if (status == SUMI_OK && input->tools) status = check_objects(input->tools, "tools", err);
    if (status != SUMI_OK) return status;
    json_t *vars = chat_vars(input);
    if (!vars)
        return sumi_fail(err, SUMI_ENOMEM,
                         "chat template: no memory for the messages, or BOS or EOS is not UTF-8");
    status = chat_template_render(t, vars, out, err);
    json_decref(vars);
    return status;
}
