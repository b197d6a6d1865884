/* job_event.c - see job_event.h. */
#include "server/api/job_event.h"

#include <string.h>

#include "engine/requests/event_copy.h"

job_event *job_event_copy(const sumi_event *event, int32_t part, int32_t n_top)
{
    sumi_event e = *event;
    bool stopped = e.type == SUMI_EVENT_CHOICE && e.stop;
    if (stopped) e.piece.text = e.stop;
    if (e.type == SUMI_EVENT_END) e.piece.text = event->error.message;
    if (stopped || e.type == SUMI_EVENT_END) e.piece.n_bytes = strlen(e.piece.text);
    e.stop = NULL;
    job_event *n = event_copy(&e, n_top, sizeof *n);
    if (!n) return NULL;
    *n = (job_event){ .part = part,
                      .type = e.type,
                      .choice = e.choice,
                      .finish = e.finish,
                      .limit = e.limit,
                      .first = e.first,
                      .tokens = e.piece.choices,
                      .top = e.piece.top,
                      .ranks = e.ranks,
                      .n_tokens = e.piece.n_choices,
                      .n_top = e.piece.top ? n_top : 0,
                      .text = e.piece.text,
                      .n_bytes = e.piece.n_bytes,
                      .stopped = stopped,
                      .embedding = e.embedding,
                      .n_embd = e.n_embd,
                      .usage = e.usage,
                      .time_ms = e.time_ms };
    return n;
}
