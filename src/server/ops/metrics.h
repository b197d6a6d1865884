/* metrics.h - the counters of the server, and GET /metrics.
 *
 * Names: those of vLLM ("vllm:..."), which dashboards for LLM servers know, where the meaning is the same; "sumi_..."
 * for the rest. Format: Prometheus text, version 0.0.4.
 * Threads: any thread counts and reads; there are no locks, so the numbers of a page may differ slightly in time. */
#ifndef SUMI_SERVER_OPS_METRICS_H
#define SUMI_SERVER_OPS_METRICS_H

#include "server/http/conns.h"
#include "server/ops/histogram.h"

enum { METRICS_MAX_PATHS = 48, METRICS_MAX_STATUS = 24 };

typedef struct metrics {
    histogram queue, first_token, between_tokens, end_to_end, prefill, decode, inference; /* times */
    histogram prompt_tokens, answer_tokens;                                               /* of a request */
    _Atomic uint64_t finished[SUMI_FINISH_ERROR + 1]; /* requests of the engine, by how they ended */
    _Atomic uint64_t n_prompt, n_generated;           /* tokens of requests that have ended */
    _Atomic uint64_t http[METRICS_MAX_PATHS][METRICS_MAX_STATUS];
    _Atomic uint64_t n_rate_limited, n_queue_full; /* refused requests, by reason */
} metrics;

void metrics_init(metrics *m);

/* The last event of a request. */
void metrics_end(metrics *m, sumi_finish finish, const sumi_usage *usage, double time_ms);

/* The name for dashboards: "stop", "length", "abort", "timeout", "refused", "error". */
const char *metrics_finish_name(sumi_finish finish);

/* An answer with status to a request for path number `path`. */
void metrics_http(metrics *m, int path, int status);

extern const int metrics_statuses[METRICS_MAX_STATUS - 1]; /* 0: a place that is not used */

/* What others know. */
typedef struct metrics_server {
    sumi_engine_stats engine;
    conns_counts connections;
    const char *model_name, *isa; /* labels */
    int64_t started_s;            /* since 1970 */
    uint64_t n_lines_lost;        /* of the log */
    bool ready;
} metrics_server;

/* ---- metrics_page.c ---- */
/* The whole page. paths [n_paths]: names of the paths. */
void metrics_put(const metrics *m, const metrics_server *s, const char *const *paths, int n_paths, buf *out);

#endif
