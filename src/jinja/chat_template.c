/* chat_template.c - see chat_template.h. The engine is in jinja.h; here are its limits and the variables of a chat. */
#include "jinja/chat_template.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json_read.h"
#include "base/utf8.h"
#include "jinja/chat_adapt.h"

struct chat_template {
    jinja_template *jinja;
    chat_caps caps;
};

sumi_status chat_template_compile(chat_template **out, const char *source, size_t n_bytes, const char *name,
                                  sumi_error *err)
{
    *out = NULL;
    chat_template *t = calloc(1, sizeof *t);
    if (!t) return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", name);
    sumi_status status = jinja_template_compile(&t->jinja, source, n_bytes, name, err);
    if (status != SUMI_OK) {
        free(t);
        return status;
    }
    if (!chat_caps_find(&t->caps, t->jinja)) {
        chat_template_destroy(t);
        return sumi_fail(err, SUMI_ENOMEM, "%s: out of memory", name);
    }
    *out = t;
    return SUMI_OK;
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

/* The reasoning of the message, under any of its names; NULL: none. */
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

/* Sets a variable, unless text is NULL. */
static int set_text(json_t *vars, const char *name, const char *text, size_t n)
{
    return text ? json_object_set_new(vars, name, json_stringn(text, n)) : 0;
}

/* messages: those of in, as the template takes them. */
static json_t *chat_vars(const chat_input *in, json_t *messages)
{
    json_t *vars = json_object();
    bool failed = json_object_set_new(vars, "documents", json_null()) ||
                  (in->extra && json_object_update(vars, in->extra)) ||
                  set_text(vars, "bos_token", in->bos, in->n_bos) || set_text(vars, "eos_token", in->eos, in->n_eos) ||
                  json_object_set(vars, "messages", messages) ||
                  json_object_set_new(vars, "tools", in->tools ? json_incref(in->tools) : json_null()) ||
                  json_object_set_new(vars, "add_generation_prompt",
                                      json_boolean(in->add_generation_prompt && !in->continue_final));
    if (!failed) return vars;
    json_decref(vars);
    return NULL;
}

/* ---- Continuing the last message ---- */

/* Written after the last message, to be found in the rendered text, as in transformers: the space at its end shows whether
 * the template has trimmed the message. */
#define END_MARK "CONTINUE_FINAL_MESSAGE_TAG "

static sumi_status mark_end(json_t *messages, sumi_error *err)
{
    size_t n = json_array_size(messages);
    json_t *last = n ? json_array_get(messages, n - 1) : NULL;
    const json_t *content = json_object_get(last, "content");
    buf text;
    if (!json_is_string(content))
        return sumi_fail(err, SUMI_EINVAL, "messages: the last message has no text to continue");
    buf_init(&text, SIZE_MAX);
    buf_append(&text, json_string_value(content), json_string_length(content));
    buf_append_str(&text, END_MARK);
    json_t *marked = text.status == SUMI_OK ? json_stringn(text.data, text.n) : NULL;
    buf_deinit(&text);
    json_t *copy = marked ? json_copy_whole(last) : NULL;
    bool ok = json_object_set(copy, "content", marked) == 0 && json_array_set(messages, n - 1, copy) == 0;
    json_decref(marked);
    json_decref(copy);
    return ok ? SUMI_OK : sumi_fail(err, SUMI_ENOMEM, "out of memory");
}

/* The last place of the mark [n_mark] in out from `from` on; NULL: none. */
static char *find_last(const buf *out, size_t from, const char *mark, size_t n_mark)
{
    for (size_t i = out->n; i >= from + n_mark; i--)
        if (!memcmp(out->data + i - n_mark, mark, n_mark)) return out->data + i - n_mark;
    return NULL;
}

/* Bytes of data [n] without white space at the end, at least `from`. */
static size_t strip_end(const char *data, size_t from, size_t n)
{
    uint32_t cp = 0;
    size_t len = 1;
    while (len <= 3 && len <= n - from) {
        if (utf8_decode(data + n - len, len, &cp) == len && utf8_is_space(cp)) n -= len, len = 1;
        else len++;
    }
    return n;
}

/* Removes the mark, and the text that the template wrote after it, from out. The first `from` bytes of out are not
 * searched. */
static sumi_status cut_at_mark(buf *out, size_t from, sumi_error *err)
{
    size_t n_mark = strlen(END_MARK), n_word = n_mark - 1;
    char *at = find_last(out, from, END_MARK, n_word);
    if (!at)
        return sumi_fail(err, SUMI_EINVAL,
                         "messages: the chat template drops the last message, so it cannot be continued");
    size_t n = (size_t)(at - out->data);
    bool is_trimmed = out->n - n < n_mark || at[n_word] != ' ';
    if (is_trimmed) n = strip_end(out->data, from, n);
    out->n = n;
    out->data[n] = '\0';
    return SUMI_OK;
}

sumi_status chat_template_format(const chat_template *t, const chat_input *input, buf *out, sumi_error *err)
{
    sumi_status status = check_objects(input->messages, "messages", err);
    size_t from = out->n;
    if (status == SUMI_OK && input->tools) status = check_objects(input->tools, "tools", err);
    if (status != SUMI_OK) return status;
    json_t *all = chat_messages(input->messages), *messages = NULL, *vars = NULL;
    if (!all) return sumi_fail(err, SUMI_ENOMEM, "chat template: out of memory");
    status = chat_adapt(&t->caps, all, input->strict_roles, &messages, err);
    if (status == SUMI_OK && input->continue_final) status = mark_end(messages, err);
    if (status == SUMI_OK && !(vars = chat_vars(input, messages)))
        status = sumi_fail(err, SUMI_ENOMEM, "chat template: no memory for the messages, or BOS or EOS is not UTF-8");
    if (status == SUMI_OK) status = chat_template_render(t, vars, out, err);
    if (status == SUMI_OK) status = chat_check_calls(messages, out->data + from, out->n - from, err);
    if (status == SUMI_OK && input->continue_final) status = cut_at_mark(out, from, err);
    json_decref(vars);
    json_decref(messages);
    json_decref(all);
    return status;
}
