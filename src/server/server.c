/* server.c - the server's life; see server.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "server/http/http.h"
#include "server/http/path.h"
#include "server/ops/secret_file.h"

enum {
    LINGER_S = 5, /* after the engine has ended: for answers on their way to slow readers */
    MAX_KEY_FILE_BYTES = 4 << 20,
    LARGE_BYTES = 256 << 10, /* a body that takes some tenths of a second at worst */
};

server_opts server_opts_default(void)
{
    return (server_opts){ .host = "127.0.0.1",
                          .port = 8080,
                          .model_name = "model",
                          .n_threads = 2,
                          .max_connections = 1024,
                          .max_connections_ip = -1,
                          .max_body_bytes = (size_t)8 << 20,
                          .max_choices = SUMI_MAX_CHOICES,
                          .max_stop = 16,
                          .idle_s = 60,
                          .header_ms = 10000,
                          .body_ms = 60000,
                          .heartbeat_s = 15,
                          .stall_s = 60 };
}

/* ---- Keys ---- */

/* The keys of the file, and the one that was given directly, as one more line. NULL: there are none. */
static sumi_status read_keys(const server *s, keys **out, sumi_error *err)
{
    const server_opts *o = &s->opts;
    char line[KEY_MAX_LINE];
    buf text;
    *out = NULL;
    if (!o->key_file && !o->api_key) return SUMI_OK;
    buf_init(&text, MAX_KEY_FILE_BYTES);
    sumi_status st = o->key_file ? secret_file_read(&text, o->key_file, err) : SUMI_OK;
    if (o->api_key) {
        key_write_line("api-key", o->api_key, line);
        buf_printf(&text, "\n%s\n", line);
    }
    if (st == SUMI_OK && text.status != SUMI_OK) st = sumi_fail(err, text.status, "the keys: out of memory");
    const char *name = o->key_file ? o->key_file : "--api-key";
    if (st == SUMI_OK) st = keys_parse(out, text.data ? text.data : "", text.n, name, err);
    buf_deinit(&text);
    return st;
}

/* The server's certificate, if it has one, is read again. */
static sumi_status reload_tls(server *s, sumi_error *err)
{
    bool changed = false;
    sumi_status st = s->tls ? tls_reload(s->tls, &changed, err) : SUMI_OK;
    if (changed) log_message(&s->log, SUMI_LOG_INFO, "%s: new connections get the new certificate", s->opts.tls_cert);
    return st;
}

static sumi_status reload_keys(server *s, sumi_error *err)
{
    keys *fresh, *old;
    if (!s->opts.key_file) return SUMI_OK;
    sumi_status st = read_keys(s, &fresh, err);
    if (st != SUMI_OK) return st;
    keys_take_over(fresh, s->keys); /* only this thread changes s->keys */
    pthread_mutex_lock(&s->lock);
    old = s->keys;
    s->keys = fresh;
    pthread_mutex_unlock(&s->lock);
    keys_unref(old);
    return SUMI_OK;
}

sumi_status server_reload(server *s, sumi_error *err)
{
    sumi_error second;
    sumi_status st = reload_keys(s, err), of_tls = reload_tls(s, st == SUMI_OK ? err : &second);
    if (st != SUMI_OK && of_tls != SUMI_OK) log_message(&s->log, SUMI_LOG_ERROR, "%s", second.message);
    return st == SUMI_OK ? of_tls : st;
}

/* ---- Start ---- */

/* A request that MHD refuses by itself reaches no handler: it is counted by MHD's log message. */
static void count_refused(server *s, const char *format, va_list args)
{
    static const char words[] = "Error processing request (HTTP response code is %u ";
    va_list copy;
    if (strncmp(format, words, sizeof words - 1) != 0) return;
    va_copy(copy, args);
    unsigned status = va_arg(copy, unsigned);
    va_end(copy);
    metrics_http(&s->metrics, route_n_paths() - 1, (int)status);
    log_message(&s->log, SUMI_LOG_INFO, "bytes that are no HTTP request were answered with %u", status);
}

