/* http.c - see http.h. */
#include "server/http/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/os/clock.h"
#include "server/http/body_work.h"
#include "server/http/path.h"

/* Bytes of a refused body that are read, so that a client that sends first and reads later gets its answer. */
enum { MAX_SWALLOWED_BYTES = 64 << 20 };
enum { STREAM_BLOCK_BYTES = 4096 };

/* ---- Limits of keys ---- */

/* Counts the request in the limits of its key, before its body is read: a body can cost more than an answer, and a request
 * that is refused later counts, too. False: *e is a 429. */
static bool enter_limits(exchange *x, api_error *e)
{
    bool fine = true;
    if (!x->key) return true;
    switch (x->route->meter) {
    case METER_NOTHING: break;
    case METER_COUNT: fine = key_limits_count(x->key->limits, clock_ms(), e); break;
    case METER_REQUEST: fine = x->entered = key_limits_enter(x->key->limits, clock_ms(), e); break;
    }
    if (!fine) atomic_fetch_add(&x->server->metrics.n_rate_limited, 1);
    return fine;
}

bool http_charge(exchange *x, key_charge charge, api_error *e)
{
    if (!x->entered) return true;
    if (key_limits_charge(x->key->limits, clock_ms(), charge, e)) {
        x->charge = charge;
        return true;
    }
    atomic_fetch_add(&x->server->metrics.n_rate_limited, 1);
    return false;
}

/* The key was taken out of the file while the request ran. */
static bool is_revoked(const exchange *x)
{
    return x->key && atomic_load(&x->key->limits->revoked);
}

/* Leaves the limits of the key, if it is in them. */
static void leave_limits(exchange *x, job_usage usage)
{
    if (x->entered) key_limits_leave(x->key->limits, x->charge, usage.n_prompt + usage.n_generated);
    x->entered = false;
}

/* ---- Answers ---- */

struct MHD_Response *http_with(struct MHD_Response *r, const char *name, const char *value)
{
    if (!r || MHD_add_response_header(r, name, value) == MHD_YES) return r;
    MHD_destroy_response(r);
    return NULL;
}

/* The answer that was made at the start. */
static enum MHD_Result send_spare(exchange *x)
{
    api_error e;
    api_fail_memory(&e);
    x->code = e.code;
    x->param = e.param;
    x->status = e.status;
    return MHD_queue_response(x->conn, (unsigned)e.status, x->server->spare[x->api]);
}

