/* conns.h - the open connections: their maximum number, and the time limits for sending a request.
 *
 * MHD limits silence only: a client that sends a byte from time to time stays as long as it likes. Here each phase of a
 * request has a deadline, whatever the client sends meanwhile:
 *
 *   accepted --- CONN_HEADERS ---> headers are there --- CONN_BODY ---> asked --- CONN_ANSWER ---.
 *                headers_ms                               body_ms          no limit here         |
 *                    ^                                                                           |
 *                    '--- (the next request) --- CONN_IDLE: idle_ms + headers_ms <-- answered ---'
 *
 * A connection that misses its deadline gets a 408 and is shut down; MHD then sees a closed connection. The 408 is written
 * without MHD, which only reads in these phases. Over TLS the connection is closed without a 408.
 *
 * Some connections above the limits (in all, or from one address) are accepted, so that their first request can be
 * refused with 503 or 429; further ones are closed at once. An address is an IPv4 address or a /64 of IPv6. For trusted
 * proxies the limit of an address counts the connections that serve one client at present.
 *
 * Locks: one, the innermost. Under it, sockets are used only between conns_open() and conns_close(): MHD calls
 * conns_close() before it closes a socket. */
#ifndef SUMI_SERVER_HTTP_CONNS_H
#define SUMI_SERVER_HTTP_CONNS_H

#include <stdint.h>
#include <sys/socket.h>

#include "server/http/forwarded.h"
#include "sumi.h"

typedef struct conns conns;

typedef enum conn_phase { CONN_HEADERS, CONN_BODY, CONN_ANSWER, CONN_IDLE } conn_phase;
typedef enum conn_verdict { CONN_WELCOME, CONN_TOO_MANY, CONN_TOO_MANY_OF_ADDRESS } conn_verdict;

enum {
    CONNS_RESERVE = 64, /* connections that are accepted only to be refused */
    CONN_MAX_NAME = 48, /* bytes of an address as text, with its NUL */
    CONN_MAX_CLIENT = 24,
};

typedef struct connection {
    char name[CONN_MAX_NAME]; /* the client's address; "" if unknown. Used by the connection's thread */
    bool is_proxy;            /* a trusted one */
    struct in6_addr peer;     /* its address, if it is one */
    conn_verdict verdict;
    bool cut_logged; /* used by the connection's thread: the missed deadline was logged */
    /* Under the lock of conns: */
    struct connection *next, **link;
    int fd;
    uint64_t address[2]; /* what counts as one address */
    conn_phase phase;
    double due_ms; /* the deadline; INFINITY: none */
    bool cut;      /* it was late */
} connection;

typedef struct conns_limits {
    int max, max_address;                /* most connections in all, and from one address; 0: no such limit */
    double headers_ms, body_ms, idle_ms; /* headers and body 0: no limit */
    bool tls;
    const ip_range *trusted; /* [n_trusted]: proxies; must outlive conns */
    int n_trusted;
} conns_limits;

SUMI_MUST_USE sumi_status conns_create(conns **out, const conns_limits *limits, sumi_error *err);
void conns_destroy(conns *c); /* no connection is open. NULL is fine */

/* A descriptor that becomes readable when a deadline may have passed; then call conns_cut_late(). */
int conns_timer(const conns *c);
void conns_cut_late(conns *c);

/* A connection was accepted. NULL: it has been shut down. address NULL: unknown. */
connection *conns_open(conns *c, int fd, const struct sockaddr *address);
void conns_close(conns *c, connection *k);

/* A trusted proxy sends a request of a client; k has the client's name until the request ends (client NULL). False: too
 * many connections serve this client. */
bool conns_serve(conns *c, connection *k, const struct in6_addr *client);

/* The client of k, as limits count clients: equal names for equal IPv4 addresses and for IPv6 addresses of one /64. */
void conns_client(conns *c, const connection *k, char name[CONN_MAX_CLIENT]);

/* Enters another phase. False: the deadline was missed, and no answer reaches the client. */
bool conns_enter(conns *c, connection *k, conn_phase phase);
bool conns_was_cut(conns *c, const connection *k, conn_phase *in);

typedef struct conns_counts {
    int32_t n_open;
    uint64_t n_accepted, n_refused,
        n_cut; /* since the start: connections; connections over a limit; missed deadlines */
} conns_counts;
void conns_get_counts(conns *c, conns_counts *counts);

#endif
