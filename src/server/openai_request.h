/* openai_request.h - the body of POST /v1/chat/completions and /v1/completions -> what the engine is asked.
 *
 * Source: the OpenAI API reference, "Create chat completion" and "Create completion". Beyond it, under the names of
 * other servers: top_k, min_p, typical_p, repetition_penalty, min_tokens, ignore_eos, cache_salt.
 * A pure function of the bytes: no model is needed, nothing is sent or logged. */
#ifndef SUMI_SERVER_OPENAI_REQUEST_H
#define SUMI_SERVER_OPENAI_REQUEST_H

#include <jansson.h>

#include "server/api_error.h"

typedef enum openai_kind { OPENAI_COMPLETION, OPENAI_CHAT } openai_kind;

enum { OPENAI_MAX_PROMPTS = 64 };

typedef struct openai_limits {
    int32_t max_choices; /* n and best_of */
    int32_t max_stop;    /* stop strings */
    int32_t max_prompts; /* of one request, each with n choices; at most OPENAI_MAX_PROMPTS */
    int32_t max_messages;
} openai_limits;

/* One prompt: a text (of the request's JSON), or token ids. */
typedef struct openai_prompt {
    const char *text; /* NULL: ids */
    size_t n_bytes;
    int32_t *ids; /* [n_ids] */
    int32_t n_ids;
} openai_prompt;

typedef struct openai_request {
    openai_kind kind;
    json_t *root;           /* owns every string below */
    const char *model;      /* NULL: not named */
    json_t *messages;       /* chat: role and text of each, as sumi_chat_format_json() takes them */
    openai_prompt *prompts; /* completion: [n_prompts] */
    int32_t n_prompts;      /* chat: 1 */
    sumi_request params;    /* without ids, on_event, user, client; its pointers lead to the fields below */
    const char **stop;
    sumi_logit_bias *bias;
    bool has_seed, stream, include_usage, echo;
    bool logprobs; /* wanted, with params.n_logprobs alternatives */
} openai_request;

openai_limits openai_limits_default(void);

/* False: *e says why, with status 400, and *r is empty. Otherwise free with openai_request_deinit(). Text is checked to
 * be UTF-8; token ids to be numbers >= 0. */
SUMI_MUST_USE bool openai_request_parse(openai_request *r, openai_kind kind, const char *body, size_t n_bytes,
                                        const openai_limits *limits, api_error *e);
void openai_request_deinit(openai_request *r); /* zeroed or empty is fine */

/* ---- openai_prompt.c: `messages` and `prompt` ---- */
SUMI_MUST_USE bool openai_read_messages(openai_request *r, const openai_limits *limits, api_error *e);
SUMI_MUST_USE bool openai_read_prompts(openai_request *r, const openai_limits *limits, api_error *e);

#endif
