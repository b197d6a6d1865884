/* job_event.h - a copy of an engine's event, which the thread of the connection reads later. */
#ifndef SUMI_SERVER_API_JOB_EVENT_H
#define SUMI_SERVER_API_JOB_EVENT_H

#include "sumi.h"

/* What all parts of a job have used so far. A part that still runs counts with the tokens that have arrived. */
typedef struct job_usage {
    int64_t n_prompt, n_cached, n_generated; /* tokens */
    double first_token_ms;                   /* until the first one of all; 0: none has come */
    sumi_finish finish;                      /* of the part that ended last; CANCELLED: one has not */
} job_usage;

/* The fields of a sumi_event that replies need. One piece of memory: the arrays and the text follow the structure. */
typedef struct job_event {
    struct job_event *next;
    int32_t part; /* number of the request in its job */
    sumi_event_type type;
    int32_t choice;
    sumi_finish finish;
    sumi_time_limit limit;     /* END with DEADLINE */
    int32_t first;             /* PROMPT: position of tokens[0] */
    const sumi_choice *tokens; /* [n_tokens] */
    const sumi_choice *top;    /* [n_tokens][n_top] */
    const int32_t *ranks;      /* PROMPT: [n_tokens] */
    int32_t n_tokens, n_top;
    const char *text; /* [n_bytes] and a NUL. END: the error's message, or "". CHOICE: the stop string, if stopped */
    size_t n_bytes;
    bool stopped;           /* CHOICE: a stop string was found */
    const float *embedding; /* EMBEDDING: [n_embd] */
    int32_t n_embd;
    sumi_usage usage; /* END: of this part */
    job_usage used;   /* END: of all parts up to now, which the job counts */
    double time_ms;   /* since the request was submitted */
} job_event;

/* n_top: the alternatives that the request asked for, of the prompt's tokens if this is a PROMPT. Free with free().
 * NULL: out of memory. */
job_event *job_event_copy(const sumi_event *event, int32_t part, int32_t n_top);

#endif