static void log_of_mhd(void *cls, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static void log_of_mhd(void *cls, const char *format, va_list args)
{
    server *s = cls;
    char line[512];
    count_refused(s, format, args);
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    log_message(&s->log, SUMI_LOG_DEBUG, "http: %s", line);
}

static size_t decode(void *cls, struct MHD_Connection *c, char *text)
{
    (void)cls;
    (void)c;
    return path_decode(text);
}

static sumi_status start_http(server *s, sumi_error *err)
{
    const server_opts *o = &s->opts;
    struct MHD_OptionItem items[16];
    int n = 0;
    /* Not epoll, which MHD uses edge-triggered: the end of a connection can be missed if it arrives with data or while the
     * thread is busy. The connection then stays until a time limit; after 300 short clients, 160 sockets were left for
     * some seconds. poll() reports the end again. */
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
#define ADD(option, number, pointer) items[n++] = (struct MHD_OptionItem){ option, number, pointer }
    ADD(MHD_OPTION_LISTEN_SOCKET, s->listen_fd, NULL);
    ADD(MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_on_target, s);
    ADD(MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)decode, NULL);
    ADD(MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_on_end, s);
    ADD(MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http_on_connection, s);
    ADD(MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, NULL);
    /* The limits are those of conns.h. Each thread could hold all connections; MHD's own limit, which it divides by the
     * threads, would leave more of them unanswered in the queue of the socket. */
    ADD(MHD_OPTION_CONNECTION_LIMIT, (o->max_connections + CONNS_RESERVE + o->n_threads) * o->n_threads, NULL);
    ADD(MHD_OPTION_STRICT_FOR_CLIENT, framing_is_checked_by_mhd(), NULL); /* otherwise framing.c checks it */
    ADD(MHD_OPTION_CONNECTION_TIMEOUT, o->idle_s, NULL);
    if (o->n_threads > 1) ADD(MHD_OPTION_THREAD_POOL_SIZE, o->n_threads, NULL);
    if (o->tls_cert) {
        flags |= MHD_USE_TLS;
        ADD(MHD_OPTION_HTTPS_PRIORITIES, 0,
            (void *)(uintptr_t)(o->tls_priorities ? o->tls_priorities : TLS_PRIORITIES));
        ADD(MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(intptr_t)tls_retrieve);
    }
    ADD(MHD_OPTION_END, 0, NULL);
#undef ADD
    /* The logger is the first option, so that it gets the messages about the other options. */
    s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, http_on_request, s, MHD_OPTION_EXTERNAL_LOGGER, log_of_mhd, s,
                                 MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    if (s->daemon) return SUMI_OK;
    return sumi_fail(err, SUMI_EIO, "the HTTP server does not start%s",
                     o->tls_cert ? ": check --tls-priorities" : ", with these limits of connections and threads");
}

static sumi_status check_exposure(const server *s, bool loopback, sumi_error *err)
{
    if (loopback || s->keys || s->opts.allow_anonymous) return SUMI_OK;
    return sumi_fail(err, SUMI_EINVAL,
                     "%s can be reached from other machines: give --api-key-file or --api-key, or --allow-anonymous to "
                     "serve everybody",
                     s->opts.host);
}

static sumi_status prepare_errors(server *s, sumi_error *err)
{
    api_error e;
    api_fail_memory(&e);
    for (api_kind api = API_OPENAI; api <= API_OLLAMA; api++) {
        buf_init(&s->no_memory[api], SIZE_MAX);
        api_error_json(&e, api, "", &s->no_memory[api]);
        if (s->no_memory[api].status == SUMI_OK) s->spare[api] = http_no_memory(s, api);
        if (!s->spare[api]) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    }
    return SUMI_OK;
}

