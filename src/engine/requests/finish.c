/* finish.c - the end of a request: its sequences are freed, it is counted, and its last event is sent. */
#include "base/error.h"
#include "base/os/clock.h"
#include "engine/engine.h"

static void count_end(sumi_engine *e, sumi_finish finish)
{
    if (finish == SUMI_FINISH_STOP || finish == SUMI_FINISH_LENGTH) e->now.n_completed++;
    else if (finish == SUMI_FINISH_DEADLINE) e->now.n_expired++;
    else if (finish == SUMI_FINISH_ERROR) e->now.n_failed++;
    else e->now.n_cancelled++;
}

static sumi_usage usage_of(const request *r)
{
    double now = clock_ms(), admitted = r->admitted_ms > 0 ? r->admitted_ms : now,
           first = r->first_ms > 0 ? r->first_ms : now;
    return (sumi_usage){ .n_prompt = r->params.n_ids,
                         .n_cached = r->sched.n_hit,
                         .n_generated = r->n_generated,
                         .n_preempted = r->sched.n_preempted,
                         .n_drafted = r->n_drafted,
                         .n_accepted = r->n_accepted,
                         .queue_ms = admitted - r->submitted_ms,
                         .prefill_ms = first - admitted,
                         .decode_ms = now - first };
}

void engine_end(sumi_engine *e, request *r, sumi_finish finish, const sumi_error *err)
{
    sumi_event event = { .type = SUMI_EVENT_END, .finish = finish, .limit = r->limit, .usage = usage_of(r) };
    if (err) event.error = *err;
    if (r->out_of_memory && finish == SUMI_FINISH_CANCELLED) { /* the client did not cancel it */
        event.finish = finish = SUMI_FINISH_ERROR;
        sumi_fail(&event.error, SUMI_ENOMEM, "out of memory for an event");
    }
    sched_remove(e->sched, &r->sched);
    r->ended = true;
    request **at = &e->active;
    while (*at != r) at = &(*at)->next;
    *at = r->next;
    e->n_active--;
    r->next = e->ended;
    e->ended = r;
    count_end(e, finish);
    event_send(e, r, &event);
}
