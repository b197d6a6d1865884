/* status.c - GET /health, /ready, /version, /metrics: the state of the server; /openapi.json: its endpoints. */

#include "base/os/clock.h"
#include "server/api/json_text.h"
#include "server/embedded.h"
#include "server/http/endpoints.h"

enum MHD_Result get_health(exchange *x)
{
    buf out;
    buf_init(&out, 64);
    buf_append_str(&out, "{\"status\":\"ok\"}");
    return http_reply_buf(x, 200, "application/json", &out);
}

/* A probe of the watchdog. A stall is logged once. */
static bool is_stalled(server *s, const sumi_engine_stats *stats)
{
    bool has_work = stats->n_running + stats->n_waiting > 0;
    pthread_mutex_lock(&s->lock);
    bool before = s->stalled;
    s->stalled = watchdog_probe(&s->watchdog, stats->progress, has_work, clock_ms(), s->opts.stall_s * 1000.0);
    bool now = s->stalled;
    pthread_mutex_unlock(&s->lock);
    if (now && !before)
        log_message(&s->log, SUMI_LOG_ERROR, "the engine has made no progress for %d s, with %d requests running",
                    s->opts.stall_s, stats->n_running);
    if (before && !now) log_message(&s->log, SUMI_LOG_WARN, "the engine makes progress again");
    return now;
}

/* False: *e says why. *stats: zeroed while there is no engine. */
static bool is_ready(server *s, sumi_engine_stats *stats, api_error *e)
{
    int state = atomic_load(&s->state);
    *stats = (sumi_engine_stats){ 0 };
    if (state == SERVER_LOADING) return api_fail(e, 503, "loading", NULL, "the model is being loaded");
    sumi_engine_get_stats(s->engine, stats);
    if (state == SERVER_DRAINING) return api_fail_draining(e);
    if (is_stalled(s, stats)) return api_fail(e, 503, "stalled", NULL, "the engine makes no progress");
    if (s->opts.max_queue > 0 && stats->n_waiting >= s->opts.max_queue)
        return api_fail(e, 503, "queue_full", NULL, "%d requests wait: the queue is full", stats->n_waiting);
    return true;
}

enum MHD_Result get_ready(exchange *x)
{
    sumi_engine_stats stats;
    api_error e;
    if (!is_ready(x->server, &stats, &e)) return http_error(x, &e);
    buf out;
    buf_init(&out, 64);
    buf_append_str(&out, "{\"status\":\"ready\"}");
    return http_reply_buf(x, 200, "application/json", &out);
}

enum MHD_Result get_version(exchange *x)
{
    buf out;
    buf_init(&out, 4096);
    buf_printf(&out, "{\"version\":\"%s\",\"model\":", sumi_version());
    json_put_string(&out, x->server->opts.model_name);
    buf_append_char(&out, '}');
    return http_reply_buf(x, 200, "application/json", &out);
}

enum MHD_Result get_metrics(exchange *x)
{
    server *s = x->server;
    sumi_model_info info = { .isa = "" };
    metrics_server page = { .model_name = s->opts.model_name, .started_s = s->started_s };
    api_error e;
    buf out;
    buf_init(&out, SIZE_MAX);
    page.ready = is_ready(s, &page.engine, &e);
    if (atomic_load(&s->state) != SERVER_LOADING) sumi_model_get_info(s->model, &info);
    page.isa = info.isa;
    page.n_lines_lost = journal_lost(s->opts.journal);
    conns_get_counts(s->conns, &page.connections);
    const char *paths[METRICS_MAX_PATHS];
    for (int i = 0; i < route_n_paths(); i++) paths[i] = route_path(i);
    metrics_put(&s->metrics, &page, paths, route_n_paths(), &out);
    return http_reply_buf(x, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}

enum MHD_Result get_openapi(exchange *x)
{
    buf out;
    buf_init(&out, SIZE_MAX);
    buf_append(&out, openapi_files[0].data, openapi_files[0].n_bytes);
    return http_reply_buf(x, 200, "application/json", &out);
}
