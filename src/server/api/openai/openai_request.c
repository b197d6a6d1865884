/* openai_request.c - see openai_request.h. The fields that are not the prompt. */
#include "server/api/openai/openai_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sample/stop.h"
#include "server/api/json_fields.h"
#include "server/api/known_fields.h"

enum { MAX_BIASES = 1024, DEFAULT_MAX_TOKENS = 16 /* of a completion */ };

bool openai_read_sampling(text_request *r, api_error *e)
{
    const json_t *o = r->root;
    sumi_sampling *s = &r->params.sampling;
    bool ok = field_float(o, "temperature", 0, 2, &s->temperature, e) && field_float(o, "top_p", 0, 1, &s->top_p, e) &&
              field_int32(o, "top_k", -1, INT32_MAX, &s->top_k, e) && field_float(o, "min_p", 0, 1, &s->min_p, e) &&
              field_float(o, "typical_p", 0, 1, &s->typical_p, e) &&
              field_float(o, "presence_penalty", -2, 2, &s->presence_penalty, e) &&
              field_float(o, "frequency_penalty", -2, 2, &s->frequency_penalty, e) &&
              field_float(o, "repetition_penalty", 0.01f, 100, &s->repeat_penalty, e) &&
              field_float(o, "repeat_penalty", 0.01f, 100, &s->repeat_penalty, e) &&
              field_int32(o, "repeat_last_n", -1, 1 << 16, &s->penalty_last_n, e) && text_read_seed(r, o, e) &&
              field_string(o, "cache_salt", &r->params.cache_salt, e);
    if (s->top_k < 0) s->top_k = 0; /* -1 is all elsewhere */
    return ok;
}

/* {"50256": -100, ...} */
static bool read_bias(text_request *r, api_error *e)
{
    json_t *o = field_get(r->root, "logit_bias"), *value;
    const char *key;
    int32_t n = 0;
    if (!o) return true;
    if (!json_is_object(o))
        return api_fail(e, 400, "invalid_type", "logit_bias",
                        "logit_bias: it must be an object of token ids and numbers");
    if (json_object_size(o) == 0) return true;
    if (json_object_size(o) > MAX_BIASES)
        return api_fail(e, 400, "invalid_value", "logit_bias", "logit_bias: more than %d tokens", MAX_BIASES);
    if (!(r->bias = calloc(json_object_size(o), sizeof *r->bias))) return api_fail_memory(e);
    json_object_foreach(o, key, value)
    {
        char *end;
        errno = 0;
        long id = strtol(key, &end, 10);
        if (key[0] < '0' || key[0] > '9' || *end || errno || id > INT32_MAX)
            return api_fail(e, 400, "invalid_value", "logit_bias", "logit_bias: '%.40s' is not a token id", key);
        double bias = json_is_number(value) ? json_number_value(value) : -1000;
        if (!(bias >= -100 && bias <= 100))
            return api_fail(e, 400, "invalid_value", "logit_bias",
                            "logit_bias: the value of token %ld is not a number between -100 and 100", id);
        r->bias[n++] = (sumi_logit_bias){ .id = (int32_t)id, .bias = (float)bias };
    }
    r->params.sampling.bias = r->bias;
    r->params.sampling.n_bias = n;
    return true;
}

static bool read_stream(text_request *r, api_error *e)
{
    const json_t *options = field_get(r->root, "stream_options");
    if (!field_bool(r->root, "stream", &r->stream, e)) return false;
    if (!options) return true;
    if (!json_is_object(options))
        return api_fail(e, 400, "invalid_type", "stream_options", "stream_options: it must be an object");
    if (!r->stream)
        return api_fail(e, 400, "invalid_value", "stream_options", "stream_options: allowed only with stream");
    return field_bool(options, "include_usage", &r->include_usage, e);
}

/* Chat: "logprobs": true, "top_logprobs": 5. Completion: "logprobs": 5. */
static bool read_logprobs(text_request *r, bool chat, api_error *e)
{
    sumi_request *p = &r->params;
    if (chat) return text_read_logprobs(r, e);
    r->logprobs = field_get(r->root, "logprobs") != NULL;
    if (!field_int32(r->root, "logprobs", 0, TEXT_MAX_TOP_LOGPROBS, &p->n_logprobs, e)) return false;
    if (r->echo && r->logprobs) p->n_prompt_logprobs = p->n_logprobs;
    p->sampling.skip_logprob = !r->logprobs;
    return true;
}