static enum MHD_Result send_response(exchange *x, int status, struct MHD_Response *r, const api_error *e)
{
    /* Before the answer is queued: a strictly sequential client never gets 429 for concurrency. */
    if (!x->job) leave_limits(x, (job_usage){ 0 });
    if (!(r = headers_add(x, r, e))) return send_spare(x);
    x->status = status;
    enum MHD_Result result = MHD_queue_response(x->conn, (unsigned)status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result reply(exchange *x, int status, const char *type, char *body, size_t n, const api_error *e)
{
    struct MHD_Response *r = body ? MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_FREE)
                                  : MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (!r) free(body);
    if (type) r = http_with(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    return send_response(x, status, r, e);
}

enum MHD_Result http_send(exchange *x, int status, struct MHD_Response *r)
{
    return send_response(x, status, r, NULL);
}

enum MHD_Result http_reply(exchange *x, int status, const char *type, char *body, size_t n_bytes)
{
    return reply(x, status, type, body, n_bytes, NULL);
}

enum MHD_Result http_reply_buf(exchange *x, int status, const char *type, buf *body)
{
    size_t n;
    char *data = buf_take(body, &n);
    if (data) return reply(x, status, type, data, n, NULL);
    buf_deinit(body);
    api_error e;
    api_fail_memory(&e);
    return http_error(x, &e);
}

struct MHD_Response *http_no_memory(const server *s, api_kind api)
{
    const buf *text = &s->no_memory[api];
    struct MHD_Response *r = MHD_create_response_from_buffer(text->n, text->data, MHD_RESPMEM_PERSISTENT);
    return http_with(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
}

/* In place of an answer for whose text there was no memory. */
static enum MHD_Result reply_no_memory(exchange *x)
{
    api_error e;
    api_fail_memory(&e);
    x->code = e.code;
    x->param = e.param;
    return send_response(x, e.status, http_no_memory(x->server, x->api), &e);
}

enum MHD_Result http_error(exchange *x, const api_error *e)
{
    x->code = e->code;
    x->param = e->param;
    if (e->status == 429 && e->code && !strcmp(e->code, "queue_full"))
        atomic_fetch_add(&x->server->metrics.n_queue_full, 1);
    buf body;
    size_t n;
    buf_init(&body, SIZE_MAX);
    api_error_json(e, x->api, x->id, &body);
    char *data = buf_take(&body, &n);
    if (data) return reply(x, e->status, "application/json", data, n, e);
    buf_deinit(&body);
    return reply_no_memory(x);
}

/* ---- Answers of the engine ---- */

/* Releases the key's concurrency slot and charges its tokens when the engine is done, before the last byte is sent. So a
 * strictly sequential client never gets 429 for concurrency, and its tokens are charged before its next request. */
static void release_if_ended(exchange *x)
{
    job_usage usage;
    if (x->entered && job_ended(x->job, &usage)) leave_limits(x, usage);
}

/* A stream in its response: text that the job has written, and how much of it MHD has taken. */
typedef struct stream {
    exchange *x;
    job *job;
    buf out;
    size_t at;
} stream;

static ssize_t read_stream(void *cls, uint64_t pos, char *to, size_t max)
{
    stream *s = cls;
    (void)pos;
    if (s->at == s->out.n) {
        s->at = s->out.n = 0;
        if (is_revoked(s->x)) return MHD_CONTENT_READER_END_WITH_ERROR;
        switch (job_fill(s->job, &s->out)) {
        case JOB_SUSPENDED: return 0;
        case JOB_OVER: return MHD_CONTENT_READER_END_OF_STREAM;
        case JOB_BROKEN:
        case JOB_REFUSED: return MHD_CONTENT_READER_END_WITH_ERROR;
        case JOB_MORE: release_if_ended(s->x); break;
        }
    }
    size_t n = s->out.n - s->at < max ? s->out.n - s->at : max;
    memcpy(to, s->out.data + s->at, n);
    s->at += n;
    return (ssize_t)n;
}

static void free_stream(void *cls)
{
    stream *s = cls;
    buf_deinit(&s->out);
    free(s);
}

static enum MHD_Result start_stream(exchange *x)
{
    stream *s = calloc(1, sizeof *s);
    if (!s) return reply_no_memory(x);
    s->x = x;
    s->job = x->job;
    buf_init(&s->out, SIZE_MAX);
    if (s->job->format->begin) s->job->format->begin(s->job->reply, &s->out);
    struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, read_stream, s,
                                                               free_stream);
    if (!r) {
        free_stream(s);
        return reply_no_memory(x);
    }
    r = http_with(r, MHD_HTTP_HEADER_CONTENT_TYPE, x->job->format->stream_type);
    r = http_with(r, "X-Accel-Buffering", "no"); /* proxies that collect would hide that it streams */
    return http_send(x, 200, r);
}

/* The engine did not take the rest of a job's parts. */
static enum MHD_Result refuse_rest(exchange *x)
{
    api_error e = x->job->refusal;
    if (atomic_load(&x->server->state) == SERVER_DRAINING) api_fail_draining(&e);
    return http_error(x, &e);
}

/* The handler is called again when the job has woken the connection. */
static enum MHD_Result answer_whole(exchange *x)
{
    buf out;
    api_error e;
    job_state state = job_complete(x->job);
    if (state == JOB_SUSPENDED) return MHD_YES;
    release_if_ended(x);
    if (state == JOB_BROKEN) return MHD_NO; /* closes the connection */
    if (state == JOB_REFUSED) return refuse_rest(x);
    if (is_revoked(x)) {
        api_fail(&e, 401, "invalid_api_key", NULL, "this API key was removed from the key file");
        return http_error(x, &e);
    }
    buf_init(&out, SIZE_MAX);
    if (x->job->format->whole(x->job->reply, &out, &e)) return http_reply_buf(x, 200, "application/json", &out);
    buf_deinit(&out);
    return http_error(x, &e);
}

enum MHD_Result http_answer_with(exchange *x, job *j)
{
    server *s = x->server;
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(x->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    x->job = j;
    pthread_mutex_lock(&s->lock);
    s->n_jobs++;
    pthread_mutex_unlock(&s->lock);
    if (fd) watch_add(s->watch, j, fd->connect_fd);
    return j->stream ? start_stream(x) : answer_whole(x);
}

/* ---- Connections ---- */

static connection *link_of(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *of = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return of ? of->socket_context : NULL;
}

/* A request that never became one: its headers were too late. */
static void log_cut(server *s, const connection *k)
{
    const journal_request line = { .client = k->name, .status = 408, .ms = s->opts.header_ms };
    metrics_http(&s->metrics, route_n_paths() - 1, 408);
    journal_put_request(s->opts.journal, SUMI_LOG_INFO, &line);
}

void http_on_connection(void *server_of, struct MHD_Connection *c, void **socket_context,
                        enum MHD_ConnectionNotificationCode what)
{
    server *s = server_of;
    conn_phase phase;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        connection *k = *socket_context;
        if (k && conns_was_cut(s->conns, k, &phase) && !k->cut_logged) log_cut(s, k);
        conns_close(s->conns, k);
        return;
    }
    const union MHD_ConnectionInfo *fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    int number = fd ? fd->connect_fd : -1;
    const union MHD_ConnectionInfo *address = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    tls_serve_this_thread(s->tls);
    *socket_context = conns_open(s->conns, number, address ? address->client_addr : NULL);
}

/* ---- Requests ---- */

/* Connections above the limit were accepted only to be refused here. If a proxy's client has too many connections, the
 * connection is kept, because it may serve other clients. */
static bool check_connection(exchange *x, api_error *e)
{
    const server_opts *o = &x->server->opts;
    struct in6_addr client;
    if (x->link->is_proxy) headers_read_client(x, &client);
    bool fine = !x->link->is_proxy || conns_serve(x->server->conns, x->link, &client);
    if (x->link->verdict == CONN_WELCOME && fine) return headers_check_size(x, e);
    if (x->link->verdict != CONN_WELCOME) x->last = true;
    if (x->link->verdict == CONN_TOO_MANY)
        return api_fail(e, 503, "too_many_connections", NULL,
                        "%d connections are open, which is the limit: try again later", o->max_connections);
    return api_fail(e, 429, "too_many_connections", NULL,
                    "%d connections are open from your address, which is the limit: reuse one of them",
                    o->max_connections_ip);
}

/* All checks that need no body. A request with a key does not come from a page of another site, so its Host is not
 * checked. */
static bool check(exchange *x, const char *url, const char *path, const char *method, api_error *e)
{
    const char *rest = NULL;
    int state = atomic_load(&x->server->state);
    if (!check_connection(x, e)) return false;
    x->route = route_find(method, path, &x->path, &rest, e);
    if (x->route && !access_check(x, e)) return false;
    if (!x->key && !headers_check_host(x, url, e)) return false;
    if (!x->route) return false;
    if (rest) strncat(x->rest, rest, sizeof x->rest - 1);
    if (!strcmp(x->route->method, "POST") && !headers_check_body(x, e)) return false;
    if (!x->route->model || state == SERVER_READY) return enter_limits(x, e);
    if (state == SERVER_LOADING) return api_fail(e, 503, "loading", NULL, "the model is being loaded: try again soon");
    return api_fail_draining(e);
}

void *http_on_target(void *server_of, const char *target, struct MHD_Connection *c)
{
    server *s = server_of;
    exchange *x = target ? calloc(1, sizeof *x) : NULL;
    if (!x) return NULL; /* http_on_request() answers the client */
    size_t n = strlen(target), n_path = strcspn(target, "?");
    x->server = s;
    x->conn = c;
    x->link = link_of(c);
    x->path = route_n_paths() - 1;
    x->start_ms = clock_ms();
    if (!strchr(target, ' ')) x->version_at = target + n + 1;
    memcpy(x->target, target, n_path < TARGET_MAX ? n_path : TARGET_MAX);
    return x;
}

/* The headers are received. False: the connection has missed its deadline and is closed. */
static bool begin(exchange *x, const char *url, const char *method, const char *version)
{
    server *s = x->server;
    char path[sizeof x->rest + 64];
    if (!x->link || !conns_enter(s->conns, x->link, CONN_BODY)) return false;
    x->begun = true;
    x->last = atomic_load(&s->state) == SERVER_DRAINING;
    x->start_ms = clock_ms();
    strncat(x->method, method, sizeof x->method - 1);
    buf_init(&x->body, s->opts.max_body_bytes);
    headers_read(x);
    path_clean(url, path, sizeof path);
    x->api = route_api(path);
    if (x->api == API_OPENAI && headers_is_anthropic(x)) x->api = API_ANTHROPIC;
    pthread_mutex_lock(&s->lock);
    x->keys = keys_ref(s->keys);
    pthread_mutex_unlock(&s->lock);
    x->framed = framing_check(x, method, version, &x->refused);
    bool is_preflight = !strcmp(method, MHD_HTTP_METHOD_OPTIONS);
    bool fine = x->framed &&
                (is_preflight ? headers_check_host(x, url, &x->refused) : check(x, url, path, method, &x->refused));
    (void)fine; /* a refusal is in x->refused, and sent later */
    return true;
}

static bool take_body(exchange *x, const char *data, size_t n)
{
    if (!x->refused.status) buf_append(&x->body, data, n);
    if (x->body.status == SUMI_OK && !x->refused.status) return true;
    if (x->body.status == SUMI_ENOMEM) api_fail_memory(&x->refused);
    else if (!x->refused.status)
        api_fail(&x->refused, 413, "body_too_large", NULL, "the body is larger than %zu bytes",
                 x->server->opts.max_body_bytes);
    buf_deinit(&x->body);
    x->n_swallowed += n;
    return x->n_swallowed <= MAX_SWALLOWED_BYTES;
}

/* There was no memory for an exchange. */
static enum MHD_Result refuse_unread(server *s, struct MHD_Connection *c, const char *url)
{
    char path[sizeof((exchange *)0)->rest + 64];
    const connection *k = link_of(c);
    path_clean(url, path, sizeof path);
    struct MHD_Response *r = http_with(http_no_memory(s, route_api(path)), MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(c, MHD_HTTP_INTERNAL_SERVER_ERROR, r ? r : s->spare[route_api(path)]);
    if (r) MHD_destroy_response(r);
    const journal_request line = { .client = k ? k->name : NULL, .path = path, .status = 500, .code = "out_of_memory" };
    metrics_http(&s->metrics, route_n_paths() - 1, 500);
    journal_put_request(s->opts.journal, SUMI_LOG_INFO, &line);
    return result;
}

enum MHD_Result http_on_request(void *server_of, struct MHD_Connection *conn, const char *url, const char *method,
                                const char *version, const char *data, size_t *n_data, void **state)
{
    exchange *x = *state;
    if (!x) return refuse_unread(server_of, conn, url);
    if (!x->begun) {
        if (!begin(x, url, method, version)) return MHD_NO;
        bool now = x->refused.status && (!x->framed || headers_expect(x));
        return now ? http_error(x, &x->refused) : MHD_YES;
    }
    if (*n_data) {
        bool go_on = take_body(x, data, *n_data);
        *n_data = 0;
        return go_on ? MHD_YES : MHD_NO;
    }
    if (x->work) return body_work_go_on(x);
    if (x->job) return answer_whole(x);
    if (!conns_enter(x->server->conns, x->link, CONN_ANSWER)) return MHD_NO;
    if (x->server->opts.log_prompts) journal_put_body(x->server->opts.journal, x->id, x->body.data, x->body.n);
    if (x->refused.status) return http_error(x, &x->refused);
    if (!x->route) return headers_preflight(x);
    return x->route->handle(x);
}

static void leave_job(exchange *x)
{
    server *s = x->server;
    watch_remove(s->watch, x->job);
    x->usage = job_leave(x->job);
    x->asked = true;
    leave_limits(x, x->usage);
    pthread_mutex_lock(&s->lock);
    if (--s->n_jobs == 0) pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

/* Health probes, metric scrapes and files of the web page are logged at DEBUG while they succeed, and while the model
 * loads; every other request is logged at INFO. */
static bool is_probe(const exchange *x)
{
    if (!x->route || x->route->access == ROUTE_GUARDED) return false;
    return x->status < 400 || (x->status == 503 && atomic_load(&x->server->state) == SERVER_LOADING);
}

static void log_request(exchange *x, bool client_left)
{
    const server *s = x->server;
    const journal_request line = { .id = x->id,
                                   .trace_id = x->trace.id,
                                   .client = x->link ? x->link->name : NULL,
                                   .method = x->method,
                                   .path = x->target,
                                   .agent = x->agent,
                                   .key = x->key ? x->key->name : NULL,
                                   .status = x->status,
                                   .ms = clock_ms() - x->start_ms,
                                   .client_left = client_left,
                                   .code = x->code,
                                   .param = x->param,
                                   .finish = x->asked ? metrics_finish_name(x->usage.finish) : NULL,
                                   .n_prompt = x->usage.n_prompt,
                                   .n_cached = x->usage.n_cached,
                                   .n_generated = x->usage.n_generated,
                                   .first_token_ms = x->usage.first_token_ms };
    journal_put_request(s->opts.journal, is_probe(x) ? SUMI_LOG_DEBUG : SUMI_LOG_INFO, &line);
}

/* The status with which MHD refused the request by itself; 0: it did not. */
static int refused_by_mhd(exchange *x)
{
    const union MHD_ConnectionInfo *status = MHD_get_connection_info(x->conn, MHD_CONNECTION_INFO_HTTP_STATUS);
    if (x->status || !status) return 0;
    x->code = "malformed_request";
    return (int)status->http_status;
}

void http_on_end(void *server_of, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode why)
{
    server *s = server_of;
    exchange *x = *state;
    conn_phase phase;
    (void)conn;
    if (!x) return;
    body_work_drop(x);
    if (x->job) leave_job(x);
    leave_limits(x, (job_usage){ 0 });
    bool was_cut = x->link && conns_was_cut(s->conns, x->link, &phase);
    int by_mhd = was_cut ? 0 : refused_by_mhd(x);
    if (by_mhd) x->status = by_mhd;
    if (!x->status) x->status = was_cut ? 408 : 499;            /* 499: the client left before there was an answer */
    if (!by_mhd) metrics_http(&s->metrics, x->path, x->status); /* otherwise server.c has counted it */
    log_request(x, why != MHD_REQUEST_TERMINATED_COMPLETED_OK && !was_cut && !by_mhd);
    if (x->link) x->link->cut_logged = was_cut;
    if (x->link && x->link->is_proxy) conns_serve(s->conns, x->link, NULL);
    if (x->link) conns_enter(s->conns, x->link, CONN_IDLE);
    keys_unref(x->keys);
    buf_deinit(&x->body);
    free(x);
    *state = NULL;
}
