/* watch.h - a thread that notices clients which disconnect while their connection is suspended, sends heartbeats into
 * streams, and closes connections that have missed a deadline (conns.h).
 *
 * MHD does not watch the socket of a suspended connection. So this thread watches the sockets of connections with a job,
 * with its own epoll for the end of a connection only (EPOLLRDHUP, EPOLLHUP, EPOLLERR): a client that closes its socket,
 * or only its sending side, has disconnected. Without streams the thread sleeps without a timeout.
 *
 * Locks: the watch's own, then a job's; never the other way round. watch_remove() comes before the socket is closed and
 * before job_leave(), so every job in the list is alive. */
#ifndef SUMI_SERVER_HTTP_WATCH_H
#define SUMI_SERVER_HTTP_WATCH_H

#include "server/api/job.h"
#include "server/http/conns.h"

typedef struct watch watch;

/* heartbeat_ms: a stream that was silent for this long gets its format's heartbeat; 0: never. c must outlive the watch. */
SUMI_MUST_USE sumi_status watch_create(watch **out, conns *c, double heartbeat_ms, sumi_error *err);
void watch_destroy(watch *w); /* stops the thread; no job may be watched. NULL is fine */

void watch_add(watch *w, job *j, int fd);
void watch_remove(watch *w, job *j); /* a job that is not watched is fine */

#endif
