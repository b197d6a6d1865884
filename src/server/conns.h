/* conns.h - the open connections: how many there may be, and how long a client may take to ask.
 *
 * MHD has a time limit for silence only: a client that sends a byte now and then stays as long as it likes. Here each
 * phase of a request has an end by the clock, whatever is sent meanwhile:
 *
 *   accepted --- CONN_HEADERS ---> headers are there --- CONN_BODY ---> asked --- CONN_ANSWER ---.
 *                headers_ms                               body_ms          no limit here         |
 *                    ^                                                                           |
 *                    '--- (the next request) --- CONN_IDLE: idle_ms + headers_ms <-- answered ---'
 *
 * A connection that is late gets a 408, written past MHD, which only reads in these phases, and is shut down; MHD then
 * finds it closed. Over TLS it is closed without words.
 *
 * Of connections beyond the limits, in all or of one address, some more are let in to be told so (503, 429) as an answer
 * to their first request; those beyond these are closed at once. An address is one of IPv4, or a /64 of IPv6. The limit of
 * an address does not hold for trusted proxies: there it counts those of their connections that serve one client now.
 *
 * Locks: one, the innermost. Sockets are touched in it only between conns_open() and conns_close(): MHD calls the latter
 * before it closes one. */
#ifndef SUMI_SERVER_CONNS_H
#define SUMI_SERVER_CONNS_H

#include <stdint.h>
#include <sys/socket.h>

#include "server/forwarded.h"
#include "sumi.h"

typedef struct conns conns;

typedef enum conn_phase { CONN_HEADERS, CONN_BODY, CONN_ANSWER, CONN_IDLE } conn_phase;
typedef enum conn_verdict { CONN_WELCOME, CONN_TOO_MANY, CONN_TOO_MANY_OF_ADDRESS } conn_verdict;

enum {
    CONNS_RESERVE = 64, /* connections that are let in to be refused */
    CONN_MAX_NAME = 48, /* bytes of an address as text, with its NUL */
    CONN_MAX_CLIENT = 24,
};

typedef struct connection {
    char name[CONN_MAX_NAME]; /* the client's address; "" if unknown. By whoever speaks HTTP */
    bool is_proxy;            /* a trusted one */
    struct in6_addr peer;     /* its address, if it is one */
    conn_verdict verdict;
    bool told; /* by whoever speaks HTTP: that it was late is in the log */
    /* Under the lock of conns: */
    struct connection *next, **link;
    int fd;
    uint64_t address[2]; /* what counts as one address */
    conn_phase phase;
    double due_ms; /* when it is late; INFINITY: never */
    bool cut;      /* it was late */
} connection;

typedef struct conns_limits {
    int max, max_address; /* connections, in all and of one address; 0: no limit of that kind */
    double headers_ms, body_ms, idle_ms; /* headers and body 0: no limit */
    bool tls;
    const ip_range *trusted; /* [n_trusted]: proxies; must outlive conns */
    int n_trusted;
} conns_limits;

SUMI_MUST_USE sumi_status conns_create(conns **out, const conns_limits *limits, sumi_error *err);
void conns_destroy(conns *c); /* no connection is open. NULL is fine */

/* A descriptor that can be read when a connection is late, or soon may be; then conns_cut_late() is due. */
int conns_timer(const conns *c);
void conns_cut_late(conns *c);

/* A connection was accepted. NULL: it has been shut down. address NULL: unknown. */
connection *conns_open(conns *c, int fd, const struct sockaddr *address);
void conns_close(conns *c, connection *k);

/* A trusted proxy asks for a client, whose name k has until the request has ended (client NULL). False: too many connections
 * serve that client. */
bool conns_serve(conns *c, connection *k, const struct in6_addr *client);

/* Who is behind it, as limits count clients: equal for equal addresses of IPv4, and for those of one /64 of IPv6. */
void conns_client(conns *c, const connection *k, char name[CONN_MAX_CLIENT]);

/* It is in another phase now. False: it was late, and nothing that is said to it arrives. */
bool conns_enter(conns *c, connection *k, conn_phase phase);
bool conns_was_cut(conns *c, const connection *k, conn_phase *in);

typedef struct conns_counts {
    int32_t n_open;
    uint64_t n_accepted, n_refused,
        n_cut; /* since the start: connections; those over a limit; those that were late */
} conns_counts;
void conns_get_counts(conns *c, conns_counts *counts);

#endif
