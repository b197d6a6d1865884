/* watch.c - see watch.h. */
#include "server/http/watch.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/os/clock.h"

enum { MAX_EVENTS = 64, BEAT_CHECK_MS = 1000 };
#define LATE UINT64_MAX

struct watch {
    conns *conns;
    double heartbeat_ms;
    int epoll, bell; /* bell: an eventfd that wakes the thread */
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock;
    /* Under lock: */
    job *jobs;
    uint64_t n_serials;
    int32_t n_streams;
    bool stopping;
};

static void ring(const watch *w)
{
    uint64_t one = 1;
    ssize_t n = write(w->bell, &one, sizeof one);
    (void)n; /* full: it rings already */
}

static void hang_up(watch *w, uint64_t serial)
{
    for (job *j = w->jobs; j; j = j->watch_next)
        if (j->serial == serial) {
            job_hang_up(j);
            return;
        }
}

/* One round: serial 0 is the bell, LATE the timer of the connections, others are jobs'. Returns how long to sleep; -1 without limit, -2
 * to end. */
static int handle_events(watch *w, const struct epoll_event *events, int n)
{
    uint64_t rings;
    for (int i = 0; i < n; i++)
        if (events[i].data.u64 == LATE) conns_cut_late(w->conns);
    pthread_mutex_lock(&w->lock);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64) hang_up(w, events[i].data.u64);
        else if (read(w->bell, &rings, sizeof rings) < 0) continue;
    }
    double now = clock_ms();
    if (w->heartbeat_ms > 0 && w->n_streams > 0)
        for (job *j = w->jobs; j; j = j->watch_next) job_beat(j, now, w->heartbeat_ms);
    int sleep = w->stopping ? -2 : w->heartbeat_ms > 0 && w->n_streams > 0 ? BEAT_CHECK_MS : -1;
    pthread_mutex_unlock(&w->lock);
    return sleep;
}

static void *run(void *arg)
{
    watch *w = arg;
    struct epoll_event events[MAX_EVENTS];
    for (int sleep = -1; sleep != -2;) {
        int n = epoll_wait(w->epoll, events, MAX_EVENTS, sleep);
        sleep = handle_events(w, events, n < 0 ? 0 : n);
    }
    return NULL;
}

sumi_status watch_create(watch **out, conns *c, double heartbeat_ms, sumi_error *err)
{
    watch *w = calloc(1, sizeof *w);
    *out = NULL;
    if (!w) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    pthread_mutex_init(&w->lock, NULL);
    w->conns = c;
    w->heartbeat_ms = heartbeat_ms;
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    w->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event bell = { .events = EPOLLIN }, late = { .events = EPOLLIN, .data.u64 = LATE };
    if (w->epoll < 0 || w->bell < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->bell, &bell) != 0 ||
        epoll_ctl(w->epoll, EPOLL_CTL_ADD, conns_timer(c), &late) != 0 ||
        pthread_create(&w->thread, NULL, run, w) != 0) {
        sumi_fail_errno(err, "watching connections");
        watch_destroy(w);
        return SUMI_EIO;
    }
    pthread_setname_np(w->thread, "sumi watch");
    w->has_thread = true;
    *out = w;
    return SUMI_OK;
}

void watch_destroy(watch *w)
{
    if (!w) return;
    if (w->has_thread) {
        pthread_mutex_lock(&w->lock);
        w->stopping = true;
        pthread_mutex_unlock(&w->lock);
        ring(w);
        pthread_join(w->thread, NULL);
    }
    if (w->epoll >= 0) close(w->epoll);
    if (w->bell >= 0) close(w->bell);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

void watch_add(watch *w, job *j, int fd)
{
    pthread_mutex_lock(&w->lock);
    j->serial = ++w->n_serials;
    j->fd = fd;
    j->watch_next = w->jobs;
    j->watch_link = &w->jobs;
    if (w->jobs) w->jobs->watch_link = &j->watch_next;
    w->jobs = j;
    bool first_stream = j->stream && w->n_streams++ == 0;
    struct epoll_event event = { .events = EPOLLRDHUP | EPOLLONESHOT, .data.u64 = j->serial };
    epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event); /* a failure costs only the early notice */
    pthread_mutex_unlock(&w->lock);
    if (first_stream) ring(w);
}

void watch_remove(watch *w, job *j)
{
    pthread_mutex_lock(&w->lock);
    if (j->watch_link) {
        *j->watch_link = j->watch_next;
        if (j->watch_next) j->watch_next->watch_link = j->watch_link;
        j->watch_link = NULL;
        if (j->stream) w->n_streams--;
        epoll_ctl(w->epoll, EPOLL_CTL_DEL, j->fd, NULL);
    }
    pthread_mutex_unlock(&w->lock);
}
