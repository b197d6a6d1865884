/* server.h - an HTTP server over an engine. What the program needs of this room.
 *
 *   server_create()  listens: /health answers, everything that needs the model is 503
 *   server_attach()  the model is loaded
 *   server_drain()   accepts nothing new, lets answers end
 *   server_destroy() */
#ifndef SUMI_SERVER_SERVER_H
#define SUMI_SERVER_SERVER_H

#include "server/forwarded.h"
#include "server/journal.h"

typedef struct server server;

/* What requests get that do not say, before the defaults of their APIs. */
typedef struct server_defaults {
    sumi_sampling sampling;
    uint32_t members;   /* of it: SUMI_SAMPLING_*; the others are as the API says */
    int32_t max_tokens; /* < 1: as the API says */
} server_defaults;

typedef struct server_opts {
    const char *host;          /* a numeric address; IPv6 without brackets */
    int port;                  /* 0: any free one */
    const char *const *allowed_hosts; /* [n_allowed_hosts]: names by which it may be asked, see hosts.h */
    int n_allowed_hosts;
    const char *model_name;    /* as clients call it, and as answers do */
    const char *model_aliases; /* other names of it, with commas between, "*": every name; NULL: none */
    const char *key_file;      /* see keys.h; NULL, and no api_key: everybody may ask */
    const char *api_key;       /* one more key, called "api-key", without limits; NULL: none */
    bool allow_anonymous;      /* without keys on other addresses than the machine's own */
    bool metrics_open;         /* /metrics, /stats, /slots and /version without a key */
    bool no_web;               /* without the web page */
    const char *cors_origin;   /* the web pages that may ask: "https://chat.example" or "*"; NULL: none */
    const char *tls_cert, *tls_key;          /* paths of PEM files; NULL: no TLS */
    const char *tls_priorities;              /* protocols and ciphers as GnuTLS writes them; NULL: see tls.h */
    int n_threads;                           /* that speak HTTP */
    int max_connections, max_connections_ip; /* in all; of one address, 0: no limit, -1: three quarters of all */
    const ip_range *trusted_proxies;         /* [n_trusted_proxies]: who says for whom they ask, see forwarded.h */
    int n_trusted_proxies;
    size_t max_body_bytes;
    int max_prompt_tokens;     /* of one prompt; 0: what the context holds */
    int max_answer_tokens;     /* of a choice: those that ask for more end there; 0: no limit */
    server_defaults defaults;  /* until server_attach() */
    int max_choices, max_stop; /* of a request: n and best_of, at most SUMI_MAX_CHOICES; stop strings */
    int idle_s;                /* a connection that sends or takes nothing for that long is closed */
    double header_ms, body_ms; /* until they have arrived, whatever is sent meanwhile; 0: no limit */
    int heartbeat_s;           /* into silent streams; 0: never */
    int max_queue;             /* the engine's: when so many wait, /ready says no; 0: never */
    int stall_s;               /* an engine whose steps stand still for that long is not ready */
    double queue_ms, first_token_ms, total_ms; /* time limits of each request; 0: none */
    sumi_pooling pooling; /* of embeddings whose request does not say; NONE: as the model's file says */
    journal *journal;                          /* the log; NULL: silent */
    bool log_prompts;                          /* bodies of requests go into it */
} server_opts;

server_opts server_opts_default(void);

/* Strings of opts must outlive the server. EIO: the address or a file cannot be used; EFORMAT: the key file; EINVAL: an
 * address that others reach, without keys. SIGPIPE must be ignored by the program. */
SUMI_MUST_USE sumi_status server_create(server **out, const server_opts *opts, sumi_error *err);
/* Both outlive the server's last request. defaults, which may depend on the model: NULL: those of opts. */
void server_attach(server *s, sumi_model *model, sumi_engine *engine, const server_defaults *defaults);
int server_port(const server *s);
sumi_status server_reload(server *s, sumi_error *err); /* keys and certificate; on failure the old ones stay */

/* Closes the listening socket, refuses new requests with 503, lets those that run go on for up to drain_ms, then ends
 * them. Returns when all answers are sent, or a few seconds later. Once. */
void server_drain(server *s, int64_t drain_ms);
void server_destroy(server *s); /* before the engine. NULL is fine */

#endif