/* vLLM's "prompt_logprobs": 5, of the prompt's tokens. A prompt that is repeated may want others. */
static bool read_prompt_logprobs(text_request *r, api_error *e)
{
    sumi_request *p = &r->params;
    r->prompt_logprobs = field_get(r->root, "prompt_logprobs") != NULL;
    if (!field_int32(r->root, "prompt_logprobs", 0, TEXT_MAX_TOP_LOGPROBS, &r->n_prompt_top, e)) return false;
    if (r->prompt_logprobs && r->stream)
        return api_fail(e, 400, "invalid_value", "prompt_logprobs", "prompt_logprobs: not allowed with stream");
    if (r->prompt_logprobs && p->n_prompt_logprobs < r->n_prompt_top) p->n_prompt_logprobs = r->n_prompt_top;
    return true;
}

static bool read_lengths(text_request *r, bool chat, const text_limits *limits, api_error *e)
{
    const json_t *o = r->root;
    sumi_request *p = &r->params;
    int32_t low = chat ? 1 : 0; /* a completion of 0 tokens shows the prompt's log-probabilities */
    if (!chat && p->max_tokens < 0) p->max_tokens = DEFAULT_MAX_TOKENS;
    if (!field_int32(o, "max_tokens", low, INT32_MAX, &p->max_tokens, e) ||
        !field_int32(o, "max_completion_tokens", low, INT32_MAX, &p->max_tokens, e) ||
        !field_int32(o, "min_tokens", 0, INT32_MAX, &p->min_tokens, e) ||
        !field_int32(o, "n", 1, limits->max_choices, &p->n, e) ||
        !field_int32(o, "best_of", 1, limits->max_choices, &p->best_of, e) ||
        !field_bool(o, "ignore_eos", &p->ignore_eos, e))
        return false;
    if (p->max_tokens >= 0 && p->min_tokens > p->max_tokens)
        return api_fail(e, 400, "invalid_value", "min_tokens", "min_tokens: %d is more than max_tokens, %d",
                        p->min_tokens, p->max_tokens);
    if (p->best_of && p->best_of < p->n)
        return api_fail(e, 400, "invalid_value", "best_of", "best_of: %d is less than n, %d", p->best_of, p->n);
    if (p->best_of > p->n && r->stream)
        return api_fail(e, 400, "invalid_value", "best_of",
                        "best_of: not allowed with stream, because the best answers are known only at the end");
    return true;
}

/* What ends an answer, besides its length, and whether this is shown: the names are vLLM's. */
static bool read_ends(text_request *r, api_error *e)
{
    const json_t *o = r->root, *ids = field_get(o, "stop_token_ids");
    bool skip_special = true;
    if (ids && !json_is_array(ids))
        return api_fail(e, 400, "invalid_type", "stop_token_ids", "stop_token_ids: it must be a list of token ids");
    if (json_array_size(ids) > STOP_MAX_STRINGS)
        return api_fail(e, 400, "invalid_value", "stop_token_ids", "stop_token_ids: more than %d", STOP_MAX_STRINGS);
    if (ids && !field_ids(ids, "stop_token_ids", &r->stop_ids, &r->params.n_stop_ids, e)) return false;
    r->params.stop_ids = r->stop_ids;
    if (!field_bool(o, "include_stop_str_in_output", &r->params.include_stop, e) ||
        !field_bool(o, "skip_special_tokens", &skip_special, e))
        return false;
    r->params.show_special = !skip_special;
    return true;
}

/* How hard a model is to think: a variable of its template. */
static bool read_effort(text_request *r, api_error *e)
{
    static const char *const words[] = { "none", "minimal", "low", "medium", "high", "xhigh", NULL };
    const char *word = NULL;
    if (!field_string(r->root, "reasoning_effort", &word, e)) return false;
    if (!word) return true;
    for (int i = 0; words[i]; i++)
        if (!strcmp(word, words[i]))
            return json_object_set_new(r->template_vars, "reasoning_effort", json_string(word)) == 0 ||
                   api_fail_memory(e);
    return api_fail(e, 400, "invalid_value", "reasoning_effort",
                    "reasoning_effort: it must be none, minimal, low, medium, high or xhigh");
}

