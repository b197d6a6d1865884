/* text.c - the text functions of sumi.h: they join a model with its tokenizer and its chat template. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "engine/model.h"

/* A prompt of many millions of tokens fits no context; more is a mistake or an attack. */
#define MAX_RENDERED_BYTES ((size_t)64 << 20)

sumi_status sumi_tokenize(const sumi_model *m, const char *text, size_t n_bytes, uint32_t flags, int32_t **ids,
                          int32_t *n_ids, sumi_error *err)
{
    return tokenizer_encode(m->tok, text, n_bytes, flags, ids, n_ids, err);
}

sumi_status sumi_detokenize(const sumi_model *m, const int32_t *ids, int32_t n_ids, bool special, char **text,
                            size_t *n_bytes, sumi_error *err)
{
    return tokenizer_decode(m->tok, ids, n_ids, special, text, n_bytes, err);
}

bool sumi_token_is_end(const sumi_model *m, int32_t id)
{
    return tokenizer_is_end(m->tok, id);
}

/* The text of a special token as templates expect it; "" if there is none. */
static json_t *token_text(const sumi_model *m, int32_t id)
{
    char *text = NULL;
    size_t n = 0;
    json_t *value = NULL;
    if (id >= 0 && tokenizer_decode(m->tok, &id, 1, true, &text, &n, NULL) == SUMI_OK) value = json_stringn(text, n);
    free(text);
    return value ? value : json_string("");
}

/* Takes over messages and tools (NULL: none). */
static sumi_status render(const sumi_model *m, json_t *messages, json_t *tools, bool add_generation_prompt,
                          char **text, size_t *n_bytes, sumi_error *err)
{
    buf out;
    buf_init(&out, MAX_RENDERED_BYTES);
    json_t *vars = json_pack("{s:o, s:o, s:b, s:o, s:o}", "messages", messages, "tools", tools ? tools : json_null(),
                             "add_generation_prompt", add_generation_prompt, "bos_token",
                             token_text(m, m->info.bos_id), "eos_token", token_text(m, m->info.eos_id));
    sumi_status status = vars ? chat_template_render(m->chat, vars, &out, err)
                              : sumi_fail(err, SUMI_ENOMEM, "chat template: out of memory");
    json_decref(vars);
    if (status == SUMI_OK && !(*text = buf_take(&out, n_bytes)))
        status = sumi_fail(err, SUMI_ENOMEM, "chat template: out of memory");
    buf_deinit(&out);
    return status;
}

static sumi_status require_template(const sumi_model *m, char **text, size_t *n_bytes, sumi_error *err)
{
    *text = NULL;
    *n_bytes = 0;
    if (m->chat) return SUMI_OK;
    if (err) *err = m->chat_error;
    return m->chat_error.status;
}

sumi_status sumi_chat_format(const sumi_model *m, const sumi_message *messages, int32_t n_messages,
                             bool add_generation_prompt, char **text, size_t *n_bytes, sumi_error *err)
{
    sumi_status status = require_template(m, text, n_bytes, err);
    if (status != SUMI_OK) return status;
    json_t *list = json_array();
    for (int32_t i = 0; i < n_messages; i++) {
        json_t *message = json_pack("{s:s, s:s}", "role", messages[i].role, "content", messages[i].content);
        if (message && json_array_append_new(list, message) == 0) continue;
        json_decref(list);
        return sumi_fail(err, SUMI_EINVAL, "message %d is not valid UTF-8", i + 1);
    }
    return render(m, list, NULL, add_generation_prompt, text, n_bytes, err);
}

static sumi_status parse_list(json_t **out, const char *json, const char *what, sumi_error *err)
{
    json_error_t why;
    *out = json_loads(json, JSON_REJECT_DUPLICATES, &why);
    if (!*out) return sumi_fail(err, SUMI_EINVAL, "%s: line %d, column %d: %s", what, why.line, why.column, why.text);
    if (json_is_array(*out)) return SUMI_OK;
    json_decref(*out);
    *out = NULL;
    return sumi_fail(err, SUMI_EINVAL, "%s: not a JSON array", what);
}

sumi_status sumi_chat_format_json(const sumi_model *m, const char *messages, const char *tools,
                                  bool add_generation_prompt, char **text, size_t *n_bytes, sumi_error *err)
{
    json_t *list = NULL, *tool_list = NULL;
    sumi_status status = require_template(m, text, n_bytes, err);
    if (status == SUMI_OK) status = parse_list(&list, messages, "messages", err);
    if (status == SUMI_OK && tools) status = parse_list(&tool_list, tools, "tools", err);
    if (status == SUMI_OK) return render(m, list, tool_list, add_generation_prompt, text, n_bytes, err);
    json_decref(list);
    return status;
}
