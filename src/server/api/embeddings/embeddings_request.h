/* embeddings_request.h - the bodies of POST /v1/embeddings, /api/embed and /api/embeddings.
 *
 * Sources: the OpenAI API reference, "Create embeddings"; Ollama's documentation of its API, "Generate Embeddings". Beyond
 * them: `pooling`, "mean", "last" or "cls". */
#ifndef SUMI_SERVER_API_EMBEDDINGS_EMBEDDINGS_REQUEST_H
#define SUMI_SERVER_API_EMBEDDINGS_EMBEDDINGS_REQUEST_H

#include "server/api/text_request.h"

/* False: *e says why, with status 400, and *r is empty. */
SUMI_MUST_USE bool embeddings_parse(text_request *r, const char *body, size_t n_bytes, const text_limits *limits,
                                    api_error *e);

/* Ollama's: if the text is missing or empty, the answer has no vector. */
SUMI_MUST_USE bool embeddings_parse_ollama(text_request *r, const char *body, size_t n_bytes, const text_limits *limits,
                                           api_error *e);

/* Ollama's older endpoint: one prompt, whose vector is not scaled to length 1. */
SUMI_MUST_USE bool embeddings_parse_ollama_one(text_request *r, const char *body, size_t n_bytes,
                                               const text_limits *limits, api_error *e);

#endif
