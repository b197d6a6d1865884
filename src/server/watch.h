/* watch.h - a thread that notices clients who go away while their connection is suspended, that makes streams beat, and
 * that cuts connections which are late (conns.h).
 *
 * MHD does not look at the socket of a suspended connection. So sockets of connections with a job are watched here, with
 * an epoll of our own that asks for nothing but the end (EPOLLRDHUP, EPOLLHUP, EPOLLERR): a client that closes, or only
 * shuts down its sending side, has left. Without streams the thread sleeps without a timeout.
 *
 * Locks: the watch's own, then a job's; never the other way round. watch_remove() comes before the socket is closed and
 * before job_leave(), so every job in the list is alive. */
#ifndef SUMI_SERVER_WATCH_H
#define SUMI_SERVER_WATCH_H

#include "server/conns.h"
#include "server/job.h"

typedef struct watch watch;

/* heartbeat_ms: a stream that was silent that long gets its format's heartbeat; 0: never. c outlives the watch. */
SUMI_MUST_USE sumi_status watch_create(watch **out, conns *c, double heartbeat_ms, sumi_error *err);
void watch_destroy(watch *w); /* stops the thread; no job is in it any more. NULL is fine */

void watch_add(watch *w, job *j, int fd);
void watch_remove(watch *w, job *j); /* one that is not watched is fine */

#endif
