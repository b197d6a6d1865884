/* http.h - one request of a client and its answer, over libmicrohttpd.
 *
 * MHD calls us several times for one request:
 *   0. first line     -> an exchange is made, which has what the log tells of requests that MHD itself refuses
 *   1. headers        -> id, framing, route, key, checks. A refusal is kept until the body is read, unless it is not
 *                        certain where the body ends
 *   2. body, piece by piece -> collected up to the limit
 *   3. end            -> the route's handler, which answers, or starts a job and lets the connection sleep
 *   4. after a sleep  -> the whole answer; streams are read through their response instead
 * Threads: all calls for one connection come from the thread that owns it. */
#ifndef SUMI_SERVER_HTTP_H
#define SUMI_SERVER_HTTP_H

#include "server/conns.h"
#include "server/job.h"
#include "server/server_internal.h"
#include "server/trace.h"

enum { REQUEST_ID_MAX = 64, TARGET_MAX = 200, AGENT_MAX = 120 };

typedef struct exchange exchange;
typedef enum MHD_Result (*route_fn)(exchange *x);

typedef enum route_access {
    ROUTE_OPEN,    /* without a key */
    ROUTE_GUARDED, /* with one */
    ROUTE_STATUS, /* numbers of the server: with one, which may be for these only, or none under metrics_open */
} route_access;

/* As what a request counts in the limits of its key: nothing, one of its requests, or one of its counts of tokens. */
typedef enum route_meter { METER_NOTHING, METER_REQUEST, METER_COUNT } route_meter;

typedef struct route {
    const char *method, *path; /* a path that ends with "*" has the rest in exchange.rest */
    route_fn handle;
    route_access access;
    bool model; /* 503 unless the model is loaded, and while the server drains */
    route_meter meter;
} route;

struct exchange {
    server *server;
    struct MHD_Connection *conn;
    connection *link;   /* the same, as conns.h has it */
    bool begun;         /* the headers are there; otherwise only conn, link, target and version_at are set */
    char target[TARGET_MAX + 1]; /* the path as it was sent, without its query, cut; for the log */
    const char *version_at;      /* framing.c: where the version must begin; NULL: nowhere */
    const route *route; /* NULL: none */
    api_kind api;       /* in which errors are told */
    int path;           /* number of the route, for metrics */
    char rest[256];     /* what the "*" of the route stands for, cut */
    char id[REQUEST_ID_MAX + 1];
    trace trace;
    char method[16];   /* for the log */
    char agent[AGENT_MAX + 1]; /* User-Agent, cut; for the log */
    bool last;         /* the connection is closed after the answer */
    bool framed;       /* it is certain where the request ends */
    keys *keys;        /* one reference, which keeps key alive */
    api_key *key;      /* NULL: anonymous */
    bool entered;      /* counted in the limits of key */
    key_charge charge; /* taken from them */
    api_error refused; /* status != 0: the answer that waits for the end of the body */
    size_t n_swallowed;
    buf body;
    struct body_work *work; /* a large body is at work, and the connection sleeps; NULL: none is */
    job *job;
    double start_ms;
    int status;
    const char *code, *param; /* of the error that was answered; NULL: none */
    job_usage usage;  /* for the log, if asked */
    bool asked;       /* the engine */
};

/* ---- Answers. The exchange may be used until the handler returns. ---- */
/* body is freed, also on failure; NULL is an empty one. type NULL: none. */
enum MHD_Result http_reply(exchange *x, int status, const char *type, char *body, size_t n_bytes);
enum MHD_Result http_reply_buf(exchange *x, int status, const char *type,
                               buf *body); /* takes it; 500 if it failed */
enum MHD_Result http_error(exchange *x, const api_error *e);
/* An answer with headers of its own, besides those that every answer has. Takes r; NULL closes the connection. */
enum MHD_Result http_send(exchange *x, int status, struct MHD_Response *r);

/* Takes what the request asks for from the limits of its key. False: *e is a 429. */
SUMI_MUST_USE bool http_charge(exchange *x, key_charge charge, api_error *e);

/* Gives the exchange a job, whose parts are all submitted, and answers with it, now or later. */
enum MHD_Result http_answer_with(exchange *x, job *j);

/* ---- What server.c tells MHD to call ---- */
void *http_on_target(void *server, const char *target, struct MHD_Connection *conn);
void http_on_connection(void *server, struct MHD_Connection *conn, void **socket_context,
                        enum MHD_ConnectionNotificationCode what);
enum MHD_Result http_on_request(void *server, struct MHD_Connection *conn, const char *url,
                                const char *method, const char *version, const char *data, size_t *n_data,
                                void **state);
void http_on_end(void *server, struct MHD_Connection *conn, void **state,
                 enum MHD_RequestTerminationCode why);

/* ---- access.c ---- */
/* Who asks. False: *e is a 401 or 403. */
SUMI_MUST_USE bool access_check(exchange *x, api_error *e);

/* ---- framing.c ---- */
/* Whether the request can be read in one way only. False: *e is a 400 or 501, after which the connection is closed.
 * method, version: as MHD gave them. */
SUMI_MUST_USE bool framing_check(exchange *x, const char *method, const char *version, api_error *e);
bool framing_is_checked_by_mhd(void); /* this version does it */

/* ---- headers.c ---- */
/* The id of the client if it is plain, or a new one; its traceparent if it is one; what it calls itself. */
void headers_read(exchange *x);
/* A client of that API, whatever the path: they all tell its version. */
bool headers_is_anthropic(const exchange *x);
SUMI_MUST_USE bool headers_check_size(exchange *x, api_error *e); /* 431 */
/* The client for whom a trusted proxy asks. */
void headers_read_client(const exchange *x, struct in6_addr *client);
SUMI_MUST_USE bool headers_check_host(const exchange *x, const char *url, api_error *e);   /* 403 */
void headers_add(exchange *x, struct MHD_Response *r, const api_error *e); /* those that every answer has */
SUMI_MUST_USE bool headers_check_body(exchange *x, api_error *e);          /* type (415) and length (413) */
bool headers_expect(const exchange *x); /* the client waits for "100 Continue" before it sends the body */
enum MHD_Result headers_preflight(exchange *x); /* the answer to OPTIONS */

/* ---- route.c ---- */
/* path: as path_clean() makes it; known paths below /v1 are found without it. NULL: *e is a 404 or 405. *number: for
 * metrics, also then. */
const route *route_find(const char *method, const char *path, int *number, const char **rest, api_error *e);
api_kind route_api(const char *path);   /* whose path it is, also if there is no such route */
extern const char *const route_paths[]; /* [route_n_paths()], the last one for paths that are none */
int route_n_paths(void);

#endif
