/* news.h - what an engine has told of a request, copied so that another thread can read it later. */
#ifndef SUMI_SERVER_NEWS_H
#define SUMI_SERVER_NEWS_H

#include "sumi.h"

/* What the parts of a job have used so far: of those that still run, what has come yet. */
typedef struct job_usage {
    int64_t n_prompt, n_cached, n_generated; /* tokens */
    double first_token_ms;                   /* until the first one of all; 0: none has come */
    sumi_finish finish;                      /* of the part that ended last; CANCELLED: one has not */
} job_usage;

/* One sumi_event without what nobody needs here. One piece of memory: what the pointers lead to follows. */
typedef struct news {
    struct news *next;
    int32_t part; /* which request of several */
    sumi_event_type type;
    int32_t choice;
    sumi_finish finish;
    sumi_time_limit limit;     /* END with DEADLINE */
    int32_t first;             /* PROMPT: position of tokens[0] */
    const sumi_choice *tokens; /* [n_tokens] */
    const sumi_choice *top;    /* [n_tokens][n_top] */
    const int32_t *ranks;      /* PROMPT: [n_tokens] */
    int32_t n_tokens, n_top;
    const char
        *text; /* [n_bytes] and a NUL. END: the error's message, or "". CHOICE: the stop string, if stopped */
    size_t n_bytes;
    bool stopped;           /* CHOICE: a stop string was found */
    const float *embedding; /* EMBEDDING: [n_embd] */
    int32_t n_embd;
    sumi_usage usage; /* END: of this part */
    job_usage used;   /* END: of all parts up to now, which the job counts */
    double time_ms;   /* since the request was submitted */
} news;

/* n_top: the alternatives that the request asked for, of the prompt's tokens if this is a PROMPT. Free with free().
 * NULL: out of memory. */
news *news_copy(const sumi_event *event, int32_t part, int32_t n_top);

#endif
