/* text.c - the text functions of sumi.h: they join a model with its tokenizer and its chat template. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json_read.h"
#include "engine/chat.h"
#include "engine/sumi_model.h"
#include "engine/text_bound.h"
#include "base/utf8.h"

/* A prompt of many millions of tokens fits no context; more is a mistake or an attack. */
#define MAX_RENDERED_BYTES ((size_t)64 << 20)

sumi_status sumi_tokenize(const sumi_model *m, const char *text, size_t n_bytes, uint32_t flags, int32_t **ids,
                          int32_t *n_ids, sumi_error *err)
{
    return tokenizer_encode(m->tok, text, n_bytes, flags, ids, n_ids, err);
}

int64_t model_fewest_tokens(const sumi_model *m, const char *text, size_t n_bytes)
{
    return tokenizer_fewest_tokens(m->tok, text, n_bytes);
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

static sumi_status require_template(const sumi_model *m, char **text, size_t *n_bytes, sumi_error *err)
{
    *text = NULL;
    *n_bytes = 0;
    if (m->chat) return SUMI_OK;
    if (err) *err = m->chat_error;
    return m->chat_error.status;
}

sumi_status model_format_chat(const sumi_model *m, const chat_input *in, char **text, size_t *n_bytes, sumi_error *err)
{
    buf out;
    chat_input input = *in;
    sumi_status status = require_template(m, text, n_bytes, err);
    if (status != SUMI_OK) return status;
    buf_init(&out, MAX_RENDERED_BYTES);
    input.strict_roles = m->strict_roles;
    input.bos = tokenizer_text(m->tok, m->info.bos_id, &input.n_bos);
    input.eos = tokenizer_text(m->tok, m->info.eos_id, &input.n_eos);
    status = chat_template_format(m->chat, &input, &out, err);
    if (status == SUMI_OK && !(*text = buf_take(&out, n_bytes)))
        status = sumi_fail(err, SUMI_ENOMEM, "chat template: out of memory");
    buf_deinit(&out);
    return status;
}

/* Takes over messages and tools (NULL: none). */
static sumi_status render(const sumi_model *m, json_t *messages, json_t *tools, bool add_generation_prompt, char **text,
                          size_t *n_bytes, sumi_error *err)
{
    const chat_input in = { .messages = messages, .tools = tools, .add_generation_prompt = add_generation_prompt };
    sumi_status status = model_format_chat(m, &in, text, n_bytes, err);
    json_decref(messages);
    json_decref(tools);
    return status;
}

static bool is_utf8(const char *text)
{
    size_t n = strlen(text);
    return utf8_valid_prefix(text, n) == n;
}

sumi_status sumi_chat_format(const sumi_model *m, const sumi_message *messages, int32_t n_messages,
                             bool add_generation_prompt, char **text, size_t *n_bytes, sumi_error *err)
{
    sumi_status status = require_template(m, text, n_bytes, err);
    if (status != SUMI_OK) return status;
    json_t *list = json_array();
    for (int32_t i = 0; i < n_messages; i++) {
        const char *role = messages[i].role, *content = messages[i].content;
        json_t *message = json_pack("{s:s, s:s}", "role", role, "content", content);
        if (message && json_array_append_new(list, message) == 0) continue;
        json_decref(list);
        if (is_utf8(role) && is_utf8(content))
            return sumi_fail(err, SUMI_ENOMEM, "out of memory for message %d", i + 1);
        return sumi_fail(err, SUMI_EINVAL, "message %d is not valid UTF-8", i + 1);
    }
    return render(m, list, NULL, add_generation_prompt, text, n_bytes, err);
}

static sumi_status parse_list(json_t **out, const char *json, const char *what, sumi_error *err)
{
    json_error_t why;
    *out = json_read(json, strlen(json), JSON_REJECT_DUPLICATES, &why);
    if (!*out) return json_read_fail(err, &why, SUMI_EINVAL, what);
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
