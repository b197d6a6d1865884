/* job.c - see job.h. */
#include "server/api/job.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/os/clock.h"

static void free_events(job_event *n)
{
    while (n) {
        job_event *next = n->next;
        free(n);
        n = next;
    }
}

static void destroy(job *j)
{
    free_events(j->first);
    if (j->reply) j->format->destroy(j->reply);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

job *job_create(struct MHD_Connection *conn, sumi_engine *engine, metrics *m, const answer_format *format, void *reply,
                int32_t n_parts, bool stream)
{
    job *j = calloc(1, sizeof *j + (size_t)n_parts * sizeof j->parts[0]);
    if (!j) {
        format->destroy(reply);
        return NULL;
    }
    pthread_mutex_init(&j->lock, NULL);
    j->engine = engine;
    j->metrics = m;
    j->format = format;
    j->reply = reply;
    j->stream = stream;
    j->refs = 1;
    j->conn = conn;
    j->last = &j->first;
    j->sent_ms = clock_ms();
    j->fd = -1;
    j->n_parts = n_parts;
    for (int32_t i = 0; i < n_parts; i++) j->parts[i] = (job_part){ .job = j, .number = i };
    return j;
}

/* Under the lock. */
static void wake(job *j)
{
    if (!j->suspended || !j->conn) return;
    j->suspended = false;
    MHD_resume_connection(j->conn);
}

static void drop(job *j)
{
    pthread_mutex_lock(&j->lock);
    bool last = --j->refs == 0;
    pthread_mutex_unlock(&j->lock);
    if (last) destroy(j);
}

/* ---- The engine's thread ---- */

static void measure(job_part *p, const sumi_event *e)
{
    metrics *m = p->job->metrics;
    if (e->type == SUMI_EVENT_END) metrics_end(m, e->finish, &e->usage, e->time_ms);
    if (e->type != SUMI_EVENT_PIECE || e->piece.n_choices == 0) return;
    double *last = &p->last_ms[e->choice];
    if (!p->started) histogram_add(&m->first_token, e->time_ms);
    for (int32_t i = 0; *last > 0 && i < e->piece.n_choices; i++) /* tokens that one step gave share its time */
        histogram_add(&m->between_tokens, (e->time_ms - *last) / e->piece.n_choices);
    p->started = true;
    *last = e->time_ms;
}

/* Under the lock. The prompt was counted when it was submitted. */
static void count_usage(job_part *p, const sumi_event *e)
{
    job_usage *u = &p->job->usage;
    if (e->type == SUMI_EVENT_PIECE) {
        if (u->first_token_ms == 0 && e->piece.n_choices) u->first_token_ms = e->time_ms;
        u->n_generated += e->piece.n_choices;
        p->n_generated += e->piece.n_choices;
    } else if (e->type == SUMI_EVENT_END) {
        u->n_generated += e->usage.n_generated - p->n_generated; /* tokens of discarded choices were in no piece */
        u->n_cached += e->usage.n_cached;
        u->finish = e->finish;
    }
}

static bool on_event(void *user, const sumi_event *e)
{
    job_part *p = user;
    job *j = p->job;
    bool is_end = e->type == SUMI_EVENT_END;
    measure(p, e);
    job_event *n = job_event_copy(e, p->number, e->type == SUMI_EVENT_PROMPT ? p->n_prompt_logprobs : p->n_logprobs);
    pthread_mutex_lock(&j->lock);
    bool wanted = j->conn && !j->gone && n;
    count_usage(p, e);
    if (n && is_end) n->used = j->usage;
    if (!n) j->broken = true;
    if (wanted) {
        *j->last = n;
        j->last = &n->next;
    } else {
        free(n);
    }
    if (is_end) j->n_open--;
    if (is_end && e->finish != SUMI_FINISH_STOP && e->finish != SUMI_FINISH_LENGTH) j->failed = true;
    bool submit_next = is_end && j->n_started < j->n_parts && j->n_open <= j->window / 2;
    if (j->stream || j->n_open == 0 || submit_next) wake(j);
    pthread_mutex_unlock(&j->lock);
    if (is_end) drop(j);
    return wanted;
}

/* ---- Any thread ---- */

static void cancel_parts(job *j)
{
    for (int32_t i = 0; i < j->n_parts; i++) {
        uint64_t id = atomic_load(&j->parts[i].id);
        if (id) sumi_engine_cancel(j->engine, id);
    }
}

void job_hang_up(job *j)
{
    pthread_mutex_lock(&j->lock);
    j->gone = true;
    pthread_mutex_unlock(&j->lock);
    cancel_parts(j);
}

void job_beat(job *j, double now_ms, double interval_ms)
{
    pthread_mutex_lock(&j->lock);
    if (j->stream && j->format->heartbeat && now_ms - j->sent_ms >= interval_ms && j->suspended) {
        j->beat = true;
        wake(j);
    }
    pthread_mutex_unlock(&j->lock);
}

/* ---- The server's thread ---- */

static sumi_status submit(job *j, int32_t number, sumi_error *err)
{
    job_part *p = &j->parts[number];
    sumi_request r = j->params;
    uint64_t id;
    r.ids = j->prompts.ids[number];
    r.n_ids = j->prompts.n_ids[number];
    r.on_event = on_event;
    r.user = p;
    if (r.total_ms > 0) r.total_ms = fmax(r.total_ms - (clock_ms() - j->start_ms), 1e-3);
    p->n_logprobs = r.n_logprobs;
    p->n_prompt_logprobs = r.n_prompt_logprobs;
    pthread_mutex_lock(&j->lock);
    j->refs++;
    j->n_open++;
    j->n_started++;
    j->usage.n_prompt += r.n_ids;
    pthread_mutex_unlock(&j->lock);
    sumi_status st = sumi_engine_submit(j->engine, &r, &id, err);
    if (st == SUMI_OK) {
        atomic_store(&p->id, id);
        return st;
    }
    pthread_mutex_lock(&j->lock);
    j->refs--; /* never the last one: the connection holds another */
    j->n_open--;
    j->n_started--;
    j->usage.n_prompt -= r.n_ids;
    pthread_mutex_unlock(&j->lock);
    return st;
}

/* The next part to submit; -1: none now. A stream reports the end of each part, so all parts are submitted. */
static int32_t next_part(job *j, bool *others)
{
    pthread_mutex_lock(&j->lock);
    bool over = !j->stream && (j->failed || j->gone || j->broken);
    int32_t next = !over && j->n_started < j->n_parts && j->n_open < j->window ? j->n_started : -1;
    *others = j->n_open > 0;
    pthread_mutex_unlock(&j->lock);
    return next;
}

/* Submits as many parts as the window has room for. SUMI_EBUSY is retried when a running part of this job ends; the client
 * sees it only if none runs. */
static bool submit_more(job *j, api_error *e)
{
    bool others;
    sumi_error err;
    for (int32_t i; (i = next_part(j, &others)) >= 0;) {
        sumi_status st = submit(j, i, &err);
        if (st == SUMI_EBUSY && others && !j->stream) return true;
        if (st != SUMI_OK) return api_fail_status(e, &err);
    }
    return true;
}

bool job_start(job *j, const sumi_request *params, const text_ids *prompts, int32_t window, api_error *e)
{
    assert(prompts->n == j->n_parts && window > 0);
    j->window = j->stream ? j->n_parts : window;
    j->params = *params;
    j->prompts = *prompts;
    j->start_ms = clock_ms();
    if (params->cache_salt) {
        snprintf(j->salt, sizeof j->salt, "%s", params->cache_salt);
        j->params.cache_salt = j->salt;
    }
    return submit_more(j, e);
}

/* Takes the list away. */
static job_event *take_list(job *j)
{
    job_event *list = j->first;
    j->first = NULL;
    j->last = &j->first;
    return list;
}

static void give_to_reply(job *j, job_event *list, buf *out)
{
    for (const job_event *n = list; n; n = n->next) j->format->take(j->reply, n, out);
    free_events(list);
}

/* Under the lock: sleeps until wake(). */
static void sleep_until_woken(job *j)
{
    j->suspended = true;
    MHD_suspend_connection(j->conn);
}

job_state job_complete(job *j)
{
    buf none;
    job_event *list = NULL;
    job_state state = JOB_MORE;
    while (state == JOB_MORE) {
        if (!submit_more(j, &j->refusal)) return JOB_REFUSED;
        pthread_mutex_lock(&j->lock);
        bool lost = j->broken || j->gone;
        if (j->n_open > 0) {
            sleep_until_woken(j);
            state = JOB_SUSPENDED;
        } else if (lost || j->failed || j->n_started == j->n_parts) {
            list = take_list(j);
            state = j->gone ? JOB_BROKEN : j->broken ? JOB_REFUSED : JOB_OVER;
            if (state == JOB_REFUSED) api_fail_memory(&j->refusal);
        } /* else all parts that were submitted have ended since */
        pthread_mutex_unlock(&j->lock);
    }
    buf_init(&none, 0);
    give_to_reply(j, list, &none);
    buf_deinit(&none);
    return state;
}

job_state job_fill(job *j, buf *out)
{
    while (out->n == 0) {
        job_state state = JOB_MORE;
        pthread_mutex_lock(&j->lock);
        job_event *list = take_list(j);
        bool beat = j->beat;
        j->beat = false;
        j->sent_ms = clock_ms();
        if (!list && !beat) {
            if (j->broken || j->gone) state = JOB_BROKEN;
            else if (j->n_open == 0) state = JOB_OVER;
            else state = JOB_SUSPENDED;
        }
        if (state == JOB_SUSPENDED) sleep_until_woken(j);
        pthread_mutex_unlock(&j->lock);
        if (state != JOB_MORE) return state;
        give_to_reply(j, list, out);
        if (beat && out->n == 0) buf_append_str(out, j->format->heartbeat);
        if (out->status != SUMI_OK) return JOB_BROKEN;
    }
    return JOB_MORE;
}

bool job_ended(job *j, job_usage *usage)
{
    pthread_mutex_lock(&j->lock);
    bool ended = j->n_open == 0;
    *usage = j->usage;
    pthread_mutex_unlock(&j->lock);
    return ended;
}

job_usage job_leave(job *j)
{
    pthread_mutex_lock(&j->lock);
    j->conn = NULL;
    bool running = j->n_open > 0;
    job_usage usage = j->usage;
    pthread_mutex_unlock(&j->lock);
    if (running) {
        usage.finish = SUMI_FINISH_CANCELLED;
        cancel_parts(j);
    }
    drop(j);
    return usage;
}
