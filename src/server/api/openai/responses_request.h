/* responses_request.h - the body of POST /v1/responses.
 *
 * Source: the OpenAI API reference, "Create a model response": text in, text out. Nothing is stored, so a request brings
 * its whole conversation. Settings of sampling beyond the API: those of openai_read_sampling(). */
#ifndef SUMI_SERVER_API_OPENAI_RESPONSES_REQUEST_H
#define SUMI_SERVER_API_OPENAI_RESPONSES_REQUEST_H

#include "server/api/text_request.h"

/* As openai_parse_chat(). */
SUMI_MUST_USE bool responses_parse(text_request *r, const char *body, size_t n_bytes, const text_limits *limits,
                                   api_error *e);

#endif
