/* http.h - one request of a client and its answer, over libmicrohttpd.
 *
 * MHD calls the server several times for one request:
 *   0. first line     -> an exchange is made; it has the data that is logged for requests that MHD itself refuses
 *   1. headers        -> id, framing, route, key, checks. A refusal is answered after the body was read, unless the end of
 *                        the body is uncertain
 *   2. body, piece by piece -> collected up to the limit
 *   3. end            -> the route's handler, which answers, or starts a job and suspends the connection
 *   4. after a resume -> the whole answer; streams are read through their response instead
 * Threads: all calls for one connection come from the thread that owns it. */
#ifndef SUMI_SERVER_HTTP_HTTP_H
#define SUMI_SERVER_HTTP_HTTP_H

#include "server/api/job.h"
#include "server/http/conns.h"
#include "server/ops/trace.h"
#include "server/server_internal.h"

enum { REQUEST_ID_MAX = 64, TARGET_MAX = 200, AGENT_MAX = 120 };

typedef struct exchange exchange;
typedef enum MHD_Result (*route_fn)(exchange *x);

typedef enum route_access {
    ROUTE_OPEN,    /* without a key */
    ROUTE_GUARDED, /* with one */
    ROUTE_STATUS,  /* the server's state and metrics: any key, also one with scope=status; with metrics_open no key is
                     needed */
} route_access;

/* As what a request counts in the limits of its key: nothing, one of its requests, or one of its counts of tokens. */
typedef enum route_meter { METER_NOTHING, METER_REQUEST, METER_COUNT } route_meter;

typedef struct route {
    const char *method, *path; /* a path that ends with "*" has the rest in exchange.rest */
    route_fn handle;
    route_access access;
    bool model; /* the route needs the model: 503 until it is loaded, and while the server drains */
    route_meter meter;
} route;

struct exchange {
    server *server;
    struct MHD_Connection *conn;
    connection *link;            /* the same, as conns.h has it */
    bool begun;                  /* the headers are there; otherwise only conn, link, target and version_at are set */
    char target[TARGET_MAX + 1]; /* the path as received, without its query, truncated; for the log */
    const char *version_at;      /* framing.c: the place where the version must begin; NULL: none */
    const route *route;          /* NULL: none */
    api_kind api;                /* its error format is used */
    int path;                    /* number of the route, for metrics */
    char rest[256];              /* the part of the path at the "*" of the route, truncated */
    char id[REQUEST_ID_MAX + 1];
    trace trace;
    char method[16];           /* for the log */
    char agent[AGENT_MAX + 1]; /* User-Agent, truncated; for the log */
    bool last;                 /* the connection is closed after the answer */
    bool framed;               /* the end of the request is certain */
    keys *keys;                /* one reference, which keeps key alive */
    api_key *key;              /* NULL: anonymous */
    bool entered;              /* counted in the limits of key */
    key_charge charge;         /* taken from them */
    api_error refused;         /* status != 0: the refusal that is sent after the end of the body */
    size_t n_swallowed;
    buf body;
    struct body_work *work; /* a large body is being processed, and the connection is suspended; NULL: none */
    job *job;
    double start_ms;
    int status;
    const char *code, *param; /* of the error in the answer; NULL: none */
    job_usage usage;          /* for the log, if asked */
    bool asked;               /* the engine */
};

/* ---- Answers. The exchange may be used until the handler returns. ---- */
/* body is freed, also on failure; NULL is an empty one. type NULL: none. */
enum MHD_Result http_reply(exchange *x, int status, const char *type, char *body, size_t n_bytes);
enum MHD_Result http_reply_buf(exchange *x, int status, const char *type, buf *body); /* takes it; 500 if it failed */
enum MHD_Result http_error(exchange *x, const api_error *e);
/* The error "out of memory" in the form of an API; NULL: no memory for it either. */
struct MHD_Response *http_no_memory(const server *s, api_kind api);
/* r with one more header, or, if there is no memory for it, NULL; r is then destroyed. r may be NULL. */
SUMI_MUST_USE struct MHD_Response *http_with(struct MHD_Response *r, const char *name, const char *value);
/* An answer with headers of its own, besides those that every answer has. Takes r; NULL: 500, out of memory. */
enum MHD_Result http_send(exchange *x, int status, struct MHD_Response *r);

/* Charges the request to the limits of its key. False: *e is a 429. */
SUMI_MUST_USE bool http_charge(exchange *x, key_charge charge, api_error *e);

/* Gives the exchange a job whose parts are all submitted. The job answers now or later. */
enum MHD_Result http_answer_with(exchange *x, job *j);

/* ---- Callbacks that server.c gives to MHD ---- */
void *http_on_target(void *server, const char *target, struct MHD_Connection *conn);
void http_on_connection(void *server, struct MHD_Connection *conn, void **socket_context,
                        enum MHD_ConnectionNotificationCode what);
enum MHD_Result http_on_request(void *server, struct MHD_Connection *conn, const char *url, const char *method,
                                const char *version, const char *data, size_t *n_data, void **state);
void http_on_end(void *server, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode why);

/* ---- access.c ---- */
/* Checks the key, the header Host and the origin. False: *e is a 401 or 403. */
SUMI_MUST_USE bool access_check(exchange *x, api_error *e);

/* ---- framing.c ---- */
/* Checks that the end of the request is unambiguous. False: *e is a 400 or 501, after which the connection is closed.
 * method, version: as received from MHD. */
SUMI_MUST_USE bool framing_check(exchange *x, const char *method, const char *version, api_error *e);
bool framing_is_checked_by_mhd(void); /* this version does it */

/* ---- headers.c ---- */
/* Reads the request's id (the client's if it is plain, else a new one), its traceparent if it is valid, and User-Agent. */
void headers_read(exchange *x);
/* Whether the client uses Anthropic's API, for any path: all its clients send the header of its version. */
bool headers_is_anthropic(const exchange *x);
SUMI_MUST_USE bool headers_check_size(exchange *x, api_error *e); /* 431 */
/* The client behind a trusted proxy. */
void headers_read_client(const exchange *x, struct in6_addr *client);
SUMI_MUST_USE bool headers_check_host(const exchange *x, const char *url, api_error *e); /* 403 */
/* r with the headers that every answer has; as http_with(). */
SUMI_MUST_USE struct MHD_Response *headers_add(exchange *x, struct MHD_Response *r, const api_error *e);
SUMI_MUST_USE bool headers_check_body(exchange *x, api_error *e); /* type (415) and length (413) */
bool headers_expect(const exchange *x);         /* the client waits for "100 Continue" before it sends the body */
enum MHD_Result headers_preflight(exchange *x); /* the answer to OPTIONS */

/* ---- route.c ---- */
/* path: from path_clean(); known paths below /v1 are also found without /v1. NULL: *e is a 404 or 405. *number: for
 * metrics, also after a failure. */
const route *route_find(const char *method, const char *path, int *number, const char **rest, api_error *e);
api_kind route_api(const char *path); /* the API that the path belongs to, also if there is no such route */
/* The path of number i, below route_n_paths(): the routes in order, then "other" for all unknown paths. */
const char *route_path(int i);
int route_n_paths(void);

#endif
