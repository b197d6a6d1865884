/* request.h - a request inside the engine: a copy of the client's parameters, and the state so far.
 *
 *   request ---- sched_req       the scheduler's view: numbers
 *      |-------- prompt          its tokens
 *      |-------- kv_seqs[i]      the cache's names for its sequences; -1: not open
 *      |-------- drafts[i]       guesses of choice i's next tokens
 *      |-------- choices[i]      one answer: its tokens, sampler, decoder and stop strings; belongs to sequence i
 *      |-------- beams           instead of samplers: the hypotheses; sequence i carries live hypothesis i
 *      '-------- pool            instead of choices: the requested embedding
 *
 * Made by the thread that submits; afterwards owned by the engine's thread, which frees it. */
#ifndef SUMI_ENGINE_REQUESTS_REQUEST_H
#define SUMI_ENGINE_REQUESTS_REQUEST_H

#include "engine/pooling.h"
#include "engine/requests/beam.h"
#include "engine/requests/choice.h"
#include "engine/requests/draft.h"
#include "engine/schedule.h"

/* A client: its requests have a common queue limit and a common share of the tokens. */
typedef struct client {
    sched_client sched; /* of the engine's thread */
    struct client *next;
    char *name;
    int32_t n_requests; /* requests that point here; under the engine's lock, as is n_waiting */
    int32_t n_waiting;
} client;

typedef struct request {
    sched_req sched; /* the first member: the scheduler returns pointers to it */
    uint64_t id;
    sumi_request params; /* pointers into what is below */
    client *client;
    struct request *next; /* in the inbox, in the list of active requests, or in the list of ended ones */
    int32_t *prompt;      /* [params.n_ids] */
    char **stops;         /* [params.n_stop] */
    int32_t *stop_ids;    /* [params.n_stop_ids] */
    /* the tokens that do not end a choice, a set; NULL: no min_tokens, or all tokens are in it */
    uint64_t *allowed_early;
    char *salt; /* NULL: the client's name */
    int32_t kv_seqs[SCHED_MAX_SEQS];
    choice *choices;       /* [n_choices] */
    int32_t n_choices;     /* 0: an embedding */
    draft *drafts;         /* [n_choices]; NULL: no guessed tokens */
    beam_search *beams;    /* NULL: sampling */
    pooling pool;          /* kind NONE: tokens are generated */
    int32_t max_known;     /* the most tokens of a sequence */
    sumi_time_limit limit; /* the time limit that ended the request, if one did */
    int32_t n_prompt_sent; /* prompt tokens whose log-probabilities were sent */
    int32_t n_generated, n_drafted, n_accepted;
    double submitted_ms, admitted_ms, first_ms; /* 0: not yet */
    bool cancelled, ended, left_queue;
    bool out_of_memory;       /* for one of its events */
    struct unread *end_event; /* memory for the last event if the client polls; else, and once it is used, NULL */
    bool is_padding;          /* static batching: finished, and computed as padding until its batch ends */
    sumi_finish finish;
} request;

/* The limits that a request is checked against. */
typedef struct request_limits {
    const sumi_model *model;
    const int32_t *end_ids; /* [n_end_ids]; outlive the requests */
    int32_t n_end_ids, n_vocab, n_embd, n_ctx, max_seqs;
    bool speculates;
} request_limits;

/* Checks and copies. EINVAL and ELIMIT as in sumi_engine_submit(), which makes the checks that need the cache's size. */
SUMI_MUST_USE sumi_status request_create(request **out, const sumi_request *params, const request_limits *limits,
                                         sumi_error *err);
void request_destroy(request *r); /* NULL is fine */

/* Token at position pos of sequence seq, known or, after the known ones, guessed. */
int32_t request_token(const request *r, int32_t seq, int32_t pos);

#endif
