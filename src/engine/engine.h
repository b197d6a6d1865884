/* engine.h - the inside of the engine: one thread that runs steps, and the entry points for other threads.
 *
 *   any thread                         |  the engine's thread
 *   sumi_engine_submit  --> inbox   ---|-->  scheduler -> plan -> step -> rows -> tokens -> events --> callbacks
 *   sumi_engine_cancel  --> cancels ---|-->      ^                                  |         '------> unread
 *   sumi_engine_get_stats <-- stats <--|---------'----------------------------------'                    |
 *   sumi_engine_poll    <--------------|------------------------------------------------------- unread <-'
 *
 * Locking: `lock` guards only the fields listed under it. The engine's thread takes it between steps, never while it
 * computes or calls back. All other fields belong to the engine's thread once it runs, or never change.
 *
 * Files: engine.c entry points and thread; step.c a step; answer.c from rows of logits to tokens; events.c events;
 * engine_kv.c the cache as the scheduler sees it; prefix_file.c prefixes on disk; schedule.c, sched_queue.c which requests
 * run; request.c, choice.c, beam.c. */
#ifndef SUMI_ENGINE_ENGINE_H
#define SUMI_ENGINE_ENGINE_H

#include <pthread.h>

#include "engine/context.h"
#include "engine/requests/request.h"

enum { MAX_UNREAD = 65536 }; /* most events that wait for polling; a request that adds one more is cancelled */

typedef struct unread unread;

typedef struct step_fit {
    double w, n, us, nn, nus; /* weighted sums over steps with n decode tokens that took us microseconds */
} step_fit;

struct sumi_engine {
    const sumi_model *model;
    sumi_engine_opts opts;
    sumi_context *ctx;
    sumi_context_info ctx_info;
    request_limits limits;
    int32_t *end_ids;  /* [limits.n_end_ids] */
    int32_t max_rows;  /* of logits, in a step */
    bool keeps_salted; /* the file of prefixes also has those of clients with a salt */

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;      /* for the engine: there is work */
    pthread_cond_t poll_cond; /* for pollers: an event, or the end */

    /* Under lock: */
    request *inbox, **inbox_end;
    uint64_t *cancels; /* [n_cancels] of [cap_cancels] numbers */
    int32_t n_cancels, cap_cancels;
    client *clients;
    uint64_t n_ids;
    int32_t n_waiting; /* requests that are not admitted yet */
    bool stopping, stopped, joined;
    double drain_until_ms; /* < 0: without limit */
    unread *first_unread, **last_unread;
    int32_t n_unread;
    sumi_engine_stats stats;

    /* The engine's thread: */
    sched *sched;
    request *active, *ended; /* lists: requests of the scheduler; ended requests, freed after the step */
    int32_t n_active;
    uint64_t n_admitted_seen;
    sumi_span *spans;                         /* [max_seqs] */
    int32_t *kept;                            /* [max_seqs] */
    int32_t *ids;                             /* [max_batch_tokens] */
    int32_t *known;                           /* [n_ctx + 1] */
    sumi_choice *prompt_choices, *prompt_top; /* scratch of prompt log-probabilities; NULL until one is requested */
    int32_t *prompt_ranks;                    /* scratch too */
    int32_t cap_prompt_top;
    sched_costs costs;
    step_fit fit;
    spec_odds odds;             /* of all guesses */
    spec_candidate *candidates; /* [max_seqs], scratch */
    int32_t n_swapped_seqs;     /* sequences in the swap tier */
    sumi_engine_stats now;      /* copied to stats after each step */
};

/* ---- step.c ---- */
void engine_step(sumi_engine *e);

/* ---- draft.c ---- */
/* Adds guessed tokens to the plan where they are expected to pay. */
void engine_draft(sumi_engine *e, const sched_item *items, int32_t n_items);

/* ---- answer.c ---- */
/* An item with guessed tokens, whose rows begin at `at`: its choice draws from them. Returns how many of the item's tokens
 * become permanent: the known one, and the guessed ones that were drawn. */
int32_t answer_draw(sumi_engine *e, const sched_item *item, int32_t at);

void answer_rows(sumi_engine *e, const sched_item *items, int32_t n_items);
void answer_release_batch(sumi_engine *e); /* static batching: ends the batch when all its requests have ended */

/* ---- finish.c ---- */
/* Ends r: frees its sequences and sends its last event. err NULL: no error. */
void engine_end(sumi_engine *e, request *r, sumi_finish finish, const sumi_error *err);

/* ---- events.c ---- */
/* Reserves memory for the last event of r if the client polls: a client that gets no last event waits for ever. False:
 * out of memory. */
bool event_reserve_end(request *r);

/* Fills in the request and the time, and sends the event. A callback that returns false, or a full list of unread events,
 * sets r->cancelled; no memory for an event sets r->out_of_memory, too. */
void event_send(sumi_engine *e, request *r, sumi_event *event);
void events_deinit(sumi_engine *e);

/* ---- prefix_file.c ---- */
SUMI_MUST_USE sumi_status prefix_file_load(sumi_engine *e, sumi_error *err); /* EIO: the folder cannot be used */
void prefix_file_save(sumi_engine *e);

/* ---- engine_kv.c ---- */
sched_memory engine_kv_memory(sumi_engine *e);

#endif
