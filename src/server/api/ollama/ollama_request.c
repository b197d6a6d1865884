/* ollama_request.c - see ollama_request.h. */
#include "server/api/ollama/ollama_request.h"

#include <stdlib.h>
#include <string.h>

#include "server/api/json_fields.h"
#include "server/api/known_fields.h"
#include "server/api/tool_history.h"

static void set_defaults(text_request *r)
{
    sumi_sampling *s = &r->params.sampling;
    s->temperature = 0.8f;
    s->top_k = 40;
    s->top_p = 0.9f;
    s->repeat_penalty = 1.1f;
    s->penalty_last_n = 64;
    r->stream = true;
}

/* A seed below 0 and lengths below 1 mean the same as none; top_k below 1 keeps all. */
static bool read_options(text_request *r, const text_limits *limits, api_error *e)
{
    const json_t *o = NULL;
    sumi_sampling *s = &r->params.sampling;
    int32_t *max = &r->params.max_tokens;
    if (!field_object(r->root, "options", &o, e) || !known_fields_check(o, FIELDS_OLLAMA_OPTIONS, e)) return false;
    if (!field_float(o, "temperature", 0, 100, &s->temperature, e) ||
        !field_int32(o, "top_k", INT32_MIN, INT32_MAX, &s->top_k, e) || !field_float(o, "top_p", 0, 1, &s->top_p, e) ||
        !field_float(o, "min_p", 0, 1, &s->min_p, e) || !field_float(o, "typical_p", 0.01f, 1, &s->typical_p, e) ||
        !field_float(o, "repeat_penalty", 0.01f, 100, &s->repeat_penalty, e) ||
        !field_int32(o, "repeat_last_n", -1, 1 << 16, &s->penalty_last_n, e) ||
        !field_float(o, "presence_penalty", -2, 2, &s->presence_penalty, e) ||
        !field_float(o, "frequency_penalty", -2, 2, &s->frequency_penalty, e) || !text_read_seed(r, o, e) ||
        !field_int32(o, "num_predict", INT32_MIN, INT32_MAX, max, e) || !text_read_stop(r, o, "stop", true, limits, e))
        return false;
    if (s->top_k < 0) s->top_k = 0;
    if ((int64_t)s->seed < 0) r->has_seed = false;
    if (*max < 1) *max = -1;
    return true;
}

static bool open_request(text_request *r, unsigned endpoint, const char *body, size_t n_bytes,
                         const text_limits *limits, api_error *e)
{
    if (!text_request_open(r, body, n_bytes, e)) return false;
    set_defaults(r);
    text_take_defaults(r, limits);
    return known_fields_check(r->root, endpoint, e) && field_string(r->root, "model", &r->model, e) &&
           field_bool(r->root, "stream", &r->stream, e) && read_options(r, limits, e) && text_read_logprobs(r, e);
}

/* Ollama reads roles in lower case, and a message without content as an empty one. */
static bool adapt_message(json_t *m, api_error *e)
{
    const char *role = json_string_value(json_object_get(m, "role"));
    char lower[16];
    size_t n = role ? strlen(role) : 0;
    bool ok = true;
    if (n > 0 && n < sizeof lower) {
        for (size_t i = 0; i <= n; i++) lower[i] = role[i] >= 'A' && role[i] <= 'Z' ? (char)(role[i] | 0x20) : role[i];
        ok = json_object_set_new(m, "role", json_string(lower)) == 0;
    }
    if (json_is_object(m) && !field_get(m, "content") && !tool_history_calls(m))
        ok = ok && json_object_set_new(m, "content", json_string("")) == 0;
    return ok || api_fail_memory(e);
}

static bool read_messages(text_request *r, const text_limits *limits, api_error *e)
{
    static const char *const roles[] = { "user", "assistant", "system", "tool", NULL }, *const types[] = { "text",
                                                                                                           NULL };
    json_t *list = field_get(r->root, "messages"), *m;
    size_t i;
    if (!list || (json_is_array(list) && json_array_size(list) == 0)) return true;
    json_array_foreach(list, i, m)
    {
        if (!known_fields_check(m, FIELDS_OLLAMA_MESSAGE, e) || !adapt_message(m, e)) return false;
    }
    if (!text_read_messages(r, &(message_list){ .list = list }, "messages", roles, types, limits, e)) return false;
    if (!tool_history_number(r->messages)) return api_fail_memory(e);
    text_take_prefill(r);
    return true;
}

/* A raw prompt: no template, but the model's tokens around a text. Models without a template always use raw prompts. */
static bool set_raw_prompt(text_request *r, const json_t *prompt, api_error *e)
{
    if (!(r->prompts = calloc(1, sizeof *r->prompts))) return api_fail_memory(e);
    r->prompts[0] = (text_prompt){ .text = json_string_value(prompt), .n_bytes = json_string_length(prompt) };
    r->n_prompts = 1;
    return true;
}

static bool read_prompt(text_request *r, api_error *e)
{
    json_t *o = r->root, *system = field_get(o, "system"), *prompt = field_get(o, "prompt");
    const json_t *text = NULL;
    bool raw = false;
    r->source = "prompt";
    if (!field_text(o, "system", &text, e) || !field_text(o, "prompt", &text, e) || !field_bool(o, "raw", &raw, e))
        return false;
    if (json_string_length(prompt) == 0) return true;
    if (!set_raw_prompt(r, prompt, e)) return false;
    if (raw) return true;
    if (json_string_length(system) > 0 && !text_add_message(r, "system", json_incref(system), e)) return false;
    return text_add_message(r, "user", json_incref(prompt), e);
}

bool ollama_parse_chat(text_request *r, const char *body, size_t n_bytes, const text_limits *limits, api_error *e)
{
    if (open_request(r, FIELDS_OLLAMA_CHAT, body, n_bytes, limits, e)) {
        r->drop_oldest = true;
        if (field_bool(r->root, "truncate", &r->drop_oldest, e) && read_messages(r, limits, e)) return true;
    }
    text_request_deinit(r);
    return false;
}

bool ollama_parse_generate(text_request *r, const char *body, size_t n_bytes, const text_limits *limits, api_error *e)
{
    if (open_request(r, FIELDS_OLLAMA_GENERATE, body, n_bytes, limits, e) && read_prompt(r, e)) return true;
    text_request_deinit(r);
    return false;
}
