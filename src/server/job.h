/* job.h - what one connection has asked of the engine, and what has come back but is not sent yet.
 *
 *   server's thread                            engine's thread
 *   job_start() ----- sumi_engine_submit() -->  step, step, ...
 *   job_fill() <----- list of news  <---------  callback: copies the event, appends it, wakes the connection
 *        '-- nothing there: MHD_suspend_connection()     '-- MHD_resume_connection()
 *
 * Nobody waits: a connection without news is suspended, and costs nothing until the callback resumes it.
 *
 * A job has a part for each prompt. Without a stream no more than `window` of them are with the engine at once, so that
 * one connection does not fill the queue: others follow, on the server's thread, when some have ended.
 *
 * Ownership: counted. The connection holds one reference until job_leave(); each part that the engine has accepted holds
 * one until its END. So a client may go away, and the engine finish, in any order.
 * Locks: `lock` guards the fields under it. In it MHD's own lock (suspend, resume) may be taken, never the engine's; MHD
 * calls nothing of ours with its lock held, and the engine calls back without one.
 * Memory: news wait for a slow reader; they are bounded by the context's length, the choices and the prompts. */
#ifndef SUMI_SERVER_JOB_H
#define SUMI_SERVER_JOB_H

#include <microhttpd.h>
#include <pthread.h>

#include "server/metrics.h"
#include "server/reply.h"

typedef struct job job;

enum { JOB_SALT_BYTES = 256 };

typedef struct job_part {
    job *job;
    int32_t number, n_logprobs, n_prompt_logprobs;
    _Atomic uint64_t id;              /* of the engine; 0: not accepted */
    double last_ms[SUMI_MAX_CHOICES]; /* engine's thread: when each choice's last token came; 0: none yet */
    bool started;                     /* engine's thread: the first token of all has come */
    int32_t n_generated;              /* engine's thread: tokens that have come */
} job_part;

struct job {
    sumi_engine *engine;
    metrics *metrics;
    const answer_format *format;
    void *reply; /* server's thread */
    bool stream;

    /* Server's thread: what the parts ask, for those that are still to be submitted. */
    sumi_request params;
    text_ids prompts; /* the reply's */
    char salt[JOB_SALT_BYTES];
    int32_t window; /* never changes once a part is submitted */
    double start_ms;
    api_error refusal; /* why a later part could not be submitted */

    pthread_mutex_t lock;
    /* Under lock: */
    int32_t refs;
    struct MHD_Connection *conn; /* NULL: has left */
    bool suspended, beat;        /* beat: a heartbeat is due */
    bool gone;                   /* the client has closed its side */
    bool broken;                 /* no memory for news */
    news *first, **last;
    int32_t n_started; /* parts that the engine has taken */
    int32_t n_open;    /* of these, those without their END */
    bool failed;       /* a part has no answer, so no more are needed */
    double sent_ms;    /* when something was sent last */
    job_usage usage;

    /* Under the lock of the watch (watch.h): */
    job *watch_next, **watch_link; /* watch_link NULL: not watched */
    int fd;
    uint64_t serial;

    int32_t n_parts;
    job_part parts[];
};

/* Takes reply, also on failure. NULL: out of memory. */
job *job_create(struct MHD_Connection *conn, sumi_engine *engine, metrics *m, const answer_format *format,
                void *reply, int32_t n_parts, bool stream);

/* Submits the parts: prompt i with params, which has no ids, on_event and user; window > 0, see above. What they lead to lives as long as the
 * connection, but cache_salt, which is copied. False: *e says why; the job is to be left, which cancels parts that were
 * taken. */
SUMI_MUST_USE bool job_start(job *j, const sumi_request *params, const text_ids *prompts, int32_t window,
                             api_error *e);

typedef enum job_state {
    JOB_MORE,      /* there is something to send */
    JOB_SUSPENDED, /* nothing yet: the connection sleeps, and is asked again when it is woken */
    JOB_OVER,      /* all has come, and was taken */
    JOB_BROKEN,    /* news are lost: nobody is there to read them, or there was no memory for them */
    JOB_REFUSED,   /* a later part could not be submitted: j->refusal */
} job_state;

/* Whole answers: when all has come, takes it into the reply. SUSPENDED, OVER, BROKEN or REFUSED. */
job_state job_complete(job *j);
/* Streams: appends what is to be sent now to out. */
job_state job_fill(job *j, buf *out);

void job_hang_up(job *j); /* the client is gone: ends the requests; the connection is woken by their END */
void job_beat(job *j, double now_ms, double interval_ms); /* wakes a stream that was silent for interval_ms */

/* True: all parts have ended, and *usage is what they have used. */
bool job_ended(job *j, job_usage *usage);

/* The connection is done with it. Cancels what still runs. */
job_usage job_leave(job *j);

#endif
