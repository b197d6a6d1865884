/* api_error.c - see api_error.h. */
#include "server/api/api_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "server/api/json_text.h"

bool api_fail(api_error *e, int status, const char *code, const char *param, const char *format, ...)
{
    va_list args;
    char line[sizeof e->message];
    *e = (api_error){ .status = status, .code = code, .param = param };
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    printable_copy(e->message, sizeof e->message, line, strlen(line));
    if (status == 429 || status == 503) e->retry_after = 1;
    return false;
}

bool api_fail_memory(api_error *e)
{
    return api_fail(e, 500, "out_of_memory", NULL, "out of memory");
}

bool api_fail_draining(api_error *e)
{
    return api_fail(e, 503, "shutting_down", NULL, "the server is shutting down");
}

bool api_fail_status(api_error *e, const sumi_error *why)
{
    switch (why->status) {
    case SUMI_EINVAL:
    case SUMI_EUNSUPPORTED: return api_fail(e, 400, "invalid_value", NULL, "%s", why->message);
    case SUMI_ELIMIT: return api_fail(e, 400, "context_length_exceeded", NULL, "%s", why->message);
    case SUMI_EBUSY: return api_fail(e, 429, "queue_full", NULL, "%s", why->message);
    default: return api_fail(e, 500, "internal_error", NULL, "%s", why->message);
    }
}

bool api_fail_context(api_error *e, const char *param, int32_t n_prompt, int32_t n_ctx)
{
    api_fail(e, 400, "context_length_exceeded", param,
             "This model's maximum context length is %d tokens. However, your prompt has %d tokens. Please reduce its "
             "length, or start the server with a larger --ctx.",
             n_ctx, n_prompt);
    e->n_prompt = n_prompt;
    e->n_ctx = n_ctx;
    return false;
}

static bool fail_deadline(api_error *e, sumi_time_limit limit, const char *why)
{
    if (limit == SUMI_LIMIT_QUEUE) return api_fail(e, 503, "queue_timeout", NULL, "%s", why);
    if (limit == SUMI_LIMIT_FIRST_TOKEN) return api_fail(e, 504, "first_token_timeout", NULL, "%s", why);
    return api_fail(e, 504, "request_timeout", NULL, "%s", why);
}

bool api_fail_finish(api_error *e, sumi_finish finish, sumi_time_limit limit, const char *why)
{
    switch (finish) {
    case SUMI_FINISH_DEADLINE: return fail_deadline(e, limit, why);
    case SUMI_FINISH_REFUSED:
    case SUMI_FINISH_CANCELLED:
        return api_fail(e, 503, "shutting_down", NULL,
                        "the server stops before the answer is complete: send the request again");
    default: return api_fail(e, 500, "internal_error", NULL, "%s", *why ? why : "the request failed");
    }
}

/* Clients search the message for these words. */
static const char *openai_type(int status)
{
    switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 429: return "rate_limit_error";
    default: return status >= 500 ? "server_error" : "invalid_request_error";
    }
}

static const char *anthropic_type(int status)
{
    switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 413: return "request_too_large";
    case 429: return "rate_limit_error";
    case 503: return "overloaded_error";
    case 504: return "timeout_error";
    default: return status >= 500 ? "api_error" : "invalid_request_error";
    }
}

static void put_openai(const api_error *e, buf *out)
{
    buf_append_str(out, "{\"error\":{\"message\":");
    json_put_string(out, e->message);
    buf_printf(out, ",\"type\":\"%s\",\"param\":", openai_type(e->status));
    json_put_string(out, e->param);
    buf_append_str(out, ",\"code\":");
    json_put_string(out, e->code);
    if (e->n_ctx) buf_printf(out, ",\"n_prompt_tokens\":%d,\"n_ctx\":%d", e->n_prompt, e->n_ctx);
    buf_append_str(out, "}}");
}

static void put_anthropic(const api_error *e, const char *request_id, buf *out)
{
    buf_printf(out, "{\"type\":\"error\",\"error\":{\"type\":\"%s\",\"message\":", anthropic_type(e->status));
    if (e->n_ctx) buf_printf(out, "\"prompt is too long: %d tokens > %d maximum\"", e->n_prompt, e->n_ctx);
    else json_put_string(out, e->message);
    buf_printf(out, "},\"request_id\":\"%s\"}", request_id);
}

static void put_ollama(const api_error *e, buf *out)
{
    buf_append_str(out, "{\"error\":");
    if (e->n_ctx)
        buf_printf(out,
                   "\"the input length exceeds the context length: the prompt has %d tokens, the context holds %d\"",
                   e->n_prompt, e->n_ctx);
    else json_put_string(out, e->message);
    buf_append_char(out, '}');
}

void api_error_json(const api_error *e, api_kind api, const char *request_id, buf *out)
{
    switch (api) {
    case API_OPENAI: put_openai(e, out); break;
    case API_ANTHROPIC: put_anthropic(e, request_id, out); break;
    case API_OLLAMA: put_ollama(e, out); break;
    }
}
