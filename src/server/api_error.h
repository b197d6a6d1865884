/* api_error.h - a refusal as the server's APIs tell it: a status of HTTP and a JSON object.
 *
 *   OpenAI     {"error":{"message":"temperature: 3 is not between 0 and 2","type":"invalid_request_error",
 *                        "param":"temperature","code":"invalid_value"}}
 *   Anthropic  {"type":"error","error":{"type":"invalid_request_error","message":"..."},"request_id":"..."}
 *   Ollama     {"error":"..."}
 *
 * Clients tell a prompt that is too long from other mistakes by words, to cut it and ask again: OpenAI's APIs are read for
 * "maximum context length is" and llama.cpp's fields n_prompt_tokens and n_ctx, Anthropic's for "prompt is too long". */
#ifndef SUMI_SERVER_API_ERROR_H
#define SUMI_SERVER_API_ERROR_H

#include "base/buf.h"

/* Whose clients ask; what belongs to none of them is told as OpenAI does. */
typedef enum api_kind { API_OPENAI, API_ANTHROPIC, API_OLLAMA } api_kind;

typedef struct api_error {
    int status;        /* of HTTP; 0: no error */
    const char *code;  /* a constant for programs; NULL: null */
    const char *param; /* the field that is wrong, a constant; NULL: null */
    const char *allow; /* 405: the methods, told in the header Allow */
    int retry_after;   /* > 0: seconds, told in the header Retry-After */
    int32_t n_prompt, n_ctx; /* > 0: a prompt of so many tokens is longer than the context, which each API tells in the
                                words that its clients look for */
    char message[512]; /* one line, UTF-8 */
} api_error;

/* Fills *e; returns false, so that a check can end with `return api_fail(...)`. Bytes of the message that must not
 * reach a terminal become '?'. */
bool api_fail(api_error *e, int status, const char *code, const char *param, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

bool api_fail_memory(api_error *e);   /* 500 */
bool api_fail_draining(api_error *e); /* 503: the server is shutting down */

/* The same for a failed call of the library: EINVAL and ELIMIT are the client's mistake (400), EBUSY is 429. */
bool api_fail_status(api_error *e, const sumi_error *why);

/* A prompt of n_prompt tokens in a context of n_ctx: 400. param: the field that it came from; NULL: none. */
bool api_fail_context(api_error *e, const char *param, int32_t n_prompt, int32_t n_ctx);

/* How a request ended that has no answer: time limits are 503 (in the queue) and 504, a shutdown is 503, the rest 500.
 * limit: with DEADLINE. */
bool api_fail_finish(api_error *e, sumi_finish finish, sumi_time_limit limit, const char *why);

/* The object above, without a newline. request_id: plain characters. */
void api_error_json(const api_error *e, api_kind api, const char *request_id, buf *out);

#endif
