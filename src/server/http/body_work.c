/* body_work.c - see body_work.h. */
#include "server/http/body_work.h"

#include <poll.h>
#include <stdio.h>

/* A body of 8 KiB is tokenised in some milliseconds at worst, and is a prompt of two thousand tokens. */
enum { SMALL_BYTES = 8 << 10 };

static void count(server *s, int32_t n)
{
    pthread_mutex_lock(&s->lock);
    s->n_jobs += n;
    if (s->n_jobs == 0) pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

static void finish(exchange *x)
{
    body_work *b = x->work;
    x->work = NULL;
    count(x->server, -1);
    b->destroy(b);
}

/* ---- The pool's thread, while the connection sleeps ---- */

static void run(work *w)
{
    body_work *b = (body_work *)w;
    struct pollfd end = { .fd = b->fd, .events = POLLRDHUP };
    b->gone = b->fd >= 0 && poll(&end, 1, 0) > 0;
    if (!b->gone) b->run(b);
}

static void wake(work *w, bool ran)
{
    body_work *b = (body_work *)w;
    b->ran = ran;
    MHD_resume_connection(b->x->conn);
}

/* ---- The connection's thread ---- */

static void sleep_until_woken(work *w)
{
    MHD_suspend_connection(((body_work *)w)->x->conn);
}

_Static_assert((int)CONN_MAX_CLIENT <= (int)WORK_MAX_CLIENT, "a client's name fits");

/* Whose work it is: a key's, or that of an address. */
static void name_client(const exchange *x, char name[WORK_MAX_CLIENT])
{
    if (x->key) snprintf(name, WORK_MAX_CLIENT, "key %s", x->key->name);
    else conns_client(x->server->conns, x->link, name);
}

static enum MHD_Result refuse(exchange *x, work_verdict verdict)
{
    api_error e;
    if (verdict == WORK_NO_MEMORY) api_fail_memory(&e);
    else if (verdict == WORK_FULL_FOR_CLIENT)
        api_fail(&e, 429, "too_many_texts", NULL,
                 "too many large requests of yours are waiting: wait for their answers");
    else api_fail(&e, 503, "too_many_texts", NULL, "too many large requests are waiting: try again soon");
    if (verdict != WORK_NO_MEMORY) e.retry_after = 5;
    return http_error(x, &e);
}

enum MHD_Result body_work_start(exchange *x, body_work *b)
{
    char name[WORK_MAX_CLIENT];
    api_error e;
    if (!b) {
        api_fail_memory(&e);
        return http_error(x, &e);
    }
    b->x = x;
    b->fd = -1;
    if (x->body.n <= SMALL_BYTES) {
        b->run(b);
        enum MHD_Result result = b->answer(b);
        b->destroy(b);
        return result;
    }
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(x->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (fd) b->fd = fd->connect_fd;
    b->work = (work){ .n_bytes = x->body.n, .run = run, .wake = wake };
    name_client(x, name);
    x->work = b;
    count(x->server, 1);
    work_verdict verdict = work_submit(x->server->works, &b->work, name, sleep_until_woken);
    if (verdict == WORK_TAKEN) return MHD_YES;
    finish(x);
    return refuse(x, verdict);
}

enum MHD_Result body_work_go_on(exchange *x)
{
    api_error e;
    body_work *b = x->work;
    enum MHD_Result result = MHD_NO; /* closes the connection */
    if (!b->gone && b->ran) result = b->answer(b);
    else if (!b->gone) {
        api_fail_draining(&e);
        result = http_error(x, &e);
    }
    finish(x);
    return result;
}

void body_work_drop(exchange *x)
{
    if (x->work) finish(x);
}