/* Variables of the template that are made of other fields, or of the model, are none of the client's. */
static bool check_vars(const json_t *vars, api_error *e)
{
    static const char *const ours[] = { "messages", "tools", "bos_token", "eos_token", NULL };
    for (int i = 0; ours[i]; i++)
        if (field_get(vars, ours[i]))
            return api_fail(e, 400, "unsupported_parameter", "chat_template_kwargs",
                            "chat_template_kwargs: the variable '%s' is set by the server", ours[i]);
    return true;
}

/* How messages become a prompt. vLLM takes the two switches among the variables, too, where they count more. */
static bool read_rendering(text_request *r, api_error *e)
{
    static const char *const name = "add_generation_prompt";
    const json_t *vars = NULL;
    bool prompt = true;
    if (!field_object(r->root, "chat_template_kwargs", &vars, e) || !check_vars(vars, e) ||
        !field_bool(r->root, name, &prompt, e) || !field_bool(vars, name, &prompt, e) ||
        !field_bool(r->root, "continue_final_message", &r->continue_final, e) ||
        !field_bool(vars, "continue_final_message", &r->continue_final, e))
        return false;
    bool has_prompt = field_get(r->root, name) || field_get(vars, name);
    if (has_prompt && prompt && r->continue_final)
        return api_fail(e, 400, "invalid_value", "continue_final_message",
                        "continue_final_message: not allowed with add_generation_prompt true");
    r->no_generation_prompt = !prompt;
    if (!(r->template_vars = json_object())) return api_fail_memory(e);
    if (!read_effort(r, e)) return false;
    return !vars || json_object_update(r->template_vars, (json_t *)(uintptr_t)vars) == 0 || api_fail_memory(e);
}

/* Which tokens of a prompt are taken. A chat's template writes BOS itself. */
static bool read_prompt_tokens(text_request *r, bool chat, api_error *e)
{
    bool special = !chat;
    if (!field_int32(r->root, "truncate_prompt_tokens", -1, INT32_MAX, &r->keep_last, e) ||
        !field_bool(r->root, "add_special_tokens", &special, e))
        return false;
    if (field_get(r->root, "truncate_prompt_tokens") && r->keep_last == 0)
        return api_fail(e, 400, "invalid_value", "truncate_prompt_tokens",
                        "truncate_prompt_tokens: it must be at least 1, or -1 for as many as the context holds");
    r->no_bos_eos = !special;
    return !chat || !special ||
           api_fail(
               e, 400, "unsupported_parameter", "add_special_tokens",
               "add_special_tokens: true is not allowed for a chat, because the chat template writes the special tokens");
}

static bool read_all(text_request *r, bool chat, const text_limits *limits, api_error *e)
{
    const char *user = NULL;
    return field_string(r->root, "model", &r->model, e) && field_string(r->root, "user", &user, e) &&
           known_fields_check(r->root, chat ? FIELDS_CHAT : FIELDS_COMPLETION, e) && openai_read_sampling(r, e) &&
           read_bias(r, e) && text_read_stop(r, r->root, "stop", true, limits, e) && read_stream(r, e) &&
           (chat || field_bool(r->root, "echo", &r->echo, e)) && read_logprobs(r, chat, e) &&
           read_prompt_logprobs(r, e) && read_lengths(r, chat, limits, e) && read_ends(r, e) &&
           read_prompt_tokens(r, chat, e) && (!chat || read_rendering(r, e)) &&
           (chat ? openai_read_messages(r, limits, e) : openai_read_prompts(r, "prompt", limits->max_prompts, e));
}

static bool parse(text_request *r, bool chat, const char *body, size_t n_bytes, const text_limits *limits, api_error *e)
{
    bool ok = text_request_open(r, body, n_bytes, e);
    text_take_defaults(r, limits);
    if (ok && read_all(r, chat, limits, e)) return true;
    text_request_deinit(r);
    return false;
}

bool openai_parse_chat(text_request *r, const char *body, size_t n_bytes, const text_limits *limits, api_error *e)
{
    return parse(r, true, body, n_bytes, limits, e);
}

bool openai_parse_completion(text_request *r, const char *body, size_t n_bytes, const text_limits *limits, api_error *e)
{
    return parse(r, false, body, n_bytes, limits, e);
}
