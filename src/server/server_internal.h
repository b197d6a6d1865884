/* server_internal.h - the server inside: one object, shared by the threads that speak HTTP.
 *
 * Locks: `lock` guards the fields below it; under `lock` no other lock is taken and no function is called. */
#ifndef SUMI_SERVER_SERVER_INTERNAL_H
#define SUMI_SERVER_SERVER_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "server/http/conns.h"
#include "server/http/hosts.h"
#include "server/http/tls.h"
#include "server/http/watch.h"
#include "server/http/work.h"
#include "server/ops/keys.h"
#include "server/ops/metrics.h"
#include "server/ops/watchdog.h"
#include "server/server.h"

enum { CONNECTION_BYTES = 64 << 10 }; /* memory of a connection, in which its headers must fit */

typedef enum server_state { SERVER_LOADING, SERVER_READY, SERVER_DRAINING } server_state;

struct server {
    server_opts opts;
    host_rules hosts;
    logger log;
    struct MHD_Daemon *daemon;
    conns *conns;
    tls *tls; /* NULL: none */
    watch *watch;
    work_pool *works;
    int listen_fd, port;
    int64_t started_s; /* since 1970 */

    _Atomic int state; /* server_state. The fields below are set before READY and never change */
    sumi_model *model;
    sumi_engine *engine;

    buf no_memory[API_OLLAMA + 1]; /* the error "out of memory" in the form of each API, made at the start */
    struct MHD_Response *spare[API_OLLAMA + 1]; /* an answer with it, for which MHD needs no memory */
    metrics metrics;
    _Atomic uint64_t n_requests; /* numbers for request ids */
    uint64_t id_salt;            /* makes the ids of two runs differ */

    pthread_mutex_t lock;
    pthread_cond_t idle; /* n_jobs has become 0 */
    /* Under lock: */
    keys *keys;
    int32_t n_jobs;    /* and bodies at work */
    watchdog watchdog; /* watchdog of /ready */
    bool stalled;      /* at the last probe */
};

/* ---- listen.c ---- */
/* A listening socket on host, and the port that it got. EIO: host cannot be used. *loopback: only this machine reaches the
 * socket. */
SUMI_MUST_USE sumi_status listen_on(const char *host, int port, int *fd, int *got_port, bool *loopback,
                                    sumi_error *err);

#endif
