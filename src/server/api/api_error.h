/* api_error.h - a refusal in the form of each API: an HTTP status and a JSON object.
 *
 *   OpenAI     {"error":{"message":"temperature: 3 is not between 0 and 2","type":"invalid_request_error",
 *                        "param":"temperature","code":"invalid_value"}}
 *   Anthropic  {"type":"error","error":{"type":"invalid_request_error","message":"..."},"request_id":"..."}
 *   Ollama     {"error":"..."}
 *
 * Clients recognise a prompt that is too long by certain words, to shorten the prompt and try again. With OpenAI's API
 * they look for "maximum context length is" or llama.cpp's fields n_prompt_tokens and n_ctx; with Anthropic's for "prompt
 * is too long". */
#ifndef SUMI_SERVER_API_API_ERROR_H
#define SUMI_SERVER_API_API_ERROR_H

#include "base/buf.h"

/* The API of a path; other paths use OpenAI's form. */
typedef enum api_kind { API_OPENAI, API_ANTHROPIC, API_OLLAMA } api_kind;

typedef struct api_error {
    int status;        /* of HTTP; 0: no error */
    const char *code;  /* a constant for programs; NULL: null */
    const char *param; /* the field that is wrong, a constant; NULL: null */
    const char *allow; /* 405: the methods, for the header Allow */
    int retry_after;   /* > 0: seconds, for the header Retry-After */
    int32_t n_prompt,
        n_ctx;         /* > 0: the prompt of n_prompt tokens is longer than the context of n_ctx; each API reports it
                                in the words that its clients look for */
    char message[512]; /* one line, UTF-8 */
} api_error;

/* Fills *e; returns false, so that a check can end with `return api_fail(...)`. Bytes of the message that must not reach a
 * terminal become '?'. */
bool api_fail(api_error *e, int status, const char *code, const char *param, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

bool api_fail_memory(api_error *e);   /* 500 */
bool api_fail_draining(api_error *e); /* 503: the server is shutting down */

/* The same for a failed call of the library: EINVAL and ELIMIT are the client's mistake (400), EBUSY is 429. */
bool api_fail_status(api_error *e, const sumi_error *why);

/* A prompt of n_prompt tokens in a context of n_ctx: 400. param: the field that it came from; NULL: none. */
bool api_fail_context(api_error *e, const char *param, int32_t n_prompt, int32_t n_ctx);

/* The error of a request that ended without an answer: time limits are 503 (in the queue) and 504, a shutdown is 503, all
 * others are 500. limit: with DEADLINE. */
bool api_fail_finish(api_error *e, sumi_finish finish, sumi_time_limit limit, const char *why);

/* The JSON object in the form of an API (see above), without a newline. request_id: plain characters. */
void api_error_json(const api_error *e, api_kind api, const char *request_id, buf *out);

#endif
