/* server.h - an HTTP server over an engine: the functions of this room for the program.
 *
 *   server_create()  listens: /health answers; every route that needs the model gives 503
 *   server_attach()  the model is loaded
 *   server_drain()   refuses new requests, lets running answers end
 *   server_destroy() */
#ifndef SUMI_SERVER_SERVER_H
#define SUMI_SERVER_SERVER_H

#include "server/http/forwarded.h"
#include "server/ops/journal.h"

typedef struct server server;

/* Settings for requests that do not have them; they precede the defaults of the APIs. */
typedef struct server_defaults {
    sumi_sampling sampling;
    uint32_t members;   /* the members of sampling that are set: SUMI_SAMPLING_*; the others are the API's */
    int32_t max_tokens; /* < 1: as the API says */
} server_defaults;

/* No machine has so much memory, and sizes of many such bodies can be added. */
#define SERVER_MOST_BODY_BYTES ((size_t)1 << 40)

typedef struct server_opts {
    const char *host;                 /* a numeric address; IPv6 without brackets */
    int port;                         /* 0: any free one */
    const char *const *allowed_hosts; /* [n_allowed_hosts]: accepted names of the server, see hosts.h */
    int n_allowed_hosts;
    const char *model_name;    /* the name of the model for clients and in answers */
    const char *model_aliases; /* further names, separated by commas, "*": every name; NULL: none */
    const char *key_file;      /* see keys.h; NULL, and no api_key: no key is needed */
    const char *api_key;       /* a further key with the name "api-key" and no limits; NULL: none */
    bool allow_anonymous;      /* allows addresses that other machines reach, without keys */
    bool metrics_open;         /* /metrics, /stats, /slots and /version without a key */
    bool no_web;               /* without the web page */
    const char *cors_origin;   /* the web pages that may send requests: "https://chat.example" or "*"; NULL: none */
    const char *tls_cert, *tls_key;          /* paths of PEM files; NULL: no TLS */
    const char *tls_priorities;              /* protocols and ciphers in the notation of GnuTLS; NULL: see tls.h */
    int n_threads;                           /* that speak HTTP */
    int max_connections, max_connections_ip; /* in all; of one address, 0: no limit, -1: three quarters of all */
    const ip_range *trusted_proxies;         /* [n_trusted_proxies]: proxies whose X-Forwarded-For is trusted, see
                                                forwarded.h */
    int n_trusted_proxies;
    size_t max_body_bytes;     /* at most SERVER_MOST_BODY_BYTES */
    int max_prompt_tokens;     /* of one prompt; 0: as many as the context holds */
    int max_answer_tokens;     /* of a choice: a longer answer ends there; 0: no limit */
    server_defaults defaults;  /* until server_attach() */
    int max_choices, max_stop; /* of a request: n and best_of, at most SUMI_MAX_CHOICES; stop strings */
    int idle_s;                /* a connection that sends and receives nothing for this long is closed */
    double header_ms, body_ms; /* time limits for receiving them, whatever is sent meanwhile; 0: no limit */
    int heartbeat_s;           /* into silent streams; 0: never */
    int max_queue;             /* the engine's: when this many requests wait, /ready fails; 0: never */
    int stall_s;               /* /ready fails when no step has finished for this long */
    double queue_ms, first_token_ms, total_ms; /* time limits of each request; 0: none */
    sumi_pooling pooling; /* of embeddings, if the request does not say; NONE: as the model's file says */
    journal *journal;     /* the log; NULL: silent */
    bool log_prompts;     /* bodies of requests are logged */
} server_opts;

server_opts server_opts_default(void);

/* Strings of opts must outlive the server. EIO: the address or a file cannot be used; EFORMAT: the key file; EINVAL: an
 * address that other machines reach, without keys. The program must ignore SIGPIPE. */
SUMI_MUST_USE sumi_status server_create(server **out, const server_opts *opts, sumi_error *err);
/* model and engine must outlive the server's last request. defaults may depend on the model; NULL: those of opts. */
void server_attach(server *s, sumi_model *model, sumi_engine *engine, const server_defaults *defaults);
int server_port(const server *s);
sumi_status server_reload(server *s,
                          sumi_error *err); /* reads keys and certificate again; on failure the old ones stay */

/* Closes the listening socket, refuses new requests with 503, lets running requests continue for up to drain_ms, then ends
 * them. Returns when all answers are sent, or a few seconds later. Call it once. */
void server_drain(server *s, int64_t drain_ms);
void server_destroy(server *s); /* before the engine. NULL is fine */

#endif
