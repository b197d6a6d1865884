/* status.c - GET /health, /ready, /version, /metrics: how the server is; /openapi.json: what it can be asked. */
#include <string.h>

#include "base/clock.h"
#include "server/embedded.h"
#include "server/endpoints.h"
#include "server/json_text.h"

enum MHD_Result get_health(exchange *x)
{
    buf out;
    buf_init(&out, 64);
    buf_append_str(&out, "{\"status\":\"ok\"}");
    return http_reply_buf(x, 200, "application/json", &out);
}

/* The engine's steps stand still while requests run. What counts is the time between looks that saw no progress. */
static bool stands_still(server *s, const sumi_engine_stats *stats)
{
    double now = clock_ms();
    pthread_mutex_lock(&s->lock);
    if (stats->n_running == 0 || stats->progress != s->seen_progress) s->stuck_ms = 0;
    else if (s->stuck_ms == 0) s->stuck_ms = now;
    s->seen_progress = stats->progress;
    bool stuck = s->stuck_ms > 0 && now - s->stuck_ms > s->opts.stall_s * 1000.0;
    pthread_mutex_unlock(&s->lock);
    return stuck;
}

enum MHD_Result get_ready(exchange *x)
{
    server *s = x->server;
    sumi_engine_stats stats;
    api_error e = { 0 };
    int state = atomic_load(&s->state);
    if (state == SERVER_LOADING) api_fail(&e, 503, "loading", NULL, "the model is being loaded");
    if (state == SERVER_DRAINING) api_fail(&e, 503, "shutting_down", NULL, "the server is shutting down");
    if (state == SERVER_READY) {
        sumi_engine_get_stats(s->engine, &stats);
        if (stands_still(s, &stats)) api_fail(&e, 503, "stalled", NULL, "the engine makes no progress");
        else if (s->opts.max_queue > 0 && stats.n_waiting >= s->opts.max_queue)
            api_fail(&e, 503, "queue_full", NULL, "%d requests wait: the queue is full", stats.n_waiting);
    }
    if (e.status) return http_error(x, &e);
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
    json_put_text(&out, x->server->opts.model_name, strlen(x->server->opts.model_name));
    buf_append_char(&out, '}');
    return http_reply_buf(x, 200, "application/json", &out);
}

enum MHD_Result get_metrics(exchange *x)
{
    server *s = x->server;
    sumi_engine_stats stats = { 0 };
    buf out;
    buf_init(&out, SIZE_MAX);
    if (atomic_load(&s->state) != SERVER_LOADING) sumi_engine_get_stats(s->engine, &stats);
    metrics_put(&s->metrics, &stats, s->opts.model_name, route_paths, route_n_paths(), &out);
    return http_reply_buf(x, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}

enum MHD_Result get_openapi(exchange *x)
{
    buf out;
    buf_init(&out, SIZE_MAX);
    buf_append(&out, openapi_files[0].data, openapi_files[0].n_bytes);
    return http_reply_buf(x, 200, "application/json", &out);
}
