/* events.c - telling what happens: to a callback at once, or into the list that sumi_engine_poll() reads.
 *
 * An event that waits is one piece of memory: the event, then what its pointers lead to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "engine/engine.h"

struct unread {
    sumi_event event; /* first: its address is what the caller frees */
    unread *next;
};

/* Copies n_bytes to *at and moves on, 8-byte aligned; NULL stays NULL. */
static void *put(char **at, const void *data, size_t n_bytes)
{
    if (!data) return NULL;
    void *copy = *at;
    memcpy(copy, data, n_bytes);
    *at += (n_bytes + 7) & ~(size_t)7;
    return copy;
}

static unread *copy_event(const sumi_event *e, int32_t n_logprobs)
{
    size_t n_choices = (size_t)e->piece.n_choices * sizeof *e->piece.choices,
           n_top = n_choices * (size_t)n_logprobs;
    size_t n_stop = e->stop ? strlen(e->stop) + 1 : 0, n_embedding = (size_t)e->n_embd * sizeof *e->embedding;
    size_t n_ranks = e->ranks ? (size_t)e->piece.n_choices * sizeof *e->ranks : 0;
    unread *u = malloc(sizeof *u + n_choices + n_top + n_ranks + e->piece.n_bytes + 1 + n_stop + n_embedding + 48);
    if (!u) return NULL;
    char *at = (char *)(u + 1);
    u->event = *e;
    u->next = NULL;
    u->event.piece.choices = put(&at, e->piece.choices, n_choices);
    u->event.piece.top = put(&at, e->piece.top, n_top);
    u->event.ranks = put(&at, e->ranks, n_ranks);
    u->event.embedding = put(&at, e->embedding, n_embedding);
    u->event.stop = put(&at, e->stop, n_stop);
    u->event.piece.text = put(&at, e->piece.text ? e->piece.text : "", e->piece.n_bytes + 1);
    return u;
}

/* False: there is no room for it. The last event of a request always finds room. */
static bool keep(sumi_engine *e, const request *r, const sumi_event *event)
{
    int32_t n_logprobs =
        event->type == SUMI_EVENT_PROMPT ? r->params.n_prompt_logprobs : r->params.n_logprobs;
    unread *u = copy_event(event, n_logprobs);
    if (!u) return false;
    pthread_mutex_lock(&e->lock);
    bool room = e->n_unread < MAX_UNREAD || event->type == SUMI_EVENT_END;
    if (room) {
        *e->last_unread = u;
        e->last_unread = &u->next;
        e->n_unread++;
        pthread_cond_broadcast(&e->told); /* one who waits for the end waits here too */
    }
    pthread_mutex_unlock(&e->lock);
    if (!room) free(u);
    return room;
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
        why = timeout_ms < 0 ? pthread_cond_wait(&e->told, &e->lock)
                             : pthread_cond_timedwait(&e->told, &e->lock, &until);
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
