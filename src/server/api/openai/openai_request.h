/* openai_request.h - the bodies of POST /v1/chat/completions and /v1/completions.
 *
 * Source: the OpenAI API reference, "Create chat completion" and "Create completion". Beyond it, under the names of
 * other servers: top_k, min_p, typical_p, repetition_penalty, min_tokens, ignore_eos, cache_salt, stop_token_ids,
 * chat_template_kwargs and the others of docs/server.md. */
#ifndef SUMI_SERVER_API_OPENAI_OPENAI_REQUEST_H
#define SUMI_SERVER_API_OPENAI_OPENAI_REQUEST_H

#include "server/api/text_request.h"

/* False: *e says why, with status 400, and *r is empty. Otherwise free with text_request_deinit(). Text is checked to be
 * UTF-8; token ids to be numbers >= 0. */
SUMI_MUST_USE bool openai_parse_chat(text_request *r, const char *body, size_t n_bytes, const text_limits *limits,
                                     api_error *e);
SUMI_MUST_USE bool openai_parse_completion(text_request *r, const char *body, size_t n_bytes, const text_limits *limits,
                                           api_error *e);

/* ---- Fields that other APIs of OpenAI have too ---- */
/* temperature, top_p and the other settings of sampling, seed, cache_salt. */
SUMI_MUST_USE bool openai_read_sampling(text_request *r, api_error *e);

/* ---- openai_prompt.c: `messages`; `prompt` and its like ---- */
SUMI_MUST_USE bool openai_read_messages(text_request *r, const text_limits *limits, api_error *e);
/* The field `name`, a constant: a text, a list of texts, token ids, or a list of lists of them; at most max. */
SUMI_MUST_USE bool openai_read_prompts(text_request *r, const char *name, int32_t max, api_error *e);

#endif
