/* ollama_request.h - the bodies of POST /api/chat and /api/generate.
 *
 * Source: Ollama's docs/api.md. Its defaults are its own (temperature 0.8, top_k 40, top_p 0.9, repeat_penalty 1.1 over 64
 * tokens), and answers are streams unless that is said. A body without messages, or without a prompt, asks to load the
 * model: nothing is to be answered. A last message of the assistant is how the answer begins. */
#ifndef SUMI_SERVER_API_OLLAMA_OLLAMA_REQUEST_H
#define SUMI_SERVER_API_OLLAMA_OLLAMA_REQUEST_H

#include "server/api/text_request.h"

/* As openai_parse_chat(). */
SUMI_MUST_USE bool ollama_parse_chat(text_request *r, const char *body, size_t n_bytes, const text_limits *limits,
                                     api_error *e);
SUMI_MUST_USE bool ollama_parse_generate(text_request *r, const char *body, size_t n_bytes, const text_limits *limits,
                                         api_error *e);

#endif
