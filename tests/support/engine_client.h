/* engine_client.h - submits requests to an engine and collects what comes back. */
#ifndef TEST_ENGINE_CLIENT_H
#define TEST_ENGINE_CLIENT_H

#include <pthread.h>

#include "sumi.h"
#include "test_support.h"

enum { CLIENT_MAX_TOKENS = 512, CLIENT_MAX_TEXT = 4096, CLIENT_MAX_EMBD = 1024 };

typedef struct client_choice {
    int32_t ids[CLIENT_MAX_TOKENS], n;
    float logprobs[CLIENT_MAX_TOKENS];
    uint64_t alternatives;      /* a hash of those of all tokens, in order */
    char text[CLIENT_MAX_TEXT]; /* n_text bytes, among them perhaps NUL, and a NUL */
    size_t n_text;
    bool ended;
    sumi_finish finish;
    char stop[64];
    float score;
} client_choice;

typedef struct client_answer {
    pthread_mutex_t lock;
    pthread_cond_t told;
    uint64_t id;
    client_choice choices[SUMI_MAX_CHOICES];
    float prompt_logprobs[CLIENT_MAX_TOKENS]; /* by position */
    int32_t prompt_ranks[CLIENT_MAX_TOKENS];
    int32_t n_prompt_logprobs;
    float embedding[CLIENT_MAX_EMBD];
    int32_t n_embd; /* 0: none came */
    int32_t n_ends, n_pieces;
    int32_t n_logprobs; /* of the request */
    int32_t stop_after; /* pieces after which the callback says no; 0: never */
    bool over;
    sumi_finish finish;
    sumi_time_limit limit;
    sumi_error error;
    sumi_usage usage;
} client_answer;

/* Sets on_event and user of *request, and submits it. Fails the test if it is refused. */
void client_submit(sumi_engine *engine, sumi_request *request, client_answer *answer);
/* The same, for one that may be refused: nothing will come then, and the answer needs no release. */
sumi_status client_try(sumi_engine *engine, sumi_request *request, client_answer *answer, sumi_error *err);
void client_wait(client_answer *answer);                          /* until its last event; releases the locks */
bool client_wait_at_gate(void *mutex, const sumi_event *event);   /* an event function that holds the engine */
void client_take(client_answer *answer, const sumi_event *event); /* for events that were polled */

/* Fails unless the first n choices have the same tokens, log-probabilities, text and finish. */
void client_assert_equal(const client_answer *a, const client_answer *b, int32_t n);

#endif
