/* conns.c - see conns.h. */
#include "server/http/conns.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os/clock.h"

struct conns {
    conns_limits limits;
    int timer;
    pthread_mutex_t lock;
    /* Under lock: */
    connection *list;
    conns_counts counts;
    int32_t n_welcome; /* of the open ones: not over a limit */
    double armed_ms;   /* when the timer rings; INFINITY: it does not */
};

#define TOO_LATE                                                                                          \
    "{\"error\":{\"message\":\"the request took too long to arrive\",\"type\":\"invalid_request_error\"," \
    "\"param\":null,\"code\":\"request_too_slow\"}}"
static const char too_late[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
                               "Content-Type: application/json\r\nContent-Length: 129\r\n\r\n" TOO_LATE;
_Static_assert(sizeof TOO_LATE - 1 == 129, "Content-Length is that of the body");

sumi_status conns_create(conns **out, const conns_limits *limits, sumi_error *err)
{
    *out = NULL;
    conns *c = calloc(1, sizeof *c);
    if (!c) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    c->limits = *limits;
    c->armed_ms = INFINITY;
    c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    pthread_mutex_init(&c->lock, NULL);
    if (c->timer >= 0) {
        *out = c;
        return SUMI_OK;
    }
    sumi_fail_errno(err, "a timer for connections");
    conns_destroy(c);
    return SUMI_EIO;
}

void conns_destroy(conns *c)
{
    if (!c) return;
    if (c->timer >= 0) close(c->timer);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

int conns_timer(const conns *c)
{
    return c->timer;
}

/* ---- Addresses ---- */

/* Sets the address that is counted: an IPv4 address or a /64. NULL: unknown, or a proxy that serves no client now. */
static void set_address(connection *k, const struct in6_addr *a)
{
    bool v4 = a && IN6_IS_ADDR_V4MAPPED(a);
    memset(k->address, 0, sizeof k->address);
    if (!a) return;
    k->address[0] = v4 ? 4 : 6;
    memcpy(&k->address[1], a->s6_addr + (v4 ? 12 : 0), v4 ? 4 : 8);
}

static void set_name(connection *k, const struct in6_addr *a)
{
    bool v4 = IN6_IS_ADDR_V4MAPPED(a);
    inet_ntop(v4 ? AF_INET : AF_INET6, a->s6_addr + (v4 ? 12 : 0), k->name, sizeof k->name);
}

static void read_address(const conns *c, connection *k, const struct sockaddr *a)
{
    if (!ip_of_socket(&k->peer, a)) return;
    k->is_proxy = ip_range_has(c->limits.trusted, c->limits.n_trusted, &k->peer);
    set_name(k, &k->peer);
    set_address(k, k->is_proxy ? NULL : &k->peer);
}

static int count_address(const conns *c, const connection *like)
{
    int n = 0;
    for (const connection *k = c->list; k; k = k->next)
        n += k->verdict == CONN_WELCOME && !memcmp(k->address, like->address, sizeof k->address);
    return n;
}

/* ---- Time ---- */

static void arm(conns *c, double at_ms)
{
    struct itimerspec t = { 0 };
    c->armed_ms = at_ms;
    if (!isinf(at_ms)) {
        t.it_value.tv_sec = (time_t)(at_ms / 1000);
        t.it_value.tv_nsec = (long)((at_ms - (double)t.it_value.tv_sec * 1000) * 1e6);
    }
    timerfd_settime(c->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

/* The limits are constant, so the timer is usually armed for an earlier deadline already: one system call for many
 * requests. */
static void set_phase(conns *c, connection *k, conn_phase phase)
{
    const conns_limits *l = &c->limits;
    double limit = 0;
    if (phase == CONN_HEADERS) limit = l->headers_ms;
    if (phase == CONN_BODY) limit = l->body_ms;
    if (phase == CONN_IDLE && l->headers_ms > 0) limit = l->idle_ms + l->headers_ms;
    k->phase = phase;
    k->due_ms = limit > 0 ? clock_ms() + limit : INFINITY;
    if (k->due_ms < c->armed_ms) arm(c, k->due_ms);
}

static void cut(conns *c, connection *k)
{
    k->cut = true;
    k->due_ms = INFINITY;
    c->counts.n_cut++;
    if (!c->limits.tls && send(k->fd, too_late, sizeof too_late - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        /* The client has disconnected, or does not read: no error is needed. */
    }
    shutdown(k->fd, SHUT_RDWR);
}

void conns_cut_late(conns *c)
{
    uint64_t n_rings;
    double next = INFINITY;
    pthread_mutex_lock(&c->lock);
    if (read(c->timer, &n_rings, sizeof n_rings) < 0) n_rings = 0; /* another thread has armed it again meanwhile */
    double now = clock_ms();
    for (connection *k = c->list; k; k = k->next) {
        if (k->due_ms <= now) cut(c, k);
        next = fmin(next, k->due_ms);
    }
    arm(c, next);
    pthread_mutex_unlock(&c->lock);
}

/* ---- Life ---- */

static conn_verdict judge(const conns *c, const connection *k)
{
    const conns_limits *l = &c->limits;
    if (l->max && c->n_welcome >= l->max) return CONN_TOO_MANY;
    if (l->max_address && !k->is_proxy && count_address(c, k) >= l->max_address) return CONN_TOO_MANY_OF_ADDRESS;
    return CONN_WELCOME;
}

/* False: there is no room even for a refusal. */
static bool insert(conns *c, connection *k)
{
    k->verdict = judge(c, k);
    bool refused = k->verdict != CONN_WELCOME;
    c->counts.n_refused += refused;
    if (refused && c->counts.n_open - c->n_welcome >= CONNS_RESERVE) return false;
    c->n_welcome += !refused;
    c->counts.n_open++;
    k->next = c->list;
    k->link = &c->list;
    if (c->list) c->list->link = &k->next;
    c->list = k;
    set_phase(c, k, CONN_HEADERS);
    return true;
}

connection *conns_open(conns *c, int fd, const struct sockaddr *address)
{
    connection *k = calloc(1, sizeof *k);
    bool in = false;
    pthread_mutex_lock(&c->lock);
    c->counts.n_accepted++;
    if (k) {
        k->fd = fd;
        read_address(c, k, address);
        in = insert(c, k);
    }
    pthread_mutex_unlock(&c->lock);
    if (in) return k;
    shutdown(fd, SHUT_RDWR);
    free(k);
    return NULL;
}

void conns_close(conns *c, connection *k)
{
    if (!k) return;
    pthread_mutex_lock(&c->lock);
    *k->link = k->next;
    if (k->next) k->next->link = k->link;
    c->counts.n_open--;
    c->n_welcome -= k->verdict == CONN_WELCOME;
    pthread_mutex_unlock(&c->lock);
    free(k);
}

bool conns_serve(conns *c, connection *k, const struct in6_addr *client)
{
    pthread_mutex_lock(&c->lock);
    set_address(k, NULL);
    set_name(k, client ? client : &k->peer);
    bool known = client && memcmp(client, &k->peer, sizeof *client) != 0; /* else the proxy speaks for itself */
    connection like = *k;
    if (known) set_address(&like, client);
    bool fine = !known || !c->limits.max_address || count_address(c, &like) < c->limits.max_address;
    if (known && fine) set_address(k, client);
    c->counts.n_refused += !fine;
    pthread_mutex_unlock(&c->lock);
    return fine;
}

void conns_client(conns *c, const connection *k, char name[CONN_MAX_CLIENT])
{
    pthread_mutex_lock(&c->lock);
    snprintf(name, CONN_MAX_CLIENT, "%d %016" PRIx64, (int)k->address[0], k->address[1]);
    pthread_mutex_unlock(&c->lock);
}

bool conns_enter(conns *c, connection *k, conn_phase phase)
{
    pthread_mutex_lock(&c->lock);
    bool fine = !k->cut;
    if (fine) set_phase(c, k, phase);
    pthread_mutex_unlock(&c->lock);
    return fine;
}

bool conns_was_cut(conns *c, const connection *k, conn_phase *in)
{
    pthread_mutex_lock(&c->lock);
    bool was = k->cut;
    *in = k->phase;
    pthread_mutex_unlock(&c->lock);
    return was;
}

void conns_get_counts(conns *c, conns_counts *counts)
{
    pthread_mutex_lock(&c->lock);
    *counts = c->counts;
    pthread_mutex_unlock(&c->lock);
}
