/* text_request.h - what a body asks of the engine, whichever API it was written for.
 *
 *   body --- openai_*, anthropic_*, ... parse() ---> text_request --- text_api.c ---> ids, job, engine
 *
 * A parser is a pure function of the bytes: no model is needed, nothing is sent or logged. What would change the answer
 * and cannot be done is refused (known_fields.h); unknown fields are ignored, as all of these APIs do. */
#ifndef SUMI_SERVER_API_TEXT_REQUEST_H
#define SUMI_SERVER_API_TEXT_REQUEST_H

#include <jansson.h>

#include "server/api/api_error.h"
#include "server/server.h"

enum { TEXT_MAX_PROMPTS = 64, TEXT_MAX_INPUTS = 2048, TEXT_MAX_TOP_LOGPROBS = 20 };

typedef struct text_limits {
    int32_t max_choices; /* n and best_of */
    int32_t max_stop;    /* stop strings */
    int32_t max_prompts; /* of one request, each with n choices; at most TEXT_MAX_PROMPTS */
    int32_t max_inputs;  /* texts to embed */
    int32_t max_messages;
    const server_defaults *defaults; /* for what a body does not say, before the API's own; NULL: none */
} text_limits;

/* One prompt: a text (of the request's JSON), or token ids. */
typedef struct text_prompt {
    const char *text; /* NULL: ids */
    size_t n_bytes;
    int32_t *ids; /* [n_ids] */
    int32_t n_ids;
} text_prompt;

typedef struct text_request {
    json_t *root;          /* the body, which owns every string below */
    const char *source;    /* the field that the prompts are from, for errors; a constant. NULL: none was read */
    const char *model;     /* NULL: not named */
    json_t *messages;      /* a chat: role and text of each, as sumi_chat_format_json() takes them; NULL: prompts */
    json_t *template_vars; /* a chat: an object of further variables of its template; NULL: none */
    bool no_generation_prompt, continue_final; /* a chat: chat_input has the same */
    json_t *prefill; /* a chat: the string that the answer continues without repeating it; NULL: none */
    /* [n_prompts]. A chat is one prompt: NULL, or the text that a model without a template continues */
    text_prompt *prompts;
    int32_t n_prompts;   /* 0: nothing is to be answered */
    sumi_request params; /* without ids, on_event, user, client; its pointers lead to the fields below */
    const char **stop;
    sumi_logit_bias *bias;
    int32_t *stop_ids;
    /* > 0: only this many last tokens of each prompt are used; -1: as many as the context holds; 0: all */
    int32_t keep_last;
    bool no_bos_eos; /* prompts are not given the tokens with which the model wants texts to begin or end */
    bool has_seed, stream;
    bool include_usage, echo, logprobs; /* OpenAI's; logprobs: wanted, with params.n_logprobs alternatives */
    bool prompt_logprobs; /* vLLM's: wanted, with n_prompt_top alternatives; params has the larger number of the two */
    int32_t n_prompt_top;
    /* Embeddings. params.embed: the pooling; NONE: that of the server's option. */
    int32_t dimensions; /* numbers of each vector, from its beginning; 0: all */
    bool base64;        /* vectors are text of their bytes */
    bool drop_oldest;   /* a chat that is longer than the context loses its oldest turns */
    bool cut;           /* texts that are too long are cut, not refused */
} text_request;

typedef bool (*text_parse_fn)(text_request *r, const char *body, size_t n_bytes, const text_limits *limits,
                              api_error *e);

text_limits text_limits_default(void);

/* A request with the body's JSON and neutral sampling: the model's distribution as it is. False: *e says why. Free with
 * text_request_deinit(), also then. */
SUMI_MUST_USE bool text_request_open(text_request *r, const char *body, size_t n_bytes, api_error *e);
void text_request_deinit(text_request *r); /* zeroed or empty is fine; leaves it empty */

/* The server's own defaults, after the API's. */
void text_take_defaults(text_request *r, const text_limits *limits);

/* ---- What parsers share. Names of fields are constants. False: *e says why, with status 400. ---- */

/* The field `seed` of o. */
SUMI_MUST_USE bool text_read_seed(text_request *r, const json_t *o, api_error *e);

/* "logprobs": true, and "top_logprobs": how many alternatives to each token. */
SUMI_MUST_USE bool text_read_logprobs(text_request *r, api_error *e);

/* The field `name` of o: a list of stop strings, or, under single, one string. */
SUMI_MUST_USE bool text_read_stop(text_request *r, const json_t *o, const char *name, bool single,
                                  const text_limits *limits, api_error *e);

/* One part of a message: {"type": T, "text": "..."}, T one of types (ends with NULL); the text of the type "refusal" is in the
 * field "refusal". False: *e says why; where: the name of the part in errors, as "messages[3].content[0]" in the field `field`. */
SUMI_MUST_USE bool text_check_part(const json_t *part, const char *const *types, const char *field, const char *where,
                                   api_error *e);

/* A string, or a list of parts. where: the name of the content in errors, as "messages[3].content". */
SUMI_MUST_USE bool text_check_parts(const json_t *content, const char *const *types, const char *field,
                                    const char *where, api_error *e);

/* The text of the string, or of all parts of the list. New reference. NULL: *e says why. */
json_t *text_join_parts(const json_t *content, const char *const *types, const char *field, const char *where,
                        api_error *e);

/* One message more. Takes the reference to text; NULL: *e is set already. */
SUMI_MUST_USE bool text_add_message(text_request *r, const char *role, json_t *text, api_error *e);

/* A last message of the assistant is how its answer begins. */
void text_take_prefill(text_request *r);

/* Messages to read. */
typedef struct message_list {
    json_t *list;
    /* [n]: the place of each message in the client's own list, for errors; NULL: the list is the client's */
    size_t *numbers;
} message_list;

/* l: the messages of the field `field`. roles: the possible ones (ends with NULL). */
SUMI_MUST_USE bool text_read_messages(text_request *r, const message_list *l, const char *field,
                                      const char *const *roles, const char *const *types, const text_limits *limits,
                                      api_error *e);

#endif