static sumi_status start(server *s, sumi_error *err)
{
    const server_opts *o = &s->opts;
    int share = o->max_connections / 4 * 3; /* one address leaves the rest to others */
    if (o->max_connections_ip < 0) s->opts.max_connections_ip = share > 0 ? share : o->max_connections;
    const conns_limits limits = { .max = o->max_connections,
                                  .max_address = o->max_connections_ip,
                                  .trusted = o->trusted_proxies,
                                  .n_trusted = o->n_trusted_proxies,
                                  .headers_ms = o->header_ms,
                                  .body_ms = o->body_ms,
                                  .idle_ms = o->idle_s * 1000.0,
                                  .tls = o->tls_cert };
    /* While a body of the largest size runs, one waits of each of some clients. */
    const work_limits works = { .n_threads = o->n_threads > 2 ? o->n_threads : 2,
                                .large_bytes = LARGE_BYTES,
                                .client_bytes = 2 * o->max_body_bytes,
                                .bytes = 16 * o->max_body_bytes };
    bool loopback;
    sumi_status st = read_keys(s, &s->keys, err);
    if (st == SUMI_OK && s->opts.tls_cert) st = tls_create(&s->tls, s->opts.tls_cert, s->opts.tls_key, err);
    if (st == SUMI_OK) st = listen_on(s->opts.host, s->opts.port, &s->listen_fd, &s->port, &loopback, err);
    if (st == SUMI_OK) st = check_exposure(s, loopback, err);
    if (st == SUMI_OK) st = prepare_errors(s, err);
    if (st == SUMI_OK) st = conns_create(&s->conns, &limits, err);
    if (st == SUMI_OK) st = watch_create(&s->watch, s->conns, s->opts.heartbeat_s * 1000.0, err);
    if (st == SUMI_OK) st = work_pool_create(&s->works, &works, err);
    if (st == SUMI_OK) st = start_http(s, err);
    return st;
}

sumi_status server_create(server **out, const server_opts *opts, sumi_error *err)
{
    pthread_condattr_t attr;
    server *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return sumi_fail(err, SUMI_ENOMEM, "out of memory");
    s->opts = *opts;
    s->log = (logger){ journal_message, opts->journal };
    s->listen_fd = -1;
    s->started_s = (int64_t)time(NULL);
    if (getrandom(&s->id_salt, sizeof s->id_salt, 0) < 0) s->id_salt = (uint64_t)s->started_s;
    metrics_init(&s->metrics);
    host_rules_init(&s->hosts, opts->host, opts->allowed_hosts, opts->n_allowed_hosts);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->idle, &attr);
    pthread_condattr_destroy(&attr);
    sumi_status st = start(s, err);
    if (st == SUMI_OK) *out = s;
    else server_destroy(s);
    return st;
}

void server_attach(server *s, sumi_model *model, sumi_engine *engine, const server_defaults *defaults)
{
    if (defaults) s->opts.defaults = *defaults;
    s->model = model;
    s->engine = engine;
    atomic_store(&s->state, SERVER_READY);
}

int server_port(const server *s)
{
    return s->port;
}

/* ---- End ---- */

static void stop_listening(server *s)
{
    if (s->listen_fd < 0) return;
    if (s->daemon) MHD_quiesce_daemon(s->daemon); /* returns listen_fd, ours again */
    close(s->listen_fd);
    s->listen_fd = -1;
}

void server_drain(server *s, int64_t drain_ms)
{
    struct timespec until;
    int why = 0;
    atomic_store(&s->state, SERVER_DRAINING);
    stop_listening(s);
    if (s->engine) sumi_engine_stop(s->engine, drain_ms);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LINGER_S;
    pthread_mutex_lock(&s->lock);
    while (s->n_jobs > 0 && why != ETIMEDOUT) why = pthread_cond_timedwait(&s->idle, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
}

void server_destroy(server *s)
{
    if (!s) return;
    stop_listening(s);
    work_pool_stop(s->works); /* resumes suspended connections: otherwise MHD does not stop */
    if (s->daemon) MHD_stop_daemon(s->daemon);
    work_pool_destroy(s->works);
    watch_destroy(s->watch);
    conns_destroy(s->conns);
    tls_destroy(s->tls);
    keys_unref(s->keys);
    for (int i = 0; i <= API_OLLAMA; i++) {
        if (s->spare[i]) MHD_destroy_response(s->spare[i]);
        buf_deinit(&s->no_memory[i]);
    }
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
