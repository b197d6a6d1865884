/* sched_queue.c - the order of waiting requests: shields, priorities, fair shares. See schedule.h.
 *
 * The queue is a plain array that is read from end to end for each admission: a thousand requests are read in
 * microseconds, and a step takes milliseconds.
 *
 * Deficit round robin, worked through: clients A and B, weight 1, quantum 512. A's turn is 1, B's is 2. A gets 512
 * tokens and is served prompts of 300 and 400: its deficit is -188, so at its next turn it gets another quantum and moves
 * behind B. A long answer makes the deficit very negative; then A only gets its quantum in several rounds. These rounds
 * are computed in one step instead of being simulated. */
#include "engine/schedule.h"

#include <assert.h>

bool sched_older(const sched_req *a, const sched_req *b)
{
    return a->arrival < b->arrival;
}

bool sched_shielded(const sched_req *r)
{
    return r->n_preempted >= SCHED_SHIELD;
}

void sched_charge(sched_client *c, int64_t n_tokens)
{
    c->deficit -= n_tokens;
}

void sched_queue_add(sched_queue *q, sched_req *r)
{
    q->reqs[q->n++] = r;
}

void sched_queue_take(sched_queue *q, sched_req *r)
{
    int32_t i = 0;
    while (i < q->n && q->reqs[i] != r) i++;
    assert(i < q->n);
    q->reqs[i] = q->reqs[--q->n];
}

/* The oldest request that was admitted before and is shielded (or, with any, has the priority). */
static sched_req *oldest_returning(const sched_queue *q, bool any, int32_t priority)
{
    sched_req *best = NULL;
    for (int32_t i = 0; i < q->n; i++) {
        sched_req *r = q->reqs[i];
        if (!r->was_admitted || !(any ? r->priority == priority : sched_shielded(r))) continue;
        if (!best || sched_older(r, best)) best = r;
    }
    return best;
}

/* The priority whose turn it is. */
static int32_t level_of_turn(const sched_queue *q)
{
    int32_t highest = q->reqs[0]->priority;
    const sched_req *oldest = q->reqs[0];
    for (int32_t i = 1; i < q->n; i++) {
        if (q->reqs[i]->priority > highest) highest = q->reqs[i]->priority;
        if (sched_older(q->reqs[i], oldest)) oldest = q->reqs[i];
    }
    return q->n_admitted % SCHED_TURN == SCHED_TURN - 1 ? oldest->priority : highest;
}

/* Finds each client's oldest request of the level (client->head), the client whose turn is next, and how many rounds
 * pass until any client may be served. */
static sched_client *next_client(sched_queue *q, int32_t level, int64_t *n_rounds)
{
    sched_client *next = NULL;
    q->n_choices++;
    *n_rounds = INT64_MAX;
    for (int32_t i = 0; i < q->n; i++) {
        sched_req *r = q->reqs[i];
        sched_client *c = r->client;
        if (r->priority != level) continue;
        if (c->stamp == q->n_choices) {
            if (sched_older(r, c->head)) c->head = r;
            continue;
        }
        c->stamp = q->n_choices;
        c->head = r;
        int64_t quantum = (int64_t)SCHED_QUANTUM * c->weight;
        if (!c->turn) { /* new: it is served after the clients before it have used up their quanta */
            c->turn = ++q->n_turns;
            c->deficit += quantum;
        }
        int64_t rounds = c->deficit > 0 ? 0 : -c->deficit / quantum + 1;
        if (rounds < *n_rounds) *n_rounds = rounds;
        if (!next || c->turn < next->turn) next = c;
    }
    return next;
}

/* Gives all waiting clients their quanta of n_rounds rounds. */
static void pass_rounds(sched_queue *q, int64_t n_rounds)
{
    uint64_t seen = q->n_choices;
    for (int32_t i = 0; i < q->n; i++) {
        sched_client *c = q->reqs[i]->client;
        if (c->stamp != seen) continue;
        c->stamp = 0;
        c->deficit += n_rounds * SCHED_QUANTUM * c->weight;
    }
}

sched_req *sched_queue_next(sched_queue *q)
{
    if (q->n == 0) return NULL;
    sched_req *r = oldest_returning(q, false, 0);
    if (r) return r;
    int32_t level = level_of_turn(q);
    if ((r = oldest_returning(q, true, level))) return r;
    for (;;) {
        int64_t n_rounds;
        sched_client *c = next_client(q, level, &n_rounds);
        if (n_rounds > 1) {
            pass_rounds(q, n_rounds - 1);
            continue;
        }
        if (c->deficit > 0) return c->head;
        c->deficit += (int64_t)SCHED_QUANTUM * c->weight;
        c->turn = ++q->n_turns;
    }
}
