/* fetch.h - GET over HTTP with libcurl: redirects, time-outs, and retries with growing waits.
 *
 * A body is passed piece by piece to a sink. If the sink has the beginning of the body already, only the rest is requested
 * (RFC 9110, section 14, ranges; 13.1.5, If-Range).
 *
 * Rules: only http and https, and no redirect from https to http. A token is sent only to the host of the first URL.
 * Bodies of answers other than success are not kept. Messages about failures show a URL without its query, which may
 * contain a signature.
 *
 * Threads: a fetcher belongs to one thread. */
#ifndef SUMI_STORE_FETCH_H
#define SUMI_STORE_FETCH_H

#include "base/buf.h"

typedef struct fetch_opts {
    const char *ca_file; /* certificates to trust; NULL: the system's */
    int32_t timeout_s;   /* to connect, and without a byte */
    int32_t n_retries;   /* in a row without a new byte */
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
    const char *url, *token, *accept; /* token: "Authorization: Bearer token"; accept: a media type. NULL: none */
} fetch_source;

typedef struct fetch_sink {
    void *self;
    /* Bytes of the beginning that the sink has; *etag: the file that they belong to, or NULL. have may be NULL: no
     * bytes. */
    int64_t (*have)(void *self, const char **etag);
    /* A body begins. first: its offset, which is the number of bytes that are kept. n_bytes: of the whole file; -1:
     * unknown. */
    sumi_status (*begin)(void *self, const fetcher *f, int64_t first, int64_t n_bytes, sumi_error *err);
    sumi_status (*write)(void *self, const void *data, size_t n, sumi_error *err);
} fetch_sink;

/* SUMI_EIO: the file could not be fetched; the message says whether a retry may help. SUMI_ECANCELLED. Other failures come
 * from the sink, or from a server that violates the protocol. */
SUMI_MUST_USE sumi_status fetch(fetcher *f, const fetch_source *source, const fetch_sink *sink, sumi_error *err);

/* A whole text of at most text->max bytes. */
SUMI_MUST_USE sumi_status fetch_text(fetcher *f, const fetch_source *source, buf *text, sumi_error *err);

long fetch_http_status(const fetcher *f); /* of the last answer; 0: no answer */

/* A header of the last answer. With any_answer: of the last answer that has the header, redirects included. NULL: no such
 * header. Valid until the next call with f. */
const char *fetch_header(const fetcher *f, const char *name, bool any_answer);

#endif
