/* anthropic_request.h - the bodies of POST /v1/messages and /v1/messages/count_tokens.
 *
 * Source: the Anthropic API reference, "Create a Message" and "Count Message tokens", version 2023-06-01. Successive turns
 * of the same role become one turn. If the last turn is the assistant's, it is the beginning of the answer. */
#ifndef SUMI_SERVER_API_ANTHROPIC_ANTHROPIC_REQUEST_H
#define SUMI_SERVER_API_ANTHROPIC_ANTHROPIC_REQUEST_H

#include "server/api/text_request.h"

/* As openai_parse_chat(). */
SUMI_MUST_USE bool anthropic_parse_messages(text_request *r, const char *body, size_t n_bytes,
                                            const text_limits *limits, api_error *e);
SUMI_MUST_USE bool anthropic_parse_count(text_request *r, const char *body, size_t n_bytes, const text_limits *limits,
                                         api_error *e);

#endif
