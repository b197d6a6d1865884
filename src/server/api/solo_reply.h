/* solo_reply.h - the reply of APIs that answer one prompt with one text; they differ only in their JSON.
 *
 * The reply collects the events; a solo_writer writes the JSON. The reply of a request without a prompt (n_prompts 0) gets
 * no events: nothing was generated. */
#ifndef SUMI_SERVER_API_SOLO_REPLY_H
#define SUMI_SERVER_API_SOLO_REPLY_H

#include "server/api/openai/openai_logprobs.h"
#include "server/api/reply.h"

typedef struct solo_reply {
    text_request request;
    text_ids ids;
    reply_info info;
    const struct solo_writer *writer;
    buf text;               /* of the answer so far, whether or not a stream has sent it */
    logprob_lists logprobs; /* if the request wants them: of tokens that were not written yet */
    sumi_finish finish;     /* STOP or LENGTH, unless error.status */
    const char *stop;       /* the stop string that was found, one of the request's; NULL: none */
    bool context_full;      /* LENGTH because the context is full, not because of max_tokens */
    sumi_usage usage;       /* known at the end */
    double time_ms;         /* that it took in all */
    int32_t n_events;       /* of the stream, for writers that number them */
    api_error error;        /* status != 0: the request has failed */
} solo_reply;

/* Each function appends to out. */
typedef struct solo_writer {
    void (*begin)(solo_reply *r, buf *out);                             /* a stream, before all; NULL: nothing */
    void (*piece)(solo_reply *r, const char *text, size_t n, buf *out); /* a stream: n > 0 bytes more */
    void (*end)(solo_reply *r, buf *out);                               /* a stream, after all: see error */
    void (*whole)(solo_reply *r, buf *out);                             /* the object; there is no error */
} solo_writer;

void *solo_reply_create(text_request *request, text_ids *ids, const reply_info *info, const solo_writer *w);

/* Functions of an answer_format. */
void solo_reply_begin(void *reply, buf *out);
void solo_reply_take(void *reply, const job_event *n, buf *out);
bool solo_reply_whole(void *reply, buf *out, api_error *e);
void solo_reply_destroy(void *reply);

#endif
