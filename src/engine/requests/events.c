/* events.c - sends events: to a callback at once, or into the list that sumi_engine_poll() reads. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/os/clock.h"
#include "engine/engine.h"
#include "engine/requests/event_copy.h"

struct unread {
    sumi_event event; /* the first member: the caller frees its address */
    unread *next;
};

bool event_reserve_end(request *r)
{
    return r->params.on_event || (r->end_event = malloc(sizeof *r->end_event)) != NULL;
}

/* The event in memory of its own; NULL: out of memory. The memory of the last event was reserved, and it points to nothing
 * of the request. */
static unread *copy_event(request *r, const sumi_event *event)
{
    int32_t n_logprobs = event->type == SUMI_EVENT_PROMPT ? r->params.n_prompt_logprobs : r->params.n_logprobs;
    bool is_end = event->type == SUMI_EVENT_END;
    sumi_event copy = *event;
    unread *u = is_end ? r->end_event : event_copy(&copy, n_logprobs, sizeof *u);
    if (is_end) r->end_event = NULL;
    if (u) *u = (unread){ .event = copy };
    return u;
}

/* False: MAX_UNREAD events are unread already, or no memory is available. An END is accepted in any case. */
static bool keep(sumi_engine *e, request *r, const sumi_event *event)
{
    unread *u = copy_event(r, event);
    if (!u) {
        r->out_of_memory = true;
        return false;
    }
    pthread_mutex_lock(&e->lock);
    bool accepted = e->n_unread < MAX_UNREAD || event->type == SUMI_EVENT_END;
    if (accepted) {
        *e->last_unread = u;
        e->last_unread = &u->next;
        e->n_unread++;
        pthread_cond_broadcast(&e->poll_cond); /* the thread that waits for the end uses this condition, too */
    }
    pthread_mutex_unlock(&e->lock);
    if (!accepted) free(u);
    return accepted;
}

void event_send(sumi_engine *e, request *r, sumi_event *event)
{
    if (r->cancelled && event->type != SUMI_EVENT_END) return;
    event->request = r->id;
    event->user = r->params.user;
    event->time_ms = clock_ms() - r->submitted_ms;
    if (!event->piece.text) event->piece.text = "";
    bool wanted = r->params.on_event ? r->params.on_event(r->params.user, event) : keep(e, r, event);
    if (!wanted) r->cancelled = true;
}

static struct timespec after_ms(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    if (ms > 1000000000) ms = 1000000000;
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    return t;
}

sumi_event *sumi_engine_poll(sumi_engine *e, int64_t timeout_ms)
{
    struct timespec until = after_ms(timeout_ms > 0 ? timeout_ms : 0);
    int why = 0;
    pthread_mutex_lock(&e->lock);
    while (!e->first_unread && !e->stopped && timeout_ms != 0 && why != ETIMEDOUT)
        why = timeout_ms < 0 ? pthread_cond_wait(&e->poll_cond, &e->lock)
                             : pthread_cond_timedwait(&e->poll_cond, &e->lock, &until);
    unread *u = e->first_unread;
    if (u) {
        e->first_unread = u->next;
        if (!u->next) e->last_unread = &e->first_unread;
        e->n_unread--;
    }
    pthread_mutex_unlock(&e->lock);
    return u ? &u->event : NULL;
}

void sumi_event_free(sumi_event *event)
{
    free(event);
}

void events_deinit(sumi_engine *e)
{
    for (unread *u; (u = e->first_unread);) {
        e->first_unread = u->next;
        free(u);
    }
}
