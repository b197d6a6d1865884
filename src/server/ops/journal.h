/* journal.h - the log of a server: one line for each message and each request, as text or as JSON.
 *
 *   2026-11-21T16:40:01.123Z info  request req-1f POST /v1/completions 200 812.4 ms key=ann prompt=31 cached=16 ...
 *   {"time":"2026-11-21T16:40:01.123Z","level":"info","message":"request","id":"req-1f","method":"POST",...}
 *
 * A message is always one line, whatever its bytes: text has no control characters, JSON is valid UTF-8 and escaped. No line
 * has keys or prompts, except those of journal_body(), which is called only with --log-prompts.
 *
 * A line never delays an answer: if it cannot be written at once (a full pipe that nobody reads, a full disk), it is lost
 * and counted. Threads: any; one lock, held while a line is written. */
#ifndef SUMI_SERVER_OPS_JOURNAL_H
#define SUMI_SERVER_OPS_JOURNAL_H

#include "sumi.h"

typedef struct journal journal;

typedef struct journal_opts {
    /* the file that lines are appended to; created if missing, readable by the owner and the group; NULL: stderr */
    const char *path;
    bool json;
    sumi_log_level level; /* messages above this level are dropped */
} journal_opts;

/* The logged data of a request. Strings may hold any bytes; NULL: none. */
typedef struct journal_request {
    const char *id, *trace_id, *client, *method, *path, *key, *agent;
    int status;
    double ms;                               /* from its headers to the end of the answer */
    bool client_left;                        /* the client did not wait for the end */
    const char *code, *param;                /* of the error that was answered; NULL: none */
    const char *finish;                      /* how the engine ended the request; NULL: it was not submitted to the
                                                engine */
    int64_t n_prompt, n_cached, n_generated; /* tokens, if the request was submitted to the engine */
    double first_token_ms;                   /* since it was submitted; 0: there was no token */
} journal_request;

/* path of opts must outlive it. EIO: the file cannot be opened; ENOMEM. */
SUMI_MUST_USE sumi_status journal_open(journal **out, const journal_opts *opts, sumi_error *err);
void journal_close(journal *j); /* NULL is fine */

/* Reopens the file, after another program has moved it. On failure lines still go to the old file. */
sumi_status journal_reopen(journal *j, sumi_error *err);

/* If j is NULL, these functions do nothing. */
void journal_message(void *j, sumi_log_level level, const char *message); /* a sumi_log_fn */
void journal_put_request(journal *j, sumi_log_level level, const journal_request *r);
void journal_put_body(journal *j, const char *id, const char *body, size_t n); /* its beginning, at level info */

uint64_t journal_lost(const journal *j); /* lines that could not be written */

#endif
