/* fetch.h - GET over HTTP with libcurl: redirects, time-outs, and retries with growing waits.
 *
 * A body goes piece by piece to a sink, which may already have its beginning: then only the rest is asked for (RFC 9110,
 * section 14, ranges; 13.1.5, If-Range).
 *
 * Rules: http and https only, and never from https back to http; a token goes to the host of the first URL alone; bodies
 * of answers that are no success are not kept. Lines about failures show a URL without its query, which may hold a
 * signature.
 *
 * Threads: a fetcher belongs to one thread. */
#ifndef SUMI_STORE_FETCH_H
#define SUMI_STORE_FETCH_H

#include "base/buf.h"

typedef struct fetch_opts {
    const char *ca_file; /* certificates to trust; NULL: the system's */
    int32_t timeout_s;   /* to connect, and without a byte */
    int32_t n_retries;   /* in a row without a byte more */
    int32_t retry_ms;    /* first wait; each is twice the one before, at most a minute */
    void *user;          /* of the callbacks, each of which may be NULL */
    bool (*cancelled)(void *user);
    void (*retrying)(void *user, const char *why, int32_t wait_ms);
} fetch_opts;

fetch_opts fetch_opts_default(void);

typedef struct fetcher fetcher;
SUMI_MUST_USE sumi_status fetcher_create(fetcher **out, const fetch_opts *opts, sumi_error *err);
void fetcher_destroy(fetcher *f);

typedef struct fetch_source {
    const char *url, *token,
        *accept; /* token: "Authorization: Bearer token"; accept: a media type. NULL: none */
} fetch_source;

typedef struct fetch_sink {
    void *self;
    /* Bytes that are here already; *etag: what the rest must belong to, or NULL. The function may be NULL: none. */
    int64_t (*have)(void *self, const char **etag);
    /* A body comes. first: where it begins, the number of bytes that are kept. n_bytes: of the whole, -1: not said. */
    sumi_status (*begin)(void *self, const fetcher *f, int64_t first, int64_t n_bytes, sumi_error *err);
    sumi_status (*write)(void *self, const void *data, size_t n, sumi_error *err);
} fetch_sink;

/* SUMI_EIO: not to be had; the message says whether it could still be worth a try. SUMI_ECANCELLED. Other failures are the
 * sink's, or of a server that breaks the protocol. */
SUMI_MUST_USE sumi_status fetch(fetcher *f, const fetch_source *source, const fetch_sink *sink,
                                sumi_error *err);

/* A whole text of at most text->max bytes. */
SUMI_MUST_USE sumi_status fetch_text(fetcher *f, const fetch_source *source, buf *text, sumi_error *err);

long fetch_http_status(const fetcher *f); /* of the last answer, 0: none came */

/* A header of the last answer, or, with any_answer, of the last one that has it among those that redirected to it. NULL:
 * none. Valid until the next call with f. */
const char *fetch_header(const fetcher *f, const char *name, bool any_answer);

#endif
