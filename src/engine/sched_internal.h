/* sched_internal.h - the scheduler's own state, for schedule.c and sched_check.c. See schedule.h. */
#ifndef SUMI_ENGINE_SCHED_INTERNAL_H
#define SUMI_ENGINE_SCHED_INTERNAL_H

#include "engine/schedule.h"

struct sched {
    sched_limits limits;
    sched_memory memory;
    sched_costs costs;
    sched_queue queue;
    sched_req **running; /* [n_running] of [max_requests], highest rank first */
    int32_t n_running;
    sched_item *items;                 /* [n_items] of [max_seqs] */
    int32_t n_items, n_tokens, n_rows; /* of the plan */
    int32_t budget;                    /* of this step */
    bool has_prompt;                   /* a prompt is part of the plan */
    bool is_limited;                   /* `stall` limits the tokens of prompts in the plan */
    int32_t n_limited;                 /* steps in a row with limited prompts */
    sched_req *stuck;
    uint64_t n_arrivals, n_swap_outs, n_recomputes;
};

/* Sequences that the running requests hold or may open without asking again. */
int32_t sched_seats_taken(const sched *s);

/* True if a goes before b. */
bool sched_outranks(const sched_req *a, const sched_req *b);

#endif
