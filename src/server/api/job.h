/* job.h - the requests of one connection to the engine, and copies of their events that are not sent yet.
 *
 *   server's thread                            engine's thread
 *   job_start() ----- sumi_engine_submit() -->  step, step, ...
 *   job_fill() <----- list of events <--------  callback: copies the event, appends it, wakes the connection
 *        '-- list empty: MHD_suspend_connection()        '-- MHD_resume_connection()
 *
 * No thread waits: a connection without events is suspended and costs nothing until the callback resumes it.
 *
 * A job has a part for each prompt. Without a stream, at most `window` parts are in the engine at the same time, so that
 * one connection does not fill the queue: further parts are submitted, on the server's thread, when some have ended.
 *
 * Ownership: counted. The connection holds one reference until job_leave(); each part that the engine has accepted holds
 * one until its END. So the client may disconnect before or after the engine finishes.
 * Locks: `lock` guards the fields under it. Under `lock`, MHD's own lock (suspend, resume) may be taken, never the
 * engine's. MHD calls no function of the server with its lock held, and the engine calls back without a lock.
 * Memory: events wait for a slow reader; they are limited by the context's length, the choices and the prompts. */
#ifndef SUMI_SERVER_API_JOB_H
#define SUMI_SERVER_API_JOB_H

#include <microhttpd.h>
#include <pthread.h>

#include "server/api/reply.h"
#include "server/ops/metrics.h"

typedef struct job job;

enum { JOB_SALT_BYTES = 256 };

typedef struct job_part {
    job *job;
    int32_t number, n_logprobs, n_prompt_logprobs;
    _Atomic uint64_t id;              /* of the engine; 0: not accepted */
    double last_ms[SUMI_MAX_CHOICES]; /* engine's thread: time of each choice's last token; 0: none yet */
    bool started;                     /* engine's thread: the first token of all parts has come */
    int32_t n_generated;              /* engine's thread: tokens so far */
} job_part;

struct job {
    sumi_engine *engine;
    metrics *metrics;
    const answer_format *format;
    void *reply; /* server's thread */
    bool stream;

    /* Server's thread: the parameters of parts that are not submitted yet. */
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
    bool gone;                   /* the client has disconnected */
    bool broken;                 /* no memory for an event */
    job_event *first, **last;
    int32_t n_started; /* parts that the engine has accepted */
    int32_t n_open;    /* of these, parts without their END */
    bool failed;       /* a part has failed, so no further parts are needed */
    double sent_ms;    /* time of the last bytes that were sent */
    job_usage usage;

    /* Under the lock of the watch (watch.h): */
    job *watch_next, **watch_link; /* watch_link NULL: not watched */
    int fd;
    uint64_t serial;

    int32_t n_parts;
    job_part parts[];
};

/* Takes ownership of reply, also on failure. NULL: out of memory. */
job *job_create(struct MHD_Connection *conn, sumi_engine *engine, metrics *m, const answer_format *format, void *reply,
                int32_t n_parts, bool stream);

/* Submits the parts: prompt i with params, which has no ids, on_event and user; window > 0, see above. Everything that
 * params points to must live as long as the connection, except cache_salt, which is copied. False: *e says why; call
 * job_leave(), which cancels accepted parts. */
SUMI_MUST_USE bool job_start(job *j, const sumi_request *params, const text_ids *prompts, int32_t window, api_error *e);

typedef enum job_state {
    JOB_MORE,      /* there is something to send */
    JOB_SUSPENDED, /* no events yet: the connection is suspended; call again when it is resumed */
    JOB_OVER,      /* all has come, and was taken */
    JOB_BROKEN,    /* events are lost: the client has disconnected, or there was no memory for an event */
    JOB_REFUSED,   /* a later part could not be submitted: j->refusal */
} job_state;

/* Whole answers: passes the events to the reply when all parts have ended. SUSPENDED, OVER, BROKEN or REFUSED. */
job_state job_complete(job *j);
/* Streams: appends the bytes that are to be sent now to out. */
job_state job_fill(job *j, buf *out);

void job_hang_up(job *j); /* the client has disconnected: cancels the requests; their END resumes the connection */
void job_beat(job *j, double now_ms, double interval_ms); /* wakes a stream that was silent for interval_ms */

/* True: all parts have ended, and *usage is their usage. */
bool job_ended(job *j, job_usage *usage);

/* The connection releases the job. Cancels parts that still run. */
job_usage job_leave(job *j);

#endif
