/* work.c - see work.h. */
#include "server/http/work.h"

#include <assert.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error.h"

enum { NICE = 10 }; /* of the threads: the scheduler gives the engine about ten times as much while both want to run */

/* The work of one client. It exists while some of its work waits or runs. */
typedef struct client {
    /* in the order of serving; the list is short, because each client in it has a body in memory */
    struct client *next;
    char name[WORK_MAX_CLIENT];
    work *first, **last; /* that waits */
    size_t n_bytes;      /* that waits or runs */
} client;

struct work_pool {
    work_limits limits;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_t *threads; /* [n_threads] */
    int n_threads;
    /* Under lock: */
    client *clients;
    size_t n_bytes; /* of all clients */
    int n_large;    /* pieces of large work that run */
    bool stopping;
};

static bool is_large(const work_pool *p, const work *w)
{
    return w->n_bytes >= p->limits.large_bytes;
}

/* Under the lock, as the following functions. NULL: no client has this name. */
static client *find(const work_pool *p, const char *name)
{
    for (client *c = p->clients; c; c = c->next)
        if (!strcmp(c->name, name)) return c;
    return NULL;
}

/* Takes the next work off its queue, and moves its client to the end of the list. *of: the client. NULL: there is no work
 * that may run now. */
static work *take(work_pool *p, client **of)
{
    for (client **at = &p->clients, *c; (c = *at); at = &c->next) {
        work *w = c->first;
        if (!w || (is_large(p, w) && p->n_large >= p->limits.n_threads - 1)) continue;
        if (!(c->first = w->next)) c->last = &c->first;
        *at = c->next;
        c->next = NULL;
        client **end = &p->clients;
        while (*end) end = &(*end)->next;
        *end = c;
        p->n_large += is_large(p, w);
        *of = c;
        return w;
    }
    return NULL;
}

/* A work of client c has run: its bytes no longer wait, and a client without work is freed. */
static void count_done(work_pool *p, client *c, size_t n_bytes, bool large)
{
    c->n_bytes -= n_bytes;
    p->n_bytes -= n_bytes;
    p->n_large -= large;
    if (large) pthread_cond_broadcast(&p->filled);
    if (c->n_bytes > 0 || c->first) return;
    client **at = &p->clients;
    while (*at != c) at = &(*at)->next;
    *at = c->next;
    free(c);
}

/* Memory that large work has freed stays in the arena of its thread, where no other thread uses it. */
static void give_back_memory(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static void *serve(void *arg)
{
    work_pool *p = arg;
    client *c;
    setpriority(PRIO_PROCESS, 0, NICE); /* Linux: of this thread only. A failure leaves the usual priority */
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        work *w = take(p, &c);
        if (!w) {
            pthread_cond_wait(&p->filled, &p->lock);
            continue;
        }
        size_t n_bytes = w->n_bytes;
        bool large = is_large(p, w);
        pthread_mutex_unlock(&p->lock);
        w->run(w);
        if (large) give_back_memory();
        pthread_mutex_lock(&p->lock);
        count_done(p, c, n_bytes, large); /* before wake(): the client may submit again at once */
        pthread_mutex_unlock(&p->lock);
        w->wake(w, true);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

sumi_status work_pool_create(work_pool **out, const work_limits *limits, sumi_error *err)
{
    assert(limits->n_threads >= 2);
    *out = NULL;
    work_pool *p = calloc(1, sizeof *p);
    if (!p) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    p->limits = *limits;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->filled, NULL);
    p->threads = calloc((size_t)limits->n_threads, sizeof *p->threads);
    while (p->threads && p->n_threads < limits->n_threads &&
           pthread_create(&p->threads[p->n_threads], NULL, serve, p) == 0)
        pthread_setname_np(p->threads[p->n_threads++], "sumi text");
    if (p->n_threads == limits->n_threads) {
        *out = p;
        return SUMI_OK;
    }
    work_pool_destroy(p);
    return sumi_fail(err, SUMI_EIO, "%d threads for texts cannot be started", limits->n_threads);
}

/* Reports waiting work as not run. The threads have ended. */
static void drop_waiting(client *list)
{
    for (client *c = list, *next; c; c = next) {
        next = c->next;
        for (work *w = c->first, *after; w; w = after) {
            after = w->next;
            w->wake(w, false);
        }
        free(c);
    }
}

void work_pool_stop(work_pool *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->filled);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_threads; i++) pthread_join(p->threads[i], NULL);
    p->n_threads = 0;
    client *list = p->clients;
    p->clients = NULL;
    drop_waiting(list);
}

void work_pool_destroy(work_pool *p)
{
    if (!p) return;
    work_pool_stop(p);
    free(p->threads);
    pthread_cond_destroy(&p->filled);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* The client of this name; a new client is put last. NULL: out of memory. */
static client *find_or_add(work_pool *p, const char *name)
{
    client *c = find(p, name), **end = &p->clients;
    if (c || !(c = calloc(1, sizeof *c))) return c;
    snprintf(c->name, sizeof c->name, "%s", name);
    c->last = &c->first;
    while (*end) end = &(*end)->next;
    *end = c;
    return c;
}

static work_verdict judge(const work_pool *p, const client *c, size_t n_bytes)
{
    const work_limits *l = &p->limits;
    if (p->stopping || (p->n_bytes > 0 && p->n_bytes + n_bytes > l->bytes)) return WORK_FULL;
    return c && c->n_bytes + n_bytes > l->client_bytes ? WORK_FULL_FOR_CLIENT : WORK_TAKEN;
}

work_verdict work_submit(work_pool *p, work *w, const char *name, void (*sleep)(work *w))
{
    pthread_mutex_lock(&p->lock);
    work_verdict verdict = judge(p, find(p, name), w->n_bytes);
    client *c = verdict == WORK_TAKEN ? find_or_add(p, name) : NULL;
    if (verdict == WORK_TAKEN && !c) verdict = WORK_NO_MEMORY;
    if (c) {
        if (sleep) sleep(w);
        w->next = NULL;
        *c->last = w;
        c->last = &w->next;
        c->n_bytes += w->n_bytes;
        p->n_bytes += w->n_bytes;
        pthread_cond_signal(&p->filled);
    }
    pthread_mutex_unlock(&p->lock);
    return verdict;
}
