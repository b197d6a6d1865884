/* serve_report.h - the results of a load: latencies, throughput, memory; as figures or as one JSON object. */
#ifndef SUMI_BENCH_SERVE_REPORT_H
#define SUMI_BENCH_SERVE_REPORT_H

#include <jansson.h>

#include "bench/load.h"

enum {
    MAX_SAMPLES = 4096,
    SERVE_PARTS = 64 /* parts of the time in "over_time" and in charts */
};

/* Samples of the engine's state at regular times. When the list is full, every second sample is dropped and the interval
 * doubles. */
typedef struct serve_samples {
    double interval_ms, last_ms;
    int32_t n;
    struct {
        float n_seqs, n_waiting, kv_used, kv_waste;
    } at[MAX_SAMPLES];
} serve_samples;

void serve_sample(serve_samples *s, double now_ms, const sumi_engine_stats *stats);

typedef struct serve_result {
    const char *model, *isa;
    const load *load;
    const serve_samples *samples;
    sumi_engine_stats stats; /* of the load only: counted since the start, minus the warm-up */
    double start_ms, end_ms;
    double rate; /* 0: closed loop */
    int32_t concurrency;
    const sumi_engine_opts *opts;
} serve_result;

typedef struct serve_summary { /* milliseconds */
    double mean, p50, p90, p99, max;
    int64_t n;
} serve_summary;

typedef struct serve_figures {
    serve_summary ttft, tbt, e2e;
    int64_t n_output, n_prompt, n_completed, n_failed;
    double seconds, mean_batch, max_batch, mean_waste, mean_use;
    uint64_t hash; /* of all tokens that were answered */
} serve_figures;

/* False: out of memory. */
SUMI_MUST_USE bool serve_figures_of(const serve_result *r, serve_figures *f);
json_t *serve_report_json(const serve_result *r); /* NULL: out of memory */

#endif
