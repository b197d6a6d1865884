/* text_api.h - the path that all text APIs share: body -> request -> tokens -> job -> answer.
 *
 * An API is a parser, a reply and its format; this file submits to the engine. One prompt is one request to the engine: a
 * part of the job. */
#ifndef SUMI_SERVER_API_TEXT_API_H
#define SUMI_SERVER_API_TEXT_API_H

#include "server/http/http.h"

typedef struct text_api {
    text_parse_fn parse;
    reply_create_fn create_reply;
    const answer_format *format;
    /* Checks that depend on the server and its model; may change r and ids. False: *e says why. NULL: none. */
    bool (*check)(const exchange *x, text_request *r, text_ids *ids, api_error *e);
    bool embeds; /* answers with vectors; encoders accept only such APIs */
} text_api;

/* The handler of a route. */
enum MHD_Result text_api_post(exchange *x, const text_api *api);

/* The limits of the server for a request. */
text_limits text_api_limits(const exchange *x);

/* Renders the messages of a chat and appends the text to out. False: *e says why. */
SUMI_MUST_USE bool text_api_render(const exchange *x, const text_request *r, buf *out, api_error *e);

/* The tokens of a request's prompts, for the served model. bounded: a text that certainly has too many tokens is refused
 * without being tokenised. False: *e says why, and *ids is empty. */
SUMI_MUST_USE bool text_api_tokenize(const exchange *x, const text_request *r, bool bounded, text_ids *ids,
                                     api_error *e);

/* Whether the name means the served model; NULL: any model. False: *e is a 404. */
SUMI_MUST_USE bool text_api_check_model(const exchange *x, const char *name, api_error *e);

#endif
