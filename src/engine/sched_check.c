/* sched_check.c - tests the numbered invariants of schedule.h. Only tests call it. */
#include "engine/sched_internal.h"

/* Invariant (3), and that trunk and counts agree. */
static bool check_req(const sched_req *r)
{
    int32_t n_live = 0;
    for (int32_t i = 0; i < SCHED_MAX_SEQS; i++) {
        const sched_seq *q = &r->seqs[i];
        if (!q->live) continue;
        n_live++;
        if (q->n_cached < 0 || q->n_cached >= q->n_known || q->n_known < r->n_prompt) return false;
        if (r->state == SCHED_WAITING && q->n_cached != 0) return false;
        if (r->trunk >= 0 && i != r->trunk && q->n_cached != 0) return false;
    }
    return n_live == r->n_live && n_live >= 1 && n_live <= r->width;
}

bool sched_check(const sched *s)
{
    int32_t n_tokens = 0;
    for (int32_t i = 0; i < s->queue.n; i++) {
        sched_state state = s->queue.reqs[i]->state;
        if ((state != SCHED_WAITING && state != SCHED_SWAPPED) || !check_req(s->queue.reqs[i])) return false;
    }
    for (int32_t i = 0; i < s->n_running; i++) {
        if (s->running[i]->state != SCHED_RUNNING || !check_req(s->running[i])) return false;
        if (i > 0 && !sched_outranks(s->running[i - 1], s->running[i])) return false;
    }
    if (sched_seats_taken(s) > s->limits.max_seqs || s->n_rows > s->limits.max_rows) return false;
    for (int32_t i = 0; i < s->n_items; i++) {
        n_tokens += s->items[i].n_tokens;
        if (s->items[i].req->state != SCHED_RUNNING) return false;
        for (int32_t j = 0; j < i; j++)
            if (s->items[j].req == s->items[i].req && s->items[j].seq == s->items[i].seq) return false;
    }
    return n_tokens == s->n_tokens && (n_tokens <= s->limits.budget || !s->limits.chunking);
}
